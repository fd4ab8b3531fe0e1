"""Identity against attackers: enumeration, guesses, stolen and signed-out tokens, rotated keys, letters that lie."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from control_plane.domain.events import Event, SignInsEnded
from control_plane.domain.factors import STEP_S, totp
from control_plane.domain.sign_ins import OTP_FAILURES, SIGN_INS_TOPIC
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from tests.conftest import make_settings
from tests.contract.auth.issuer import SERVICE_KEY
from tests.factories import assert_problem, make_tenant, start_session
from tests.support.letters import do_what_is_due, letters_to

PASSWORD = "correct horse battery"


@pytest.fixture
def settings(database: Any, valkey: Any) -> Settings:
    """Addresses are confirmed, and letters kept."""
    return make_settings(
        database.app_url,
        valkey.url(),
        TR_CONFIRM_EMAIL="on",
        TR_DEV_MAILBOX="on",
        TR_SERVICE_KEY=SERVICE_KEY,
        TR_SIGN_IN_ATTEMPTS="10000",
    )


@pytest.fixture
async def api(platform: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


def _email() -> str:
    return f"{uuid4().hex}@example.com"


async def _person(api: httpx.AsyncClient, platform: Platform) -> tuple[str, dict[str, Any]]:
    """A confirmed person and their session."""
    email = _email()
    await api.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})
    letter = (await letters_to(platform, email))[0]
    answer = await api.post("/auth/v1/verify", json={"type": "signup", "token_hash": letter.token_hash})
    assert answer.status_code == 200, answer.text
    return email, answer.json()


async def _sign_in(api: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await api.post("/auth/v1/token?grant_type=password", json={"email": email, "password": password})


def _bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


def _shape(value: Any) -> Any:
    """A body without what differs from call to call: ids, times, addresses."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shape(inner) for inner in value]
    return type(value).__name__


# --- what strangers may learn: nothing


async def test_signing_up_answers_the_same_for_a_known_and_an_unknown_address(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    known, _ = await _person(api, platform)
    pending = _email()
    await api.post("/auth/v1/signup", json={"email": pending, "password": PASSWORD})
    await do_what_is_due(platform)

    answers = [
        await api.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})
        for email in (known, pending, _email())
    ]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({str(_shape(answer.json())) for answer in answers}) == 1
    assert len({UUID(answer.json()["id"]).version for answer in answers}) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/recover", {}),
        ("/otp", {"create_user": False}),
        ("/magiclink", {}),
        ("/resend", {"type": "signup"}),
        ("/resend", {"type": "email_change"}),
    ],
)
async def test_asking_for_mail_answers_the_same_and_does_the_same_for_every_address(
    api: httpx.AsyncClient, platform: Platform, path: str, body: dict[str, Any]
) -> None:
    known, _ = await _person(api, platform)
    answers, rows = [], []
    for email in (known, _email()):
        before = await _count_rows(platform)
        answer = await api.post(f"/auth/v1{path}", json={"email": email, **body})
        answers.append((answer.status_code, answer.json(), sorted(answer.headers)))
        rows.append(await _count_rows(platform) - before)

    # The same statements for both: what they lead to is decided by the jobs door.
    assert rows == [1, 1]
    assert answers[0] == answers[1]


async def _count_rows(platform: Platform) -> int:
    async with platform.db.platform() as tx:
        tables = ("outbox", "users", "auth_mailed_tokens", "auth_credentials")
        return sum([await tx.fetchval(f"select count(*) from {table}") for table in tables])  # noqa: S608 - four of ours


async def test_a_known_person_is_told_by_mail_that_somebody_signed_up_again(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email, _ = await _person(api, platform)

    await api.post("/auth/v1/signup", json={"email": email, "password": "a strangers password"})

    assert (await letters_to(platform, email))[0].subject == "You already have an account"
    assert (await _sign_in(api, email)).status_code == 200
    assert (await _sign_in(api, email, "a strangers password")).status_code == 400


async def test_a_stranger_who_signed_up_first_keeps_nothing_once_the_owner_of_the_address_signs_up(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email = _email()
    await api.post("/auth/v1/signup", json={"email": email, "password": "a strangers password"})
    first = (await letters_to(platform, email))[0]
    await api.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})
    second = (await letters_to(platform, email))[0]

    stale = await api.post("/auth/v1/verify", json={"type": "signup", "token_hash": first.token_hash})
    fresh = await api.post("/auth/v1/verify", json={"type": "signup", "token_hash": second.token_hash})

    assert (stale.status_code, fresh.status_code) == (403, 200)
    assert (await _sign_in(api, email, "a strangers password")).status_code == 400
    assert (await _sign_in(api, email)).status_code == 200


async def test_a_new_address_is_answered_the_same_when_it_is_taken_and_is_never_taken_over(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    taken, _ = await _person(api, platform)
    email, session = await _person(api, platform)

    answers = [
        await api.put("/auth/v1/user", headers=_bearer(session), json={"email": wanted}) for wanted in (_email(), taken)
    ]
    for to in (email, taken):
        letter = next(
            one for one in await letters_to(platform, to) if "address" in one.subject and "onfirm" in one.subject
        )
        last = await api.post("/auth/v1/verify", json={"type": "email_change", "token_hash": letter.token_hash})

    assert _shape(answers[0].json()) == _shape(answers[1].json())
    assert (last.status_code, last.json()["error_code"]) == (422, "email_exists")


# --- guessing


async def test_digits_are_void_after_wrong_ones_and_the_link_is_not(api: httpx.AsyncClient, platform: Platform) -> None:
    email, _ = await _person(api, platform)
    await api.post("/auth/v1/otp", json={"email": email})
    letter = (await letters_to(platform, email))[0]
    wrong = "000000" if letter.code != "000000" else "000001"
    body = {"type": "email", "email": email}

    for _ in range(OTP_FAILURES):
        refused = await api.post("/auth/v1/verify", json={**body, "token": wrong})
    right = await api.post("/auth/v1/verify", json={**body, "token": letter.code})
    unknown = await api.post("/auth/v1/verify", json={**body, "email": _email(), "token": wrong})
    link = await api.post("/auth/v1/verify", json={"type": "magiclink", "token_hash": letter.token_hash})

    assert (right.status_code, right.json()) == (refused.status_code, refused.json())
    assert (unknown.status_code, unknown.json()) == (refused.status_code, refused.json())
    assert link.status_code == 200


async def test_a_besieged_account_is_shut_to_strangers_and_open_to_its_persons_own_address(
    api: httpx.AsyncClient, platform: Platform, settings: Settings
) -> None:
    email, _ = await _person(api, platform)
    assert (await _sign_in(api, email)).status_code == 200
    stranger = httpx.ASGITransport(app=create_app(platform, settings), client=("192.0.2.7", 1))  # type: ignore[arg-type]  # Litestar's ASGI types
    async with httpx.AsyncClient(transport=stranger, base_url="http://localhost:8000") as other:
        for _ in range(20):
            await asyncio.gather(*(_sign_in(other, email, "wrong password") for _ in range(6)))
        theirs = await _sign_in(other, email)

    own = await _sign_in(api, email)

    assert theirs.status_code == 429
    assert own.status_code == 200


async def test_a_link_is_used_once_even_by_two_at_once(api: httpx.AsyncClient, platform: Platform) -> None:
    email, _ = await _person(api, platform)
    await api.post("/auth/v1/recover", json={"email": email})
    body = {"type": "recovery", "token_hash": (await letters_to(platform, email))[0].token_hash}

    answers = await asyncio.gather(*(api.post("/auth/v1/verify", json=body) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403, 403]


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "http://localhost:8000@evil.example", "javascript:alert(1)"]
)
async def test_a_link_leads_nowhere_but_to_our_pages(api: httpx.AsyncClient, platform: Platform, wanted: str) -> None:
    email, _ = await _person(api, platform)
    await api.post("/auth/v1/otp", params={"redirect_to": wanted}, json={"email": email})
    link = httpx.URL((await letters_to(platform, email))[0].link)

    answer = await api.get(link.copy_set_param("redirect_to", wanted))

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("http://localhost:8000#access_token=")


# --- sign-ins that ended


async def test_a_signed_out_token_is_refused_at_once_and_only_that_one(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email, here = await _person(api, platform)
    there = (await _sign_in(api, email)).json()

    await api.post("/auth/v1/logout?scope=local", headers=_bearer(here))

    assert_problem(await api.get("/api/v1/me", headers=_bearer(here)), 401, "unauthenticated")
    assert (await api.get("/api/v1/me", headers=_bearer(there))).status_code == 200


async def test_one_ends_ones_own_sign_ins_and_nobody_elses(api: httpx.AsyncClient, platform: Platform) -> None:
    email, here = await _person(api, platform)
    there = (await _sign_in(api, email)).json()
    _, stranger = await _person(api, platform)
    listed = (await api.get("/auth/v1/sessions", headers=_bearer(here))).json()["sessions"]
    other = next(one for one in listed if not one["is_current"])

    foreign = await api.delete(f"/auth/v1/sessions/{other['id']}", headers=_bearer(stranger))
    own = await api.delete(f"/auth/v1/sessions/{other['id']}", headers=_bearer(here))

    assert (len(listed), foreign.status_code, own.status_code) == (2, 404, 204)
    assert (await api.get("/api/v1/me", headers=_bearer(there))).status_code == 401


async def test_a_theft_tells_the_sockets_of_that_sign_in(api: httpx.AsyncClient, platform: Platform) -> None:
    _, session = await _person(api, platform)
    heard: list[Event] = []
    leave = await platform.bus.subscribe(SIGN_INS_TOPIC, heard.append)
    url, body = "/auth/v1/token?grant_type=refresh_token", {"refresh_token": session["refresh_token"]}
    second = (await api.post(url, json=body)).json()
    await api.post(url, json={"refresh_token": second["refresh_token"]})

    stolen = await api.post(url, json=body)
    await leave()

    session_id = jwt.decode(session["access_token"], options={"verify_signature": False})["session_id"]
    assert (stolen.status_code, stolen.json()["error_code"]) == (400, "refresh_token_already_used")
    assert [event.sign_in_ids for event in heard if isinstance(event, SignInsEnded)] == [[UUID(session_id)]]
    assert (await api.get("/api/v1/me", headers=_bearer(session))).status_code == 401


async def test_a_join_of_a_sign_in_that_ended_neither_enters_nor_comes_back(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    await start_session(platform, tenant)
    joined = await platform.live.join(tenant.owner.caller, tenant.id, tenant.room_id)
    admission = await platform.live.admit(joined.token)
    again = await platform.live.join(tenant.owner.caller, tenant.id, tenant.room_id)

    await platform.sessions.sign_out(tenant.owner.caller, "global")

    for attempt in (platform.live.resume(admission.resume_token), platform.live.admit(again.token)):
        with pytest.raises(Exception, match="signed out"):
            await attempt


async def test_a_ban_ends_sign_ins_and_keeps_the_person_out(api: httpx.AsyncClient, platform: Platform) -> None:
    email, session = await _person(api, platform)
    headers = {"Authorization": f"Bearer {SERVICE_KEY}"}

    await api.put(f"/auth/v1/admin/users/{session['user']['id']}", headers=headers, json={"ban_duration": "1h"})

    assert (await api.get("/api/v1/me", headers=_bearer(session))).status_code == 401
    assert (await _sign_in(api, email)).json()["error_code"] == "user_banned"


# --- second factors


async def _enrol(api: httpx.AsyncClient, session: dict[str, Any]) -> tuple[str, bytes]:
    body = {"factor_type": "totp", "friendly_name": "phone"}
    made = (await api.post("/auth/v1/factors", headers=_bearer(session), json=body)).json()
    secret = made["totp"]["secret"]
    return made["id"], base64.b32decode(secret + "=" * (-len(secret) % 8))


async def _show(api: httpx.AsyncClient, session: dict[str, Any], factor_id: str, code: str) -> httpx.Response:
    url = f"/auth/v1/factors/{factor_id}"
    challenge = (await api.post(f"{url}/challenge", headers=_bearer(session), json={})).json()
    body = {"challenge_id": challenge["id"], "code": code}
    return await api.post(f"{url}/verify", headers=_bearer(session), json=body)


async def test_a_password_alone_opens_nothing_once_there_is_a_second_factor(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email, here = await _person(api, platform)
    factor_id, secret = await _enrol(api, here)
    step = int(time.time()) // STEP_S
    shown = await _show(api, here, factor_id, totp(secret, step - 1))
    there = (await _sign_in(api, email)).json()

    me = await api.get("/api/v1/me", headers=_bearer(there))
    password = await api.put("/auth/v1/user", headers=_bearer(there), json={"password": "a thiefs password"})
    removed = await api.delete(f"/auth/v1/factors/{factor_id}", headers=_bearer(there))
    another = await api.post("/auth/v1/factors", headers=_bearer(there), json={"factor_type": "totp"})

    assert (await api.get("/api/v1/me", headers=_bearer(shown.json()))).status_code == 200
    assert assert_problem(me, 403, "forbidden")["reason"] == "insufficient_aal"
    for refused, status in ((password, 401), (removed, 422), (another, 403)):
        assert (refused.status_code, refused.json()["error_code"]) == (status, "insufficient_aal")


async def test_a_password_alone_changes_no_name_and_ends_nobodys_sign_in_once_there_is_a_second_factor(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email, here = await _person(api, platform)
    factor_id, secret = await _enrol(api, here)
    full = (await _show(api, here, factor_id, totp(secret, int(time.time()) // STEP_S - 1))).json()
    there = (await _sign_in(api, email)).json()
    sign_ins = (await api.get("/auth/v1/sessions", headers=_bearer(there))).json()["sessions"]
    other = next(one["id"] for one in sign_ins if one["aal"] == "aal2")

    renamed = await api.put("/auth/v1/user", headers=_bearer(there), json={"data": {"display_name": "Mallory"}})
    ended = await api.delete(f"/auth/v1/sessions/{other}", headers=_bearer(there))
    others = await api.post("/auth/v1/logout?scope=others", headers=_bearer(there))
    everywhere = await api.post("/auth/v1/logout?scope=global", headers=_bearer(there))

    for refused in (renamed, ended, others):
        assert (refused.status_code, refused.json()["error_code"]) == (401, "insufficient_aal")
    assert everywhere.status_code == 204
    assert (await api.get("/api/v1/me", headers=_bearer(full))).status_code == 200
    assert (await api.get("/auth/v1/user", headers=_bearer(there))).status_code in {401, 403}


async def test_a_recovery_code_stands_in_for_the_factor_once(api: httpx.AsyncClient, platform: Platform) -> None:
    email, here = await _person(api, platform)
    factor_id, secret = await _enrol(api, here)
    shown = (await _show(api, here, factor_id, totp(secret, int(time.time()) // STEP_S))).json()
    codes = (await api.post("/auth/v1/factors/recovery-codes", headers=_bearer(shown))).json()["codes"]
    there = (await _sign_in(api, email)).json()

    url, body = "/auth/v1/factors/recovery-codes/verify", {"code": codes[0].upper()}
    first = await api.post(url, headers=_bearer(there), json=body)
    second = await api.post(url, headers=_bearer(there), json=body)

    assert (first.status_code, second.status_code) == (200, 422)
    assert jwt.decode(first.json()["access_token"], options={"verify_signature": False})["aal"] == "aal2"


async def test_secrets_of_factors_are_sealed(api: httpx.AsyncClient, platform: Platform) -> None:
    _, session = await _person(api, platform)
    factor_id, secret = await _enrol(api, session)

    async with platform.db.platform() as tx:
        kept = await tx.fetchval("select secret from auth_factors where id = $1", UUID(factor_id))

    assert secret not in kept


async def test_a_refresh_token_is_no_access_token(api: httpx.AsyncClient, platform: Platform) -> None:
    _, session = await _person(api, platform)

    answer = await api.get("/api/v1/me", headers={"Authorization": f"Bearer {session['refresh_token']}"})

    assert_problem(answer, 401, "unauthenticated")


# --- the rest


async def test_admin_endpoints_are_for_the_service_key_only(api: httpx.AsyncClient, platform: Platform) -> None:
    _, session = await _person(api, platform)

    answers = [
        await api.get("/auth/v1/admin/users", headers=headers)
        for headers in ({}, _bearer(session), {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {SERVICE_KEY}"})
    ]

    assert [answer.status_code for answer in answers] == [401, 403, 403, 200]
    assert [answer.json().get("error_code") for answer in answers[:3]] == ["no_authorization", "not_admin", "bad_jwt"]

"""`/auth/v1` where clients branch on GoTrue's word or status: what is not offered is refused by name, never dropped."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from control_plane.domain.factors import MOST_FACTORS, STEP_S, totp
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from tests.conftest import make_settings
from tests.contract.auth.issuer import SERVICE_KEY
from tests.support.letters import letters_to

PASSWORD = "correct horse battery"
ADMIN = {"Authorization": f"Bearer {SERVICE_KEY}"}
NOBODY = "00000000-0000-7000-8000-000000000000"


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
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8000/auth/v1", headers={"X-Supabase-Api-Version": "2024-01-01"}
    ) as client:
        yield client


def _email() -> str:
    return f"{uuid4().hex}@example.com"


def _bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


def _told(answer: httpx.Response) -> tuple[int, str]:
    """The status and the word, as clients of this API version read them."""
    assert answer.headers["X-Supabase-Api-Version"] == "2024-01-01"
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["code"]


async def _person(api: httpx.AsyncClient) -> tuple[str, dict[str, Any]]:
    """Somebody with a password, and their session."""
    email = _email()
    body = {"email": email, "password": PASSWORD, "email_confirm": True}
    assert (await api.post("/admin/users", headers=ADMIN, json=body)).status_code == 200
    return email, await _sign_in(api, email)


async def _sign_in(api: httpx.AsyncClient, email: str) -> dict[str, Any]:
    answer = await api.post("/token?grant_type=password", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


async def _enrol(api: httpx.AsyncClient, session: dict[str, Any], name: str = "phone") -> tuple[str, bytes]:
    body = {"factor_type": "totp", "friendly_name": name}
    made = (await api.post("/factors", headers=_bearer(session), json=body)).json()
    secret = made["totp"]["secret"]
    return made["id"], base64.b32decode(secret + "=" * (-len(secret) % 8))


async def _show(
    api: httpx.AsyncClient, session: dict[str, Any], factor: tuple[str, bytes], step_ahead: int = 0
) -> dict[str, Any]:
    """Show a factor by the code of a step at or after now: 0 or 1, each good once. Answers the session."""
    factor_id, secret = factor
    challenge = (await api.post(f"/factors/{factor_id}/challenge", headers=_bearer(session), json={})).json()
    body = {"challenge_id": challenge["id"], "code": totp(secret, int(time.time()) // STEP_S + step_ahead)}
    answer = await api.post(f"/factors/{factor_id}/verify", headers=_bearer(session), json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def _level(api: httpx.AsyncClient, session: dict[str, Any]) -> tuple[str, list[str]]:
    """The level a refreshed session stands for, and by which methods, sorted."""
    answer = await api.post("/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return claims["aal"], sorted(proof["method"] for proof in claims["amr"])


# --- inviting again


@pytest.mark.parametrize("path", ["/invite", "/admin/generate_link"])
async def test_who_lost_the_invitation_is_invited_again_and_the_new_link_works(
    api: httpx.AsyncClient, platform: Platform, path: str
) -> None:
    email = _email()
    first = await api.post("/invite", headers=ADMIN, json={"email": email, "data": {"team": "red"}})
    lost = (await letters_to(platform, email))[0]

    again = await api.post(path, headers=ADMIN, json={"type": "invite", "email": email})
    token = again.json().get("hashed_token") or (await letters_to(platform, email))[0].token_hash

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["user_metadata"] == {"team": "red"}
    assert (await api.post("/verify", json={"type": "invite", "token_hash": lost.token_hash})).status_code == 403
    assert (await api.post("/verify", json={"type": "invite", "token_hash": token})).status_code == 200


@pytest.mark.parametrize("path", ["/invite", "/admin/generate_link"])
async def test_nobody_is_invited_who_is_there_already(api: httpx.AsyncClient, path: str) -> None:
    email, _ = await _person(api)

    answer = await api.post(path, headers=ADMIN, json={"type": "invite", "email": email})

    assert _told(answer) == (422, "email_exists")


@pytest.mark.parametrize("path", ["/invite", "/admin/generate_link"])
async def test_an_invitation_to_an_address_a_stranger_signed_up_by_confirms_no_password_of_theirs(
    api: httpx.AsyncClient, platform: Platform, path: str
) -> None:
    email = _email()
    stranger = {"email": email, "password": "the strangers password", "data": {"display_name": "Mallory"}}
    await api.post("/signup", json=stranger)
    await letters_to(platform, email)

    answer = await api.post(path, headers=ADMIN, json={"type": "invite", "email": email, "data": {"team": "red"}})
    token = answer.json().get("hashed_token") or (await letters_to(platform, email))[0].token_hash
    accepted = await api.post("/verify", json={"type": "invite", "token_hash": token})
    theirs = await api.post("/token?grant_type=password", json=stranger)

    assert accepted.json()["user"]["user_metadata"] == {"team": "red"}
    assert _told(theirs) == (400, "invalid_credentials")


# --- nothing that is asked for is dropped silently


async def test_a_soft_deletion_is_refused_and_deletes_nobody(api: httpx.AsyncClient) -> None:
    _, session = await _person(api)
    url = f"/admin/users/{session['user']['id']}"

    softly = await api.request("DELETE", url, headers=ADMIN, json={"should_soft_delete": True})
    still = await api.get(url, headers=ADMIN)
    for_good = await api.request("DELETE", url, headers=ADMIN, json={"should_soft_delete": False})

    assert _told(softly) == (422, "validation_failed")
    assert (still.status_code, for_good.status_code) == (200, 200)
    assert _told(await api.get(url, headers=ADMIN)) == (404, "user_not_found")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"phone": "+491701234567"}, (400, "phone_provider_disabled")),
        ({"app_metadata": {"plan": "x"}}, (403, "not_admin")),
    ],
)
async def test_a_person_is_told_what_they_cannot_change_of_themselves(
    api: httpx.AsyncClient, asked: dict[str, Any], told: tuple[int, str]
) -> None:
    _, session = await _person(api)

    answer = await api.put("/user", headers=_bearer(session), json={**asked, "data": {"theme": "dark"}})
    user = (await api.get("/user", headers=_bearer(session))).json()

    assert _told(answer) == told
    assert user["user_metadata"] == {}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"phone": "+491701234567"}, (400, "phone_provider_disabled")),
        ({"role": "service_role"}, (400, "validation_failed")),
        ({"aud": "elsewhere"}, (400, "validation_failed")),
        ({"password_hash": "$2a$10$abcdefghijklmnopqrstuu"}, (400, "validation_failed")),
    ],
)
async def test_an_admin_is_told_what_is_not_kept_of_a_person(
    api: httpx.AsyncClient, asked: dict[str, Any], told: tuple[int, str]
) -> None:
    email, (_, session) = _email(), await _person(api)

    made = await api.post("/admin/users", headers=ADMIN, json={"email": email, **asked})
    changed = await api.put(
        f"/admin/users/{session['user']['id']}", headers=ADMIN, json={"ban_duration": "1h", **asked}
    )
    found = (await api.get("/admin/users", params={"filter": email}, headers=ADMIN)).json()["users"]

    assert [_told(made), _told(changed)] == [told, told]
    assert found == []
    assert (await api.get("/user", headers=_bearer(session))).status_code == 200


async def test_what_every_person_has_may_be_said(api: httpx.AsyncClient) -> None:
    body = {"email": _email(), "phone": "", "role": "authenticated", "aud": "authenticated"}

    assert (await api.post("/admin/users", headers=ADMIN, json=body)).status_code == 200


async def test_people_are_found_by_a_part_of_their_address_or_their_full_name(api: httpx.AsyncClient) -> None:
    mark = uuid4().hex[:12]
    by_mail = {"email": f"ada.{mark}@example.com"}
    by_name = {"email": _email(), "user_metadata": {"full_name": f"Grace {mark.upper()} 100%"}}
    made = [
        (await api.post("/admin/users", headers=ADMIN, json=body)).json()
        for body in (by_mail, by_name, {"email": _email()})
    ]

    both = await api.get("/admin/users", params={"filter": mark.upper()}, headers=ADMIN)
    name = await api.get("/admin/users", params={"filter": f"{mark} 100%"}, headers=ADMIN)
    page = await api.get("/admin/users", params={"filter": mark, "per_page": 1}, headers=ADMIN)
    none = await api.get("/admin/users", params={"filter": f"{mark}%"}, headers=ADMIN)

    assert [one["id"] for one in both.json()["users"]] == [made[0]["id"], made[1]["id"]]
    assert [one["id"] for one in name.json()["users"]] == [made[1]["id"]]
    assert none.json()["users"] == []
    assert (len(page.json()["users"]), page.headers["X-Total-Count"]) == (1, "2")
    assert f"filter={mark}" in page.headers["Link"]


async def test_an_id_that_is_taken_is_not_called_an_address_that_is(api: httpx.AsyncClient) -> None:
    _, session = await _person(api)

    answer = await api.post("/admin/users", headers=ADMIN, json={"email": _email(), "id": session["user"]["id"]})

    assert _told(answer) == (422, "user_already_exists")


# --- what is not offered


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/signup", {"data": {}}, (422, "anonymous_provider_disabled")),
        ("POST", "/signup", {"phone": "+491701234567", "password": PASSWORD}, (400, "phone_provider_disabled")),
        ("POST", "/otp", {"phone": "+491701234567"}, (400, "phone_provider_disabled")),
        ("POST", "/resend", {"phone": "+491701234567", "type": "sms"}, (400, "phone_provider_disabled")),
        ("POST", "/verify", {"phone": "+491701234567", "type": "sms", "token": "1"}, (400, "phone_provider_disabled")),
        (
            "POST",
            "/token?grant_type=password",
            {"phone": "+491701234567", "password": PASSWORD},
            (422, "phone_provider_disabled"),
        ),
        ("POST", "/token?grant_type=id_token", {"provider": "google", "id_token": "x"}, (400, "provider_disabled")),
        ("POST", "/token?grant_type=web3", {"chain": "solana"}, (422, "web3_provider_disabled")),
        ("POST", "/token?grant_type=magic", {}, (400, "invalid_credentials")),
        ("POST", "/token", {}, (400, "invalid_credentials")),
        ("GET", "/authorize?provider=google", None, (400, "validation_failed")),
        ("GET", "/user/identities/authorize?provider=google", None, (404, "manual_linking_disabled")),
        ("GET", "/user/oauth/grants", None, (404, "feature_disabled")),
        ("GET", f"/oauth/authorizations/{NOBODY}", None, (404, "feature_disabled")),
        ("POST", "/passkeys/registration/options", {}, (404, "feature_disabled")),
        ("GET", f"/admin/users/{NOBODY}/passkeys", None, (404, "feature_disabled")),
        ("GET", "/admin/oauth/clients", None, (404, "feature_disabled")),
        ("GET", "/admin/custom-providers", None, (404, "feature_disabled")),
        ("GET", "/nothing/here", None, (404, "not_found")),
        ("GET", "/admin/users/nobody", None, (404, "not_found")),
        ("PATCH", "/user", {}, (405, "method_not_allowed")),
    ],
)
async def test_what_is_not_offered_is_refused_in_gotrues_words(
    api: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None, told: tuple[int, str]
) -> None:
    _, session = await _person(api)

    assert _told(await api.request(method, path, headers=_bearer(session), json=body)) == told


# --- tokens


@pytest.mark.parametrize(("method", "path"), [("GET", "/user"), ("POST", "/logout"), ("POST", "/factors")])
async def test_no_token_and_a_bad_one_are_told_apart(api: httpx.AsyncClient, method: str, path: str) -> None:
    none = await api.request(method, path, json={})
    bad = await api.request(method, path, json={}, headers={"Authorization": "Bearer not.a.token"})

    assert (_told(none), _told(bad)) == ((401, "no_authorization"), (403, "bad_jwt"))


# --- second factors


async def test_each_refusal_for_want_of_the_second_factor_has_gotrues_status(api: httpx.AsyncClient) -> None:
    email, here = await _person(api)
    factor = await _enrol(api, here)
    await _show(api, here, factor)
    there = _bearer(await _sign_in(api, email))

    another = await api.post("/factors", headers=there, json={"factor_type": "totp", "friendly_name": "pad"})
    removed = await api.delete(f"/factors/{factor[0]}", headers=there)
    password = await api.put("/user", headers=there, json={"password": "a thiefs password"})
    codes = await api.post("/factors/recovery-codes", headers=there, json={})

    assert [_told(one) for one in (another, removed, password, codes)] == [
        (403, "insufficient_aal"),
        (422, "insufficient_aal"),
        (401, "insufficient_aal"),
        (403, "insufficient_aal"),
    ]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("phone", (422, "mfa_phone_enroll_not_enabled")),
        ("webauthn", (422, "mfa_webauthn_enroll_not_enabled")),
        ("pigeon", (400, "validation_failed")),
    ],
)
async def test_other_kinds_of_factors_are_refused_by_name(
    api: httpx.AsyncClient, kind: str, told: tuple[int, str]
) -> None:
    _, session = await _person(api)

    answer = await api.post("/factors", headers=_bearer(session), json={"factor_type": kind, "phone": "+491701234567"})

    assert _told(answer) == told


async def test_one_factor_too_many_is_unprocessable(api: httpx.AsyncClient) -> None:
    _, session = await _person(api)
    for number in range(MOST_FACTORS):
        await _enrol(api, session, f"phone {number}")

    answer = await api.post("/factors", headers=_bearer(session), json={"factor_type": "totp", "friendly_name": "pad"})

    assert _told(answer) == (422, "too_many_enrolled_mfa_factors")


async def test_a_wrong_current_password_is_named(api: httpx.AsyncClient) -> None:
    _, session = await _person(api)
    body = {"password": "another password", "current_password": "not this one"}

    answer = await api.put("/user", headers=_bearer(session), json=body)

    assert _told(answer) == (400, "current_password_invalid")


async def test_letting_go_of_the_last_factor_takes_every_sign_in_down_to_aal1(api: httpx.AsyncClient) -> None:
    email, here = await _person(api)
    factor = await _enrol(api, here)
    here = await _show(api, here, factor)
    there = await _show(api, await _sign_in(api, email), factor, 1)

    assert (await api.delete(f"/factors/{factor[0]}", headers=_bearer(here))).status_code == 200

    assert await _level(api, here) == ("aal1", ["password"])
    assert await _level(api, there) == ("aal1", ["password"])


async def test_letting_go_of_one_of_two_factors_leaves_the_level_to_the_sign_in_that_did_it_alone(
    api: httpx.AsyncClient,
) -> None:
    email, here = await _person(api)
    lost = await _enrol(api, here)
    here = await _show(api, here, lost)
    kept = await _enrol(api, here, "pad")
    here = await _show(api, here, kept)
    there = await _show(api, await _sign_in(api, email), lost, 1)

    assert (await api.delete(f"/factors/{lost[0]}", headers=_bearer(here))).status_code == 200

    assert await _level(api, here) == ("aal2", ["password", "totp"])
    assert await _level(api, there) == ("aal1", ["password"])


async def test_letting_go_of_a_factor_that_was_never_shown_takes_nobody_down(api: httpx.AsyncClient) -> None:
    _, here = await _person(api)
    here = await _show(api, here, await _enrol(api, here))
    begun, _ = await _enrol(api, here, "pad")

    assert (await api.delete(f"/factors/{begun}", headers=_bearer(here))).status_code == 200

    assert await _level(api, here) == ("aal2", ["password", "totp"])


async def test_recovery_codes_are_never_left_as_the_only_factor(api: httpx.AsyncClient) -> None:
    _, here = await _person(api)
    factor = await _enrol(api, here)
    here = await _show(api, here, factor)
    await api.post("/factors/recovery-codes", headers=_bearer(here), json={})

    early = await api.delete(f"/factors/{factor[0]}", headers=_bearer(here))
    dropped = await api.delete("/factors/recovery-codes", headers=_bearer(here))
    late = await api.delete(f"/factors/{factor[0]}", headers=_bearer(here))

    assert _told(early) == (422, "mfa_recovery_codes_sole_factor")
    assert (dropped.status_code, late.status_code) == (200, 200)


async def test_an_admin_lets_go_of_a_lost_factor_with_the_codes_and_the_level_it_gave(api: httpx.AsyncClient) -> None:
    _, here = await _person(api)
    factor = await _enrol(api, here)
    here = await _show(api, here, factor)
    await api.post("/factors/recovery-codes", headers=_bearer(here), json={})

    answer = await api.delete(f"/admin/users/{here['user']['id']}/factors/{factor[0]}", headers=ADMIN)

    assert answer.status_code == 200
    assert await _level(api, here) == ("aal1", ["password"])
    assert (await api.get("/factors/recovery-codes", headers=_bearer(here))).status_code == 404

"""Identity against strangers who were there first, hold a stolen session, or come back: what they wrote never stands."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from control_plane.domain.factors import STEP_S, totp
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from tests.conftest import make_settings
from tests.contract.auth.issuer import SERVICE_KEY, Letter
from tests.support.letters import letters_to

PASSWORD = "correct horse battery"
STRANGERS = "a strangers password"
ADMIN = {"Authorization": f"Bearer {SERVICE_KEY}"}


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


async def _verify(api: httpx.AsyncClient, kind: str, token_hash: str) -> httpx.Response:
    return await api.post("/auth/v1/verify", json={"type": kind, "token_hash": token_hash})


async def _sign_up(api: httpx.AsyncClient, platform: Platform, email: str, password: str) -> Letter:
    body = {"email": email, "password": password, "data": {"display_name": "Mallory"}}
    await api.post("/auth/v1/signup", json=body)
    return (await letters_to(platform, email))[0]


async def _person(api: httpx.AsyncClient, platform: Platform) -> tuple[str, dict[str, Any]]:
    """A confirmed person and their session."""
    email = _email()
    letter = await _sign_up(api, platform, email, PASSWORD)
    answer = await _verify(api, "signup", letter.token_hash)
    assert answer.status_code == 200, answer.text
    return email, answer.json()


async def _sign_in(api: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await api.post("/auth/v1/token?grant_type=password", json={"email": email, "password": password})


def _bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


# --- who signed up first


@pytest.mark.parametrize(("path", "kind"), [("/otp", "email"), ("/otp", "signup"), ("/recover", "recovery")])
async def test_a_strangers_sign_up_does_not_stand_when_the_owner_of_the_address_asks_for_a_link(
    api: httpx.AsyncClient, platform: Platform, path: str, kind: str
) -> None:
    email = _email()
    await _sign_up(api, platform, email, STRANGERS)
    await api.post(f"/auth/v1{path}", json={"email": email})

    entered = await _verify(api, kind, (await letters_to(platform, email))[0].token_hash)

    assert entered.status_code == 200, entered.text
    assert entered.json()["user"]["user_metadata"] == {}
    assert (await _sign_in(api, email, STRANGERS)).json()["error_code"] == "invalid_credentials"


@pytest.mark.parametrize("kind", ["magiclink", "recovery"])
async def test_a_strangers_sign_up_does_not_stand_when_an_admin_makes_the_link(
    api: httpx.AsyncClient, platform: Platform, kind: str
) -> None:
    email = _email()
    await _sign_up(api, platform, email, STRANGERS)
    made = await api.post("/auth/v1/admin/generate_link", headers=ADMIN, json={"type": kind, "email": email})

    entered = await _verify(api, kind, made.json()["hashed_token"])

    assert entered.status_code == 200, entered.text
    assert (await _sign_in(api, email, STRANGERS)).json()["error_code"] == "invalid_credentials"


async def test_the_letter_of_a_sign_up_says_when_it_was_by_what_name_and_roughly_where_from(
    platform: Platform, settings: Settings
) -> None:
    email, agent = _email(), "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    app = create_app(platform, settings)
    transport = httpx.ASGITransport(app=app, client=("203.0.113.77", 1))  # type: ignore[arg-type]  # Litestar's ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        body = {"email": email, "password": STRANGERS, "data": {"display_name": "Win! https://evil.example/x"}}
        await client.post("/auth/v1/signup", json=body, headers={"User-Agent": agent})

    letter = (await letters_to(platform, email))[0]

    assert f"on {platform.clock.now():%d %B %Y}, " in letter.text
    assert "by the name “Win https evil example x”" in letter.text
    assert "from Firefox on Windows, at an internet address beginning with 203.0." in letter.text
    assert "203.0.113" not in letter.text
    assert "evil.example" not in letter.text


def _refusal(letter: Letter) -> str:
    """The path behind "It was not me"."""
    found = re.search(r"It was not me: https?://[^/]+(/auth/v1/refuse\?\S+)", letter.text)
    assert found is not None, letter.text
    return found.group(1)


async def _refuse(api: httpx.AsyncClient, path: str) -> httpx.Response:
    """What a browser does: open the page, and press its button."""
    page = await api.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8"), page.text
    [token] = re.findall(r'name="token" value="([^"]+)"', page.text)
    # Pages of ours send no referrer, so a browser says of their forms that they come from nowhere.
    return await api.post(path, data={"token": token}, headers={"Origin": "null"})


async def test_who_did_not_sign_up_voids_it_and_the_strangers_password_lets_nobody_in(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email = _email()
    letter = await _sign_up(api, platform, email, STRANGERS)

    voided = await _refuse(api, _refusal(letter))

    assert voided.status_code == 200
    assert "The sign-up is void" in voided.text
    assert (await _verify(api, "signup", letter.token_hash)).status_code == 403
    assert (await _sign_in(api, email, STRANGERS)).json()["error_code"] == "invalid_credentials"
    async with platform.db.platform() as tx:
        assert await tx.fetchval("select count(*) from users where email = $1", email) == 0
    assert (await _refuse(api, _refusal(letter))).status_code == 403


async def test_opening_the_refusals_page_voids_nothing(api: httpx.AsyncClient, platform: Platform) -> None:
    """Programs that look into mail open every link of it."""
    letter = await _sign_up(api, platform, _email(), PASSWORD)

    await api.get(_refusal(letter))

    assert (await _verify(api, "signup", letter.token_hash)).status_code == 200


async def test_what_was_confirmed_is_not_voided(api: httpx.AsyncClient, platform: Platform) -> None:
    email = _email()
    letter = await _sign_up(api, platform, email, PASSWORD)
    await _verify(api, "signup", letter.token_hash)

    refused = await _refuse(api, _refusal(letter))

    assert refused.status_code == 403
    assert "no longer good" in refused.text
    assert (await _sign_in(api, email)).status_code == 200


async def test_the_link_of_a_recovery_voids_nothing(api: httpx.AsyncClient, platform: Platform) -> None:
    email, _ = await _person(api, platform)
    await api.post("/auth/v1/recover", json={"email": email})
    letter = (await letters_to(platform, email))[0]

    refused = await _refuse(api, f"/auth/v1/refuse?token={letter.token_hash}")

    assert refused.status_code == 403
    assert (await _verify(api, "recovery", letter.token_hash)).status_code == 200


async def test_a_refused_sign_up_over_an_operators_invitation_leaves_the_login_without_the_strangers_password(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email = _email()
    await api.post("/auth/v1/invite", headers=ADMIN, json={"email": email, "data": {"display_name": "Ada"}})
    invited = (await letters_to(platform, email))[0]
    letter = await _sign_up(api, platform, email, STRANGERS)

    assert (await _refuse(api, _refusal(letter))).status_code == 200

    async with platform.db.platform() as tx:
        assert await tx.fetchval("select count(*) from users where email = $1", email) == 1
    assert (await _sign_in(api, email, STRANGERS)).json()["error_code"] == "invalid_credentials"
    assert invited.subject == "You are invited"


async def test_a_token_in_the_refusals_page_is_text_and_no_markup(api: httpx.AsyncClient) -> None:
    page = await api.get("/auth/v1/refuse", params={"token": '"><script>alert(1)</script>'})

    assert "<script>" not in page.text


async def test_an_admins_sign_up_link_confirms_the_admins_password(api: httpx.AsyncClient, platform: Platform) -> None:
    email = _email()
    await _sign_up(api, platform, email, STRANGERS)
    body = {"type": "signup", "email": email, "password": PASSWORD}
    made = await api.post("/auth/v1/admin/generate_link", headers=ADMIN, json=body)

    await _verify(api, "signup", made.json()["hashed_token"])

    assert (await _sign_in(api, email, STRANGERS)).status_code == 400
    assert (await _sign_in(api, email)).status_code == 200


async def test_a_stranger_who_asks_for_links_does_not_empty_a_sign_up(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email = _email()
    letter = await _sign_up(api, platform, email, PASSWORD)
    for path in ("/otp", "/recover"):
        await api.post(f"/auth/v1{path}", json={"email": email})
    await letters_to(platform, email)

    await _verify(api, "signup", letter.token_hash)

    assert (await _sign_in(api, email)).status_code == 200


async def test_the_data_of_a_first_magic_link_stands(api: httpx.AsyncClient, platform: Platform) -> None:
    email = _email()
    await api.post("/auth/v1/otp", json={"email": email, "data": {"display_name": "Ada"}})

    entered = await _verify(api, "email", (await letters_to(platform, email))[0].token_hash)

    assert entered.json()["user"]["user_metadata"]["display_name"] == "Ada"


# --- a new address needs both mailboxes


async def _confirm_newest(api: httpx.AsyncClient, platform: Platform, to: str) -> httpx.Response:
    return await _verify(api, "email_change", (await letters_to(platform, to))[0].token_hash)


async def test_a_new_mailbox_that_confirms_twice_does_not_stand_in_for_the_old_one(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email, session = await _person(api, platform)
    thiefs = _email()
    await api.put("/auth/v1/user", headers=_bearer(session), json={"email": thiefs})
    await _confirm_newest(api, platform, thiefs)
    await api.post("/auth/v1/resend", json={"type": "email_change", "email": email})

    again = await _confirm_newest(api, platform, thiefs)

    assert "access_token" not in again.json()
    assert (await _sign_in(api, email)).status_code == 200


async def test_after_a_resend_both_mailboxes_change_the_address(api: httpx.AsyncClient, platform: Platform) -> None:
    email, session = await _person(api, platform)
    wanted = _email()
    await api.put("/auth/v1/user", headers=_bearer(session), json={"email": wanted})
    await _confirm_newest(api, platform, wanted)
    await api.post("/auth/v1/resend", json={"type": "email_change", "email": email})

    for to in (wanted, email):
        last = await _confirm_newest(api, platform, to)

    assert last.json()["user"]["email"] == wanted


@pytest.mark.parametrize("kind", ["email_change_new", "email_change_current"])
async def test_an_admins_link_for_one_mailbox_does_not_stand_in_for_the_others(
    api: httpx.AsyncClient, platform: Platform, kind: str
) -> None:
    email, session = await _person(api, platform)
    wanted = _email()
    await api.put("/auth/v1/user", headers=_bearer(session), json={"email": wanted})
    await _confirm_newest(api, platform, wanted if kind == "email_change_new" else email)
    body = {"type": kind, "email": email, "new_email": wanted}
    made = await api.post("/auth/v1/admin/generate_link", headers=ADMIN, json=body)

    again = await _verify(api, "email_change", made.json()["hashed_token"])

    assert (again.status_code, "access_token" in again.json()) == (200, False)
    assert (await _sign_in(api, wanted)).status_code == 400


async def test_a_letter_about_one_new_address_does_not_confirm_another(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email, session = await _person(api, platform)
    first, second = _email(), _email()
    await api.put("/auth/v1/user", headers=_bearer(session), json={"email": first})
    letter = (await letters_to(platform, first))[0]
    body = {"type": "email_change_current", "email": email, "new_email": second}
    await api.post("/auth/v1/admin/generate_link", headers=ADMIN, json=body)

    stale = await _verify(api, "email_change", letter.token_hash)

    assert (stale.status_code, stale.json()["error_code"]) == (403, "otp_expired")


# --- writes that meet


async def test_a_person_who_changes_their_data_during_a_ban_stays_banned(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    email, session = await _person(api, platform)
    body = {"data": {"display_name": "Ada"}}
    async with platform.db.platform() as tx:
        await tx.execute(
            "update auth_credentials set banned_until = now() + interval '1 hour' where user_id = $1",
            UUID(session["user"]["id"]),
        )
        change = asyncio.create_task(api.put("/auth/v1/user", headers=_bearer(session), json=body))
        deadline = time.monotonic() + 20
        while not await tx.fetchval(
            "select 1 from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)) limit 1"
        ):
            assert time.monotonic() < deadline, "the change waits for nothing"
            await asyncio.sleep(0.01)

    answer = await change

    assert answer.status_code == 200, answer.text
    assert (await _sign_in(api, email)).json()["error_code"] == "user_banned"


# --- sign-ins that ended


@pytest.mark.parametrize("scope", ["global", "others"])
async def test_a_token_of_an_ended_sign_in_signs_nobody_out(
    api: httpx.AsyncClient, platform: Platform, scope: str
) -> None:
    email, stolen = await _person(api, platform)
    await api.post("/auth/v1/logout?scope=local", headers=_bearer(stolen))
    here = (await _sign_in(api, email)).json()

    answer = await api.post(f"/auth/v1/logout?scope={scope}", headers=_bearer(stolen))

    assert answer.status_code == 204
    assert (await api.get("/api/v1/me", headers=_bearer(here))).status_code == 200


async def test_a_refresh_token_of_before_the_factor_was_shown_is_no_good(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    _, here = await _person(api, platform)
    body = {"factor_type": "totp", "friendly_name": "phone"}
    made = (await api.post("/auth/v1/factors", headers=_bearer(here), json=body)).json()
    url = f"/auth/v1/factors/{made['id']}"
    challenge = (await api.post(f"{url}/challenge", headers=_bearer(here), json={})).json()
    text = made["totp"]["secret"]
    code = totp(base64.b32decode(text + "=" * (-len(text) % 8)), int(time.time()) // STEP_S)
    body = {"challenge_id": challenge["id"], "code": code}
    shown = (await api.post(f"{url}/verify", headers=_bearer(here), json=body)).json()

    answers = [
        await api.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": one["refresh_token"]})
        for one in (here, shown)
    ]

    assert [answer.status_code for answer in answers] == [400, 200]

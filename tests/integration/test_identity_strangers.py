"""Identity against strangers who were there first, hold a stolen session, or come back: what they wrote never stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.jobs.kinds import kinds_of
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from tests.conftest import make_settings
from tests.contract.auth.issuer import SERVICE_KEY, Letter

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


async def _letters(platform: Platform, to: str) -> list[Letter]:
    """Letters to an address, newest first, once the jobs door has done what is due."""
    kinds = kinds_of(platform)
    while messages := await platform.outbox.claim(kinds, 50):
        for message in messages:
            assert await platform.outbox.have(message, kinds[message.kind]) == "done"
    return [Letter(one.mail.subject, one.mail.text) for one in await platform.mail.list_mailbox(to, 50)]


async def _verify(api: httpx.AsyncClient, kind: str, token_hash: str) -> httpx.Response:
    return await api.post("/auth/v1/verify", json={"type": kind, "token_hash": token_hash})


async def _sign_up(api: httpx.AsyncClient, platform: Platform, email: str, password: str) -> Letter:
    body = {"email": email, "password": password, "data": {"display_name": "Mallory"}}
    await api.post("/auth/v1/signup", json=body)
    return (await _letters(platform, email))[0]


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

    entered = await _verify(api, kind, (await _letters(platform, email))[0].token_hash)

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
    await _letters(platform, email)

    await _verify(api, "signup", letter.token_hash)

    assert (await _sign_in(api, email)).status_code == 200


async def test_the_data_of_a_first_magic_link_stands(api: httpx.AsyncClient, platform: Platform) -> None:
    email = _email()
    await api.post("/auth/v1/otp", json={"email": email, "data": {"display_name": "Ada"}})

    entered = await _verify(api, "email", (await _letters(platform, email))[0].token_hash)

    assert entered.json()["user"]["user_metadata"]["display_name"] == "Ada"

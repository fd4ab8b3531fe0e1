"""What proves a person does not last, is not guessed and is not somebody else's: links, digits, PKCE codes, old sign-ins."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.domain.sign_ins import FLOW_CODE_LIFETIME, MAILED_LIFETIME
from control_plane.rest.auth_limits import CODES
from control_plane.rest.server import create_app
from control_plane.services.accounts import FRESH_SIGN_IN
from control_plane.services.passwords import Passwords
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from tests.conftest import make_settings
from tests.contract.auth.issuer import Letter
from tests.support.letters import letters_to
from tests.support.shifted_clock import ShiftedClock, shifted_platform

PASSWORD = "correct horse battery"
NEW_PASSWORD = "battery horse correct"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SOON = timedelta(seconds=30)
"""Before or after the end of something, by more than a slow machine takes for a test's few requests."""


@pytest.fixture
def settings(database: Any, valkey: Any) -> Settings:
    """Addresses are confirmed, and letters kept."""
    return make_settings(database.app_url, valkey.url(), TR_CONFIRM_EMAIL="on", TR_DEV_MAILBOX="on")


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
async def shifted(platform: Platform, settings: Settings, clock: ShiftedClock) -> AsyncIterator[Platform]:
    """The platform under a clock of ours."""
    with shifted_platform(platform, settings, clock) as made:
        yield made


@pytest.fixture
async def api(shifted: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(shifted, settings))  # type: ignore[arg-type]  # Litestar's ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


def _email() -> str:
    return f"{uuid4().hex}@example.com"


async def _person(api: httpx.AsyncClient, platform: Platform) -> tuple[str, dict[str, Any]]:
    """A confirmed person and their session."""
    email = _email()
    await api.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})
    body = {"type": "signup", "token_hash": (await letters_to(platform, email))[0].token_hash}
    answer = await api.post("/auth/v1/verify", json=body)
    assert answer.status_code == 200, answer.text
    return email, answer.json()


async def _sign_in(api: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await api.post("/auth/v1/token?grant_type=password", json={"email": email, "password": password})


def _bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


# --- PKCE


async def _pkce_code(api: httpx.AsyncClient, platform: Platform) -> str:
    """The code of a magic link that a PKCE client asked for and somebody opened."""
    email, _ = await _person(api, platform)
    body = {"email": email, "code_challenge": CHALLENGE, "code_challenge_method": "s256"}
    await api.post("/auth/v1/otp", json=body)
    opened = await api.get((await letters_to(platform, email))[0].link)
    return httpx.URL(opened.headers["location"]).params["code"]


async def _exchange(api: httpx.AsyncClient, code: str, verifier: str) -> httpx.Response:
    body = {"auth_code": code, "code_verifier": verifier}
    return await api.post("/auth/v1/token?grant_type=pkce", json=body)


async def test_a_wrong_pkce_verifier_signs_nobody_in_and_uses_the_code_up(
    api: httpx.AsyncClient, shifted: Platform
) -> None:
    code = await _pkce_code(api, shifted)

    wrong = await _exchange(api, code, "w" * 43)
    right = await _exchange(api, code, VERIFIER)

    assert (wrong.status_code, wrong.json()["error_code"]) == (400, "bad_code_verifier")
    assert (right.status_code, right.json()["error_code"]) == (404, "flow_state_not_found")


@pytest.mark.parametrize(("after", "status"), [(FLOW_CODE_LIFETIME - SOON, 200), (FLOW_CODE_LIFETIME, 422)])
async def test_a_pkce_code_is_good_for_its_minutes_and_no_longer(
    api: httpx.AsyncClient, shifted: Platform, clock: ShiftedClock, after: timedelta, status: int
) -> None:
    code = await _pkce_code(api, shifted)

    clock.shift = after

    assert (await _exchange(api, code, VERIFIER)).status_code == status


# --- letters


async def _asked(api: httpx.AsyncClient, platform: Platform, kind: str) -> tuple[str, Letter]:
    """An address, and the letter of this kind that it was sent."""
    if kind == "signup":
        email = _email()
        await api.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})
    elif kind == "email_change":
        _, session = await _person(api, platform)
        email = _email()
        await api.put("/auth/v1/user", headers=_bearer(session), json={"email": email})
    else:
        email, _ = await _person(api, platform)
        await api.post("/auth/v1/recover" if kind == "recovery" else "/auth/v1/otp", json={"email": email})
    return email, (await letters_to(platform, email))[0]


@pytest.mark.parametrize("kind", ["signup", "magiclink", "recovery", "email_change"])
async def test_a_mailed_link_is_no_good_after_an_hour(
    api: httpx.AsyncClient, shifted: Platform, clock: ShiftedClock, kind: str
) -> None:
    _, letter = await _asked(api, shifted, kind)

    clock.shift = MAILED_LIFETIME
    answer = await api.post("/auth/v1/verify", json={"type": kind, "token_hash": letter.token_hash})

    assert (answer.status_code, answer.json()["error_code"]) == (403, "otp_expired")


async def test_mailed_digits_are_no_good_after_an_hour(
    api: httpx.AsyncClient, shifted: Platform, clock: ShiftedClock
) -> None:
    email, letter = await _asked(api, shifted, "magiclink")

    clock.shift = MAILED_LIFETIME
    answer = await api.post("/auth/v1/verify", json={"type": "email", "email": email, "token": letter.code})

    assert (answer.status_code, answer.json()["error_code"]) == (403, "otp_expired")


@pytest.mark.parametrize("kind", ["magiclink", "recovery"])
async def test_a_link_of_before_a_new_password_is_no_good_after_it(
    api: httpx.AsyncClient, shifted: Platform, kind: str
) -> None:
    email, letter = await _asked(api, shifted, kind)
    session = (await _sign_in(api, email)).json()
    changed = await api.put("/auth/v1/user", headers=_bearer(session), json={"password": NEW_PASSWORD})

    answer = await api.post("/auth/v1/verify", json={"type": kind, "token_hash": letter.token_hash})

    assert changed.status_code == 200
    assert (answer.status_code, answer.json()["error_code"]) == (403, "otp_expired")


async def test_a_banned_person_gets_in_by_no_letter_of_before(api: httpx.AsyncClient, shifted: Platform) -> None:
    email, letter = await _asked(api, shifted, "magiclink")
    async with shifted.db.platform() as tx:
        user_id = await tx.fetchval("select id from users where email = $1", email)
        until = shifted.clock.now() + MAILED_LIFETIME
        await tx.execute("update auth_credentials set banned_until = $2 where user_id = $1", user_id, until)

    answer = await api.post("/auth/v1/verify", json={"type": "magiclink", "token_hash": letter.token_hash})

    assert (answer.status_code, answer.json()["error_code"]) == (403, "otp_expired")


# --- a new password


async def _stay_signed_in(api: httpx.AsyncClient, session: dict[str, Any]) -> dict[str, Any]:
    body = {"refresh_token": session["refresh_token"]}
    answer = await api.post("/auth/v1/token?grant_type=refresh_token", json=body)
    assert answer.status_code == 200, answer.text
    refreshed: dict[str, Any] = answer.json()
    return refreshed


async def test_an_old_sign_in_sets_a_new_password_only_with_the_code_mailed_for_it(
    api: httpx.AsyncClient, shifted: Platform, clock: ShiftedClock
) -> None:
    email, _ = await _person(api, shifted)
    session = (await _sign_in(api, email)).json()
    clock.shift = FRESH_SIGN_IN + SOON
    session = await _stay_signed_in(api, session)

    alone = await api.put("/auth/v1/user", headers=_bearer(session), json={"password": NEW_PASSWORD})
    await api.get("/auth/v1/reauthenticate", headers=_bearer(session))
    body = {"password": NEW_PASSWORD, "nonce": (await letters_to(shifted, email))[0].code}
    with_code = await api.put("/auth/v1/user", headers=_bearer(session), json=body)

    assert alone.json()["error_code"] == "reauthentication_needed"
    assert with_code.status_code == 200
    assert (await _sign_in(api, email, NEW_PASSWORD)).status_code == 200


async def test_the_code_for_a_new_password_is_no_good_after_an_hour(
    api: httpx.AsyncClient, shifted: Platform, clock: ShiftedClock
) -> None:
    email, session = await _person(api, shifted)
    await api.get("/auth/v1/reauthenticate", headers=_bearer(session))
    code = (await letters_to(shifted, email))[0].code

    clock.shift = MAILED_LIFETIME
    session = await _stay_signed_in(api, session)
    body = {"password": NEW_PASSWORD, "nonce": code}
    answer = await api.put("/auth/v1/user", headers=_bearer(session), json=body)

    assert answer.json()["error_code"] == "reauthentication_not_valid"


# --- guessing


@pytest.mark.parametrize("path", ["/factors/{factor}/verify", "/factors/recovery-codes/verify"])
async def test_codes_of_second_factors_are_not_guessed(api: httpx.AsyncClient, shifted: Platform, path: str) -> None:
    _, session = await _person(api, shifted)
    headers = _bearer(session)
    made = (await api.post("/auth/v1/factors", headers=headers, json={"factor_type": "totp"})).json()
    asked = (await api.post(f"/auth/v1/factors/{made['id']}/challenge", headers=headers, json={})).json()
    url, body = "/auth/v1" + path.format(factor=made["id"]), {"challenge_id": asked["id"], "code": "no-code"}

    statuses = [(await api.post(url, headers=headers, json=body)).status_code for _ in range(CODES + 1)]

    assert 429 not in statuses[:CODES]
    assert statuses[CODES] == 429


async def test_a_sign_in_hashes_as_often_for_an_unknown_address_as_for_a_known_one(
    api: httpx.AsyncClient, shifted: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, _ = await _person(api, shifted)
    await _sign_in(api, known, "wrong password")  # the hash of nobody's password is made once
    verified: list[str] = []
    verify = Passwords._verify

    def count(self: Passwords, password: str, password_hash: str) -> str:
        verified.append(password_hash)
        return verify(self, password, password_hash)

    monkeypatch.setattr(Passwords, "_verify", count)
    counts = []
    for email in (known, _email(), "no address at all"):
        verified.clear()
        answer = await _sign_in(api, email, "wrong password")
        counts.append((answer.status_code, answer.json()["error_code"], len(verified)))

    assert counts == [(400, "invalid_credentials", 1)] * 3

"""`/auth/v1`: signing up, in and out, and refresh tokens that are stolen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from control_plane.app import assemble
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Unauthenticated
from control_plane.services.keys import WrongSecretKey
from control_plane.services.passwords import Passwords
from control_plane.services.platform import Platform
from control_plane.services.sessions import SignedIn
from control_plane.settings import Settings
from tests.conftest import make_settings
from tests.factories import make_person
from tests.support.shifted_clock import ShiftedClock, shifted_platform

PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
async def shifted(platform: Platform, settings: Settings, clock: ShiftedClock) -> AsyncIterator[Platform]:
    """The platform under a clock of ours."""
    with shifted_platform(platform, settings, clock) as made:
        yield made


def _email() -> str:
    return f"{uuid4().hex}@example.com"


async def _made(platform: Platform, email: str) -> SignedIn:
    """A new login, signed in."""
    outcome = await platform.accounts.sign_up(email, PASSWORD, {})
    assert isinstance(outcome, SignedIn)
    return outcome


async def _sign_up(api: httpx.AsyncClient, email: str, **more: Any) -> dict[str, Any]:
    answer = await api.post("/auth/v1/signup", json={"email": email, "password": PASSWORD, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


def _assert_auth_error(answer: httpx.Response, status: int, error_code: str) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["code"], body["error_code"]) == (status, error_code)
    assert isinstance(body["msg"], str)


async def test_signing_up_answers_a_session_at_once(api: httpx.AsyncClient) -> None:
    email = _email()

    session = await _sign_up(api, email.upper(), data={"display_name": "Ada"}, gotrue_meta_security={})

    assert session["token_type"] == "bearer"
    assert session["expires_in"] == 3600
    assert session["user"]["email"] == email
    assert session["user"]["user_metadata"] == {"display_name": "Ada"}
    assert session["user"]["identities"][0]["provider"] == "email"


async def test_the_access_token_carries_supabases_claims_under_a_published_key(api: httpx.AsyncClient) -> None:
    session = await _sign_up(api, _email())
    jwks = (await api.get("/auth/v1/.well-known/jwks.json")).json()

    kid = jwt.get_unverified_header(session["access_token"])["kid"]
    key = next(jwt.PyJWK(one) for one in jwks["keys"] if one["kid"] == kid)
    claims = jwt.decode(session["access_token"], key, algorithms=["ES256"], audience="authenticated")

    assert claims["sub"] == session["user"]["id"]
    assert claims["iss"] == "http://localhost:8000/auth/v1"
    assert (claims["role"], claims["aal"], claims["is_anonymous"]) == ("authenticated", "aal1", False)
    assert claims["exp"] == session["expires_at"]
    assert "d" not in jwks["keys"][0]


async def test_a_taken_address_is_refused(api: httpx.AsyncClient) -> None:
    email = _email()
    await _sign_up(api, email)

    answer = await api.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})

    _assert_auth_error(answer, 422, "user_already_exists")


async def test_ten_sign_ups_with_one_address_make_one_account(api: httpx.AsyncClient) -> None:
    body = {"email": _email(), "password": PASSWORD}

    answers = await asyncio.gather(*(api.post("/auth/v1/signup", json=body) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 9


async def test_the_right_password_signs_in_and_nothing_else_does(api: httpx.AsyncClient) -> None:
    email = _email()
    await _sign_up(api, email)
    url = "/auth/v1/token?grant_type=password"

    right = await api.post(url, json={"email": f" {email.upper()} ", "password": PASSWORD})
    wrong = await api.post(url, json={"email": email, "password": PASSWORD + "!"})
    unknown = await api.post(url, json={"email": _email(), "password": PASSWORD})

    assert right.status_code == 200
    _assert_auth_error(wrong, 400, "invalid_credentials")
    assert (unknown.status_code, unknown.json()) == (wrong.status_code, wrong.json())


async def test_a_refresh_token_is_changed_for_the_next_one(api: httpx.AsyncClient) -> None:
    session = await _sign_up(api, _email())
    url = "/auth/v1/token?grant_type=refresh_token"

    second = (await api.post(url, json={"refresh_token": session["refresh_token"]})).json()
    third = (await api.post(url, json={"refresh_token": second["refresh_token"]})).json()

    assert len({one["refresh_token"] for one in (session, second, third)}) == 3
    assert (await api.get("/auth/v1/user", headers=_bearer(third))).json()["id"] == session["user"]["id"]


async def test_a_tab_that_races_or_never_heard_the_answer_gets_the_same_next_token(api: httpx.AsyncClient) -> None:
    session = await _sign_up(api, _email())
    body = {"refresh_token": session["refresh_token"]}

    answers = await asyncio.gather(*(api.post("/auth/v1/token?grant_type=refresh_token", json=body) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_a_used_token_that_comes_back_late_ends_the_whole_sign_in(shifted: Platform, clock: ShiftedClock) -> None:
    first = await _made(shifted, _email())
    second = await shifted.sessions.refresh(first.refresh_token)
    clock.shift = timedelta(seconds=11)

    with pytest.raises(Unauthenticated) as stolen:
        await shifted.sessions.refresh(first.refresh_token)
    with pytest.raises(Unauthenticated) as revoked:
        await shifted.sessions.refresh(second.refresh_token)

    assert stolen.value.facts == {"reason": "refresh_token_already_used"}
    assert revoked.value.facts == {"reason": "refresh_token_not_found"}


async def test_a_token_whose_successor_was_used_ends_the_sign_in_also_early(shifted: Platform) -> None:
    first = await _made(shifted, _email())
    second = await shifted.sessions.refresh(first.refresh_token)
    third = await shifted.sessions.refresh(second.refresh_token)

    with pytest.raises(Unauthenticated):
        await shifted.sessions.refresh(first.refresh_token)
    with pytest.raises(Unauthenticated):
        await shifted.sessions.refresh(third.refresh_token)


async def test_a_theft_ends_that_sign_in_and_no_other(shifted: Platform, clock: ShiftedClock) -> None:
    email = _email()
    stolen = await _made(shifted, email)
    other = await shifted.accounts.sign_in(email, PASSWORD)
    await shifted.sessions.refresh(stolen.refresh_token)
    clock.shift = timedelta(minutes=1)
    with pytest.raises(Unauthenticated):
        await shifted.sessions.refresh(stolen.refresh_token)

    assert (await shifted.sessions.refresh(other.refresh_token)).account.email == email


async def test_an_expired_access_token_is_refused(shifted: Platform, clock: ShiftedClock) -> None:
    signed_in = await _made(shifted, _email())
    clock.shift = timedelta(seconds=3631)

    with pytest.raises(Unauthenticated):
        await shifted.tokens.verify_access(signed_in.access_token)


@pytest.mark.parametrize(
    ("scope", "works"), [("local", [False, True]), ("others", [True, False]), ("global", [False, False])]
)
async def test_signing_out_ends_the_sign_ins_of_its_scope(
    api: httpx.AsyncClient, scope: str, works: list[bool]
) -> None:
    email = _email()
    here = await _sign_up(api, email)
    there = (await api.post("/auth/v1/token?grant_type=password", json={"email": email, "password": PASSWORD})).json()

    done = await api.post(f"/auth/v1/logout?scope={scope}", headers=_bearer(here))
    users = [await api.get("/auth/v1/user", headers=_bearer(one)) for one in (here, there)]

    assert done.status_code == 204
    assert [user.status_code == 200 for user in users] == works
    for user in users:
        if user.status_code != 200:
            _assert_auth_error(user, 403, "session_not_found")


async def test_a_person_changes_their_data_and_password(api: httpx.AsyncClient) -> None:
    email = _email()
    here = await _sign_up(api, email, data={"display_name": "Ada", "theme": "dark"})
    there = (await api.post("/auth/v1/token?grant_type=password", json={"email": email, "password": PASSWORD})).json()

    answer = await api.put(
        "/auth/v1/user",
        headers=_bearer(here),
        json={"password": "another password", "data": {"display_name": "Countess", "theme": None}},
    )

    assert answer.json()["user_metadata"] == {"display_name": "Countess"}
    me = (await api.get("/api/v1/me", headers=_bearer(here))).json()
    assert me["displayName"] == "Countess"
    signed_in = await api.post(
        "/auth/v1/token?grant_type=password", json={"email": email, "password": "another password"}
    )
    assert signed_in.status_code == 200
    assert (await api.get("/auth/v1/user", headers=_bearer(there))).status_code == 403


async def test_an_address_of_someone_else_cant_be_taken(api: httpx.AsyncClient) -> None:
    taken = _email()
    await _sign_up(api, taken)
    here = await _sign_up(api, _email())

    answer = await api.put("/auth/v1/user", headers=_bearer(here), json={"email": taken})

    _assert_auth_error(answer, 422, "email_exists")


@pytest.mark.parametrize(
    ("path", "body", "status", "error_code"),
    [
        ("/signup", b"", 400, "bad_json"),
        ("/signup", b"{", 400, "bad_json"),
        ("/signup", b"\xff", 400, "bad_json"),
        ("/signup", b"[" * 30_000, 400, None),
        ("/signup", b"[]", 400, "validation_failed"),
        ("/signup", b"null", 400, "validation_failed"),
        ("/signup", b'{"email": "ada@example.com"}', 400, "validation_failed"),
        ("/signup", b'{"email": 5, "password": "12345678"}', 400, "validation_failed"),
        ("/signup", b'{"email": "ada", "password": "12345678"}', 400, "validation_failed"),
        ("/signup", b'{"email": "a\\u0000@x.co", "password": "12345678"}', 400, "validation_failed"),
        ("/signup", b'{"email": "\\ud800@x.co", "password": "12345678"}', 400, None),
        ("/signup", b'{"email": "ada@example.com", "password": "1"}', 422, "weak_password"),
        ("/signup", b'{"email": "ada@example.com", "password": "12345678", "data": {"a": "\\u0000"}}', 400, None),
        ("/signup", b'{"email": "b@x.co", "password": "12345678", "data": {"a": "' + b"x" * 5000 + b'"}}', 400, None),
        ("/signup", b'{"email": "b@x.co", "password": "12345678", "data": ' + b'{"a":' * 9000, 400, None),
        ("/signup", b" " * 70_000, 413, "request_too_large"),
        ("/token", b"{}", 400, "invalid_credentials"),
        ("/token?grant_type=magic", b"{}", 400, "invalid_credentials"),
        ("/token?grant_type=password", b"{}", 400, "validation_failed"),
        ("/token?grant_type=password", b'{"email": "a\\u0000", "password": "x"}', 400, "invalid_credentials"),
        ("/token?grant_type=password", b'{"email": "\\u0000", "password": "\\u0000"}', 400, "invalid_credentials"),
        ("/token?grant_type=refresh_token", b'{"refresh_token": "never made"}', 400, "refresh_token_not_found"),
        ("/token?grant_type=refresh_token", b'{"refresh_token": 5}', 400, "validation_failed"),
        ("/logout", b"", 401, "no_authorization"),
    ],
)  # fmt: skip
async def test_bad_input_is_refused_in_gotrues_words(
    api: httpx.AsyncClient, path: str, body: bytes, status: int, error_code: str | None
) -> None:
    answer = await api.post(f"/auth/v1{path}", content=body)

    _assert_auth_error(answer, status, error_code or answer.json()["error_code"])


@pytest.mark.parametrize("scope", ["everyone", ""])
async def test_an_unknown_sign_out_scope_is_refused(api: httpx.AsyncClient, scope: str) -> None:
    here = await _sign_up(api, _email())

    answer = await api.post(f"/auth/v1/logout?scope={scope}", headers=_bearer(here))

    _assert_auth_error(answer, 400, "validation_failed")


async def test_guessing_is_slowed_down(platform: Platform, database: Any, valkey: Any) -> None:
    from control_plane.rest.server import create_app

    slow = make_settings(database.app_url, valkey.url(), TR_SIGN_IN_ATTEMPTS="20", TR_SIGN_IN_REFILL_PER_MINUTE="1")
    transport = httpx.ASGITransport(app=create_app(platform, slow), client=(f"{uuid4()}", 1))  # type: ignore[arg-type]  # Litestar's ASGI types
    body = {"email": _email(), "password": "wrong password"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        answers = [await client.post("/auth/v1/token?grant_type=password", json=body) for _ in range(3)]
        other = await client.post("/auth/v1/token?grant_type=password", json={**body, "email": _email()})

    _assert_auth_error(answers[-1], 429, "over_request_rate_limit")
    assert int(answers[-1].headers["retry-after"]) > 1
    assert other.status_code == 400


async def test_two_replicas_share_their_keys(platform: Platform, settings: Settings, shifted: Platform) -> None:
    person = await make_person(platform)

    caller = await shifted.tokens.verify_access(person.token)

    assert isinstance(caller, Caller)
    assert caller.user_id == person.caller.user_id


async def test_keys_do_not_open_with_another_secret(platform: Platform, database: Any, valkey: Any) -> None:
    await make_person(platform)
    other = make_settings(database.app_url, valkey.url(), TR_SECRET_KEY="ff" * 32)
    passwords = Passwords()
    stranger = assemble(
        other,
        db=platform.db,
        passwords=passwords,
        bus=platform.bus,
        seats=platform.seats,
        presence=platform.presence,
        rate_limits=platform.rate_limits,
        locks=platform.locks,
    )

    with pytest.raises(WrongSecretKey):
        await stranger.tokens.issue_access({"sub": str(uuid4())})
    passwords.close()


async def test_private_keys_are_sealed_and_secrets_are_hashes(platform: Platform) -> None:
    signed_in = await _made(platform, _email())

    async with platform.db.platform() as tx:
        keys = [row["private_key"] for row in await tx.fetch("select private_key from auth_signing_keys")]
        hashes = [row["token_hash"] for row in await tx.fetch("select token_hash from auth_refresh_tokens")]
        password = await tx.fetchval(
            "select password_hash from auth_credentials where user_id = $1", signed_in.account.id
        )

    assert len(keys) == 2
    assert all(key[12:14] != b"0\x81" for key in keys)
    assert signed_in.refresh_token.encode() not in hashes
    assert password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")

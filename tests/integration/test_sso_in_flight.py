"""Sign-ins on their way while somebody meddles: codes of other providers, and connections that change under them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from control_plane.domain.accounts import Account
from control_plane.domain.callers import Origin
from control_plane.domain.sso import SsoConnection, SsoIdentity
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.services.sso_joining import SsoJoining
from control_plane.settings import Settings
from control_plane.stores import sso as store
from control_plane.stores.accounts import find_account
from control_plane.stores.database import columns_of
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.support.identity_providers.running import OidcServer
from tests.support.lying_provider import CLIENT_ID, CLIENT_SECRET, LyingProvider, running_lying_provider
from tests.support.single_sign_on import (
    PAGE,
    Landed,
    SsoTenant,
    arrive,
    begin,
    change,
    leave,
    make_person_at,
    make_sso_tenant,
    read_landing,
)

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


@pytest.fixture
async def liar() -> AsyncIterator[LyingProvider]:
    async with running_lying_provider() as provider:
        yield provider


@pytest.fixture
async def other() -> AsyncIterator[LyingProvider]:
    """A second provider, of somebody else."""
    async with running_lying_provider() as provider:
        yield provider


@pytest.fixture
async def sso(api: httpx.AsyncClient, platform: Platform, liar: LyingProvider) -> SsoTenant:
    made = await make_sso_tenant(api, platform, OidcServer(liar.issuer, CLIENT_ID, CLIENT_SECRET))
    liar.claims = {"email": made.someone()}
    return made


@pytest.fixture
async def other_browser(platform: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The same door, without the first browser's cookies."""
    transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


async def _come_in(api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, **more: str) -> Landed:
    state = liar.note(await leave(api, await begin(api, sso.connection_id, **more)))
    return await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))


async def _view(api: httpx.AsyncClient, sso: SsoTenant) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(sso.path, headers=sso.tenant.owner.headers)).json()
    return found


def _asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


# --- whose answer it is


async def test_each_connection_names_a_redirect_uri_of_its_own(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    asked = _asked(await leave(api, await begin(api, sso.connection_id)))

    assert asked["redirect_uri"] == sso.callback == (await _view(api, sso))["redirectUri"]


async def test_the_code_of_one_provider_is_never_shown_to_another(
    api: httpx.AsyncClient,
    *,
    platform: Platform,
    other_browser: httpx.AsyncClient,
    sso: SsoTenant,
    liar: LyingProvider,
    other: LyingProvider,
) -> None:
    evil = await make_sso_tenant(api, platform, OidcServer(other.issuer, CLIENT_ID, CLIENT_SECRET))
    # The attacker leaves for the victim's provider, and keeps what it was asked for.
    asked = _asked(await leave(other_browser, await begin(other_browser, sso.connection_id)))
    liar.nonce = asked["nonce"]
    # The victim's browser is led to the attacker's provider, which leads it on to its own with the attacker's request.
    victims = _asked(await leave(api, await begin(api, evil.connection_id)))

    landed = await arrive(api, httpx.URL(asked["redirect_uri"], params={"code": "VICTIMS", "state": victims["state"]}))

    assert landed.said["error_code"] == "bad_oauth_state"
    assert (other.forms, liar.forms) == ([], [])


@pytest.mark.parametrize("path", ["", "/", "/x", "/%00", "/" + "0" * 32])
async def test_a_code_that_comes_to_no_connections_redirect_uri_is_shown_to_nobody(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, path: str
) -> None:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))

    answer = await api.get(f"/auth/v1/callback{path}", params={"code": "c", "state": state})

    assert "access_token" not in answer.headers.get("location", "")
    assert answer.status_code in {303, 404}
    assert liar.forms == []


async def test_a_sign_in_is_led_to_its_provider_five_times_at_most(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    ours = await begin(api, sso.connection_id)
    for _ in range(5):
        assert (await leave(api, ours)).startswith(liar.issuer)
    asked = liar.connections

    landed = read_landing(await leave(api, ours))

    assert landed.said["error_code"] == "over_request_rate_limit", landed.said
    assert liar.connections == asked


# --- a connection that changes meanwhile


def _meanwhile(liar: LyingProvider, do: Callable[[], Awaitable[None]]) -> None:
    """Before the provider answers with its tokens."""
    liar.before_tokens = do


async def test_what_the_old_provider_vouches_for_says_nothing_of_the_new_one(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider, other: LyingProvider
) -> None:
    _meanwhile(liar, lambda: change(api, sso, issuer=other.issuer, clientSecret=CLIENT_SECRET))

    landed = await _come_in(api, sso, liar)

    assert landed.said["error_code"] == "sso_provider_not_found", landed.said
    view = await _view(api, sso)
    assert (view["workedAt"], view["lastError"]) == (None, None)
    async with platform.db.tenant(sso.tenant.id) as tx:
        assert await tx.fetchval("select count(*) from sso_identities") == 0


async def test_a_refusal_of_the_old_provider_is_not_told_of_the_new_one(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, other: LyingProvider
) -> None:
    liar.claims["email_verified"] = False
    _meanwhile(liar, lambda: change(api, sso, issuer=other.issuer, clientSecret=CLIENT_SECRET))

    await _come_in(api, sso, liar)

    assert (await _view(api, sso))["lastError"] is None


async def test_a_test_of_the_old_provider_does_not_prove_the_new_one(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, other: LyingProvider
) -> None:
    asked = await api.post(f"{sso.path}/test", json={"redirectTo": PAGE}, headers=sso.tenant.owner.headers)
    state = liar.note(await leave(api, asked.json()["url"]))
    _meanwhile(liar, lambda: change(api, sso, issuer=other.issuer, clientSecret=CLIENT_SECRET))

    landed = await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))

    assert landed.said["sso"] == "failed"
    assert (await _view(api, sso))["workedAt"] is None


async def test_a_connection_that_is_turned_off_while_the_code_is_changed_lets_nobody_in(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    _meanwhile(liar, lambda: change(api, sso, isEnabled=False))

    landed = await _come_in(api, sso, liar)

    assert landed.said["error_code"] == "sso_provider_not_found", landed.said


@pytest.mark.parametrize("asks", [{}, {"code_challenge": CHALLENGE, "code_challenge_method": "s256"}])
async def test_no_sign_in_is_opened_by_a_provider_that_was_replaced_after_it_vouched(
    api: httpx.AsyncClient,
    *,
    platform: Platform,
    sso: SsoTenant,
    liar: LyingProvider,
    other: LyingProvider,
    monkeypatch: pytest.MonkeyPatch,
    asks: dict[str, str],
) -> None:
    person = await make_person_at(platform, liar.claims["email"])
    join = SsoJoining.join

    async def join_and_change(
        self: SsoJoining, connection: SsoConnection, identity: SsoIdentity, account: Account, origin: Origin
    ) -> None:
        await join(self, connection, identity, account, origin)
        await change(api, sso, issuer=other.issuer, clientSecret=CLIENT_SECRET)

    monkeypatch.setattr(SsoJoining, "join", join_and_change)

    landed = await _come_in(api, sso, liar, **asks)

    assert landed.said["error_code"] == "sso_provider_not_found", landed.said
    async with platform.db.platform() as tx:
        open_ones = await tx.fetchval(
            "select count(*) from auth_sessions where user_id = $1 and sso_connection_id is not null "
            "and revoked_at is null",
            person.caller.user_id,
        )
    assert open_ones == 0


async def _turn_off_and_on(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    await change(api, sso, isEnabled=False)
    await change(api, sso, isEnabled=True)


async def test_a_connection_that_is_off_for_a_moment_while_the_code_is_changed_lets_nobody_in(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    _meanwhile(liar, lambda: _turn_off_and_on(api, sso))

    landed = await _come_in(api, sso, liar)

    assert landed.said["error_code"] == "sso_provider_not_found", landed.said
    assert "access_token" in (await _come_in(api, sso, liar)).said


@pytest.mark.parametrize("asks", [{}, {"code_challenge": CHALLENGE, "code_challenge_method": "s256"}])
async def test_no_sign_in_is_opened_by_a_connection_that_was_off_for_a_moment_after_it_vouched(
    api: httpx.AsyncClient,
    *,
    sso: SsoTenant,
    liar: LyingProvider,
    monkeypatch: pytest.MonkeyPatch,
    asks: dict[str, str],
) -> None:
    join = SsoJoining.join

    async def join_and_shut(
        self: SsoJoining, connection: SsoConnection, identity: SsoIdentity, account: Account, origin: Origin
    ) -> None:
        await join(self, connection, identity, account, origin)
        await _turn_off_and_on(api, sso)

    monkeypatch.setattr(SsoJoining, "join", join_and_shut)

    landed = await _come_in(api, sso, liar, **asks)

    assert landed.said["error_code"] == "sso_provider_not_found", landed.said


async def test_a_code_from_before_a_moment_of_being_off_opens_nothing(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider
) -> None:
    landed = await _come_in(api, sso, liar, code_challenge=CHALLENGE, code_challenge_method="s256")
    async with platform.db.platform() as tx:
        # As if it had been taken just before the codes were voided.
        kept = await tx.fetchrow("select * from auth_flow_codes where sso_connection_id = $1", UUID(sso.connection_id))
    assert kept is not None
    await _turn_off_and_on(api, sso)
    async with platform.db.platform() as tx:
        row = columns_of(kept)
        marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await tx.execute(f"insert into auth_flow_codes ({', '.join(row)}) values ({marks})", *row.values())  # noqa: S608

    body = {"auth_code": landed.said["code"], "code_verifier": VERIFIER}
    answer = await api.post("/auth/v1/token?grant_type=pkce", json=body)

    assert (answer.status_code, answer.json()["error_code"]) == (404, "sso_provider_not_found")


async def test_a_sign_in_on_its_way_ends_when_the_connection_is_turned_off(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))
    await _turn_off_and_on(api, sso)

    landed = await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))

    assert landed.said["error_code"] == "sso_provider_not_found", landed.said
    assert liar.forms == []


async def test_who_shuts_a_connection_waits_for_a_sign_in_that_is_being_opened_and_ends_it(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider
) -> None:
    await _come_in(api, sso, liar)
    async with platform.db.tenant(sso.tenant.id) as tx:
        connection = await store.find_connection(tx, sso.tenant.id, UUID(sso.connection_id))
    assert connection is not None
    person = await make_person_at(platform, sso.someone())
    async with platform.db.platform() as tx:
        account = await find_account(tx, person.caller.user_id)
        assert account is not None
        sign_in, _ = await platform.sessions.open(tx, account, connection.method, None, connection.entrance)
        shutting = asyncio.create_task(change(api, sso, isEnabled=False))
        async with asyncio.timeout(15):
            while await _waiting(platform) == 0:
                assert not shutting.done()
    await shutting

    assert await platform.sessions.find_ended({sign_in.id}) == {sign_in.id}


async def _waiting(platform: Platform) -> int:
    """How many wait for an advisory lock in this database."""
    async with platform.db.platform() as tx:
        found = await tx.fetchval(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted "
            "and database = (select oid from pg_database where datname = current_database())"
        )
    return int(found)

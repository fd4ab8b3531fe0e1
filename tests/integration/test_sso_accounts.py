"""What single sign-on does to accounts that were there before: what they keep, and what they can't do by themselves.

The provider is npm's oidc-provider on a real socket; addresses are confirmed by mail where a test says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from control_plane.app import compose
from control_plane.domain.errors import Conflict
from control_plane.domain.plans import PlanTier
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.services.sso_changes import ConnectionFields
from control_plane.settings import Settings
from control_plane.stores import sso as store
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Person, Tenant, add_member, assert_problem, make_connection, make_tenant
from tests.support.identity_providers.running import OidcServer, running_oidc_provider
from tests.support.single_sign_on import CALLBACK, SsoTenant, come_in, make_person_at, make_sso_tenant, prove_domain

PASSWORD = "a stranger chose this"


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcServer]:
    with running_oidc_provider([CALLBACK]) as running:
        yield running


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


@pytest.fixture
async def sso(api: httpx.AsyncClient, platform: Platform, provider: OidcServer) -> SsoTenant:
    return await make_sso_tenant(api, platform, provider)


@pytest.fixture
async def confirming(database: TestDatabase, valkey: EmbeddedValkey) -> AsyncIterator[Platform]:
    """A server on which an address counts once its mailbox has answered."""
    more = {"TR_CONFIRM_EMAIL": "on", "TR_DEV_MAILBOX": "on", "TR_WEBHOOKS_PRIVATE": "on"}
    async with compose(make_settings(database.app_url, valkey.url(), **more)) as built:
        yield built


@pytest.fixture
async def confirming_api(confirming: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(confirming, settings))  # type: ignore[arg-type]  # Litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


async def _sign_up(api: httpx.AsyncClient, email: str) -> dict[str, Any]:
    answer = await api.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def _sign_in(api: httpx.AsyncClient, email: str) -> httpx.Response:
    body = {"email": email, "password": PASSWORD}
    return await api.post("/auth/v1/token?grant_type=password", json=body)


async def _give_password(platform: Platform, person: Person) -> None:
    """As if they had chosen it, and their mailbox had answered."""
    hashed = await platform.accounts.passwords.hash(PASSWORD)
    async with platform.db.platform() as tx:
        await tx.execute(
            "update auth_credentials set password_hash = $2, last_sign_in_at = now() where user_id = $1",
            person.caller.user_id,
            hashed,
        )


async def _enforcing(platform: Platform) -> tuple[Tenant, str, str]:
    """An organization that enforces single sign-on, its proven domain, and the connection."""
    tenant, domain = await make_tenant(platform, PlanTier.BUSINESS), f"{uuid4().hex[:12]}.example"
    await prove_domain(platform, tenant.id, domain)
    connection = make_connection(tenant.id, is_enabled=True, is_enforced=True, worked_at=platform.clock.now())
    async with platform.db.tenant(tenant.id) as tx:
        await store.insert_connection(tx, connection)
    return tenant, domain, str(connection.id)


# --- an account that a stranger made


async def test_where_no_mailbox_confirms_the_first_link_takes_the_password_that_was_there(
    api: httpx.AsyncClient, sso: SsoTenant
) -> None:
    email = sso.someone()
    await _sign_up(api, email)

    landed = await come_in(api, sso.connection_id, email)

    assert "access_token" in landed.said
    assert (await _sign_in(api, email)).json()["error_code"] == "invalid_credentials"


async def test_where_no_mailbox_confirms_the_first_link_ends_the_sign_ins_that_were_there(
    api: httpx.AsyncClient, sso: SsoTenant
) -> None:
    email = sso.someone()
    stranger = await _sign_up(api, email)

    landed = await come_in(api, sso.connection_id, email)
    answer = await api.get("/api/v1/me", headers={"Authorization": f"Bearer {stranger['access_token']}"})
    refresh = {"refresh_token": stranger["refresh_token"]}
    refreshed = await api.post("/auth/v1/token?grant_type=refresh_token", json=refresh)

    assert (answer.status_code, refreshed.status_code) == (401, 400)
    assert (await api.get("/api/v1/me", headers=landed.headers)).status_code == 200


async def test_where_no_mailbox_confirms_the_first_link_takes_a_factor_that_would_keep_the_person_out(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    email = sso.someone()
    stranger = await _sign_up(api, email)
    async with platform.db.platform() as tx:
        await tx.execute(
            "insert into auth_factors (id, user_id, friendly_name, factor_type, status, secret, created_at, updated_at) "
            "values (gen_random_uuid(), $1::uuid, 'phone', 'totp', 'verified', '', now(), now())",
            stranger["user"]["id"],
        )

    landed = await come_in(api, sso.connection_id, email)

    assert (await api.get("/api/v1/me", headers=landed.headers)).status_code == 200


async def test_what_the_first_link_took_is_in_the_audit_log_once(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    email = sso.someone()
    stranger = await _sign_up(api, email)

    for _ in range(2):
        await come_in(api, sso.connection_id, email)
    path = f"{sso.tenant.path}/audit-log?action=sso_identity.cleared"
    log = (await api.get(path, headers=sso.tenant.owner.headers)).json()["items"]

    assert [one["subjectId"] for one in log] == [stranger["user"]["id"]]


async def test_where_mailboxes_confirm_a_link_takes_nothing(
    confirming: Platform, confirming_api: httpx.AsyncClient, provider: OidcServer
) -> None:
    sso = await make_sso_tenant(confirming_api, confirming, provider)
    email = sso.someone()
    await _give_password(confirming, await make_person_at(confirming, email))

    await come_in(confirming_api, sso.connection_id, email)

    assert (await _sign_in(confirming_api, email)).status_code == 200


# --- a password by the provider's word


async def test_a_sign_in_by_single_sign_on_sets_no_password_by_itself(
    confirming: Platform, confirming_api: httpx.AsyncClient, provider: OidcServer
) -> None:
    sso = await make_sso_tenant(confirming_api, confirming, provider)
    landed = await come_in(confirming_api, sso.connection_id, sso.someone())

    answer = await confirming_api.put("/auth/v1/user", json={"password": PASSWORD}, headers=landed.headers)

    assert (answer.status_code, answer.json()["error_code"]) == (400, "reauthentication_needed")


async def test_nor_where_no_mailbox_confirms(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    landed = await come_in(api, sso.connection_id, sso.someone())

    answer = await api.put("/auth/v1/user", json={"password": PASSWORD}, headers=landed.headers)

    assert (answer.status_code, answer.json()["error_code"]) == (400, "reauthentication_needed")


async def test_who_knows_the_current_password_changes_it_however_they_came(
    confirming: Platform, confirming_api: httpx.AsyncClient, provider: OidcServer
) -> None:
    sso = await make_sso_tenant(confirming_api, confirming, provider)
    email = sso.someone()
    await _give_password(confirming, await make_person_at(confirming, email))
    landed = await come_in(confirming_api, sso.connection_id, email)

    body = {"password": "another one entirely", "current_password": PASSWORD}
    answer = await confirming_api.put("/auth/v1/user", json=body, headers=landed.headers)

    assert answer.status_code == 200, answer.text


# --- leaving an address


async def test_a_member_keeps_the_address_that_an_enforcement_goes_by(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant, domain, connection_id = await _enforcing(platform)
    person = await make_person_at(platform, f"ada@{domain}")
    await add_member(platform, tenant, person)

    answer = await api.put("/auth/v1/user", json={"email": "home@private.example"}, headers=person.headers)

    assert (answer.status_code, answer.json()["error_code"]) == (400, "sso_enforced")
    refused = await api.get(tenant.path, headers=person.headers)
    assert assert_problem(refused, 403, "sso_required")["connection_id"] == connection_id


async def test_an_address_of_another_domain_of_the_organization_will_do(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant, domain, _ = await _enforcing(platform)
    await prove_domain(platform, tenant.id, f"new-{domain}")
    person = await make_person_at(platform, f"ada@{domain}")
    await add_member(platform, tenant, person)

    answer = await api.put("/auth/v1/user", json={"email": f"ada@new-{domain}"}, headers=person.headers)

    assert answer.status_code == 200, answer.text


async def test_who_is_no_member_changes_their_address(api: httpx.AsyncClient, platform: Platform) -> None:
    _, domain, _ = await _enforcing(platform)
    person = await make_person_at(platform, f"ada@{domain}")

    answer = await api.put("/auth/v1/user", json={"email": f"{uuid4().hex}@private.example"}, headers=person.headers)

    assert answer.status_code == 200, answer.text


async def test_a_new_address_that_was_asked_for_before_the_enforcement_does_not_count_after_it(
    confirming: Platform, confirming_api: httpx.AsyncClient
) -> None:
    tenant, domain, _ = await _enforcing(confirming)
    person = await make_person_at(confirming, f"ada@{domain}")
    await add_member(confirming, tenant, person)
    new = f"{uuid4().hex}@private.example"
    await _enforce(confirming, tenant, is_on=False)
    asked = await confirming_api.put("/auth/v1/user", json={"email": new}, headers=person.headers)
    assert asked.status_code == 200, asked.text
    tokens = [uuid4().hex, uuid4().hex]
    async with confirming.db.platform() as tx:
        for purpose, token in zip(("email_change_current", "email_change_new"), tokens, strict=True):
            await tx.execute(
                "update auth_mailed_tokens set token_hash = sha256($3::bytea) where user_id = $1 and purpose = $2",
                person.caller.user_id,
                purpose,
                token.encode(),
            )
    await _enforce(confirming, tenant, is_on=True)

    for token in tokens:
        await confirming_api.post("/auth/v1/verify", json={"type": "email_change", "token_hash": token})

    async with confirming.db.platform() as tx:
        email = await tx.fetchval("select email from users where id = $1", person.caller.user_id)
    assert email == f"ada@{domain}"


async def _enforce(platform: Platform, tenant: Tenant, *, is_on: bool) -> None:
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("update sso_connections set is_enforced = $2 where organization_id = $1", tenant.id, is_on)


# --- what is remembered of a refusal


async def test_a_refusal_for_want_of_single_sign_on_is_not_kept(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant, domain, _ = await _enforcing(platform)
    person = await make_person_at(platform, f"ada@{domain}")
    await add_member(platform, tenant, person)
    headers = {**person.headers, "Idempotency-Key": uuid4().hex}

    first = await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=headers)
    await _enforce(platform, tenant, is_on=False)
    second = await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=headers)

    assert_problem(first, 403, "sso_required")
    assert_problem(second, 403, "forbidden")  # of a viewer, who makes no rooms


# --- another issuer


async def test_enforcement_is_turned_off_also_while_another_issuer_signs_people_in(
    platform: Platform, database: TestDatabase, valkey: EmbeddedValkey
) -> None:
    tenant, _, connection_id = await _enforcing(platform)
    settings = make_settings(
        database.app_url, valkey.url(), SUPABASE_URL="http://127.0.0.1:9", SUPABASE_JWT_SECRET="s" * 40
    )
    async with compose(settings) as hosted:
        wanted = ConnectionFields(is_enforced=False)
        after = await hosted.sso_connections.change(tenant.owner.caller, tenant.id, UUID(connection_id), wanted)
        more = ConnectionFields(is_enforced=False, name="Another")
        with pytest.raises(Conflict):
            await hosted.sso_connections.change(tenant.owner.caller, tenant.id, UUID(connection_id), more)

    assert after.is_enforced is False

"""Setting an identity provider up: who may, what is read of it, what is never shown, and where nobody is sent to read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from control_plane.app import compose
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from control_plane.stores import sso as store
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Tenant, assert_problem, make_connection, make_member, make_tenant
from tests.support.lying_provider import CLIENT_ID, CLIENT_SECRET, LyingProvider, running_lying_provider


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await make_tenant(platform, PlanTier.BUSINESS)


@pytest.fixture
async def liar() -> AsyncIterator[LyingProvider]:
    async with running_lying_provider() as provider:
        yield provider


def _body(issuer: str, **more: object) -> dict[str, Any]:
    body = {"kind": "oidc", "name": "Provider", "issuer": issuer, "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}
    return {**body, **more}


async def _create(api: httpx.AsyncClient, tenant: Tenant, body: dict[str, Any]) -> httpx.Response:
    return await api.post(f"{tenant.path}/sso/connections", json=body, headers=tenant.owner.headers)


async def test_a_new_connection_is_off_and_says_what_the_provider_asks_about_us(
    api: httpx.AsyncClient, tenant: Tenant, liar: LyingProvider
) -> None:
    answer = await _create(api, tenant, _body(liar.issuer + "/"))
    made = answer.json()

    assert answer.status_code == 201, answer.text
    assert (made["isEnabled"], made["isEnforced"], made["workedAt"]) == (False, False, None)
    assert made["issuer"] == liar.issuer  # as its document writes it
    assert made["redirectUri"] == f"http://localhost:8000/auth/v1/callback/{made['id']}"


async def test_a_client_secret_is_never_shown_and_lies_sealed(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, liar: LyingProvider
) -> None:
    made = await _create(api, tenant, _body(liar.issuer))
    read = await api.get(f"{tenant.path}/sso/connections", headers=tenant.owner.headers)
    audit = await api.get(f"{tenant.path}/audit-log", headers=tenant.owner.headers)
    async with platform.db.tenant(tenant.id) as tx:
        row = (await store.list_connections(tx, tenant.id))[0]

    assert made.json()["hasClientSecret"] is True
    assert CLIENT_SECRET not in made.text + read.text + audit.text
    assert row.client_secret is not None
    assert CLIENT_SECRET.encode() not in row.client_secret
    assert platform.sso_connections.open_secret(row) == CLIENT_SECRET


async def test_a_secret_is_sealed_for_its_own_connection(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, liar: LyingProvider
) -> None:
    await _create(api, tenant, _body(liar.issuer))
    async with platform.db.tenant(tenant.id) as tx:
        row = (await store.list_connections(tx, tenant.id))[0]

    moved = make_connection(tenant.id, client_secret=row.client_secret)

    assert platform.sso_connections.open_secret(moved) is None


async def test_an_admin_reads_connections_and_writes_none(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, liar: LyingProvider
) -> None:
    admin = await make_member(platform, tenant, Role.ADMIN)
    made = (await _create(api, tenant, _body(liar.issuer))).json()
    path = f"{tenant.path}/sso/connections/{made['id']}"

    read = await api.get(path, headers=admin.headers)
    refused = [
        await api.post(f"{tenant.path}/sso/connections", json=_body(liar.issuer), headers=admin.headers),
        await api.patch(path, json={"isEnabled": True}, headers=admin.headers),
        await api.delete(path, headers=admin.headers),
        await api.post(f"{path}/test", json={}, headers=admin.headers),
    ]

    assert read.status_code == 200
    for answer in refused:
        assert_problem(answer, 403, "forbidden")


async def test_a_plan_without_single_sign_on_sets_none_up(
    api: httpx.AsyncClient, platform: Platform, liar: LyingProvider
) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)

    answer = await _create(api, tenant, _body(liar.issuer))

    assert assert_problem(answer, 402, "feature_not_in_plan")["feature"] == "sso"


DISCOVERIES: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer's": ({"issuer": "https://accounts.example.com"}, "issuer_mismatch"),
    "without keys": ({"jwks_uri": None}, "discovery_malformed"),
    "with a page that is none": ({"authorization_endpoint": "javascript:alert(1)"}, "discovery_malformed"),
    "with a file for keys": ({"jwks_uri": "file:///etc/passwd"}, "discovery_malformed"),
    "with a name and a password in an address": ({"token_endpoint": "https://a:b@c.example"}, "discovery_malformed"),
}


@pytest.mark.parametrize("what", DISCOVERIES)
async def test_a_discovery_document_is_refused_that_is(
    api: httpx.AsyncClient, tenant: Tenant, liar: LyingProvider, what: str
) -> None:
    liar.discovery, reason = DISCOVERIES[what]

    answer = await _create(api, tenant, _body(liar.issuer))

    assert assert_problem(answer, 422, "sso_failed")["reason"] == reason


async def test_a_document_without_end_is_not_read_to_its_end(
    api: httpx.AsyncClient, tenant: Tenant, liar: LyingProvider
) -> None:
    liar.padding = 600 * 1024

    answer = await _create(api, tenant, _body(liar.issuer))

    assert assert_problem(answer, 422, "sso_failed")["reason"] == "too_large"


async def test_a_server_that_is_not_there_is_told_as_that(api: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await _create(api, tenant, _body("http://127.0.0.1:9"))

    assert assert_problem(answer, 422, "sso_failed")["reason"] == "unreachable"


@pytest.mark.parametrize("missing", ["issuer", "clientId"])
async def test_what_is_missing_is_named(
    api: httpx.AsyncClient, tenant: Tenant, liar: LyingProvider, missing: str
) -> None:
    body = _body(liar.issuer)
    del body[missing]

    assert assert_problem(await _create(api, tenant, body), 422, "invalid_input")["field"] == missing


async def test_only_one_connection_is_enforced(api: httpx.AsyncClient, platform: Platform, tenant: Tenant) -> None:
    now, owner_id = platform.clock.now(), tenant.owner.caller.user_id
    made = [make_connection(tenant.id, is_enabled=True, worked_at=now, tested_by=owner_id) for _ in range(2)]
    async with platform.db.tenant(tenant.id) as tx:
        for one in made:
            await store.insert_connection(tx, one)
    paths = [f"{tenant.path}/sso/connections/{one.id}" for one in made]

    first, second = [await api.patch(path, json={"isEnforced": True}, headers=tenant.owner.headers) for path in paths]

    assert first.status_code == 200, first.text
    assert assert_problem(second, 409, "conflict")["reason"] == "other_enforced"


async def test_every_change_is_in_the_audit_log(api: httpx.AsyncClient, tenant: Tenant, liar: LyingProvider) -> None:
    made = (await _create(api, tenant, _body(liar.issuer))).json()
    path = f"{tenant.path}/sso/connections/{made['id']}"
    await api.patch(path, json={"clientSecret": "another", "isEnabled": True}, headers=tenant.owner.headers)
    await api.delete(path, headers=tenant.owner.headers)

    log = await api.get(f"{tenant.path}/audit-log?action=sso_connection", headers=tenant.owner.headers)

    items = log.json()["items"]
    assert [one["action"] for one in items] == [f"sso_connection.{word}" for word in ("deleted", "changed", "created")]
    assert items[1]["after"] == {"isEnabled": True, "clientSecret": "changed"}


# --- where nobody is sent to read


@pytest.mark.parametrize(
    "issuer",
    [
        "https://127.0.0.1:{port}",
        "https://localhost:{port}",
        "https://[::1]:{port}",
        "https://[::ffff:127.0.0.1]:{port}",
        "https://169.254.169.254",
        "https://10.0.0.1",
        "https://0.0.0.0:{port}",
    ],
)
async def test_in_production_no_private_address_is_asked(
    database: TestDatabase, valkey: EmbeddedValkey, liar: LyingProvider, issuer: str
) -> None:
    settings = make_settings(database.app_url, valkey.url())
    async with compose(settings) as platform:
        transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's own ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as api:
            tenant = await make_tenant(platform, PlanTier.BUSINESS)

            answer = await _create(api, tenant, _body(issuer.format(port=liar.issuer.rpartition(":")[2])))

    assert assert_problem(answer, 422, "sso_failed")["reason"] == "unreachable"
    assert liar.connections == 0


async def test_in_production_an_issuer_needs_tls(
    database: TestDatabase, valkey: EmbeddedValkey, liar: LyingProvider
) -> None:
    settings = make_settings(database.app_url, valkey.url())
    async with compose(settings) as platform:
        transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's own ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as api:
            tenant = await make_tenant(platform, PlanTier.BUSINESS)

            answer = await _create(api, tenant, _body(liar.issuer))

    assert assert_problem(answer, 422, "invalid_input")["field"] == "issuer"


async def test_another_issuer_is_not_shown_the_secret_of_the_old_one(
    api: httpx.AsyncClient, tenant: Tenant, liar: LyingProvider
) -> None:
    made = (await _create(api, tenant, _body(liar.issuer))).json()
    path = f"{tenant.path}/sso/connections/{made['id']}"

    async with running_lying_provider() as other:
        same = await api.patch(path, json={"issuer": liar.issuer}, headers=tenant.owner.headers)
        bare = await api.patch(path, json={"issuer": other.issuer}, headers=tenant.owner.headers)
        with_secret = {"issuer": liar.issuer, "clientSecret": "of the other one, as it seems"}
        own = await api.patch(path, json=with_secret, headers=tenant.owner.headers)

    assert [one.json()["hasClientSecret"] for one in (same, bare, own)] == [True, False, True]

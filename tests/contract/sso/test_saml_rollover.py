"""A SAML provider's metadata is read again at its address, so that a new signing key needs nobody here.

The providers that sign are the real saml-idp; what stands at the address of the metadata is served by the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from control_plane.stores import sso as store
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.contract.sso.saml_walk import connect, prove, sign_in
from tests.factories import Tenant, assert_problem, make_member, make_tenant
from tests.support.identity_providers.running import SamlServer, running_saml_idp

METADATA = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}
<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sso_url}"/>
</IDPSSODescriptor></EntityDescriptor>"""
KEY = (
    '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>'
    "{body}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
)


def metadata_of(provider: SamlServer, *certificates: str, entity_id: str | None = None) -> bytes:
    """Metadata that names these certificates (PEM), sign-ins at the provider, and its entity id unless another is given."""
    bodies = ["".join(one.strip().splitlines()[1:-1]) for one in certificates]
    keys = "".join(KEY.format(body=body) for body in bodies)
    return METADATA.format(entity_id=entity_id or provider.entity_id, keys=keys, sso_url=provider.sso_url).encode()


@dataclass
class Address:
    """Where metadata stands. body: what is answered; empty: 404. asked: how often."""

    url: str = ""
    body: bytes = b""
    asked: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        self.asked += 1
        await reader.readuntil(b"\r\n\r\n")
        status = "200 OK" if self.body else "404 Not Found"
        writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(self.body)}\r\n\r\n".encode())
        writer.write(self.body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def address() -> AsyncIterator[Address]:
    made = Address()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metadata"
    async with server:
        yield made


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamlServer]:
    with running_saml_idp(tmp_path_factory.mktemp("old"), audience="unset", acs_url="http://localhost:9/unset") as one:
        yield one


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamlServer]:
    """The same provider with its next key, at another address."""
    with running_saml_idp(tmp_path_factory.mktemp("new"), audience="unset", acs_url="http://localhost:9/unset") as one:
        yield one


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


@pytest.fixture
def domain() -> str:
    return f"{uuid4().hex[:12]}.example"


@pytest.fixture
async def tenant(platform: Platform, domain: str) -> Tenant:
    made = await make_tenant(platform, PlanTier.BUSINESS)
    await prove(platform, made.id, domain)
    return made


@pytest.fixture
async def connection(api: httpx.AsyncClient, tenant: Tenant, old: SamlServer, address: Address) -> dict[str, Any]:
    """On, its metadata named by the address, where the old key stands."""
    address.body = metadata_of(old, old.certificate)
    made = await connect(api, tenant, old, metadataUrl=address.url)
    assert made["idpMetadataUrl"] == address.url
    return made


async def _read(api: httpx.AsyncClient, tenant: Tenant, connection: dict[str, Any]) -> httpx.Response:
    path = f"{tenant.path}/sso/connections/{connection['id']}/read-metadata"
    return await api.post(path, headers=tenant.owner.headers)


async def _view(api: httpx.AsyncClient, tenant: Tenant, connection: dict[str, Any]) -> dict[str, Any]:
    path = f"{tenant.path}/sso/connections/{connection['id']}"
    found: dict[str, Any] = (await api.get(path, headers=tenant.owner.headers)).json()
    return found


async def _audited(api: httpx.AsyncClient, tenant: Tenant) -> list[dict[str, Any]]:
    answer = await api.get(f"{tenant.path}/audit-log?action=sso_connection.read", headers=tenant.owner.headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def _make_due(platform: Platform, tenant: Tenant, connection: dict[str, Any]) -> None:
    """As if it had been read two days ago."""
    async with platform.db.tenant(tenant.id) as tx:
        row = await store.find_connection(tx, tenant.id, UUID(connection["id"]))
        assert row is not None
        before = platform.clock.now() - timedelta(days=2)
        await store.update_connection(tx, msgspec.structs.replace(row, metadata_read_at=before))


async def test_both_keys_of_metadata_let_people_in(
    api: httpx.AsyncClient, *, tenant: Tenant, old: SamlServer, new: SamlServer, address: Address, domain: str
) -> None:
    address.body = metadata_of(old, old.certificate, new.certificate)
    connection = await connect(api, tenant, old, metadataUrl=address.url)
    by_old = await sign_in(api, connection["id"], f"ada@{domain}")
    address.body = metadata_of(new, old.certificate, new.certificate)
    await _read(api, tenant, connection)
    new.change(audience=connection["spEntityId"])
    by_new = await sign_in(api, connection["id"], f"ada@{domain}")

    assert len(connection["certificates"]) == 2
    assert ("access_token" in by_old.fragment, "access_token" in by_new.fragment) == (True, True)


async def test_a_new_key_is_taken_over_once_a_day(
    *,
    api: httpx.AsyncClient,
    platform: Platform,
    tenant: Tenant,
    connection: dict[str, Any],
    new: SamlServer,
    address: Address,
    domain: str,
) -> None:
    address.body = metadata_of(new, new.certificate)
    new.change(audience=connection["spEntityId"])
    await _make_due(platform, tenant, connection)

    await platform.sso_metadata.read_due()

    landed = await sign_in(api, connection["id"], f"ada@{domain}")
    assert "access_token" in landed.fragment, landed
    view = await _view(api, tenant, connection)
    assert (view["idpSsoUrl"], view["metadataError"]) == (new.sso_url, None)
    assert view["certificates"] != connection["certificates"]


async def test_a_key_that_is_gone_from_the_metadata_lets_nobody_in(
    api: httpx.AsyncClient,
    *,
    tenant: Tenant,
    connection: dict[str, Any],
    old: SamlServer,
    new: SamlServer,
    address: Address,
    domain: str,
) -> None:
    address.body = metadata_of(old, new.certificate)

    await _read(api, tenant, connection)

    landed = await sign_in(api, connection["id"], f"ada@{domain}")
    assert landed.fragment["error_code"] == "sso_failed"
    assert (await _view(api, tenant, connection))["lastError"] == "signature"


async def test_what_was_read_today_is_not_read_again(
    platform: Platform, connection: dict[str, Any], address: Address
) -> None:
    asked = address.asked

    await platform.sso_metadata.read_due()

    assert address.asked == asked > 0, connection


async def test_what_reading_changed_is_in_the_audit_log_once(
    *,
    api: httpx.AsyncClient,
    platform: Platform,
    tenant: Tenant,
    connection: dict[str, Any],
    old: SamlServer,
    new: SamlServer,
    address: Address,
) -> None:
    address.body = metadata_of(old, old.certificate, new.certificate)
    for _ in range(2):
        await _make_due(platform, tenant, connection)
        await platform.sso_metadata.read_due()

    (entry,) = await _audited(api, tenant)

    assert (entry["actorKind"], entry["subjectId"]) == ("system", connection["id"])
    was, now = entry["before"]["idpCertificates"], entry["after"]["idpCertificates"]
    assert was == [connection["certificates"][0]["sha256"]] == now[:1]
    assert len(now) == 2


@pytest.mark.parametrize(("body", "reason"), [(b"", "unreachable"), (b"<a/>", "no_provider"), (b"<", "malformed")])
async def test_metadata_that_can_not_be_read_takes_nothing(
    *,
    api: httpx.AsyncClient,
    platform: Platform,
    tenant: Tenant,
    connection: dict[str, Any],
    address: Address,
    domain: str,
    body: bytes,
    reason: str,
) -> None:
    address.body = body
    await _make_due(platform, tenant, connection)

    await platform.sso_metadata.read_due()

    view = await _view(api, tenant, connection)
    assert (view["metadataError"], view["certificates"]) == (reason, connection["certificates"])
    assert "access_token" in (await sign_in(api, connection["id"], f"ada@{domain}")).fragment


async def test_metadata_of_another_provider_does_not_take_over(
    api: httpx.AsyncClient, tenant: Tenant, connection: dict[str, Any], new: SamlServer, address: Address
) -> None:
    address.body = metadata_of(new, new.certificate, entity_id="urn:somebody:else")

    answer = await _read(api, tenant, connection)

    view = answer.json()
    assert view["metadataError"] == "other_provider"
    assert (view["idpEntityId"], view["idpSsoUrl"]) == (connection["idpEntityId"], connection["idpSsoUrl"])


async def test_what_was_pasted_or_typed_is_not_read_again(
    api: httpx.AsyncClient, tenant: Tenant, connection: dict[str, Any], old: SamlServer, new: SamlServer
) -> None:
    path = f"{tenant.path}/sso/connections/{connection['id']}"
    typed = await api.patch(path, headers=tenant.owner.headers, json={"idpCertificates": [new.certificate]})

    answer = await _read(api, tenant, connection)

    assert (typed.json()["idpMetadataUrl"], typed.json()["metadataReadAt"]) == (None, None)
    assert_problem(answer, 409, "conflict")
    pasted = await api.patch(path, headers=tenant.owner.headers, json={"metadataXml": old.read_metadata()})
    assert pasted.json()["idpMetadataUrl"] is None


async def test_only_the_owner_has_it_read(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, connection: dict[str, Any], address: Address
) -> None:
    admin = await make_member(platform, tenant, Role.ADMIN)
    asked = address.asked

    path = f"{tenant.path}/sso/connections/{connection['id']}/read-metadata"
    answer = await api.post(path, headers=admin.headers)

    assert_problem(answer, 403, "forbidden")
    assert address.asked == asked

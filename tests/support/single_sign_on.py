"""Single sign-on in tests: an organization with a proven domain, a connection, and a browser's way through it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import msgspec

from control_plane.domain.ids import OrganizationId
from control_plane.domain.plans import PlanTier
from control_plane.domain.sso import SsoDomain
from control_plane.services.platform import Platform
from control_plane.stores import sso as store
from tests.factories import Person, Tenant, make_person, make_tenant
from tests.support.identity_providers.browserless import sign_in_at_oidc
from tests.support.identity_providers.running import OidcServer

CALLBACK = "http://localhost:8000/auth/v1/callback"
"""Above the redirect URIs of all connections, and none itself; the provider of the tests takes all that are under it."""
PAGE = "http://localhost:8000/sign-in/callback"


@dataclass(frozen=True)
class SsoTenant:
    """An organization with single sign-on. domain: proven; connection_id: on, of the provider that was given."""

    tenant: Tenant
    domain: str
    connection_id: str

    @property
    def path(self) -> str:
        return f"{self.tenant.path}/sso/connections/{self.connection_id}"

    @property
    def callback(self) -> str:
        """The connection's redirect URI."""
        return f"{CALLBACK}/{self.connection_id}"

    def someone(self) -> str:
        """A fresh address of its domain."""
        return f"{uuid4().hex[:12]}@{self.domain}"


@dataclass(frozen=True)
class Landed:
    """Where a browser ended. said: behind `#` and in the query together."""

    url: str
    said: dict[str, str]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.said['access_token']}"}


async def prove_domain(platform: Platform, organization_id: OrganizationId, domain: str) -> None:
    """As if its record had been found."""
    now = datetime.now(UTC)
    made = SsoDomain(
        id=uuid4(),
        organization_id=organization_id,
        domain=domain,
        token="token",
        created_at=now,
        verified_at=None,
        checked_at=None,
        last_error=None,
    )
    async with platform.db.tenant(organization_id) as tx:
        await store.insert_domain(tx, made)
        assert await store.write_check(tx, msgspec.structs.replace(made, verified_at=now, checked_at=now))


async def make_sso_tenant(
    api: httpx.AsyncClient, platform: Platform, provider: OidcServer, **fields: object
) -> SsoTenant:
    """An organization on a plan with single sign-on, its domain proven, its connection on. fields: of the connection."""
    tenant = await make_tenant(platform, PlanTier.BUSINESS)
    domain = f"{uuid4().hex[:12]}.example"
    await prove_domain(platform, tenant.id, domain)
    body = {
        "kind": "oidc",
        "name": "Provider",
        "issuer": provider.issuer,
        "clientId": provider.client_id,
        "clientSecret": provider.client_secret,
        "joinsMembers": True,
        **fields,
    }
    made = await api.post(f"{tenant.path}/sso/connections", json=body, headers=tenant.owner.headers)
    assert made.status_code == 201, made.text
    sso = SsoTenant(tenant=tenant, domain=domain, connection_id=made.json()["id"])
    await change(api, sso, isEnabled=True)
    return sso


async def change(api: httpx.AsyncClient, sso: SsoTenant, by: dict[str, str] | None = None, **changes: object) -> None:
    """Change the connection, as its owner unless `by` holds other headers."""
    answer = await api.patch(sso.path, json=changes, headers=by or sso.tenant.owner.headers)
    assert answer.status_code == 200, answer.text


async def make_person_at(platform: Platform, email: str) -> Person:
    """A login with that address, made without the provider."""
    person = await make_person(platform)
    async with platform.db.platform() as tx:
        await tx.execute("update users set email = $2 where id = $1", person.caller.user_id, email)
        await tx.execute(
            "update auth_credentials set email_confirmed_at = now() where user_id = $1", person.caller.user_id
        )
    return person


async def begin(api: httpx.AsyncClient, connection_id: str, **more: str) -> str:
    """Ask for a sign-in, as supabase-js does. Answers our page that sends the browser on."""
    body = {"provider_id": connection_id, "redirect_to": PAGE, "skip_http_redirect": True, **more}
    answer = await api.post("/auth/v1/sso", json=body)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["url"]
    return url


async def leave(api: httpx.AsyncClient, url: str) -> str:
    """Open our page. Answers where the browser is sent."""
    answer = await api.get(url)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def arrive(api: httpx.AsyncClient, url: httpx.URL | str) -> Landed:
    """Open the address that the provider sent the browser back to. Answers where it ends."""
    answer = await api.get(url)
    assert answer.status_code == 303, answer.text
    return read_landing(answer.headers["location"])


def read_landing(location: str) -> Landed:
    """A page's address, and what stands behind it."""
    parts = urlsplit(location)
    said = {name: values[0] for name, values in parse_qs(f"{parts.query}&{parts.fragment}").items()}
    return Landed(url=f"{parts.scheme}://{parts.netloc}{parts.path}", said=said)


async def come_in(api: httpx.AsyncClient, connection_id: str, login: str, **more: str) -> Landed:
    """The whole way: ask, leave, sign in at the provider, come back."""
    there = await leave(api, await begin(api, connection_id, **more))
    return await arrive(api, await sign_in_at_oidc(there, login))


async def try_connection(api: httpx.AsyncClient, sso: SsoTenant) -> Landed:
    """The owner tries the connection, as somebody of its domain."""
    answer = await api.post(f"{sso.path}/test", json={"redirectTo": PAGE}, headers=sso.tenant.owner.headers)
    assert answer.status_code == 200, answer.text
    there = await leave(api, answer.json()["url"])
    return await arrive(api, await sign_in_at_oidc(there, sso.someone()))

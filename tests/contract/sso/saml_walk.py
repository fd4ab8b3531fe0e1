"""A person who signs in by SAML at the REST door, with saml-idp as the provider: one step after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import httpx

from control_plane.domain.ids import OrganizationId
from control_plane.domain.sso import SsoDomain
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from control_plane.stores import sso as store
from tests.factories import Tenant
from tests.support.identity_providers.browserless import SamlPost, sign_in_at_saml
from tests.support.identity_providers.running import SamlServer

BASE = "http://localhost:8000"


@dataclass(frozen=True)
class Landed:
    """Where a browser ended. fragment, query: what the address says."""

    url: httpx.URL

    @property
    def fragment(self) -> dict[str, str]:
        return dict(parse_qsl(self.url.fragment))

    @property
    def query(self) -> dict[str, str]:
        return dict(self.url.params)


@asynccontextmanager
async def open_browser(platform: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with a cookie jar of its own, at the REST door."""
    transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


async def prove(platform: Platform, organization_id: OrganizationId, domain: str) -> None:
    """Make a mail domain the organization's."""
    now = platform.clock.now()
    row = SsoDomain(
        id=platform.ids.new(),
        organization_id=organization_id,
        domain=domain,
        token="token",
        created_at=now,
        verified_at=now,
        checked_at=now,
        last_error=None,
    )
    async with platform.db.tenant(organization_id) as tx:
        assert await store.insert_domain(tx, row)
        assert await store.write_check(tx, row)


async def connect(api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, **fields: Any) -> dict[str, Any]:
    """Set the provider up for a tenant and turn it on, and tell the provider who we are."""
    path, headers = f"{tenant.path}/sso/connections", tenant.owner.headers
    body = {"kind": "saml", "name": "Directory", "metadataUrl": provider.metadata_url, **fields}
    made = await api.post(path, headers=headers, json=body)
    assert made.status_code == 201, made.text
    changed = await api.patch(f"{path}/{made.json()['id']}", headers=headers, json={"isEnabled": True})
    assert changed.status_code == 200, changed.text
    provider.change(audience=changed.json()["spEntityId"])
    found: dict[str, Any] = changed.json()
    return found


async def leave(browser: httpx.AsyncClient, connection_id: str | UUID, **more: str) -> str:
    """Begin a sign-in and go to the provider; answers the authentication request's address."""
    body = {"provider_id": str(connection_id), "skip_http_redirect": True, **more}
    started = await browser.post("/auth/v1/sso", json=body)
    assert started.status_code == 200, started.text
    return await follow(browser, started.json()["url"])


async def follow(browser: httpx.AsyncClient, url: str) -> str:
    """Go to our page that sends the browser on; answers where to."""
    left = await browser.get(url)
    assert left.status_code == 303, left.text
    return str(left.headers["location"])


async def post(browser: httpx.AsyncClient, posted: SamlPost) -> httpx.Response:
    """What the provider's page has the browser do: its origin is told, and no cookie comes with another site's form."""
    kept, browser.cookies = browser.cookies, httpx.Cookies()
    try:
        headers = {"Origin": "https://idp.example"}
        return await browser.post(httpx.URL(posted.acs_url).path, data=posted.body, headers=headers)
    finally:
        browser.cookies = kept


async def land(browser: httpx.AsyncClient, answer: httpx.Response) -> Landed:
    """Follow to the end: the client's page."""
    while answer.status_code == 303:
        target = answer.url.join(answer.headers["location"])
        if not target.path.startswith("/auth/v1/"):
            return Landed(target)
        answer = await browser.get(target)
    raise AssertionError(f"{answer.status_code} {answer.text}")


async def sign_in(browser: httpx.AsyncClient, connection_id: str | UUID, email: str, **more: str) -> Landed:
    """The whole way. more: for the start."""
    url = await leave(browser, connection_id, **more)
    return await land(browser, await post(browser, await sign_in_at_saml(url, userName=email, email=email)))

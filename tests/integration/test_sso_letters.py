"""Who is linked to an identity provider is told by mail, in the transaction that links them.

The provider is npm's oidc-provider on a real socket; letters are read in the outbox.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.support.identity_providers.running import OidcServer, running_oidc_provider
from tests.support.single_sign_on import CALLBACK, SsoTenant, change, come_in, make_person_at, make_sso_tenant


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcServer]:
    with running_oidc_provider([CALLBACK]) as running:
        yield running


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    more = {"TR_CONFIRM_EMAIL": "on", "TR_DEV_MAILBOX": "on", "TR_WEBHOOKS_PRIVATE": "on"}
    return make_settings(database.app_url, valkey.url(), **more)


@pytest.fixture
async def sso(api: httpx.AsyncClient, platform: Platform, provider: OidcServer) -> SsoTenant:
    return await make_sso_tenant(api, platform, provider)


async def _letters(platform: Platform, to: str) -> list[dict[str, Any]]:
    """What waits to be sent to an address, oldest first."""
    async with platform.db.platform() as tx:
        rows = await tx.fetch(
            "select body::text from outbox where kind = 'mail' and body ->> 'to' = $1 order by id", to
        )
    return [msgspec.json.decode(row["body"]) for row in rows]


async def test_whoever_is_linked_for_the_first_time_is_told_by_whom_and_where_to_end_it(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    email = sso.someone()
    await make_person_at(platform, email)

    await come_in(api, sso.connection_id, email)

    (letter,) = await _letters(platform, email)
    assert letter["subject"] == "Acme Traders can sign you in now"
    assert "linked to Provider" in letter["text"]
    assert "http://localhost:8000/account/security" in letter["text"]
    assert "If this was not you" in letter["text"]


async def test_the_letter_holds_no_secret_of_the_sign_in(
    api: httpx.AsyncClient, platform: Platform, provider: OidcServer, sso: SsoTenant
) -> None:
    email = sso.someone()
    landed = await come_in(api, sso.connection_id, email)

    (letter,) = await _letters(platform, email)

    secrets = (landed.said["access_token"], landed.said["refresh_token"], provider.client_secret)
    assert not any(secret in letter["text"] + letter["html"] for secret in secrets)
    assert "?" not in letter["text"].split("http", 1)[1].split()[0]


async def test_who_comes_again_is_told_nothing(api: httpx.AsyncClient, platform: Platform, sso: SsoTenant) -> None:
    email = sso.someone()

    for _ in range(3):
        await come_in(api, sso.connection_id, email)

    assert len(await _letters(platform, email)) == 1


async def test_a_link_that_comes_to_nothing_is_told_to_nobody(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    await platform.entitlements.override(sso.tenant.id, {"max_hosts": 1, "has_sso": True}, "no host is left")
    await change(api, sso, defaultRole="host")
    email = sso.someone()

    landed = await come_in(api, sso.connection_id, email)

    assert landed.said["error_code"] == "plan_limit_reached", landed.said
    assert await _letters(platform, email) == []


async def test_names_that_tenants_chose_are_no_links(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    await change(api, sso, name="https://evil.example/<b>x</b>")
    email = sso.someone()

    await come_in(api, sso.connection_id, email)

    (letter,) = await _letters(platform, email)
    assert "evil.example" not in letter["text"] + letter["html"]
    assert "<b>x" not in letter["html"]


async def test_who_is_unlinked_is_told_so(api: httpx.AsyncClient, platform: Platform, sso: SsoTenant) -> None:
    email = sso.someone()
    await come_in(api, sso.connection_id, email)
    (linked,) = (await api.get(f"{sso.path}/people", headers=sso.tenant.owner.headers)).json()["items"]

    await api.delete(f"{sso.path}/people/{linked['id']}", headers=sso.tenant.owner.headers)

    letter = (await _letters(platform, email))[-1]
    assert letter["subject"] == "Acme Traders does not sign you in any more"

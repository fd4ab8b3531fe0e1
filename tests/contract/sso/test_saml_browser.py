"""SAML in a real browser: its rules for cookies and forms of other sites, not ours of it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from control_plane.app import compose
from control_plane.domain.plans import PlanTier
from scripts.browser.launch import chromium
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.contract.auth.issuer import running_issuer
from tests.contract.sso.saml_walk import Landed, connect, prove
from tests.factories import make_tenant
from tests.support.identity_providers.running import running_saml_idp

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WAIT_MS = 60_000


async def test_chromium_comes_in_by_the_providers_form(
    database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    """The provider is another site (127.0.0.1, we are localhost): its form brings no cookie, the page after it does."""
    with (
        running_issuer(database, valkey, TR_WEBHOOKS_PRIVATE="on") as issuer,
        running_saml_idp(tmp_path, audience="unset", acs_url="http://localhost:9/unset") as provider,
    ):
        # What this process signs in, the door believes: they have one address and one database.
        settings = make_settings(database.app_url, valkey.url(), TR_PUBLIC_URL=issuer.url)
        async with compose(settings) as platform:
            tenant = await make_tenant(platform, PlanTier.BUSINESS)
            await prove(platform, tenant.id, "chromium.example")
        async with httpx.AsyncClient(base_url=issuer.url, timeout=30) as api, chromium() as browser:
            connection = await connect(api, tenant, provider)
            started = await api.post(
                "/auth/v1/sso",
                json={"provider_id": connection["id"], "skip_http_redirect": True, "redirect_to": f"{issuer.url}/in"},
            )
            page = await browser.new_page()
            await page.goto(started.json()["url"], timeout=WAIT_MS)
            assert page.url.startswith(provider.sso_url)
            await page.fill("#userName", "ada@chromium.example")
            await page.fill("#email", "ada@chromium.example")
            await page.click("form.form-profile [type=submit]")
            await page.wait_for_url(lambda url: url.startswith(f"{issuer.url}/in"), timeout=WAIT_MS)
            landed = Landed(httpx.URL(page.url))

    assert set(landed.fragment) >= {"access_token", "refresh_token"}, landed

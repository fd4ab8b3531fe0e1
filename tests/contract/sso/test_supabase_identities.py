"""Supabase's whole JavaScript client lists a person's identities and unlinks one, unmodified, over real sockets."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from control_plane.app import compose
from control_plane.services.account_admin import AdminChanges
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.contract.auth.issuer import running_issuer
from tests.contract.auth.test_auth_js import NODE, WEBAPP
from tests.support.identity_providers.browserless import sign_in_at_oidc
from tests.support.identity_providers.running import OidcServer, running_oidc_provider
from tests.support.single_sign_on import arrive, begin, leave, make_sso_tenant

PASSWORD = "correct horse battery"
EXPECTED = {
    "identities": ["email", "sso"],
    "fields": [],
    "email": True,
    "providers": ["email", "sso"],
    "unlinkAddress": "email_identity_not_deletable",
    "unlink": "ok",
    # The address is the only one then, as for GoTrue.
    "unlinkTwice": "single_identity_not_deletable",
    "after": ["email"],
    "stillIn": "ok",
    "only": "sso",
    "unlinkOnly": "single_identity_not_deletable",
}
"""What each call of supabase_identities.mjs comes to."""


async def _come_in(url: str, connection_id: str, login: str) -> list[str]:
    """A sign-in by the provider, in a browser of its own. Answers its tokens."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as browser:
        there = await leave(browser, await begin(browser, connection_id, redirect_to=f"{url}/sign-in/callback"))
        landed = await arrive(browser, await sign_in_at_oidc(there, login))
        return [landed.said["access_token"], landed.said["refresh_token"]]


def _sign_in(database: TestDatabase, valkey: EmbeddedValkey, url: str, provider: OidcServer) -> list[str]:
    """Two people at one provider: one who signed up before, and one whom it made. Answers their tokens."""

    async def make() -> list[str]:
        settings = make_settings(database.app_url, valkey.url(), TR_PUBLIC_URL=url, TR_WEBHOOKS_PRIVATE="on")
        async with compose(settings) as platform, httpx.AsyncClient(base_url=url, timeout=30) as api:
            sso = await make_sso_tenant(api, platform, provider)
            email = sso.someone()
            await platform.account_admin.create(AdminChanges(email=email, password=PASSWORD, email_confirm=True), None)
            return [
                *await _come_in(url, sso.connection_id, email),
                *await _come_in(url, sso.connection_id, sso.someone()),
            ]

    return asyncio.run(make())


@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not (WEBAPP / "node_modules" / "@supabase" / "supabase-js").exists(), reason="webapp/node_modules is not there"
)
def test_supabase_js_lists_identities_and_unlinks_one_unmodified(
    database: TestDatabase, valkey: EmbeddedValkey
) -> None:
    node = str(NODE) if NODE.exists() else shutil.which("node")
    assert node is not None
    script = str(Path(__file__).with_name("supabase_identities.mjs"))
    with (
        running_issuer(database, valkey, TR_WEBHOOKS_PRIVATE="on") as issuer,
        running_oidc_provider([f"{issuer.url}/auth/v1/callback"]) as provider,
    ):
        tokens = _sign_in(database, valkey, issuer.url, provider)
        done = subprocess.run(
            [node, script, str(WEBAPP), issuer.url, *tokens], capture_output=True, text=True, check=False, timeout=200
        )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == EXPECTED

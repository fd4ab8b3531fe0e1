"""Supabase's whole JavaScript client signs in by an organization's provider, unmodified, over real sockets."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from control_plane.app import compose
from control_plane.domain.plans import PlanTier
from control_plane.services.sso_changes import ConnectionFields
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.contract.auth.test_auth_js import NODE, WEBAPP
from tests.factories import make_tenant
from tests.integration.test_rest_door import Door
from tests.support.identity_providers.running import OidcServer, running_oidc_provider
from tests.support.single_sign_on import prove_domain

EXPECTED = {
    "begin": "/auth/v1/sso/authorize",
    "pkce": True,
    "method": [["sso/oidc", True]],
    "me": 200,
    "refresh": "session",
    "codeTwice": "AuthPKCECodeVerifierMissingError",
    "implicit": True,
    "unknown": "sso_provider_not_found",
    "signedOut": 401,
}
"""What each call of supabase_sso.mjs comes to."""


def _set_up(database: TestDatabase, valkey: EmbeddedValkey, port: int, domain: str, provider: OidcServer) -> str:
    """An organization with that domain and a connection that is on. Answers the connection's id."""

    async def make() -> str:
        settings = make_settings(database.app_url, valkey.url(), TR_PORT=str(port), TR_WEBHOOKS_PRIVATE="on")
        async with compose(settings) as platform:
            tenant = await make_tenant(platform, PlanTier.BUSINESS)
            await prove_domain(platform, tenant.id, domain)
            fields = ConnectionFields(
                name="Provider",
                issuer=provider.issuer,
                client_id=provider.client_id,
                client_secret=provider.client_secret,
            )
            made = await platform.sso_connections.create(tenant.owner.caller, tenant.id, "oidc", fields)
            is_on = ConnectionFields(is_enabled=True)
            await platform.sso_connections.change(tenant.owner.caller, tenant.id, made.id, is_on)
            return str(made.id)

    return asyncio.run(make())


@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not (WEBAPP / "node_modules" / "@supabase" / "supabase-js").exists(), reason="webapp/node_modules is not there"
)
def test_supabase_js_signs_in_by_single_sign_on_unmodified(database: TestDatabase, valkey: EmbeddedValkey) -> None:
    node = str(NODE) if NODE.exists() else shutil.which("node")
    assert node is not None
    door = Door(database, valkey, TR_WEBHOOKS_PRIVATE="on")
    url, domain = f"http://localhost:{door.port}", f"{uuid4().hex[:12]}.example"
    script = str(Path(__file__).with_name("supabase_sso.mjs"))
    with running_oidc_provider([f"{url}/auth/v1/callback"]) as provider:
        connection_id = _set_up(database, valkey, door.port, domain, provider)
        process = door.start()
        try:
            door.wait(process)
            done = subprocess.run(
                [node, script, str(WEBAPP), url, domain, connection_id, f"ada@{domain}"],
                capture_output=True,
                text=True,
                check=False,
                timeout=200,
            )
        finally:
            process.terminate()
            door.finish(process)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == EXPECTED

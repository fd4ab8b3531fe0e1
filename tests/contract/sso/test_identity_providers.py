"""The identity providers of the tests are the real ones: they start, describe themselves and sign somebody in."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from urllib.parse import urlencode

import httpx

from tests.support.identity_providers.browserless import sign_in_at_oidc, sign_in_at_saml
from tests.support.identity_providers.running import running_oidc_provider, running_saml_idp

BACK = "http://localhost:8000/auth/v1/callback"
REQUEST = (
    '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_request" Version="2.0"'
    ' IssueInstant="2026-01-01T00:00:00Z" AssertionConsumerServiceURL="http://localhost:8000/acs">'
    '<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">urn:us</saml:Issuer></samlp:AuthnRequest>'
)


async def test_oidc_provider_describes_itself_and_signs_in() -> None:
    with running_oidc_provider([BACK]) as provider:
        async with httpx.AsyncClient(timeout=20) as client:
            discovery = (await client.get(f"{provider.issuer}/.well-known/openid-configuration")).json()
        query = {
            "client_id": provider.client_id,
            "response_type": "code",
            "scope": "openid email",
            "redirect_uri": BACK,
            "state": "s",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        }
        back = await sign_in_at_oidc(f"{discovery['authorization_endpoint']}?{urlencode(query)}", "ada@example.com")

    assert discovery["issuer"] == provider.issuer
    assert str(back.copy_with(query=None)) == BACK
    assert (back.params["state"], bool(back.params["code"])) == ("s", True)


async def test_saml_idp_describes_itself_and_signs_in(tmp_path: Path) -> None:
    deflated = zlib.compress(REQUEST.encode(), wbits=-15)
    query = urlencode({"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": "r"})
    with running_saml_idp(tmp_path, audience="urn:us", acs_url="http://localhost:8000/elsewhere") as provider:
        metadata = provider.read_metadata()
        posted = await sign_in_at_saml(f"{provider.sso_url}?{query}", userName="ada@example.com")

    assert provider.sso_url in metadata
    assert (posted.acs_url, posted.relay_state) == ("http://localhost:8000/acs", "r")
    assert b'InResponseTo="_request"' in base64.b64decode(posted.response)

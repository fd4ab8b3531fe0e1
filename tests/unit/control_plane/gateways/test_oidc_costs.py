"""What a tenant's provider may send us: no document of it is an error of ours, however deep or long it is."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest

from control_plane.domain.errors import SsoFailed
from control_plane.domain.sso import SsoIdentity
from control_plane.gateways.fetching import GuardedFetcher
from control_plane.gateways.oidc import KEYS_MAX, OidcGateway
from tests.support.lying_provider import CLIENT_ID, CLIENT_SECRET, LyingProvider, running_lying_provider

DEEP = b"[" * 100_000 + b"]" * 100_000


async def finish(liar: LyingProvider) -> SsoIdentity:
    """A sign-in with this provider, from discovery to the person."""
    liar.nonce = "nonce"
    fetcher = GuardedFetcher(allows_private=True)
    gateway = OidcGateway(fetcher, allows_http=True)
    try:
        return await gateway.finish(
            await gateway.discover(liar.issuer),
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uri="https://us.example/callback",
            code="code",
            nonce="nonce",
            verifier="v" * 43,
            now=datetime.now(UTC),
        )
    finally:
        await fetcher.close()


@pytest.mark.parametrize(
    ("path", "document", "reason"),
    [
        ("/.well-known/openid-configuration", DEEP, "discovery_malformed"),
        ("/token", b'{"id_token":' + DEEP + b"}", "token_malformed"),
        ("/token", b'{"x":' + DEEP + b"}", "token_malformed"),
        ("/keys", b'{"keys":' + DEEP + b"}", "keys_malformed"),
        ("/keys", json.dumps({"keys": [{"kty": "oct"}] * (KEYS_MAX + 1)}).encode(), "keys_malformed"),
        ("/token", b'{"id_token":"' + b"x" * 100_000 + b'"}', "token_malformed"),
        ("/token", b'{"id_token":"' + urlsafe_b64encode(DEEP[:40_000]) + b'.e30.x"}', "id_token_signature"),
        ("/userinfo", b'{"sub":"subject","x":' + DEEP + b"}", "userinfo_malformed"),
    ],
    ids=["deep discovery", "deep token", "deep beside it", "deep keys", "many keys", "long", "deep header", "userinfo"],
)
async def test_a_document_out_of_bounds_is_refused_with_its_reason(path: str, document: bytes, reason: str) -> None:
    async with running_lying_provider() as liar:
        liar.discovery["userinfo_endpoint"] = f"{liar.issuer}/userinfo"
        liar.documents[path] = document

        with pytest.raises(SsoFailed) as refused:
            await finish(liar)

    assert refused.value.facts["reason"] == reason


async def test_as_many_keys_as_may_be_are_looked_through() -> None:
    async with running_lying_provider() as liar:
        liar.claims["email"] = "ada@corp.example"
        keys = [{"kty": "oct", "k": "AA"}] * (KEYS_MAX - 1)
        liar.documents["/keys"] = json.dumps({"keys": [*keys, liar.key.as_dict(private=False)]}).encode()

        identity = await finish(liar)

    assert identity.email == "ada@corp.example"

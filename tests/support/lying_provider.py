"""An OpenID provider that lies as it is told: what no honest program can be made to say."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "tradingroom", "a secret that both of us know, 32 bytes"


@dataclass
class LyingProvider:
    """Answers discovery, keys and codes.

    Attributes:
        issuer: its address.
        discovery: replaces parts of its document.
        claims: replaces claims of the ID token; None removes one.
        sign_with: the key of the token; None: its own, which it publishes.
        header: of the token; with another alg than RS256 it is signed by HMAC with secret, or not at all without one.
        padding: bytes in front of every document.
        documents: by path, what is answered instead, as it is.
        forms: what came to the token endpoint.
        nonce: of the request it is to answer.
        connections: how often somebody came, whatever they said.
        before_tokens: done once, before the next tokens are given.
    """

    issuer: str = ""
    discovery: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    sign_with: RSAKey | None = None
    secret: bytes = b""
    header: dict[str, str] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    padding: int = 0
    documents: dict[str, bytes] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    nonce: str = ""
    connections: int = 0
    before_tokens: Callable[[], Awaitable[None]] | None = None

    def note(self, url: str) -> str:
        """Remember the nonce of a request to sign in, as a provider does. Answers its state."""
        query = parse_qs(urlsplit(url).query)
        self.nonce = query["nonce"][0]
        return query["state"][0]

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.discovery,
        }

    def _token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "subject",
            "nonce": self.nonce,
            "iat": now,
            "exp": now + 300,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.header["alg"] == "RS256":
            return jwt.encode(self.header, claims, self.sign_with or self.key)
        # By hand: no library writes these any more.
        content = f"{_encode(json.dumps(self.header).encode())}.{_encode(json.dumps(claims).encode())}"
        signature = hmac.new(self.secret, content.encode(), hashlib.sha256).digest() if self.secret else b""
        return f"{content}.{_encode(signature)}"

    def _answer(self, path: str, body: bytes) -> dict[str, Any]:
        if path.endswith("/openid-configuration"):
            return self._document()
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        self.forms.append({name: values[0] for name, values in parse_qs(body.decode()).items()})
        return {"access_token": "x", "token_type": "Bearer", "id_token": self._token()}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        self.connections += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        lengths = [line.partition(":")[2] for line in head if line.lower().startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0])) if lengths else b""
        if self.before_tokens is not None and " /token " in head[0]:
            do, self.before_tokens = self.before_tokens, None
            await do()
        path = head[0].split(" ")[1]
        answer = b" " * self.padding + (self.documents.get(path) or json.dumps(self._answer(path, body)).encode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(f"Content-Length: {len(answer)}\r\n\r\n".encode() + answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def running_lying_provider() -> AsyncIterator[LyingProvider]:
    """On loopback, until the end of the block."""
    provider = LyingProvider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield provider


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

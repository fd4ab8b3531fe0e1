"""Reads from servers that tenants name: an identity provider's documents, keys and tokens.

As webhooks are sent (`webhook_sender`): every address of the name has to be public, the connection goes to the address that
was looked at, no redirects, no cookies, deadlines on everything; and an answer has a largest size.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpcore
from httpcore import AsyncConnectionPool

from control_plane.domain.errors import SsoFailed
from control_plane.gateways.webhook_sender import PinnedBackend, PrivateAddress

CONNECT_TIMEOUT_S = 5.0
"""For resolving and connecting."""
ANSWER_TIMEOUT_S = 5.0
"""For each read and write."""
TOTAL_TIMEOUT_S = 10.0
"""For one request: a person waits for it."""
MAX_CONNECTIONS = 16
MAX_PER_SERVER = 3
"""Of them at once: a provider that answers slowly has its own people wait, and leaves the others' connections alone."""
MAX_BYTES = 512 * 1024
"""Of an answer; a federation's whole metadata is larger, and not what one connection needs."""


class GuardedFetcher:
    """Fills `services.ports.Fetcher`.

    Args:
        allows_private: development: any address, and http:// too.
        ssl_context: whom to believe; None: the machine's authorities.
    """

    def __init__(self, *, allows_private: bool, ssl_context: ssl.SSLContext | None = None) -> None:
        self._allows_private = allows_private
        self._servers: dict[str, tuple[asyncio.Semaphore, int]] = {}
        """By host: its places, and how many requests hold or await one."""
        self._pool = AsyncConnectionPool(
            ssl_context=ssl_context or ssl.create_default_context(),
            max_connections=MAX_CONNECTIONS,
            # Kept connections would outlive the look at their name.
            max_keepalive_connections=0,
            network_backend=PinnedBackend(allows_private=allows_private),
        )

    async def get(self, url: str) -> bytes:
        """The body of a 200. Raises SsoFailed: reason unreachable, or too_large."""
        status, body = await self.request("GET", url, {"Accept": "*/*"})
        if status != 200:
            raise SsoFailed("The identity provider's server refused to answer.", reason="unreachable", status=status)
        return body

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """Ask once; answers status and body. Raises SsoFailed: reason unreachable, or too_large."""
        timeouts = {"connect": CONNECT_TIMEOUT_S, "read": ANSWER_TIMEOUT_S, "write": ANSWER_TIMEOUT_S, "pool": 5.0}
        if not url.startswith("https://") and not (self._allows_private and url.startswith("http://")):
            raise _unreachable()
        try:
            async with (
                asyncio.timeout(TOTAL_TIMEOUT_S),
                self._place_at(urlsplit(url).hostname or ""),
                self._pool.stream(
                    method, url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
                ) as answer,
            ):
                return answer.status, await _read(answer)
        except (PrivateAddress, ssl.SSLError, httpcore.UnsupportedProtocol, ValueError) as error:
            raise _unreachable() from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            # Its words may name our own addresses.
            raise _unreachable() from error

    @asynccontextmanager
    async def _place_at(self, host: str) -> AsyncIterator[None]:
        """Wait for one of the places of a server, and hold it."""
        places, users = self._servers.get(host) or (asyncio.Semaphore(MAX_PER_SERVER), 0)
        self._servers[host] = (places, users + 1)
        try:
            async with places:
                yield
        finally:
            users = self._servers[host][1] - 1
            if users:
                self._servers[host] = (places, users)
            else:
                del self._servers[host]

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._pool.aclose()


async def _read(answer: httpcore.Response) -> bytes:
    raw = b""
    async for part in answer.aiter_stream():
        raw += part
        if len(raw) > MAX_BYTES:
            raise SsoFailed("The identity provider's answer is too large.", reason="too_large")
    return raw


def _unreachable() -> SsoFailed:
    """One answer for all: a tenant must not learn what stands at addresses that are not theirs."""
    return SsoFailed("The identity provider's server can't be reached.", reason="unreachable")

"""Sends webhooks, and only to where they may go.

A name is resolved for every connection; every address it has must be public, and the connection goes to one of those
addresses, not to the name: nobody can answer differently between the look and the call. No redirects, proxies, cookies.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from typing import Any

import httpcore
from httpcore import AnyIOBackend, AsyncConnectionPool, AsyncNetworkBackend, AsyncNetworkStream
from typing_extensions import override

from control_plane.domain.outbox_places import HANGING_MAX
from control_plane.domain.webhooks import EXCERPT_LENGTH, is_public

CONNECT_TIMEOUT_S = 5.0
"""For resolving and connecting."""
ANSWER_TIMEOUT_S = 10.0
"""For each read and write."""
CONNECTIONS_MAX = HANGING_MAX + 32
"""Receivers that hang must not hold the connection that a prompt one waits for: more than a jobs process asks at once."""
RESOLVING_MAX = HANGING_MAX
"""Names looked up at once, each in a thread, because the system's resolver waits. A name server that never answers
holds its thread for longer than we wait for it."""
TOTAL_TIMEOUT_S = 15.0
"""For one attempt: a receiver that answers byte by byte must not hold a place."""


class PrivateAddress(Exception):
    """The name leads to an address that is not public."""


class PinnedBackend(AsyncNetworkBackend):
    """Connects to addresses that were looked at."""

    def __init__(self, *, allows_private: bool) -> None:
        self._tcp = AnyIOBackend()
        # The loop's own threads are few, and not for those who choose their own name servers.
        self._threads = ThreadPoolExecutor(RESOLVING_MAX, "webhook-names")
        self._allows_private = allows_private

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        return await self._tcp.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    def close(self) -> None:
        """Let the threads go, those that wait for a name server when it has answered. May be called twice."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _resolve(self, host: str, port: int) -> list[str]:
        """All addresses of a name, IPv4 first. Raises PrivateAddress, httpcore.ConnectError."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                look = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
                found = await asyncio.get_running_loop().run_in_executor(self._threads, look)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise httpcore.ConnectError("the name can't be resolved") from error
        texts = {str(entry[4][0]).partition("%")[0] for entry in found}
        addresses = sorted((ip_address(text) for text in texts), key=lambda one: one.version)
        if not addresses:
            raise httpcore.ConnectError("the name has no address")
        if not self._allows_private and not all(is_public(address) for address in addresses):
            raise PrivateAddress("the name leads to an address that is not public")
        return [address.compressed for address in addresses]


class WebhookSender:
    """Fills `services.ports.WebhookSender`.

    Args:
        allows_private: development: any address, and http:// too.
        ssl_context: whom to believe; None: the machine's authorities.
    """

    def __init__(self, *, allows_private: bool, ssl_context: ssl.SSLContext | None = None) -> None:
        self._backend = PinnedBackend(allows_private=allows_private)
        self._pool = AsyncConnectionPool(
            ssl_context=ssl_context or ssl.create_default_context(),
            max_connections=CONNECTIONS_MAX,
            # Kept connections would outlive the look at their name.
            max_keepalive_connections=0,
            network_backend=self._backend,
        )

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int | None, int, str, str | None]:
        """POST a message once.

        Returns:
            Status (None: no answer), how long it took in ms, the beginning of the answer as text, and why there was none.
        """
        began = time.monotonic()
        status, excerpt, error = None, "", None
        timeouts = {"connect": CONNECT_TIMEOUT_S, "read": ANSWER_TIMEOUT_S, "write": ANSWER_TIMEOUT_S, "pool": 5.0}
        try:
            async with (
                asyncio.timeout(TOTAL_TIMEOUT_S),
                self._pool.stream(
                    "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
                ) as answer,
            ):
                status = answer.status
                excerpt = await _beginning(answer)
        except PrivateAddress as refused:
            error = str(refused)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as failed:
            error = _why(failed)
        except (httpcore.UnsupportedProtocol, ValueError):
            error = "the address is malformed"
        return status, round((time.monotonic() - began) * 1000), excerpt, error

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._pool.aclose()
        self._backend.close()


def _why(failed: BaseException) -> str:
    """Why there was no answer, for the history: what is wrong with a certificate, or the failure's kind.

    The words of other failures may name our own addresses, so their kind is enough.
    """
    # Only a connection that did not come about: a slow answer over TLS has the library's own SSL errors in its past.
    cause: BaseException | None = failed if isinstance(failed, httpcore.ConnectError) else None
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate was refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "TLS failed"
        cause = cause.__cause__ or cause.__context__
    return type(failed).__name__


async def _beginning(answer: httpcore.Response) -> str:
    """The first characters of an answer, without NUL, which PostgreSQL does not keep."""
    raw = b""
    async for part in answer.aiter_stream():
        raw += part
        if len(raw) >= 4 * EXCERPT_LENGTH:
            break
    return raw.decode("utf-8", "replace").replace("\x00", "\ufffd")[:EXCERPT_LENGTH]

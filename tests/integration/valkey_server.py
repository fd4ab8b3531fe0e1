"""A real Valkey for tests of the Redis gateways: started, killed and started again on the same port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.stack.valkey import EmbeddedValkey


@contextmanager
def running_valkey(folder: Path) -> Iterator[EmbeddedValkey]:
    """An empty Valkey on a free port; stopped at the end, also when the test stopped it before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    valkey = EmbeddedValkey(folder, port)
    try:
        yield valkey.__enter__()
    finally:
        valkey.close()


def restart(valkey: EmbeddedValkey) -> None:
    """Stop it and start it again, empty: it keeps nothing on disk."""
    valkey.close()
    valkey.__enter__()


async def until(condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
    """Wait for a condition. Raises TimeoutError when it does not come true in time."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - it is someone else's state
            await asyncio.sleep(0.01)


async def until_async(condition: Callable[[], Awaitable[bool]], *, timeout_s: float = 10.0) -> None:
    """As `until`, for a condition that must be asked for."""
    async with asyncio.timeout(timeout_s):
        while not await condition():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)

"""Connections to PostgreSQL that are lent out and taken back: what `database.py` stands on.

asyncpg's own pool wraps every connection in a proxy and every lending in a task and two timeouts, which cost as much CPU
time as the rooms page's statement itself (65 of 120 µs, 2026-11-23). Here lending one that is free is a pop from a list.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

import asyncpg

IDLE_S = 300.0
"""How long a connection may lie unused, seconds, before it is closed: networks forget silent ones."""
SWEEP_S = 60.0
"""How often we look for such."""
CLOSE_TIMEOUT_S = 2.0
"""How long one connection may take to say goodbye."""


class Connection(Protocol):
    """What of an asyncpg connection counts here."""

    def is_closed(self) -> bool: ...  # noqa: D102 - asyncpg says it

    def is_in_transaction(self) -> bool: ...  # noqa: D102

    def terminate(self) -> None: ...  # noqa: D102

    async def close(self, *, timeout: float | None = None) -> None: ...  # noqa: ASYNC109, D102


class Connections:
    """At most `size` connections, made when they are needed; the last one given back is lent first.

    Args:
        connect: makes one within so many seconds, >= 0. Raises what asyncpg raises, TimeoutError.
        size: most connections, >= 1.
    """

    def __init__(self, connect: Callable[[float], Awaitable[Any]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._count = 0
        """Open, lent or being opened."""
        self._idle: deque[tuple[Any, float]] = deque()
        """Free ones, and since when, by the loop's clock; the longest free first."""
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._closing: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._all_back = asyncio.Event()

    async def acquire(self, timeout_s: float) -> Any:
        """Lend a connection; give it back by `release`, whatever became of it.

        Raises:
            TimeoutError: timeout_s are over, waiting for a place and connecting together.
            asyncpg.InterfaceError: the pool is closed. PostgresError, OSError: none could be made.
        """
        while self._idle:
            connection, _ = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._count -= 1
        if self._is_closed:
            raise asyncpg.InterfaceError("the pool is closed")
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        if self._count >= self._size:
            connection = await self._wait(timeout_s)
            if connection is not None:
                return connection
        else:
            self._count += 1
        try:
            return await self._connect(max(0.0, deadline_s - loop.time()))
        except BaseException:
            self._pass_on(None)
            raise

    def release(self, connection: Connection) -> None:
        """Take a connection back. One with an open transaction, whose end was tried before, is thrown away."""
        if not connection.is_closed() and (connection.is_in_transaction() or self._is_closed):
            connection.terminate()
        self._pass_on(None if connection.is_closed() else connection)

    async def close(self) -> None:
        """Close the free ones, and wait for those that are lent. May be called twice."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(asyncpg.InterfaceError("the pool is closed"))
        self._waiting.clear()
        while self._idle:
            self._count -= 1
            self._say_goodbye(self._idle.pop()[0])
        while self._count > 0:
            self._all_back.clear()
            await self._all_back.wait()
        if self._closing:
            await asyncio.wait(self._closing)

    def terminate(self) -> None:
        """Cut the free ones off and wait for nobody; what is lent is cut off when it comes back."""
        self._is_closed = True
        for task in self._closing:
            task.cancel()
        while self._idle:
            self._count -= 1
            self._idle.pop()[0].terminate()

    async def _wait(self, timeout_s: float) -> Any:
        """A connection, or None: a place for a new one, counted already. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(found)
        timer = loop.call_later(timeout_s, _give_up, found)
        try:
            return await found
        except asyncio.CancelledError:
            if found.done() and not found.cancelled() and found.exception() is None:
                # It was handed over in the moment we were cancelled.
                self._pass_on(found.result())
            raise
        finally:
            timer.cancel()

    def _pass_on(self, connection: Any) -> None:
        """To whoever waits longest, else to the free ones. connection: None: its place only."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(connection)
                return
        if connection is None:
            self._count -= 1
            if self._count == 0:
                self._all_back.set()
            return
        loop = asyncio.get_running_loop()
        self._idle.append((connection, loop.time()))
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        """Close what lay unused for IDLE_S, and come back while there is anything."""
        loop = asyncio.get_running_loop()
        while self._idle and loop.time() - self._idle[0][1] >= IDLE_S:
            self._count -= 1
            self._say_goodbye(self._idle.popleft()[0])
        self._sweeper = loop.call_later(SWEEP_S, self._sweep) if self._idle else None

    def _say_goodbye(self, connection: Connection) -> None:
        task = asyncio.get_running_loop().create_task(_close(connection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _give_up(waiting: asyncio.Future[Any]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())


async def _close(connection: Connection) -> None:
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        await connection.close(timeout=CLOSE_TIMEOUT_S)

"""Connections as they are lent and taken back, on real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from control_plane.stores import connections as module
from control_plane.stores.connections import Connections
from tests.conftest import TestDatabase

SOON_S = 15.0


@asynccontextmanager
async def lending(database: TestDatabase, size: int) -> AsyncIterator[Connections]:
    pool = Connections(lambda timeout_s: asyncpg.connect(database.app_url, timeout=timeout_s), size)
    yield pool
    pool.terminate()


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not is_so():  # noqa: ASYNC110 - a plain value
            await asyncio.sleep(0.01)


async def pid_of(connection: Any) -> int:
    return int(await connection.fetchval("select pg_backend_pid()"))


async def test_what_was_given_back_is_lent_again(database: TestDatabase) -> None:
    async with lending(database, 2) as pool:
        first = await pool.acquire(SOON_S)
        pool.release(first)

        again = await pool.acquire(SOON_S)

        assert again is first
        pool.release(again)


async def test_who_waits_longest_is_served_first(database: TestDatabase) -> None:
    async with lending(database, 1) as pool:
        lent = await pool.acquire(SOON_S)
        order: list[int] = []

        async def use(number: int) -> None:
            connection = await pool.acquire(SOON_S)
            order.append(number)
            pool.release(connection)

        tasks = [asyncio.create_task(use(number)) for number in range(3)]
        await asyncio.sleep(0)
        pool.release(lent)
        await asyncio.gather(*tasks)

        assert order == [0, 1, 2]


async def test_who_waits_too_long_is_told(database: TestDatabase) -> None:
    async with lending(database, 1) as pool:
        lent = await pool.acquire(SOON_S)

        with pytest.raises(TimeoutError):
            await pool.acquire(0.05)

        pool.release(lent)
        again = await pool.acquire(SOON_S)

        assert again is lent
        pool.release(again)


async def test_what_was_waited_for_a_place_is_no_longer_there_for_connecting() -> None:
    given: list[float] = []
    is_up = asyncio.Event()

    async def connect(timeout_s: float) -> Any:
        given.append(timeout_s)
        await is_up.wait()
        raise OSError("refused")

    pool = Connections(connect, 1)
    first = asyncio.create_task(pool.acquire(SOON_S))
    second = asyncio.create_task(pool.acquire(SOON_S))
    await asyncio.sleep(0)
    await asyncio.sleep(0.2)
    is_up.set()
    await asyncio.gather(first, second, return_exceptions=True)

    assert len(given) == 2
    assert given[1] < SOON_S - 0.1


async def test_a_connection_handed_to_a_cancelled_task_is_not_lost(database: TestDatabase) -> None:
    async with lending(database, 1) as pool:
        lent = await pool.acquire(SOON_S)
        waiting = asyncio.create_task(pool.acquire(SOON_S))
        await asyncio.sleep(0)

        pool.release(lent)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        again = await pool.acquire(1)
        assert again is lent
        pool.release(again)


async def test_a_connection_with_an_open_transaction_is_thrown_away(database: TestDatabase) -> None:
    async with lending(database, 1) as pool:
        left = await pool.acquire(SOON_S)
        await left.execute("begin")
        pid = await pid_of(left)

        pool.release(left)
        other = await pool.acquire(SOON_S)

        assert left.is_closed()
        assert await pid_of(other) != pid
        pool.release(other)


async def test_a_failed_attempt_gives_its_place_to_who_waits(database: TestDatabase) -> None:
    attempts: list[asyncio.Event] = []

    async def connect(timeout_s: float) -> Any:
        attempts.append(asyncio.Event())
        if len(attempts) == 1:
            await attempts[0].wait()
            raise OSError("refused")
        return await asyncpg.connect(database.app_url, timeout=timeout_s)

    pool = Connections(connect, 1)
    failing = asyncio.create_task(pool.acquire(SOON_S))
    await wait_until(lambda: len(attempts) == 1)
    waiting = asyncio.create_task(pool.acquire(SOON_S))
    await asyncio.sleep(0)
    attempts[0].set()

    with pytest.raises(OSError, match="refused"):
        await failing
    assert await waiting is not None
    pool.terminate()
    pool.release(waiting.result())


async def test_never_more_than_its_size_are_open(database: TestDatabase) -> None:
    opened: list[Any] = []

    async def connect(timeout_s: float) -> Any:
        opened.append(await asyncpg.connect(database.app_url, timeout=timeout_s))
        return opened[-1]

    pool = Connections(connect, 3)

    async def use() -> None:
        connection = await pool.acquire(SOON_S)
        await connection.fetchval("select pg_sleep(0.001)")
        pool.release(connection)

    await asyncio.gather(*(use() for _ in range(40)))

    assert len(opened) == 3
    await pool.close()


async def test_what_lies_unused_is_closed(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.05)
    monkeypatch.setattr(module, "SWEEP_S", 0.02)
    async with lending(database, 1) as pool:
        connection = await pool.acquire(SOON_S)
        pool.release(connection)

        await wait_until(connection.is_closed)

        other = await pool.acquire(SOON_S)
        assert other is not connection
        pool.release(other)


async def _close_within(pool: Connections) -> None:
    async with asyncio.timeout(SOON_S):
        await pool.close()


async def test_closing_waits_for_what_is_lent(database: TestDatabase) -> None:
    pool = Connections(lambda timeout_s: asyncpg.connect(database.app_url, timeout=timeout_s), 2)
    lent, free = await pool.acquire(SOON_S), await pool.acquire(SOON_S)
    pool.release(free)
    closing = asyncio.create_task(_close_within(pool))
    await wait_until(free.is_closed)

    is_waiting = not closing.done()
    pool.release(lent)
    await closing

    assert is_waiting
    assert lent.is_closed()
    with pytest.raises(asyncpg.InterfaceError):
        await pool.acquire(1)

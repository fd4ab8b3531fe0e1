"""`Database.call` of a statement its connection has prepared already: past asyncpg's layers, with what they promise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from control_plane.domain.errors import Unavailable
from control_plane.stores import database as module
from control_plane.stores.database import Database, open_database
from tests.conftest import TestDatabase


@pytest.fixture
async def db(database: TestDatabase) -> AsyncIterator[Database]:
    """On one connection, so that a statement meets what the one before left there."""
    db = await open_database(database.app_url, pool_size=1)
    yield db
    await db.close()


async def _one(db: Database, statement: str, *values: object) -> object:
    row = await db.call(statement, *values)
    assert row is not None
    return row["found"]


async def test_the_second_time_goes_past_asyncpgs_layers(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await _one(db, "select $1::int + 1 as found", 1)
    monkeypatch.delattr(asyncpg.Connection, "fetchrow")

    assert (first, await _one(db, "select $1::int + 1 as found", 5)) == (2, 6)


async def test_no_row_is_none_each_time(db: Database) -> None:
    assert [await db.call("select 1 as found where $1 > 1", 1) for _ in range(3)] == [None] * 3


async def test_only_the_first_row_is_answered(db: Database) -> None:
    rows = [await _one(db, "select n as found from generate_series(1, 500) n order by n") for _ in range(3)]

    assert rows == [1, 1, 1]


async def test_a_statement_that_was_changed_under_its_name_is_prepared_anew(db: Database) -> None:
    await db.call("create temp table changing as select 5 as found")
    before = [await _one(db, "select found from changing") for _ in range(2)]
    await db.call("alter table changing alter column found type text using 'five'")

    assert before == [5, 5]
    assert await _one(db, "select found from changing") == "five"


async def test_a_wrong_value_leaves_the_connection_as_it_was(db: Database) -> None:
    for _ in range(2):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await db.call("select 1 / $1::int as found", 0)
        with pytest.raises(asyncpg.DataError):
            await db.call("select 1 / $1::int as found", "x")

        assert await _one(db, "select 1 / $1::int as found", 1) == 1


async def test_a_statement_that_takes_too_long_answers_unavailable(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.call("select pg_sleep($1)::text as found", 0)
    monkeypatch.setattr(module, "COMMAND_TIMEOUT_S", 0.05)

    with pytest.raises(Unavailable):
        await db.call("select pg_sleep($1)::text as found", 60)


async def test_a_cancelled_call_gives_its_connection_back(db: Database) -> None:
    await db.call("select pg_sleep($1)::text as found", 0)
    task = asyncio.create_task(db.call("select pg_sleep($1)::text as found", 60))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await _one(db, "select 1 as found") == 1


async def test_behind_a_pooler_nothing_is_kept(database: TestDatabase) -> None:
    db = await open_database(database.app_url, pool_size=1, statement_cache=0)

    found = [await _one(db, "select $1::int as found", number) for number in range(3)]
    kept = await _one(db, "select count(*) as found from pg_prepared_statements where name <> ''")
    await db.close()

    assert found == [0, 1, 2]
    assert kept == 0

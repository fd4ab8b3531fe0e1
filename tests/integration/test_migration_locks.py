"""Migrations beside a running system: nobody who writes waits for them, and what was broken off is done again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from control_plane.stores.concurrent_indexes import Index, build_index, drop_index
from tests.conftest import REPOSITORY, TestDatabase

DEADLINE_S = 60
WRITER_TIMEOUT_S = 40
"""How long a writer waits for a table before the test is red: as if for ever."""
READ, WRITE = "select * from busy", "insert into busy (number) values (0)"
MIGRATE = (
    "import sys\n"
    "from control_plane.stores.piccolo_app import APP_CONFIG\n"
    "APP_CONFIG.migrations_folder_path = sys.argv[1]\n"
    "from control_plane.migrate import main\n"
    "sys.exit(main())\n"
)
"""`scripts/migrate` with another folder of migrations."""
MIGRATION = """
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

from control_plane.stores.concurrent_indexes import Index, index_migration

ID = "{id}"


class RawSql(Table):
    pass


async def forwards():
    {code}
"""
ALTER = """manager = MigrationManager(migration_id=ID, app_name="control_plane", description="")

    async def run():
        await RawSql.raw("alter table busy add column note text")

    manager.add_raw(run)
    return manager"""
BUILD = """return index_migration(ID, "", build=[Index("busy_number", "busy", "(number)")])"""


@pytest.fixture
async def owner(database: TestDatabase) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture(autouse=True)
async def table(owner: asyncpg.Connection[asyncpg.Record]) -> None:
    """A table in use, with some rows."""
    await owner.execute("drop table if exists busy")
    await owner.execute("create table busy (number integer)")
    await owner.execute("insert into busy select generate_series(1, 100)")


@asynccontextmanager
async def _open_transaction(database: TestDatabase, statement: str) -> AsyncIterator[None]:
    """A transaction that has read or written the table and is still open."""
    connection = await asyncpg.connect(database.owner_url)
    reading = connection.transaction(isolation="repeatable_read")
    await reading.start()
    await connection.fetch(statement)
    try:
        yield
    finally:
        await reading.rollback()
        await connection.close()


async def _write(database: TestDatabase, number: int) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute(f"set lock_timeout = '{WRITER_TIMEOUT_S}s'")
        await connection.execute("insert into busy (number) values ($1)", number)
    finally:
        await connection.close()


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)


@pytest.fixture
def migrating(database: TestDatabase, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts processes that run the migrations of `tmp_path`."""
    started: list[subprocess.Popen[str]] = []
    environment = {**os.environ, "DATABASE_OWNER_URL": database.owner_url, "DATABASE_URL": database.app_url}

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", MIGRATE, str(tmp_path)]
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _put(folder: Path, code: str) -> None:
    stamp = uuid4().int % 10**6
    text = MIGRATION.format(id=f"2027-01-01T00:00:00:{stamp:06}", code=code)
    (folder / f"control_plane_2027_01_01t00_00_00_{stamp:06}.py").write_text(text)


async def _said(process: subprocess.Popen[str]) -> str:
    output, _ = await asyncio.to_thread(process.communicate, timeout=DEADLINE_S)
    return output


async def test_while_a_column_waits_for_a_long_reader_writers_pass(
    database: TestDatabase,
    owner: asyncpg.Connection[asyncpg.Record],
    tmp_path: Path,
    migrating: Callable[[], subprocess.Popen[str]],
) -> None:
    _put(tmp_path, ALTER)
    waits = (
        "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' and query like 'alter table busy%'"
    )

    async with _open_transaction(database, READ):
        process = migrating()
        await _until(lambda: owner.fetchval(waits))
        for number in range(5):
            await _write(database, number)
        was_running = process.poll() is None
    said = await _said(process)

    assert was_running
    assert process.returncode == 0, said
    assert "note" in dict(await owner.fetchrow("select * from busy") or {})


async def test_while_an_index_waits_for_a_long_reader_writers_pass(
    database: TestDatabase,
    owner: asyncpg.Connection[asyncpg.Record],
    tmp_path: Path,
    migrating: Callable[[], subprocess.Popen[str]],
) -> None:
    _put(tmp_path, BUILD)

    async with _open_transaction(database, READ):
        process = migrating()
        await _until(lambda: _is_building(owner))
        for number in range(5):
            await _write(database, number)
        was_building = await _is_building(owner)
    said = await _said(process)

    assert was_building
    assert process.returncode == 0, said
    assert await _is_valid(owner, "busy_number")


async def test_two_that_migrate_at_once_take_turns_though_the_first_builds_an_index(
    database: TestDatabase,
    owner: asyncpg.Connection[asyncpg.Record],
    tmp_path: Path,
    migrating: Callable[[], subprocess.Popen[str]],
) -> None:
    """A statement that waits for its turn would hold a snapshot older than the index: they would wait for each other."""
    _put(tmp_path, BUILD)
    is_asking = (
        "select count(*) > 0 from pg_stat_activity where query like '%advisory_lock%' and pid <> pg_backend_pid() "
        "and pid <> (select pid from pg_locks where locktype = 'advisory' and granted)"
    )

    async with _open_transaction(database, WRITE):
        first = migrating()
        await _until(lambda: _is_building(owner))
        second = migrating()
        await _until(lambda: owner.fetchval(is_asking))
    said = [await _said(process) for process in (first, second)]

    assert [first.returncode, second.returncode] == [0, 0], said
    assert await _is_valid(owner, "busy_number")


async def test_an_index_that_was_broken_off_is_built_again(
    database: TestDatabase, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    index = Index("busy_number", "busy", "(number)")
    builder = await asyncpg.connect(database.owner_url)
    async with _open_transaction(database, READ):
        building = asyncio.create_task(build_index(builder, index))
        await _until(lambda: _is_building(owner))
        await owner.execute("select pg_terminate_backend($1)", builder.get_server_pid())
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await building
        was_valid = await _is_valid(owner, index.name)

    await build_index(owner, index)
    await build_index(owner, index)

    assert was_valid is False
    assert await _is_valid(owner, index.name)


async def test_a_unique_index_that_rows_forbid_is_built_once_they_are_mended(
    owner: asyncpg.Connection[asyncpg.Record],
) -> None:
    index = Index("busy_number", "busy", "(number)", is_unique=True)
    await owner.execute("insert into busy (number) values (1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await build_index(owner, index)
    await owner.execute("delete from busy where number = 1")

    await build_index(owner, index)

    assert await _is_valid(owner, index.name)


async def test_an_index_is_dropped_once_and_for_all(owner: asyncpg.Connection[asyncpg.Record]) -> None:
    index = Index("busy_number", "busy", "(number)")
    await build_index(owner, index)

    await drop_index(owner, index.name)
    await drop_index(owner, index.name)

    assert await _is_valid(owner, index.name) is None


async def _is_building(owner: asyncpg.Connection[asyncpg.Record]) -> bool:
    """Whether the index is there and waits for transactions that are older than it."""
    count = await owner.fetchval(
        "select count(*) from pg_stat_progress_create_index where relid = to_regclass('busy') and phase like 'waiting for%'"
    )
    return bool(count)


async def _is_valid(owner: asyncpg.Connection[asyncpg.Record], name: str) -> bool | None:
    """None: there is none."""
    found: bool | None = await owner.fetchval(
        "select indisvalid from pg_index where indexrelid = to_regclass($1)", name
    )
    return found

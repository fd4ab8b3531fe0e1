"""The scopes themselves: commit, rollback, telling after commit, and a database that is away."""

from __future__ import annotations

import asyncio
import socket
import time
from uuid import uuid4

import asyncpg
import pytest

from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import OrganizationId
from control_plane.services.platform import Platform
from control_plane.stores import database as database_module
from control_plane.stores.database import open_database
from scripts.stack.ports import free_port
from scripts.stack.postgres import EmbeddedPostgres
from tests.conftest import TestDatabase
from tests.factories import make_tenant

# ruff: noqa: PT012 - a scope is part of what is refused
NOBODY = OrganizationId(uuid4())


@pytest.fixture
def postgres_kill(postgres: EmbeddedPostgres, database: TestDatabase) -> str:
    """DSN of one who may end other people's connections."""
    return postgres.superuser_url(database.name)


async def test_what_a_failed_use_case_wrote_is_gone(platform: Platform) -> None:
    tenant = await make_tenant(platform)

    with pytest.raises(ZeroDivisionError):
        async with platform.db.tenant(tenant.id) as tx:
            await tx.execute("update rooms set name = 'half done'")
            _ = 1 / 0

    async with platform.db.tenant(tenant.id) as tx:
        assert await tx.fetchval("select name from rooms") == "Opening bell"


async def test_others_are_told_only_after_the_commit(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    seen: list[str] = []

    async def tell() -> None:
        async with platform.db.tenant(tenant.id) as other:
            seen.append(await other.fetchval("select name from rooms"))

    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("update rooms set name = 'renamed'")
        tx.after_commit(tell)

    assert seen == ["renamed"]


async def test_nobody_is_told_of_what_was_rolled_back(platform: Platform) -> None:
    told: list[str] = []

    async def tell() -> None:
        told.append("told")

    with pytest.raises(KeyError):
        async with platform.db.tenant(NOBODY) as tx:
            tx.after_commit(tell)
            raise KeyError

    assert told == []


async def test_a_swallowed_failure_is_not_taken_for_a_commit(platform: Platform) -> None:
    with pytest.raises(RuntimeError, match="swallowed"):
        async with platform.db.tenant(NOBODY) as tx:
            with pytest.raises(asyncpg.UndefinedTableError):
                await tx.execute("select * from no_such_table")


async def test_a_cancelled_use_case_gives_its_connection_back(database: TestDatabase) -> None:
    db = await open_database(database.app_url, pool_size=1)

    async def hang() -> None:
        async with db.platform() as tx:
            await tx.execute("select pg_sleep(30)")

    task = asyncio.create_task(hang())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with asyncio.timeout(3), db.platform() as tx:
        assert await tx.fetchval("select 1") == 1
    await db.close()


async def test_a_pool_that_is_used_up_answers_unavailable(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "ACQUIRE_TIMEOUT_S", 0.2)
    db = await open_database(database.app_url, pool_size=1)

    async with db.platform():
        with pytest.raises(Unavailable):
            async with db.platform():
                pass
    await db.close()


async def test_a_statement_that_takes_too_long_answers_unavailable(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "STATEMENT_TIMEOUT_MS", 50)

    with pytest.raises(Unavailable):
        async with platform.db.platform() as tx:
            await tx.execute("select pg_sleep(5)")


async def test_a_database_that_is_away_answers_unavailable_at_once() -> None:
    db = await open_database(f"postgresql://a:b@127.0.0.1:{free_port()}/x", pool_size=1)
    started_at = time.monotonic()

    with pytest.raises(Unavailable):
        async with db.platform():
            pass

    assert time.monotonic() - started_at < 2
    await db.close()


async def test_a_database_that_takes_connections_and_says_nothing_answers_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database_module, "ACQUIRE_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        db = await open_database(f"postgresql://a:b@127.0.0.1:{silent.getsockname()[1]}/x", pool_size=1)

        # Without a limit of ours the client waits 60 s.
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable):
                async with db.platform():
                    pass
        await db.close()


async def test_a_connection_that_was_killed_is_replaced(platform: Platform, postgres_kill: str) -> None:
    async with platform.db.platform() as tx:
        await tx.fetchval("select 1")
    connection = await asyncpg.connect(postgres_kill)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
        "and pid <> pg_backend_pid()"
    )
    await connection.close()

    answers = []
    for _ in range(2):
        try:
            async with platform.db.platform() as tx:
                answers.append(await tx.fetchval("select 1"))
        except Unavailable:
            answers.append(None)

    assert answers[-1] == 1


@pytest.mark.parametrize(
    "attempt", range(5)
)  # asyncpg learns of the death before, while or after the statement is sent
async def test_a_killed_connection_inside_a_scope_answers_unavailable(
    platform: Platform, postgres_kill: str, attempt: int
) -> None:
    with pytest.raises(Unavailable):
        async with platform.db.platform() as tx:
            pid = await tx.fetchval("select pg_backend_pid()")
            connection = await asyncpg.connect(postgres_kill)
            await connection.execute("select pg_terminate_backend($1)", pid)
            await connection.close()
            await tx.fetchval("select 1")


async def test_a_chores_deadlines_end_with_its_transaction(platform: Platform) -> None:
    with pytest.raises(Unavailable):
        async with platform.db.platform() as tx:
            await tx.allow(statement_ms=50, lock_ms=50)
            await tx.fetchval("select pg_sleep(30)")

    async with platform.db.platform() as tx:
        assert await tx.fetchval("select current_setting('statement_timeout')") == "5s"
        await tx.allow(statement_ms=20_000, lock_ms=50)
        assert await tx.fetchval("select current_setting('statement_timeout')") == "20s"

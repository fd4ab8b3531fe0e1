"""Indexes of tables that are in use: built and dropped concurrently, so that nobody who writes waits for them.

A migration of its own, which runs in no transaction:

    async def forwards() -> MigrationManager:
        return index_migration(ID, DESCRIPTION, build=[Index("alerts_author", "alerts", "(author_id, created_at)")])

Broken off, it is run again: an index that was left half built is dropped and built anew, a finished one is left alone.
`scripts/lints/migrations.py` refuses a migration that does it otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import asyncpg
import msgspec
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder
from piccolo.engine.postgres import PostgresEngine

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Index(msgspec.Struct, frozen=True):
    """An index.

    Attributes:
        name: of the index; never used again for another definition.
        table: it is of.
        definition: what follows the table's name in SQL: columns, and `where`.
        is_unique: whether no two rows may be equal in it.
    """

    name: str
    table: str
    definition: str
    is_unique: bool = False


def index_migration(
    migration_id: str, description: str, *, build: Sequence[Index] = (), drop: Sequence[str] = ()
) -> MigrationManager:
    """A migration that builds indexes and drops others, in this order: a query never lacks both the old and the new.

    Args:
        migration_id: the file's ID.
        description: the file's DESCRIPTION.
        build: what shall be there.
        drop: names of indexes that shall be gone.
    """
    manager = MigrationManager(
        migration_id=migration_id, app_name="control_plane", description=description, wrap_in_transaction=False
    )

    async def run() -> None:
        engine = engine_finder()
        if not isinstance(engine, PostgresEngine):
            raise TypeError("migrations run on PostgreSQL")
        connection = await asyncpg.connect(**engine.config)
        try:
            # It waits for whoever reads or writes since before it began; nobody waits for it, so it may take its time.
            await connection.execute("set lock_timeout = 0")
            await connection.execute("set statement_timeout = 0")
            for index in build:
                await build_index(connection, index)
            for name in drop:
                await drop_index(connection, name)
        finally:
            await connection.close()

    manager.add_raw(run)
    return manager


async def build_index(connection: Connection, index: Index) -> None:
    """Build an index unless it stands.

    Args:
        connection: the owner's, in no transaction.
        index: what to build.

    Raises:
        asyncpg.PostgresError: rows are equal that must not be, or it was broken off. What is left is dropped next time.
    """
    is_valid = await connection.fetchval(
        "select indisvalid from pg_index where indexrelid = to_regclass(quote_ident($1))", index.name
    )
    if is_valid is False:
        await drop_index(connection, index.name)
    if is_valid is not True:
        unique = "unique " if index.is_unique else ""
        await connection.execute(
            f"create {unique}index concurrently {index.name} on {index.table} {index.definition}", timeout=None
        )


async def drop_index(connection: Connection, name: str) -> None:
    """Drop an index, if it is there. connection: the owner's, in no transaction. Raises asyncpg.PostgresError."""
    await connection.execute(f"drop index concurrently if exists {name}", timeout=None)

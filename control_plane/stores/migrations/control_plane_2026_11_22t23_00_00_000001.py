"""Erasing a person and applying retention: the rights that were missing for it."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-22T23:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "erasure: rights of the platform role"

STATEMENTS = """
grant select (text) on chat_messages to tradingroom_platform;
grant delete on auth_credentials to tradingroom_platform
"""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Two grants; which rows they reach stands in the policies."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager

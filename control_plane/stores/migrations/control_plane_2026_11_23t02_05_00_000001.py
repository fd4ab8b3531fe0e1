"""Erasure reaches the history of webhooks.

A delivery keeps whose doing it tells: a row that the platform's role changes has to stay in its sight. What is left to do is
told by the body: `json_build_object` writes a space behind a name, and what we sign has none.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T02:05:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "erasure: deliveries"

STATEMENTS = """
drop index webhook_deliveries_actor;
create index webhook_deliveries_actor on webhook_deliveries (actor_id, organization_id)
    where body not like '%"erased" : true%';
grant select (body) on webhook_deliveries to tradingroom_platform
"""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """An index, then the right."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager

"""The outbox by turns: an index that finds the next tenant, and what of theirs is due, without reading anybody's heap."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T01:30:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "outbox: an index for turns"

STATEMENT = """
create index outbox_turns on outbox
    (coalesce(organization_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), next_attempt_at, id)
    where done_at is null and dead_at is null
"""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Make the index."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        await RawSql.raw(STATEMENT)

    manager.add_raw(run)
    return manager

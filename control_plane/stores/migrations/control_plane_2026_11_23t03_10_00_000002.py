"""The jobs door sees which proven domains nobody has looked at lately; it looks into each in its organization's scope."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T03:10:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "single sign-on: domains to check"


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """One column more that the platform reads."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        await RawSql.raw("grant select (checked_at) on sso_domains to tradingroom_platform")

    manager.add_raw(run)
    return manager

"""API tokens that are over are found and taken out by the platform, 90 days after they were revoked or ended."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T02:35:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "API tokens that are over"

_IS_OVER = "(least(revoked_at, expires_at) < now() - interval '90 days')"
RIGHTS = f"""
grant select (id, organization_id, revoked_at, expires_at), delete on api_tokens to tradingroom_platform;
create policy platform_finds on api_tokens for select to tradingroom_platform using ({_IS_OVER});
create policy platform_clears on api_tokens for delete to tradingroom_platform using ({_IS_OVER})
"""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Give the rights."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in RIGHTS.split(";"):
            await RawSql.raw(statement)

    manager.add_raw(run)
    return manager

"""Outbox: its indexes and row-level security.

A tenant adds and sees its own rows. The platform sees all: the jobs door has everyone's effects.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-22T22:05:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "outbox: indexes and row-level security"

_ORGANIZATION = "(select nullif(current_setting('app.organization_id', true), '')::uuid)"
STATEMENTS = f"""
create index outbox_due on outbox (next_attempt_at) where done_at is null and dead_at is null;
create index outbox_in_order on outbox (order_key, id) where done_at is null and dead_at is null;
create index outbox_done on outbox (done_at) where done_at is not null;
alter table outbox enable row level security;
alter table outbox force row level security;
grant select, insert on outbox to tradingroom_tenant;
create policy tenant_rows on outbox to tradingroom_tenant
    using (organization_id = {_ORGANIZATION}) with check (organization_id = {_ORGANIZATION});
grant select, insert, update, delete on outbox to tradingroom_platform;
create policy platform_rows on outbox to tradingroom_platform using (true) with check (true)
"""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Indexes, then the policies."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager

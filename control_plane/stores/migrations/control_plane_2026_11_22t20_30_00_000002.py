"""Alert steps: keys that keep a step from pointing at another tenant's alert, and row-level security."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-22T20:30:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "alert steps: keys and row-level security"

_ORGANIZATION = "(select nullif(current_setting('app.organization_id', true), '')::uuid)"
STATEMENTS = f"""
create unique index alerts_own_key on alerts (organization_id, id);
alter table alert_steps add foreign key (organization_id, alert_id)
    references alerts (organization_id, id) on delete cascade;
create unique index alert_steps_number on alert_steps (alert_id, number);
alter table alert_steps add check (number >= 1);
alter table alert_steps add check (
    kind in ('filled', 'stop_moved', 'trimmed', 'target_hit', 'closed', 'cancelled'));
alter table alert_steps enable row level security;
alter table alert_steps force row level security;
grant select, insert on alert_steps to tradingroom_tenant;
create policy tenant_rows on alert_steps to tradingroom_tenant
    using (organization_id = {_ORGANIZATION}) with check (organization_id = {_ORGANIZATION})
"""  # put together from the constant above


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Keys, then the policy."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager

"""Integrations: keys and row-level security.

A kept answer is its person's alone. A token names its organization itself, so nobody looks for it across tenants.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-22T22:20:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "integrations: keys and row-level security"

_ORGANIZATION = "(select nullif(current_setting('app.organization_id', true), '')::uuid)"
_USER = "(select nullif(current_setting('app.user_id', true), '')::uuid)"
STATEMENTS = f"""
create index idempotency_keys_age on idempotency_keys (user_id, created_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
grant select, insert, update, delete on idempotency_keys to tradingroom_user;
create policy own_rows on idempotency_keys to tradingroom_user using (user_id = {_USER}) with check (user_id = {_USER});

create index api_tokens_organization on api_tokens (organization_id, id);
alter table api_tokens enable row level security;
alter table api_tokens force row level security;
grant select, insert, update, delete on api_tokens to tradingroom_tenant;
create policy tenant_rows on api_tokens to tradingroom_tenant
    using (organization_id = {_ORGANIZATION}) with check (organization_id = {_ORGANIZATION});

create unique index webhook_endpoints_own_key on webhook_endpoints (organization_id, id);
alter table webhook_endpoints enable row level security;
alter table webhook_endpoints force row level security;
grant select, insert, update, delete on webhook_endpoints to tradingroom_tenant;
create policy tenant_rows on webhook_endpoints to tradingroom_tenant
    using (organization_id = {_ORGANIZATION}) with check (organization_id = {_ORGANIZATION});

alter table webhook_deliveries add foreign key (organization_id, endpoint_id)
    references webhook_endpoints (organization_id, id) on delete cascade;
create index webhook_deliveries_endpoint on webhook_deliveries (endpoint_id, id);
alter table webhook_deliveries enable row level security;
alter table webhook_deliveries force row level security;
grant select, insert, update, delete on webhook_deliveries to tradingroom_tenant;
create policy tenant_rows on webhook_deliveries to tradingroom_tenant
    using (organization_id = {_ORGANIZATION}) with check (organization_id = {_ORGANIZATION})
"""  # put together from the constants above


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Keys, then the policies."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager

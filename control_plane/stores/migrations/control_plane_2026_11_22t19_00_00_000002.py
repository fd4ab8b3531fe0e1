"""Row-level security: roles' rights and policies, and the constraints Piccolo has no word for.

Three roles (decisions.md 7), taken on at the start of every scope of `stores/database.py`:
    tradingroom_tenant    one organization's rows: app.organization_id
    tradingroom_user      one person's own rows: app.user_id
    tradingroom_platform  what has no tenant: sign-in, keys, media nodes
Every table forces row-level security; what no policy opens stays shut. A setting left by an earlier transaction reads as ''
and not as NULL, hence the nullif.

Keys that name two columns keep a row from pointing at another tenant's: checks of foreign keys look past the policies.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-22T19:00:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "row-level security"

_ORGANIZATION = "(select nullif(current_setting('app.organization_id', true), '')::uuid)"
_USER = "(select nullif(current_setting('app.user_id', true), '')::uuid)"

TENANT_TABLES = {
    "memberships": "select, insert, update, delete",
    "workspaces": "select, insert, update, delete",
    "invitations": "select, insert, update, delete",
    "rooms": "select, insert, update, delete",
    "live_sessions": "select, insert, update",
    "participants": "select, insert, update",
    "room_events": "select, insert",
    "chat_messages": "select, insert",
    "alerts": "select, insert",
}
"""Tables with an organization_id, and what a tenant may do to its own rows. What is said is not unsaid."""

PLATFORM_TABLES = {
    "users": "select, insert, update",
    "auth_credentials": "select, insert, update",
    "auth_sessions": "select, insert, update",
    "auth_refresh_tokens": "select, insert, update, delete",
    "auth_signing_keys": "select, insert, update",
    "media_nodes": "select, insert, update, delete",
}

CONSTRAINTS = """
alter table auth_credentials add foreign key (user_id) references users (id) on delete cascade;
alter table auth_signing_keys add check (purpose in ('access', 'platform'));
create unique index auth_signing_keys_current on auth_signing_keys (purpose) where retired_at is null;
alter table organizations add check (plan_tier in ('starter', 'professional', 'business', 'enterprise'));
alter table memberships add check (role in ('owner', 'admin', 'host', 'co_host', 'moderator', 'viewer'));
create unique index memberships_one_owner on memberships (organization_id) where role = 'owner';
alter table invitations add check (role in ('admin', 'host', 'co_host', 'moderator', 'viewer'));
alter table invitations add check (used_count >= 0 and (max_uses is null or used_count <= max_uses));
alter table rooms add foreign key (organization_id, workspace_id) references workspaces (organization_id, id);
alter table live_sessions add foreign key (organization_id, room_id)
    references rooms (organization_id, id) on delete cascade;
create unique index live_sessions_one_live on live_sessions (room_id) where ended_at is null;
alter table participants add foreign key (organization_id, live_session_id)
    references live_sessions (organization_id, id) on delete cascade;
alter table room_events drop constraint room_events_pkey;
alter table room_events add primary key (room_id, seq);
alter table room_events add foreign key (organization_id, room_id) references rooms (organization_id, id) on delete cascade;
create unique index room_events_subject on room_events (room_id, subject_id, kind);
alter table chat_messages add foreign key (organization_id, room_id)
    references rooms (organization_id, id) on delete cascade;
create index chat_messages_room_id on chat_messages (room_id);
alter table alerts add foreign key (organization_id, room_id) references rooms (organization_id, id) on delete cascade;
create index alerts_room_id on alerts (room_id);
"""

OTHER_POLICIES = f"""
alter table organizations enable row level security;
alter table organizations force row level security;
grant select, insert, update on organizations to tradingroom_tenant;
grant select on organizations to tradingroom_user;
grant select (id, slug) on organizations to tradingroom_platform;
create policy tenant_rows on organizations to tradingroom_tenant
    using (id = {_ORGANIZATION}) with check (id = {_ORGANIZATION});
create policy own_rows on organizations for select to tradingroom_user using (
    exists (select 1 from memberships m where m.organization_id = organizations.id and m.user_id = {_USER}));
create policy platform_rows on organizations for select to tradingroom_platform using (true);

grant select on memberships to tradingroom_user;
create policy own_rows on memberships for select to tradingroom_user using (user_id = {_USER});

grant select on users to tradingroom_tenant, tradingroom_user;
create policy member_rows on users for select to tradingroom_tenant using (
    exists (select 1 from memberships m where m.user_id = users.id and m.organization_id = {_ORGANIZATION}));
create policy own_rows on users for select to tradingroom_user using (id = {_USER});

grant select on media_nodes to tradingroom_tenant;
create policy readable on media_nodes for select to tradingroom_tenant using (true);

grant select (id, ended_at) on live_sessions to tradingroom_platform;
create policy platform_rows on live_sessions for select to tradingroom_platform using (true);
"""  # noqa: S608 - put together from the two constants above


def _tenant_table(table: str, rights: str) -> str:
    return f"""
        alter table {table} enable row level security;
        alter table {table} force row level security;
        grant {rights} on {table} to tradingroom_tenant;
        create policy tenant_rows on {table} to tradingroom_tenant
            using (organization_id = {_ORGANIZATION}) with check (organization_id = {_ORGANIZATION});
    """


def _platform_table(table: str, rights: str) -> str:
    return f"""
        alter table {table} enable row level security;
        alter table {table} force row level security;
        grant {rights} on {table} to tradingroom_platform;
        create policy platform_rows on {table} to tradingroom_platform using (true) with check (true);
    """


def _statements() -> list[str]:
    parts = ["grant usage on schema public to tradingroom_tenant, tradingroom_user, tradingroom_platform", CONSTRAINTS]
    parts += [_tenant_table(table, rights) for table, rights in TENANT_TABLES.items()]
    parts += [_platform_table(table, rights) for table, rights in PLATFORM_TABLES.items()]
    parts.append(OTHER_POLICIES)
    return [statement.strip() for statement in ";".join(parts).split(";") if statement.strip()]


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Constraints, then policies table by table."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in _statements():
            await RawSql.raw(statement)

    manager.add_raw(run)
    return manager

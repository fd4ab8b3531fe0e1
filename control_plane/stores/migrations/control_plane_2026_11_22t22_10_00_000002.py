"""Tenancy grown up: keys, and who may do what to which rows.

The audit log is only added to. What erases (a person, an organization after its grace, what is older than its retention)
works in the platform role, and each of its policies says which rows those are: nothing else is in its reach.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-22T22:10:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "tenancy: keys and row-level security"

_ORGANIZATION = "(select nullif(current_setting('app.organization_id', true), '')::uuid)"
_USER = "(select nullif(current_setting('app.user_id', true), '')::uuid)"
_OWN_ADDRESS = f"(select u.email from users u where u.id = {_USER})"  # noqa: S608 - put together from the constant above
_OPEN_TO_ME = f"email = {_OWN_ADDRESS} and revoked_at is null and declined_at is null and used_count = 0"
_CHAT_IS_OLD = (
    "at < now() - make_interval(days => "
    "(select o.chat_retention_days from organizations o where o.id = room_events.organization_id))"
)
_AUDIT_IS_OLD = (
    "at < now() - interval '365 days' and at < now() - make_interval(days => "
    "(select o.audit_retention_days from organizations o where o.id = audit_log.organization_id))"
)
STATEMENTS = f"""
alter table rooms add check (who_may_chat in ('everyone', 'speakers', 'moderators'));
alter table organizations add check (chat_retention_days >= 1);
alter table organizations add check (audit_retention_days >= 365);
create index organizations_deletes_at on organizations (deletes_at) where deletes_at is not null;

alter table room_roles add check (role in ('host', 'co_host', 'moderator', 'viewer'));
alter table room_roles add foreign key (organization_id, room_id) references rooms (organization_id, id) on delete cascade;
alter table room_roles add foreign key (organization_id, user_id)
    references memberships (organization_id, user_id) on delete cascade;
create index room_roles_organization on room_roles (organization_id, user_id);
alter table room_roles enable row level security;
alter table room_roles force row level security;
grant select, insert, update, delete on room_roles to tradingroom_tenant;
create policy tenant_rows on room_roles to tradingroom_tenant
    using (organization_id = {_ORGANIZATION}) with check (organization_id = {_ORGANIZATION});

create unique index invitations_one_per_address on invitations (organization_id, email)
    where email is not null and revoked_at is null and declined_at is null and used_count = 0;
create index invitations_email on invitations (email) where email is not null;
grant select on invitations to tradingroom_user;
create policy own_rows on invitations for select to tradingroom_user using ({_OPEN_TO_ME});
create policy invited_rows on organizations for select to tradingroom_user using (
    exists (select 1 from invitations i where i.organization_id = organizations.id and i.expires_at > now()
        and i.{_OPEN_TO_ME.replace(" and ", " and i.")}));

alter table entitlement_overrides enable row level security;
alter table entitlement_overrides force row level security;
grant select on entitlement_overrides to tradingroom_tenant;
create policy tenant_rows on entitlement_overrides for select to tradingroom_tenant
    using (organization_id = {_ORGANIZATION});
grant select, insert, update, delete on entitlement_overrides to tradingroom_platform;
create policy platform_rows on entitlement_overrides to tradingroom_platform using (true) with check (true);

alter table audit_log add check (actor_kind in ('user', 'token', 'operator', 'system'));
create index audit_log_organization on audit_log (organization_id, id);
create index audit_log_actor on audit_log (organization_id, actor_id, id);
create index audit_log_subject on audit_log (organization_id, subject_id, id);
alter table audit_log enable row level security;
alter table audit_log force row level security;
grant select, insert on audit_log to tradingroom_tenant;
create policy tenant_reads on audit_log for select to tradingroom_tenant using (organization_id = {_ORGANIZATION});
create policy tenant_adds on audit_log for insert to tradingroom_tenant with check (organization_id = {_ORGANIZATION});
grant insert on audit_log to tradingroom_platform;
create policy platform_adds on audit_log for insert to tradingroom_platform with check (true);
grant select (id, organization_id, at, actor_id), update (ip, user_agent), delete on audit_log to tradingroom_platform;
create policy platform_finds on audit_log for select to tradingroom_platform
    using (actor_id = {_USER} or ({_AUDIT_IS_OLD}));
create policy platform_erases on audit_log for update to tradingroom_platform
    using (actor_id = {_USER}) with check (actor_id = {_USER});
create policy platform_expires on audit_log for delete to tradingroom_platform using ({_AUDIT_IS_OLD});

grant select (chat_retention_days, audit_retention_days, deletes_at), delete on organizations to tradingroom_platform;
create policy platform_erases on organizations for delete to tradingroom_platform using (deletes_at <= now());

grant select (room_id, seq, organization_id, kind, subject_id, author_id, at, author_name, body),
    update (author_name, body) on room_events to tradingroom_platform;
create policy platform_finds on room_events for select to tradingroom_platform
    using (author_id = {_USER} or ({_CHAT_IS_OLD}));
create policy platform_erases on room_events for update to tradingroom_platform
    using (author_id = {_USER} or ({_CHAT_IS_OLD})) with check (true);
grant select (id, author_id, organization_id, created_at), update (text) on chat_messages to tradingroom_platform;
create policy platform_finds on chat_messages for select to tradingroom_platform
    using (author_id = {_USER} or ({_CHAT_IS_OLD.replace("at <", "created_at <").replace("room_events", "chat_messages")}));
create policy platform_erases on chat_messages for update to tradingroom_platform
    using (author_id = {_USER} or ({_CHAT_IS_OLD.replace("at <", "created_at <").replace("room_events", "chat_messages")}))
    with check (true);
grant select (id, author_id), update (note) on alerts to tradingroom_platform;
create policy platform_finds on alerts for select to tradingroom_platform using (author_id = {_USER});
create policy platform_erases on alerts for update to tradingroom_platform
    using (author_id = {_USER}) with check (author_id = {_USER});
grant select (id, user_id), update (display_name) on participants to tradingroom_platform;
create policy platform_finds on participants for select to tradingroom_platform using (user_id = {_USER});
create policy platform_erases on participants for update to tradingroom_platform
    using (user_id = {_USER}) with check (user_id = {_USER});
grant select (id, email), delete on invitations to tradingroom_platform;
create policy platform_finds on invitations for select to tradingroom_platform using (email = {_OWN_ADDRESS});
create policy platform_erases on invitations for delete to tradingroom_platform using (email = {_OWN_ADDRESS})
"""  # noqa: S608 - put together from the constants above


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Keys, then rights and policies."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager

"""Retention and erasure in batches: indexes that find the rows left to do, and which rows the platform may take out.

A partial index holds only what is left, so a run goes on where the last one stopped and reads nothing twice. Its condition
is written in `stores/persons.py` and `stores/retention.py` in the same words.

Every key that points at something has an index too: without one, deleting what it points at reads the whole table.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T01:40:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "retention and erasure in batches"

_USER = "(select nullif(current_setting('app.user_id', true), '')::uuid)"
_DUE = "organization_id in (select o.id from organizations o where o.deletes_at <= now())"
_CHAT_IS_OLD = (
    "{at} < now() - make_interval(days => "
    "(select o.chat_retention_days from organizations o where o.id = {table}.organization_id))"
)
_AUDIT_IS_OLD = (
    "(at < now() - interval '365 days' and at < now() - make_interval(days => "
    "(select o.audit_retention_days from organizations o where o.id = audit_log.organization_id)))"
)
_SETTLED_IS_OLD = "(created_at < now() - interval '30 days' and (delivered_at is not null or failed_at is not null))"
_EVENT_IS_LEFT = (
    "(author_name <> 'Former member' or (kind = 'chat.posted' and body ->> 'text' <> '[removed]') "
    "or (kind = 'alert.posted' and body ->> 'note' <> ''))"
)
ACTORS = """
alter table webhook_deliveries no force row level security;
update webhook_deliveries set actor_id =
    coalesce(body::jsonb -> 'data' ->> 'authorId', body::jsonb -> 'data' ->> 'actorId')::uuid;
alter table webhook_deliveries force row level security
"""
"""Forced row-level security binds the owner too: it is lifted while the rows that are there get their values."""
INDEXES = f"""
create index chat_messages_age on chat_messages (organization_id, created_at) where text <> '[removed]';
create index chat_messages_author on chat_messages (author_id, organization_id) where text <> '[removed]';
create index chat_messages_organization on chat_messages (organization_id);
create index room_events_age on room_events (organization_id, at)
    where kind = 'chat.posted' and body ->> 'text' <> '[removed]';
create index room_events_author on room_events (author_id, organization_id) where {_EVENT_IS_LEFT};
create index room_events_organization on room_events (organization_id);
create index alerts_author on alerts (author_id, organization_id) where note <> '';
create index alert_steps_organization on alert_steps (organization_id, alert_id);
create index participants_organization on participants (organization_id);
create index participants_user on participants (user_id, organization_id);
create index audit_log_age on audit_log (organization_id, at);
create index audit_log_person on audit_log (actor_id, organization_id) where ip is not null or user_agent is not null;
create index webhook_deliveries_age on webhook_deliveries (organization_id, created_at);
create index webhook_deliveries_actor on webhook_deliveries (actor_id, organization_id) where actor_id is not null;
create index invitations_maker on invitations (created_by);
create index room_roles_user on room_roles (user_id);
create index rooms_workspace on rooms (organization_id, workspace_id);
create index outbox_dead on outbox (dead_at) where dead_at is not null
"""
RIGHTS = f"""
alter policy platform_finds on chat_messages
    using (author_id = {_USER} or {_CHAT_IS_OLD.format(at="created_at", table="chat_messages")} or {_DUE});
grant delete on chat_messages to tradingroom_platform;
create policy platform_clears on chat_messages for delete to tradingroom_platform using ({_DUE});
alter policy platform_finds on room_events
    using (author_id = {_USER} or {_CHAT_IS_OLD.format(at="at", table="room_events")} or {_DUE});
grant delete on room_events to tradingroom_platform;
create policy platform_clears on room_events for delete to tradingroom_platform using ({_DUE});
alter policy platform_finds on alerts using (author_id = {_USER} or {_DUE});
grant select (organization_id, note), delete on alerts to tradingroom_platform;
create policy platform_clears on alerts for delete to tradingroom_platform using ({_DUE});
grant select (id, organization_id), delete on alert_steps to tradingroom_platform;
create policy platform_finds on alert_steps for select to tradingroom_platform using ({_DUE});
create policy platform_clears on alert_steps for delete to tradingroom_platform using ({_DUE});
alter policy platform_finds on participants using (user_id = {_USER} or {_DUE});
grant select (organization_id, display_name), delete on participants to tradingroom_platform;
create policy platform_clears on participants for delete to tradingroom_platform using ({_DUE});
alter policy platform_finds on audit_log using (actor_id = {_USER} or {_AUDIT_IS_OLD} or {_DUE});
alter policy platform_expires on audit_log using ({_AUDIT_IS_OLD} or {_DUE});
grant select (ip, user_agent) on audit_log to tradingroom_platform;
grant select (id, organization_id, event_id, event, object_id, created_at, delivered_at, failed_at, attempts, actor_id),
    update (body, attempts, actor_id), delete on webhook_deliveries to tradingroom_platform;
create policy platform_finds on webhook_deliveries for select to tradingroom_platform
    using (actor_id = {_USER} or {_SETTLED_IS_OLD} or {_DUE});
create policy platform_erases on webhook_deliveries for update to tradingroom_platform
    using (actor_id = {_USER}) with check (true);
create policy platform_clears on webhook_deliveries for delete to tradingroom_platform
    using ({_SETTLED_IS_OLD} or {_DUE})
"""
HOLD_MEMBERSHIPS = """
create function hold_memberships(person uuid) returns text
language plpgsql set search_path = public as $$
declare
    organizations_of uuid[];
    one uuid;
    held text := 'none';
begin
    perform 1 from users where id = person for update;
    perform set_config('role', 'tradingroom_user', true), set_config('app.user_id', person::text, true);
    select array_agg(m.organization_id order by m.organization_id) into organizations_of
        from memberships m where m.user_id = person;
    foreach one in array coalesce(organizations_of, array[]::uuid[]) loop
        perform set_config('role', 'tradingroom_tenant', true), set_config('app.organization_id', one::text, true);
        perform 1 from organizations where id = one for update;
        if exists (select 1 from memberships where organization_id = one and user_id = person and role = 'owner') then
            held := 'owner';
        elsif held = 'none' and exists (select 1 from memberships where organization_id = one and user_id = person) then
            held := 'member';
        end if;
    end loop;
    perform set_config('role', 'tradingroom_platform', true), set_config('app.organization_id', '', true),
        set_config('app.user_id', '', true);
    return held;
end
$$
"""
"""Whether a person owns an organization, is a member of one, or neither; it stays so until commit, because the login's row
keeps new memberships out and the organizations' rows keep a transfer out. With its caller's rights, in scopes of its own, as
`tenant_rooms`."""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Actors, indexes, rights, the function."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in f"{ACTORS};{INDEXES};{RIGHTS}".split(";"):
            await RawSql.raw(statement.strip())
        await RawSql.raw(HOLD_MEMBERSHIPS)

    manager.add_raw(run)
    return manager

"""The rooms page asks in the same round trip whether the sign-in still stands.

As before, the function sets its own scopes, so that row-level security holds as in any other.

It runs with its caller's rights (SECURITY INVOKER): the app's login may take these roles anyway, and nobody else may.
What it sets ends with its statement's transaction.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-22T23:20:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "rooms page asks for the sign-in, too"

_FUNCTION = """
create function tenant_rooms(organization uuid, person uuid, sign_in uuid, after_id uuid, page integer)
returns table (standing text, member_role text, items text, last_id uuid, has_more boolean)
language plpgsql set search_path = public as $$
#variable_conflict use_column
declare
    found_standing text := 'good';
begin
    if sign_in is not null then
        perform set_config('role', 'tradingroom_platform', true);
        select case when s.aal = 'aal2' or not exists (
                select 1 from auth_factors f where f.user_id = s.user_id and f.status = 'verified')
            then 'good' else 'first_factor_only' end
        into found_standing from auth_sessions s
        where s.id = sign_in and s.user_id = person and s.revoked_at is null;
        if found_standing is distinct from 'good' then
            return query select coalesce(found_standing, 'ended'), ''::text, ''::text, null::uuid, false;
            return;
        end if;
    end if;
    perform set_config('role', 'tradingroom_tenant', true), set_config('app.organization_id', organization::text, true),
        set_config('app.user_id', '', true);
    return query
    select 'good'::text, m.role::text, t.items, t.last_id, t.has_more
    from memberships m cross join lateral (
        select coalesce(json_agg(v.body order by v.id) filter (where v.number <= page), '[]')::text as items,
            (array_agg(v.id order by v.id) filter (where v.number <= page))[page] as last_id, count(*) > page as has_more
        from (
            select r.id, row_number() over (order by r.id) as number, json_build_object(
                'id', r.id, 'organizationId', r.organization_id, 'workspaceId', r.workspace_id, 'name', r.name,
                'slug', r.slug, 'state', case when s.id is null then 'idle' else 'live' end,
                'liveSession', case when s.id is null then null else json_build_object('id', s.id,
                    'startedAt', s.started_at, 'watching', (select count(*) from participants p
                        where p.live_session_id = s.id and p.role = 'viewer' and p.generation > 0
                        and p.left_at is null and p.removed_at is null)) end,
                'lastSeq', r.last_seq, 'createdAt', r.created_at, 'description', r.description,
                'waitingText', r.waiting_text, 'whoMayChat', r.who_may_chat, 'nextSessionAt', r.next_session_at,
                'timeZone', r.time_zone, 'archivedAt', r.archived_at) as body
            from rooms r left join live_sessions s on s.room_id = r.id and s.ended_at is null
            where r.organization_id = organization and r.archived_at is null and (after_id is null or r.id > after_id)
            order by r.id limit page + 1
        ) v
    ) t
    where m.organization_id = organization and m.user_id = person;
end
$$
"""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Make the new function in the old one's place."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        await RawSql.raw("drop function tenant_rooms(uuid, uuid, uuid, integer)")
        await RawSql.raw(_FUNCTION)

    manager.add_raw(run)
    return manager

"""The rooms page keeps out by an enforced connection whoever ever came by one, whatever their address is now."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T02:25:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "single sign-on: another address frees nobody"

_FUNCTION = """
create or replace function tenant_rooms(organization uuid, person uuid, sign_in uuid, after_id uuid, page integer,
    sso_tiers text[])
returns table (standing text, member_role text, items text, last_id uuid, has_more boolean, needs_sso uuid)
language plpgsql set search_path = public as $$
#variable_conflict use_column
declare
    found_standing text := 'good';
    came_by uuid;
begin
    if sign_in is not null then
        perform set_config('role', 'tradingroom_platform', true);
        select case when s.aal = 'aal2' or not exists (
                select 1 from auth_factors f where f.user_id = s.user_id and f.status = 'verified')
            then 'good' else 'first_factor_only' end, s.sso_connection_id
        into found_standing, came_by from auth_sessions s
        where s.id = sign_in and s.user_id = person and s.revoked_at is null and (s.sso_connection_id is null
            or exists (select 1 from sso_connections c where c.id = s.sso_connection_id and c.is_enabled));
        if found_standing is distinct from 'good' then
            return query select coalesce(found_standing, 'ended'), ''::text, ''::text, null::uuid, false, null::uuid;
            return;
        end if;
    end if;
    perform set_config('role', 'tradingroom_tenant', true), set_config('app.organization_id', organization::text, true),
        set_config('app.user_id', '', true);
    return query
    select 'good'::text, m.role::text, t.items, t.last_id, t.has_more,
        case when sign_in is not null and m.role <> 'owner' then (
            select c.id from sso_connections c
            join users u on u.id = m.user_id join organizations o on o.id = c.organization_id
            left join entitlement_overrides e on e.organization_id = c.organization_id
            where c.organization_id = m.organization_id and c.is_enforced and c.is_enabled
                and c.id is distinct from came_by
                and coalesce((e.limits->>'has_sso')::boolean, o.plan_tier = any(sso_tiers))
                and (exists (select 1 from sso_domains d where d.organization_id = c.organization_id
                        and d.verified_at is not null and d.domain = substring(u.email from '[^@]*$'))
                    or exists (select 1 from sso_identities i
                        where i.organization_id = c.organization_id and i.user_id = m.user_id))
            limit 1) end
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
    """Put the function in its place."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        await RawSql.raw(_FUNCTION)

    manager.add_raw(run)
    return manager

"""Organizations, memberships and workspaces."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from control_plane.domain.ids import OrganizationId, RoomId, UserId, WorkspaceId
from control_plane.domain.organizations import Member, Organization, Workspace
from control_plane.domain.plans import SSO_TIERS, PlanTier
from control_plane.domain.roles import Role
from control_plane.stores import sso as sso_store
from control_plane.stores.database import Rows, Transaction

_COLUMNS = (
    "o.id, o.name, o.slug, o.plan_tier, o.trial_ends_at, o.created_at, "
    "o.deletes_at, o.chat_retention_days, o.audit_retention_days"
)
_SELECT = f"select {_COLUMNS} from organizations o "  # noqa: S608 - our own columns
_PLAN = (
    "select o.plan_tier, e.limits from organizations o "
    "left join entitlement_overrides e on e.organization_id = o.id where o.id = $1"
)
_MEMBER = """
    select m.user_id, u.email, u.display_name, coalesce(r.role, m.role) as role, m.is_host, m.created_at,
        o.deletes_at is not null as is_closing
    from memberships m join users u on u.id = m.user_id join organizations o on o.id = m.organization_id
    left join room_roles r on r.organization_id = m.organization_id and r.user_id = m.user_id and r.room_id = $3
    where m.organization_id = $1
"""
_CALLER = (
    _MEMBER.replace(
        "as is_closing", f"as is_closing, {sso_store.SHUT_OUT.format(came_by='$4', tiers='$5')} as needs_sso"
    )
    + " and m.user_id = $2"
)


def _organization(row: Rows) -> Organization:
    return Organization(
        id=OrganizationId(row["id"]),
        name=row["name"],
        slug=row["slug"],
        plan_tier=PlanTier(row["plan_tier"]),
        trial_ends_at=row["trial_ends_at"],
        created_at=row["created_at"],
        deletes_at=row["deletes_at"],
        chat_retention_days=row["chat_retention_days"],
        audit_retention_days=row["audit_retention_days"],
    )


def _workspace(row: Rows) -> Workspace:
    return Workspace(
        id=WorkspaceId(row["id"]),
        organization_id=OrganizationId(row["organization_id"]),
        name=row["name"],
        slug=row["slug"],
        created_at=row["created_at"],
    )


def _member(row: Rows) -> Member:
    return Member(
        user_id=UserId(row["user_id"]),
        email=row["email"],
        display_name=row["display_name"],
        role=Role(row["role"]),
        is_host=row["is_host"],
        joined_at=row["created_at"],
        is_closing=row["is_closing"],
    )


async def find_organization(tx: Transaction, organization_id: OrganizationId) -> Organization | None:
    """The tenant of the scope; None when it does not exist."""
    row = await tx.fetchrow(_SELECT + "where o.id = $1", organization_id)
    return None if row is None else _organization(row)


async def insert_organization(tx: Transaction, organization: Organization) -> bool:
    """Write a new tenant. False when its id or slug is taken; then nothing is written."""
    count = await tx.execute(
        "insert into organizations (id, name, slug, plan_tier, trial_ends_at, created_at) "
        "values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        organization.id,
        organization.name,
        organization.slug,
        organization.plan_tier.value,
        organization.trial_ends_at,
        organization.created_at,
    )
    return count == 1


async def read_plan(
    tx: Transaction, organization_id: OrganizationId, *, lock: bool
) -> tuple[str, dict[str, Any]] | None:
    """The tenant's plan and what was agreed beside it; None when there is no such organization.

    lock: hold the organization's row until commit, so that counts stay true.
    """
    row = await tx.fetchrow(
        _PLAN + (" for update of o" if lock else ""),
        organization_id,
    )
    if row is None:
        return None
    return row["plan_tier"], {} if row["limits"] is None else msgspec.json.decode(row["limits"], type=dict[str, Any])


async def write_overrides(
    tx: Transaction, organization_id: OrganizationId, limits: dict[str, Any], note: str, *, row_id: UUID
) -> dict[str, Any] | None:
    """Write what was agreed beside the plan, in place of what was; platform scope. Answers what was before."""
    before: str | None = await tx.fetchval(
        "select limits from entitlement_overrides where organization_id = $1 for update", organization_id
    )
    await tx.execute(
        "insert into entitlement_overrides (id, organization_id, limits, note, updated_at) "
        "values ($1, $2, $3::jsonb, $4, now()) "
        "on conflict (organization_id) do update set limits = excluded.limits, note = excluded.note, updated_at = now()",
        row_id,
        organization_id,
        msgspec.json.encode(limits).decode(),
        note,
    )
    return None if before is None else msgspec.json.decode(before, type=dict[str, Any])


async def write_plan_tier(tx: Transaction, organization_id: OrganizationId, tier: PlanTier) -> bool:
    """Change the plan. False when there is no such organization."""
    return await tx.execute("update organizations set plan_tier = $2 where id = $1", organization_id, tier.value) == 1


async def find_by_slug(tx: Transaction, slug: str) -> OrganizationId | None:
    """The id behind a slug; platform scope only."""
    found: UUID | None = await tx.fetchval("select id from organizations where slug = $1", slug)
    return None if found is None else OrganizationId(found)


async def list_own(tx: Transaction, user_id: UserId) -> list[tuple[Organization, Role]]:
    """The organizations a person is a member of, with their role, oldest first; user scope."""
    rows = await tx.fetch(
        f"select {_COLUMNS}, m.role "  # noqa: S608 - our own columns
        "from memberships m join organizations o on o.id = m.organization_id where m.user_id = $1 order by o.id",
        user_id,
    )
    return [(_organization(row), Role(row["role"])) for row in rows]


async def update_organization(tx: Transaction, organization: Organization) -> None:
    """Write name, slug, retention and the time of its deletion.

    Raises:
        UniqueViolation: the slug is another organization's, which the scope can't see.
    """
    await tx.execute(
        "update organizations set name = $2, slug = $3, chat_retention_days = $4, audit_retention_days = $5, "
        "deletes_at = $6 where id = $1",
        organization.id,
        organization.name,
        organization.slug,
        organization.chat_retention_days,
        organization.audit_retention_days,
        organization.deletes_at,
    )


# --- members


async def find_member(
    tx: Transaction, organization_id: OrganizationId, user_id: UserId, room_id: RoomId | None = None
) -> Member | None:
    """A person's membership, in a room with the role they have there; None when they are no member."""
    row = await tx.fetchrow(_MEMBER + " and m.user_id = $2", organization_id, user_id, room_id)
    return None if row is None else _member(row)


async def find_caller(
    tx: Transaction, organization_id: OrganizationId, user_id: UserId, room_id: RoomId | None, came_by: UUID | None
) -> tuple[Member, UUID | None] | None:
    """As `find_member`, with the connection that shuts them out.

    Args:
        tx: a tenant scope of that organization.
        organization_id: where.
        user_id: who.
        room_id: as `find_member`.
        came_by: the connection their sign-in came by; None: another way.

    Returns:
        The membership, and the enforced connection they have to come by instead; None: they may come as they did.
    """
    row = await tx.fetchrow(_CALLER, organization_id, user_id, room_id, came_by, list(SSO_TIERS))
    return None if row is None else (_member(row), row["needs_sso"])


async def list_members(
    tx: Transaction,
    organization_id: OrganizationId,
    *,
    after: UserId | None = None,
    limit: int | None = None,
    role: Role | None = None,
    text: str | None = None,
) -> list[Member]:
    """Members in the order of their joining, after one of them.

    text: in the name or the address, any case. limit: None: all of them.
    """
    pattern = None if text is None else "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = await tx.fetch(
        _MEMBER  # noqa: S608 - our own statement
        + " and ($2::uuid is null or m.id > (select x.id from memberships x "
        "where x.organization_id = $1 and x.user_id = $2)) and ($4::text is null or m.role = $4) "
        "and ($5::text is null or u.display_name ilike $5 or u.email ilike $5) order by m.id limit $6",
        organization_id,
        after,
        None,
        None if role is None else role.value,
        pattern,
        limit,
    )
    return [_member(row) for row in rows]


async def update_member(tx: Transaction, organization_id: OrganizationId, member: Member) -> None:
    """Write role and host flag."""
    await tx.execute(
        "update memberships set role = $3, is_host = $4 where organization_id = $1 and user_id = $2",
        organization_id,
        member.user_id,
        member.role.value,
        member.is_host,
    )


async def delete_member(tx: Transaction, organization_id: OrganizationId, user_id: UserId) -> bool:
    """End a membership; the person's roles in rooms go with it. False when there was none.

    It is remembered, until they are made a member again: single sign-on does not bring them back by itself.
    """
    count = await tx.execute(
        "delete from memberships where organization_id = $1 and user_id = $2", organization_id, user_id
    )
    if count == 1:
        await sso_store.remember_former(tx, organization_id, user_id)
    return count == 1


async def insert_member(
    tx: Transaction,
    *,
    membership_id: UUID,
    organization_id: OrganizationId,
    user_id: UserId,
    role: Role,
    is_host: bool,
    now: datetime,
) -> bool:
    """Write a membership. False when the person is a member already; then nothing is written."""
    count = await tx.execute(
        "insert into memberships (id, organization_id, user_id, role, is_host, created_at) "
        "values ($1, $2, $3, $4, $5, $6) on conflict (organization_id, user_id) do nothing",
        membership_id,
        organization_id,
        user_id,
        role.value,
        is_host,
        now,
    )
    if count == 1:
        await sso_store.forget_former(tx, organization_id, user_id)
    return count == 1


async def count_hosts(tx: Transaction, organization_id: OrganizationId) -> int:
    """Memberships that count as hosts, >= 0."""
    return int(
        await tx.fetchval("select count(*) from memberships where organization_id = $1 and is_host", organization_id)
    )


async def hold_memberships(tx: Transaction, user_id: UserId) -> Literal["owner", "member", "none"]:
    """Whether a person owns an organization, is a member of one, or neither, which stays so until commit; platform scope.

    Their login and the organizations they are in are locked: no membership begins, and no ownership is given to them.
    """
    held: Literal["owner", "member", "none"] = await tx.fetchval("select hold_memberships($1)", user_id)
    return held


# --- workspaces


async def list_workspaces(
    tx: Transaction,
    organization_id: OrganizationId,
    *,
    after: WorkspaceId | None = None,
    limit: int | None = None,
) -> list[Workspace]:
    """Workspaces, oldest first, after one of them. limit: None: all."""
    rows = await tx.fetch(
        "select id, organization_id, name, slug, created_at from workspaces "
        "where organization_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
        organization_id,
        after,
        limit,
    )
    return [_workspace(row) for row in rows]


async def find_workspace(
    tx: Transaction, organization_id: OrganizationId, workspace_id: WorkspaceId | None
) -> Workspace | None:
    """A workspace by id, or the oldest one when no id is given; None when there is none."""
    row = await tx.fetchrow(
        "select id, organization_id, name, slug, created_at from workspaces "
        "where organization_id = $1 and ($2::uuid is null or id = $2) order by id limit 1",
        organization_id,
        workspace_id,
    )
    return None if row is None else _workspace(row)


async def insert_workspace(tx: Transaction, workspace: Workspace) -> bool:
    """Write a workspace. False when its id or slug is taken; then nothing is written."""
    count = await tx.execute(
        "insert into workspaces (id, organization_id, name, slug, created_at) values ($1, $2, $3, $4, $5) "
        "on conflict do nothing",
        workspace.id,
        workspace.organization_id,
        workspace.name,
        workspace.slug,
        workspace.created_at,
    )
    return count == 1


async def rename_workspace(
    tx: Transaction, organization_id: OrganizationId, workspace_id: WorkspaceId, name: str
) -> None:
    """Rename a workspace; its slug stays."""
    await tx.execute(
        "update workspaces set name = $3 where organization_id = $1 and id = $2", organization_id, workspace_id, name
    )


async def delete_workspace(tx: Transaction, organization_id: OrganizationId, workspace_id: WorkspaceId) -> bool:
    """Delete a workspace without rooms. False when it has some, or is the last one."""
    count = await tx.execute(
        "delete from workspaces w where w.organization_id = $1 and w.id = $2 "
        "and not exists (select 1 from rooms r where r.organization_id = $1 and r.workspace_id = w.id) "
        "and exists (select 1 from workspaces o where o.organization_id = $1 and o.id <> w.id)",
        organization_id,
        workspace_id,
    )
    return count == 1


async def count_workspaces(tx: Transaction, organization_id: OrganizationId) -> int:
    """Workspaces of the tenant, >= 0."""
    return int(await tx.fetchval("select count(*) from workspaces where organization_id = $1", organization_id))

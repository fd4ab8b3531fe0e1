"""Organizations, memberships and workspaces."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from control_plane.domain.ids import OrganizationId, UserId, WorkspaceId
from control_plane.domain.organizations import Member, Organization, Workspace
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.stores.database import Rows, Transaction

_SELECT = "select id, name, slug, plan_tier, trial_ends_at, created_at from organizations "


def _organization(row: Rows) -> Organization:
    return Organization(
        id=OrganizationId(row["id"]),
        name=row["name"],
        slug=row["slug"],
        plan_tier=PlanTier(row["plan_tier"]),
        trial_ends_at=row["trial_ends_at"],
        created_at=row["created_at"],
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
    )


async def find_organization(tx: Transaction, organization_id: OrganizationId) -> Organization | None:
    """The tenant of the scope; None when it does not exist."""
    row = await tx.fetchrow(_SELECT + "where id = $1", organization_id)
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


async def read_plan_tier(tx: Transaction, organization_id: OrganizationId, *, lock: bool) -> str | None:
    """The tenant's plan. lock: hold the organization's row until commit, so that counts stay true."""
    statement = "select plan_tier from organizations where id = $1"
    tier: str | None = await tx.fetchval(statement + (" for update" if lock else ""), organization_id)
    return tier


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
        "select o.id, o.name, o.slug, o.plan_tier, o.trial_ends_at, o.created_at, m.role "
        "from memberships m join organizations o on o.id = m.organization_id where m.user_id = $1 order by o.id",
        user_id,
    )
    return [(_organization(row), Role(row["role"])) for row in rows]


# --- members


async def find_member(tx: Transaction, organization_id: OrganizationId, user_id: UserId) -> Member | None:
    """A person's membership; None when they are no member."""
    row = await tx.fetchrow(
        "select m.user_id, u.email, u.display_name, m.role, m.is_host, m.created_at "
        "from memberships m join users u on u.id = m.user_id where m.organization_id = $1 and m.user_id = $2",
        organization_id,
        user_id,
    )
    return None if row is None else _member(row)


async def list_members(tx: Transaction, organization_id: OrganizationId) -> list[Member]:
    """All members, oldest first."""
    rows = await tx.fetch(
        "select m.user_id, u.email, u.display_name, m.role, m.is_host, m.created_at "
        "from memberships m join users u on u.id = m.user_id where m.organization_id = $1 order by m.id",
        organization_id,
    )
    return [_member(row) for row in rows]


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
    return count == 1


async def count_hosts(tx: Transaction, organization_id: OrganizationId) -> int:
    """Memberships that count as hosts, >= 0."""
    return int(
        await tx.fetchval("select count(*) from memberships where organization_id = $1 and is_host", organization_id)
    )


# --- workspaces


async def list_workspaces(tx: Transaction, organization_id: OrganizationId) -> list[Workspace]:
    """All workspaces, oldest first."""
    rows = await tx.fetch(
        "select id, organization_id, name, slug, created_at from workspaces where organization_id = $1 order by id",
        organization_id,
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


async def count_workspaces(tx: Transaction, organization_id: OrganizationId) -> int:
    """Workspaces of the tenant, >= 0."""
    return int(await tx.fetchval("select count(*) from workspaces where organization_id = $1", organization_id))

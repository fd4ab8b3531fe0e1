"""Organizations, their members and workspaces."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, NotFound, Unauthenticated
from control_plane.domain.ids import OrganizationId, UserId, WorkspaceId
from control_plane.domain.organizations import TRIAL, Member, Organization, Workspace, is_host_by_default
from control_plane.domain.plans import PlanTier, require_room_for_one
from control_plane.domain.roles import Permission, Role
from control_plane.domain.rooms import clean_name, make_slug
from control_plane.services import access
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.ports import Clock, Ids
from control_plane.stores import accounts as account_store
from control_plane.stores import organizations as store
from control_plane.stores.database import Database, ForeignKeyViolation, Transaction

FIRST_WORKSPACE = "Main"


class OwnOrganization(msgspec.Struct, frozen=True, kw_only=True):
    """An organization and the caller's role in it."""

    organization: Organization
    role: Role


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller and where they belong."""

    user_id: UserId
    email: str
    display_name: str
    organizations: list[OwnOrganization]


def slugs(name: str, fallback: str, unique: UUID) -> tuple[str, str]:
    """Slugs to try in turn: the plain one, then one with the id's last digits."""
    slug = make_slug(name, fallback)
    return slug, f"{slug}-{unique.hex[-8:]}"


@dataclass(frozen=True, slots=True)
class OrganizationService:
    """The use cases of tenants."""

    db: Database
    clock: Clock
    ids: Ids

    async def create(self, caller: Caller, name: str, organization_id: OrganizationId | None) -> OwnOrganization:
        """Make an organization on the smallest plan with a trial, its owner and its first workspace.

        Args:
            caller: becomes the owner.
            name: 1-80 characters.
            organization_id: made by the caller, so that a repeat is harmless; None: made here.

        Raises:
            InvalidInput: the name. Conflict: the id is taken. Unauthenticated: the login is gone. Unavailable.
        """
        now = self.clock.now()
        organization = Organization(
            id=organization_id or OrganizationId(self.ids.new()),
            name=clean_name(name),
            slug="",
            plan_tier=PlanTier.STARTER,
            trial_ends_at=now + TRIAL,
            created_at=now,
        )
        try:
            async with self.db.tenant(organization.id) as tx:
                return await self._create(tx, caller, organization)
        except ForeignKeyViolation as error:
            raise Unauthenticated("This account no longer exists.") from error

    async def _create(self, tx: Transaction, caller: Caller, organization: Organization) -> OwnOrganization:
        for slug in slugs(organization.name, "organization", organization.id):
            organization = msgspec.structs.replace(organization, slug=slug)
            if await store.insert_organization(tx, organization):
                break
        else:
            return await self._find_own(tx, caller, organization.id)
        await store.insert_member(
            tx,
            membership_id=self.ids.new(),
            organization_id=organization.id,
            user_id=caller.user_id,
            role=Role.OWNER,
            is_host=is_host_by_default(Role.OWNER),
            now=organization.created_at,
        )
        workspace = Workspace(
            id=WorkspaceId(self.ids.new()),
            organization_id=organization.id,
            name=FIRST_WORKSPACE,
            slug=make_slug(FIRST_WORKSPACE, "main"),
            created_at=organization.created_at,
        )
        await store.insert_workspace(tx, workspace)
        return OwnOrganization(organization=organization, role=Role.OWNER)

    async def _find_own(self, tx: Transaction, caller: Caller, organization_id: OrganizationId) -> OwnOrganization:
        """The organization of a repeat: the same id, by its owner. Anybody else learns only that the id is taken."""
        member = await store.find_member(tx, organization_id, caller.user_id)
        found = await store.find_organization(tx, organization_id)
        if member is None or found is None or member.role is not Role.OWNER:
            raise Conflict("This id is taken.", field="id")
        return OwnOrganization(organization=found, role=member.role)

    async def me(self, caller: Caller) -> Me:
        """The caller with their organizations. Raises Unauthenticated: the login is gone. Unavailable."""
        async with self.db.user(caller.user_id) as tx:
            own = await account_store.find_own(tx, caller.user_id)
            organizations = await store.list_own(tx, caller.user_id)
        if own is None:
            raise Unauthenticated("This account no longer exists.")
        return Me(
            user_id=caller.user_id,
            email=own[0],
            display_name=own[1],
            organizations=[OwnOrganization(organization=found, role=role) for found, role in organizations],
        )

    async def get(self, caller: Caller, organization_id: OrganizationId) -> OwnOrganization:
        """One organization of the caller's. Raises NotFound, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, None)
            found = await store.find_organization(tx, organization_id)
        if found is None:
            raise access.no_organization()
        return OwnOrganization(organization=found, role=member.role)

    async def list_members(self, caller: Caller, organization_id: OrganizationId) -> list[Member]:
        """All members, oldest first. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            return await store.list_members(tx, organization_id)

    async def list_workspaces(self, caller: Caller, organization_id: OrganizationId) -> list[Workspace]:
        """All workspaces, oldest first. Raises NotFound, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.VIEW_ROOMS)
            return await store.list_workspaces(tx, organization_id)

    async def create_workspace(
        self, caller: Caller, organization_id: OrganizationId, name: str, workspace_id: WorkspaceId | None
    ) -> Workspace:
        """Make a workspace, within the plan.

        Raises:
            NotFound, Forbidden. InvalidInput: the name. LimitExceeded. Conflict: the id is taken. Unavailable.
        """
        cleaned = clean_name(name)
        new_id = workspace_id or WorkspaceId(self.ids.new())
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            entitlement = await lock_entitlement(tx, organization_id)
            if workspace_id is not None:
                first = await store.find_workspace(tx, organization_id, workspace_id)
                if first is not None:
                    return first
            used = await store.count_workspaces(tx, organization_id)
            require_room_for_one("workspaces", entitlement.max_workspaces, used)
            for slug in slugs(cleaned, "workspace", new_id):
                workspace = Workspace(
                    id=new_id, organization_id=organization_id, name=cleaned, slug=slug, created_at=self.clock.now()
                )
                if await store.insert_workspace(tx, workspace):
                    return workspace
        raise Conflict("This id is taken.", field="id")

    async def set_plan(self, organization: str, tier: PlanTier) -> OrganizationId:
        """Put an organization on a plan: the operator's command, and later the billing's.

        Args:
            organization: its id or its slug.
            tier: the plan.

        Raises:
            NotFound. Unavailable.
        """
        organization_id = await self._resolve(organization)
        async with self.db.tenant(organization_id) as tx:
            if not await store.write_plan_tier(tx, organization_id, tier):
                raise access.no_organization()
        return organization_id

    async def _resolve(self, organization: str) -> OrganizationId:
        try:
            return OrganizationId(UUID(organization))
        except ValueError:
            async with self.db.platform() as tx:
                found = await store.find_by_slug(tx, organization)
        if found is None:
            raise NotFound("There is no such organization.")
        return found

"""Organizations, and the caller themselves."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.plans import FEATURES, PlanTier
from control_plane.domain.roles import Role
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.wire import Body, Name, View, maybe_id
from control_plane.services.entitlements import Usage
from control_plane.services.organizations import OrganizationChanges, OwnOrganization


class OrganizationView(View):
    """An organization of the caller's, and their role in it. trialEndsAt: null when it never had a trial.

    deletesAt: when it is erased; null: nobody asked for it. A retention in days; null: everything is kept.
    """

    id: UUID
    name: str
    slug: str
    plan_tier: PlanTier
    trial_ends_at: datetime | None
    created_at: datetime
    role: Role
    deletes_at: datetime | None = None
    chat_retention_days: int | None = None
    audit_retention_days: int | None = None


class OrganizationList(View):
    """All of them."""

    items: list[OrganizationView]
    next_cursor: str | None = None


class MeView(View):
    """The caller."""

    id: UUID
    email: str
    display_name: str
    organizations: list[OrganizationView]


class NewOrganization(Body):
    """id: a UUID made by the caller, so that a repeat is harmless."""

    name: Name
    id: UUID | None = None


class OrganizationChange(Body):
    """What is not given stays as it is. Retentions in days, null: everything is kept; the audit log at least 365."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    slug: str | msgspec.UnsetType = msgspec.UNSET
    chat_retention_days: int | msgspec.UnsetType | None = msgspec.UNSET
    audit_retention_days: int | msgspec.UnsetType | None = msgspec.UNSET


class Deletion(Body):
    """name: of the organization, typed, so that nobody deletes the wrong one."""

    name: Name


class Transfer(Body):
    """userId: an admin, who becomes the owner."""

    user_id: UUID


class UsageItem(View):
    """One limit. used: null means that nothing counts it yet; allowed: null means no limit."""

    limit: str
    used: int | None
    allowed: int | None


class UsageView(View):
    """What is used and allowed. viewers_per_room: of the fullest live room. features: what the plan holds.

    storage_bytes: uploads and recordings, of which there are none yet: nothing is counted, and used is null.
    """

    plan_tier: PlanTier
    limits: list[UsageItem]
    features: list[str]
    members: int
    live_rooms: int
    archived_rooms: int


def _usage_view(usage: Usage) -> UsageView:
    used, allowed = usage.used, usage.allowed
    limits = [
        UsageItem(limit="workspaces", used=used.workspaces, allowed=allowed.max_workspaces),
        UsageItem(limit="rooms", used=used.rooms, allowed=allowed.max_rooms),
        UsageItem(limit="hosts", used=used.hosts, allowed=allowed.max_hosts),
        UsageItem(limit="viewers_per_room", used=used.viewers, allowed=allowed.max_viewers_per_room),
        UsageItem(limit="storage_bytes", used=used.storage_bytes, allowed=allowed.max_storage_bytes),
    ]
    return UsageView(
        plan_tier=allowed.tier,
        limits=limits,
        features=[name.removeprefix("has_") for name in FEATURES if getattr(allowed, name)],
        members=used.members,
        live_rooms=used.live_rooms,
        archived_rooms=used.archived_rooms,
    )


def organization_view(own: OwnOrganization) -> OrganizationView:
    """An organization as it is answered."""
    found = own.organization
    return OrganizationView(
        id=found.id,
        name=found.name,
        slug=found.slug,
        plan_tier=found.plan_tier,
        trial_ends_at=found.trial_ends_at,
        created_at=found.created_at,
        role=own.role,
        deletes_at=found.deletes_at,
        chat_retention_days=found.chat_retention_days,
        audit_retention_days=found.audit_retention_days,
    )


class OrganizationController(Controller):
    """Tenants."""

    tags = ("Organizations",)

    @get("/me", operation_id="getMe", summary="The caller and their organizations")
    async def me(self, platform: PlatformDep, caller: CallerDep) -> MeView:
        """The caller and their organizations."""
        me = await platform.organizations.me(caller)
        return MeView(
            id=me.user_id,
            email=me.email,
            display_name=me.display_name,
            organizations=[organization_view(own) for own in me.organizations],
        )

    @get("/organizations", operation_id="listOrganizations", summary="The caller's organizations")
    async def list_own(self, platform: PlatformDep, caller: CallerDep) -> OrganizationList:
        """The caller's organizations, oldest first."""
        me = await platform.organizations.me(caller)
        return OrganizationList(items=[organization_view(own) for own in me.organizations])

    @post("/organizations", operation_id="createOrganization", summary="Make an organization")
    async def create(
        self, platform: PlatformDep, caller: CallerDep, data: JSONBody[NewOrganization]
    ) -> OrganizationView:
        """Make an organization; the caller becomes its owner. It starts on the Starter plan with a trial."""
        own = await platform.organizations.create(caller, data.name, maybe_id(OrganizationId, data.id))
        return organization_view(own)

    @get("/organizations/{organization_id:uuid}", operation_id="getOrganization", summary="One organization")
    async def get_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]
    ) -> OrganizationView:
        """One organization of the caller's."""
        return organization_view(await platform.organizations.get(caller, OrganizationId(organization_id)))

    @patch("/organizations/{organization_id:uuid}", operation_id="changeOrganization", summary="Change an organization")
    async def change(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        data: JSONBody[OrganizationChange],
    ) -> OrganizationView:
        """Rename it, give it another slug, or say how long chat and the audit log are kept."""
        changes = OrganizationChanges(**msgspec.structs.asdict(data))
        return organization_view(await platform.organizations.change(caller, OrganizationId(organization_id), changes))

    @post(
        "/organizations/{organization_id:uuid}/deletion",
        operation_id="deleteOrganization",
        summary="Delete the organization",
        status_code=200,
    )
    async def close(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], data: JSONBody[Deletion]
    ) -> OrganizationView:
        """Its owner's: live sessions end, nothing new is made or said, and in 30 days it is erased with all that is its."""
        return organization_view(await platform.closing.close(caller, OrganizationId(organization_id), data.name))

    @delete(
        "/organizations/{organization_id:uuid}/deletion",
        operation_id="restoreOrganization",
        summary="Take the deletion back",
        status_code=200,
    )
    async def reopen(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]
    ) -> OrganizationView:
        """Its owner's: within the 30 days everything is as it was."""
        return organization_view(await platform.closing.reopen(caller, OrganizationId(organization_id)))

    @post(
        "/organizations/{organization_id:uuid}/transfer",
        operation_id="transferOrganization",
        summary="Give the ownership away",
        status_code=200,
    )
    async def transfer(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], data: JSONBody[Transfer]
    ) -> OrganizationView:
        """Make an admin the owner, at once; the caller becomes an admin."""
        await platform.memberships.transfer(caller, OrganizationId(organization_id), UserId(data.user_id))
        return organization_view(await platform.organizations.get(caller, OrganizationId(organization_id)))

    @post(
        "/organizations/{organization_id:uuid}/leave",
        operation_id="leaveOrganization",
        summary="Leave the organization",
        status_code=204,
    )
    async def leave(self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]) -> None:
        """Go by oneself; the owner can't."""
        await platform.memberships.leave(caller, OrganizationId(organization_id))

    @get("/organizations/{organization_id:uuid}/usage", operation_id="getUsage", summary="What is used and allowed")
    async def usage(self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]) -> UsageView:
        """What the plan allows, and how much of it is used now."""
        return _usage_view(await platform.entitlements.usage(caller, OrganizationId(organization_id)))

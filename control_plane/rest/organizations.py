"""Organizations, workspaces, members, and the caller themselves."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from control_plane.domain.ids import OrganizationId, WorkspaceId
from control_plane.domain.organizations import Member, Workspace
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.wire import Body, Name, View, maybe_id
from control_plane.services.organizations import OwnOrganization


class OrganizationView(View):
    """An organization of the caller's, and their role in it. trialEndsAt: null when it never had a trial."""

    id: UUID
    name: str
    slug: str
    plan_tier: PlanTier
    trial_ends_at: datetime | None
    created_at: datetime
    role: Role


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


class WorkspaceView(View):
    """A group of rooms."""

    id: UUID
    organization_id: UUID
    name: str
    slug: str
    created_at: datetime


class WorkspaceList(View):
    """All of them."""

    items: list[WorkspaceView]
    next_cursor: str | None = None


class NewWorkspace(Body):
    """id: a UUID made by the caller, so that a repeat is harmless."""

    name: Name
    id: UUID | None = None


class MemberView(View):
    """A person in the organization. isHost: counts against the plan's hosts."""

    user_id: UUID
    email: str
    display_name: str
    role: Role
    is_host: bool
    joined_at: datetime


class MemberList(View):
    """All of them."""

    items: list[MemberView]
    next_cursor: str | None = None


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
    )


def _workspace_view(workspace: Workspace) -> WorkspaceView:
    return WorkspaceView(
        id=workspace.id,
        organization_id=workspace.organization_id,
        name=workspace.name,
        slug=workspace.slug,
        created_at=workspace.created_at,
    )


def _member_view(member: Member) -> MemberView:
    return MemberView(
        user_id=member.user_id,
        email=member.email,
        display_name=member.display_name,
        role=member.role,
        is_host=member.is_host,
        joined_at=member.joined_at,
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

    @get("/organizations/{organization_id:uuid}/members", operation_id="listMembers", summary="Its members")
    async def members(self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]) -> MemberList:
        """All members, oldest first. Needs the right to manage members."""
        members = await platform.organizations.list_members(caller, OrganizationId(organization_id))
        return MemberList(items=[_member_view(member) for member in members])

    @get("/organizations/{organization_id:uuid}/workspaces", operation_id="listWorkspaces", summary="Its workspaces")
    async def workspaces(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]
    ) -> WorkspaceList:
        """All workspaces, oldest first."""
        workspaces = await platform.organizations.list_workspaces(caller, OrganizationId(organization_id))
        return WorkspaceList(items=[_workspace_view(workspace) for workspace in workspaces])

    @post(
        "/organizations/{organization_id:uuid}/workspaces", operation_id="createWorkspace", summary="Make a workspace"
    )
    async def create_workspace(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], data: JSONBody[NewWorkspace]
    ) -> WorkspaceView:
        """Make a workspace, within the plan's limit."""
        workspace = await platform.organizations.create_workspace(
            caller, OrganizationId(organization_id), data.name, maybe_id(WorkspaceId, data.id)
        )
        return _workspace_view(workspace)

"""Members of an organization."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch
from litestar.params import FromPath, JSONBody, QueryParameter

from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.organizations import Member, MemberChanges
from control_plane.domain.roles import Role
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.paging import PAGE_DEFAULT, CursorParameter, Limit, after_id, page_of
from control_plane.rest.wire import Body, View, maybe_id

RoleFilter = Annotated[Role | None, QueryParameter(description="Members of this role only.")]
Text = Annotated[
    str | None, QueryParameter(name="q", max_length=100, description="In the name or the address, any case.")
]


class MemberView(View):
    """A person in the organization. isHost: counts against the plan's hosts."""

    user_id: UUID
    email: str
    display_name: str
    role: Role
    is_host: bool
    joined_at: datetime


class MemberList(View):
    """A page of them."""

    items: list[MemberView]
    next_cursor: str | None = None


class MemberChange(Body):
    """What is not given stays as it is. isHost: an admin's or the owner's choice; hosts always are, others never."""

    role: Role | msgspec.UnsetType = msgspec.UNSET
    is_host: bool | msgspec.UnsetType = msgspec.UNSET


def _view(member: Member) -> MemberView:
    return MemberView(
        user_id=member.user_id,
        email=member.email,
        display_name=member.display_name,
        role=member.role,
        is_host=member.is_host,
        joined_at=member.joined_at,
    )


class MemberController(Controller):
    """People in an organization."""

    path = "/organizations/{organization_id:uuid}/members"
    tags = ("Members",)

    @get(operation_id="listMembers", summary="All members")
    async def list_all(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        role: RoleFilter = None,
        text: Text = None,
        limit: Limit = PAGE_DEFAULT,
        cursor: CursorParameter = None,
    ) -> MemberList:
        """Members in the order of their joining. Needs the right to manage members."""
        rows = await platform.memberships.list_members(
            caller,
            OrganizationId(organization_id),
            after=maybe_id(UserId, after_id(cursor)),
            limit=limit + 1,
            role=role,
            text=text,
        )
        page = page_of(rows, limit, lambda member: (member.user_id,))
        return MemberList(items=[_view(member) for member in page.rows], next_cursor=page.next_cursor)

    @get("/{user_id:uuid}", operation_id="getMember", summary="One member")
    async def get_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], user_id: FromPath[UUID]
    ) -> MemberView:
        """One member. Needs the right to manage members."""
        return _view(await platform.memberships.get(caller, OrganizationId(organization_id), UserId(user_id)))

    @patch("/{user_id:uuid}", operation_id="changeMember", summary="Change a member's role")
    async def change(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        user_id: FromPath[UUID],
        data: JSONBody[MemberChange],
    ) -> MemberView:
        """Change the role of a member below the caller's own. Live rooms feel it within two seconds."""
        changes = MemberChanges(
            role=None if data.role is msgspec.UNSET else data.role,
            is_host=None if data.is_host is msgspec.UNSET else data.is_host,
        )
        member = await platform.memberships.change(caller, OrganizationId(organization_id), UserId(user_id), changes)
        return _view(member)

    @delete("/{user_id:uuid}", operation_id="removeMember", summary="Remove a member")
    async def remove(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], user_id: FromPath[UUID]
    ) -> None:
        """Remove a member below the caller's own role: from the API at once, from live rooms within two seconds."""
        await platform.memberships.remove(caller, OrganizationId(organization_id), UserId(user_id))

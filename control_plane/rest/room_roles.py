"""Roles in single rooms."""

from __future__ import annotations

from uuid import UUID

from litestar import Controller, delete, get, put
from litestar.params import FromPath, JSONBody

from control_plane.domain.ids import OrganizationId, RoomId, UserId
from control_plane.domain.roles import Role
from control_plane.domain.rooms import RoomRole
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.wire import Body, View


class RoomRoleView(View):
    """A member's role in one room, in place of organizationRole."""

    user_id: UUID
    display_name: str
    role: Role
    organization_role: Role


class RoomRoleList(View):
    """All of them."""

    items: list[RoomRoleView]
    next_cursor: str | None = None


class NewRoomRole(Body):
    """host, co_host, moderator or viewer; host only for members who count as hosts of the plan."""

    role: Role


def _view(role: RoomRole) -> RoomRoleView:
    return RoomRoleView(
        user_id=role.user_id,
        display_name=role.display_name,
        role=role.role,
        organization_role=role.organization_role,
    )


class RoomRoleController(Controller):
    """Members who are more, or less, in one room than in the organization."""

    path = "/organizations/{organization_id:uuid}/rooms/{room_id:uuid}/roles"
    tags = ("Rooms",)

    @get(operation_id="listRoomRoles", summary="Roles in this room")
    async def list_all(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> RoomRoleList:
        """Members with a role of their own in this room, by name. Needs the right to manage members."""
        roles = await platform.room_roles.list_room_roles(caller, OrganizationId(organization_id), RoomId(room_id))
        return RoomRoleList(items=[_view(role) for role in roles])

    @put("/{user_id:uuid}", operation_id="putRoomRole", summary="Give a member a role in this room")
    async def put_one(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        room_id: FromPath[UUID],
        user_id: FromPath[UUID],
        data: JSONBody[NewRoomRole],
    ) -> RoomRoleView:
        """Give a member a role in this room; again changes it. The live room feels it within two seconds."""
        role = await platform.room_roles.put(
            caller, OrganizationId(organization_id), RoomId(room_id), UserId(user_id), data.role
        )
        return _view(role)

    @delete("/{user_id:uuid}", operation_id="deleteRoomRole", summary="Take the role in this room back")
    async def delete_one(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        room_id: FromPath[UUID],
        user_id: FromPath[UUID],
    ) -> None:
        """They have the organization's role here again."""
        await platform.room_roles.delete(caller, OrganizationId(organization_id), RoomId(room_id), UserId(user_id))

"""Rooms."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from control_plane.domain.ids import OrganizationId, RoomId, WorkspaceId
from control_plane.domain.rooms import RoomState
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.wire import Body, Name, View, maybe_id
from control_plane.stores.rooms import RoomNow


class LiveNow(View):
    """The run that is live in a room. watching: viewers in it now."""

    id: UUID
    started_at: datetime
    watching: int


class RoomView(View):
    """A room. lastSeq: number of the newest entry of its feed; liveSession: null when it is idle."""

    id: UUID
    organization_id: UUID
    workspace_id: UUID
    name: str
    slug: str
    state: RoomState
    live_session: LiveNow | None
    last_seq: int
    created_at: datetime


class RoomList(View):
    """All of them."""

    items: list[RoomView]
    next_cursor: str | None = None


class NewRoom(Body):
    """workspaceId: the oldest workspace when not given. id: made by the caller, so that a repeat is harmless."""

    name: Name
    workspace_id: UUID | None = None
    id: UUID | None = None


class RoomChanges(Body):
    """What is not given stays as it is."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    workspace_id: UUID | msgspec.UnsetType = msgspec.UNSET


def room_view(now: RoomNow) -> RoomView:
    """A room as it is answered."""
    room, live = now.room, now.live
    return RoomView(
        id=room.id,
        organization_id=room.organization_id,
        workspace_id=room.workspace_id,
        name=room.name,
        slug=room.slug,
        state=RoomState.IDLE if live is None else RoomState.LIVE,
        live_session=None if live is None else LiveNow(id=live.id, started_at=live.started_at, watching=now.watching),
        last_seq=room.last_seq,
        created_at=room.created_at,
    )


class RoomController(Controller):
    """The lasting places."""

    path = "/organizations/{organization_id:uuid}/rooms"
    tags = ("Rooms",)

    @get(operation_id="listRooms", summary="All rooms")
    async def list_all(self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]) -> RoomList:
        """All rooms, oldest first, with what is live."""
        rooms = await platform.rooms.list_rooms(caller, OrganizationId(organization_id))
        return RoomList(items=[room_view(room) for room in rooms])

    @post(operation_id="createRoom", summary="Make a room")
    async def create(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], data: JSONBody[NewRoom]
    ) -> RoomView:
        """Make a room, within the plan's limit."""
        room = await platform.rooms.create(
            caller,
            OrganizationId(organization_id),
            name=data.name,
            workspace_id=maybe_id(WorkspaceId, data.workspace_id),
            room_id=maybe_id(RoomId, data.id),
        )
        return room_view(room)

    @get("/{room_id:uuid}", operation_id="getRoom", summary="One room")
    async def get_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> RoomView:
        """One room."""
        return room_view(await platform.rooms.get(caller, OrganizationId(organization_id), RoomId(room_id)))

    @patch("/{room_id:uuid}", operation_id="changeRoom", summary="Rename or move a room")
    async def change(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        room_id: FromPath[UUID],
        data: JSONBody[RoomChanges],
    ) -> RoomView:
        """Rename or move a room; its slug stays."""
        workspace_id = None if data.workspace_id is msgspec.UNSET else data.workspace_id
        room = await platform.rooms.change(
            caller,
            OrganizationId(organization_id),
            RoomId(room_id),
            name=None if data.name is msgspec.UNSET else data.name,
            workspace_id=maybe_id(WorkspaceId, workspace_id),
        )
        return room_view(room)

    @delete("/{room_id:uuid}", operation_id="deleteRoom", summary="Delete a room")
    async def delete_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> None:
        """Delete a room and everything said in it; not while it is live."""
        await platform.rooms.delete(caller, OrganizationId(organization_id), RoomId(room_id))

"""Rooms."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from control_plane.domain.ids import OrganizationId, RoomId, WorkspaceId
from control_plane.domain.rooms import RoomState, WhoMayChat
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.paging import PAGE_DEFAULT, CursorParameter, Limit, after_id, page_of
from control_plane.rest.wire import Body, Name, View, maybe_id
from control_plane.services.rooms import RoomChanges
from control_plane.stores.rooms import RoomNow

InWorkspace = Annotated[UUID | None, QueryParameter(name="workspaceId", description="Rooms of this workspace only.")]
Archived = Annotated[bool, QueryParameter(name="isArchived", description="Archived rooms, instead of those in use.")]


class LiveNow(View):
    """The run that is live in a room. watching: viewers in it now."""

    id: UUID
    started_at: datetime
    watching: int


class RoomView(View):
    """A room. lastSeq: number of the newest entry of its feed; liveSession: null when it is idle.

    nextSessionAt, timeZone: when it goes on, and the zone to show that in; null: not known. archivedAt: null: in use.
    """

    id: UUID
    organization_id: UUID
    workspace_id: UUID
    name: str
    slug: str
    state: RoomState
    live_session: LiveNow | None
    last_seq: int
    created_at: datetime
    description: str
    waiting_text: str
    who_may_chat: WhoMayChat
    next_session_at: datetime | None
    time_zone: str | None
    archived_at: datetime | None


class RoomList(View):
    """A page of them."""

    items: list[RoomView]
    next_cursor: str | None = None


class NewRoom(Body):
    """workspaceId: the oldest workspace when not given. id: made by the caller, so that a repeat is harmless."""

    name: Name
    workspace_id: UUID | None = None
    id: UUID | None = None
    slug: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    waiting_text: str | msgspec.UnsetType = msgspec.UNSET
    who_may_chat: WhoMayChat | msgspec.UnsetType = msgspec.UNSET
    next_session_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    time_zone: str | msgspec.UnsetType | None = msgspec.UNSET


class RoomChange(Body):
    """What is not given stays as it is."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    workspace_id: UUID | msgspec.UnsetType = msgspec.UNSET
    slug: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    waiting_text: str | msgspec.UnsetType = msgspec.UNSET
    who_may_chat: WhoMayChat | msgspec.UnsetType = msgspec.UNSET
    next_session_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    time_zone: str | msgspec.UnsetType | None = msgspec.UNSET


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
        description=room.description,
        waiting_text=room.waiting_text,
        who_may_chat=room.who_may_chat,
        next_session_at=room.next_session_at,
        time_zone=room.time_zone,
        archived_at=room.archived_at,
    )


def _changes(data: NewRoom | RoomChange) -> RoomChanges:
    """The settings of a body; a new room's name, id and workspace are none."""
    given = msgspec.structs.asdict(data)
    if isinstance(data, NewRoom):
        given = {name: value for name, value in given.items() if name not in {"id", "name", "workspace_id"}}
    return RoomChanges(**given)


class RoomController(Controller):
    """The lasting places."""

    path = "/organizations/{organization_id:uuid}/rooms"
    tags = ("Rooms",)

    @get(operation_id="listRooms", summary="All rooms")
    async def list_all(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        workspace_id: InWorkspace = None,
        is_archived: Archived = False,
        limit: Limit = PAGE_DEFAULT,
        cursor: CursorParameter = None,
    ) -> RoomList:
        """Rooms, oldest first, with what is live. Archived ones only when asked for."""
        rows = await platform.rooms.list_rooms(
            caller,
            OrganizationId(organization_id),
            after=maybe_id(RoomId, after_id(cursor)),
            limit=limit + 1,
            workspace_id=maybe_id(WorkspaceId, workspace_id),
            is_archived=is_archived,
        )
        page = page_of(rows, limit, lambda row: (row.room.id,))
        return RoomList(items=[room_view(row) for row in page.rows], next_cursor=page.next_cursor)

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
            settings=_changes(data),
        )
        return room_view(room)

    @get("/{room_id:uuid}", operation_id="getRoom", summary="One room")
    async def get_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> RoomView:
        """One room."""
        return room_view(await platform.rooms.get(caller, OrganizationId(organization_id), RoomId(room_id)))

    @patch("/{room_id:uuid}", operation_id="changeRoom", summary="Change a room")
    async def change(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        room_id: FromPath[UUID],
        data: JSONBody[RoomChange],
    ) -> RoomView:
        """Change a room's settings, or move it to another workspace."""
        room = await platform.rooms.change(caller, OrganizationId(organization_id), RoomId(room_id), _changes(data))
        return room_view(room)

    @post("/{room_id:uuid}/archive", operation_id="archiveRoom", summary="Archive a room", status_code=200)
    async def archive(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> RoomView:
        """Close a room and keep what was said in it; not while it is live. It counts against no limit then."""
        return room_view(await platform.rooms.archive(caller, OrganizationId(organization_id), RoomId(room_id)))

    @post("/{room_id:uuid}/restore", operation_id="restoreRoom", summary="Restore a room", status_code=200)
    async def restore(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> RoomView:
        """Open an archived room again, within the plan's limit."""
        return room_view(await platform.rooms.restore(caller, OrganizationId(organization_id), RoomId(room_id)))

    @delete("/{room_id:uuid}", operation_id="deleteRoom", summary="Delete a room")
    async def delete_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> None:
        """Delete a room and everything said in it; not while it is live."""
        await platform.rooms.delete(caller, OrganizationId(organization_id), RoomId(room_id))

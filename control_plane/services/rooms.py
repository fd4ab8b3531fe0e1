"""Rooms: making, finding, changing and deleting them."""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, NotFound
from control_plane.domain.ids import OrganizationId, RoomId, WorkspaceId
from control_plane.domain.plans import require_room_for_one
from control_plane.domain.roles import Permission
from control_plane.domain.rooms import Room, clean_name
from control_plane.services import access
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.feed import no_room
from control_plane.services.organizations import slugs
from control_plane.services.ports import Clock, Ids
from control_plane.stores import organizations as organization_store
from control_plane.stores import rooms as store
from control_plane.stores.database import Database, Transaction
from control_plane.stores.rooms import RoomNow


@dataclass(frozen=True, slots=True)
class RoomService:
    """The use cases of rooms."""

    db: Database
    clock: Clock
    ids: Ids

    async def list_rooms(self, caller: Caller, organization_id: OrganizationId) -> list[RoomNow]:
        """All rooms, oldest first. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.VIEW_ROOMS)
            return await store.list_rooms(tx, organization_id)

    async def get(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId) -> RoomNow:
        """One room. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.VIEW_ROOMS)
            return await _require_room(tx, organization_id, room_id)

    async def create(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        *,
        name: str,
        workspace_id: WorkspaceId | None,
        room_id: RoomId | None,
    ) -> RoomNow:
        """Make a room, within the plan.

        Args:
            caller: who asks.
            organization_id: the tenant.
            name: 1-80 characters.
            workspace_id: where; None: the oldest workspace.
            room_id: made by the caller, so that a repeat is harmless; None: made here.

        Raises:
            NotFound: the organization or the workspace. Forbidden. InvalidInput: the name. LimitExceeded.
            Conflict: the id is taken. Unavailable.
        """
        cleaned = clean_name(name)
        new_id = room_id or RoomId(self.ids.new())
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            entitlement = await lock_entitlement(tx, organization_id)
            first = None if room_id is None else await store.find_room(tx, organization_id, room_id)
            if first is not None:
                return first
            workspace = await _require_workspace(tx, organization_id, workspace_id)
            used = await store.count_rooms(tx, organization_id)
            require_room_for_one("rooms", entitlement.max_rooms, used)
            for slug in slugs(cleaned, "room", new_id):
                room = Room(
                    id=new_id,
                    organization_id=organization_id,
                    workspace_id=workspace,
                    name=cleaned,
                    slug=slug,
                    last_seq=0,
                    created_at=self.clock.now(),
                )
                if await store.insert_room(tx, room):
                    return RoomNow(room=room, live=None, watching=0)
        raise Conflict("This id is taken.", field="id")

    async def change(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        room_id: RoomId,
        *,
        name: str | None,
        workspace_id: WorkspaceId | None,
    ) -> RoomNow:
        """Rename or move a room; None leaves it as it is.

        Raises:
            NotFound: organization, room or workspace. Forbidden. InvalidInput: the name. Unavailable.
        """
        cleaned = None if name is None else clean_name(name)
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            room = (await _require_room(tx, organization_id, room_id)).room
            workspace = room.workspace_id
            if workspace_id is not None:
                workspace = await _require_workspace(tx, organization_id, workspace_id)
            await store.update_room(tx, organization_id, room_id, name=cleaned or room.name, workspace_id=workspace)
            return await _require_room(tx, organization_id, room_id)

    async def delete(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId) -> None:
        """Delete a room and everything said in it.

        Raises:
            NotFound, Forbidden. Conflict: it is live. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            if not await store.lock_room(tx, organization_id, room_id):
                raise no_room()
            if not await store.delete_room(tx, organization_id, room_id):
                raise Conflict("End the live session before you delete its room.", reason="live")


async def _require_room(tx: Transaction, organization_id: OrganizationId, room_id: RoomId) -> RoomNow:
    found = await store.find_room(tx, organization_id, room_id)
    if found is None:
        raise no_room()
    return found


async def _require_workspace(
    tx: Transaction, organization_id: OrganizationId, workspace_id: WorkspaceId | None
) -> WorkspaceId:
    found = await organization_store.find_workspace(tx, organization_id, workspace_id)
    if found is None:
        raise NotFound("There is no such workspace.")
    return found.id

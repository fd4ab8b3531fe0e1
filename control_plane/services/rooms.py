"""Rooms: making, finding, changing and deleting them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.audit import changes_of
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict
from control_plane.domain.ids import OrganizationId, RoomId, WorkspaceId
from control_plane.domain.moments import require_moment
from control_plane.domain.plans import require_room_for_one
from control_plane.domain.roles import Permission
from control_plane.domain.rooms import Room, WhoMayChat, clean_name, clean_slug, clean_text, clean_time_zone
from control_plane.services import access, audit
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.feed import no_room
from control_plane.services.organizations import slugs
from control_plane.services.ports import Clock, Ids
from control_plane.services.workspaces import require_workspace
from control_plane.stores import rooms as store
from control_plane.stores.database import Database, Transaction, UniqueViolation
from control_plane.stores.rooms import RoomNow


class RoomChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a room; UNSET leaves it."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    workspace_id: WorkspaceId | msgspec.UnsetType = msgspec.UNSET
    slug: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    waiting_text: str | msgspec.UnsetType = msgspec.UNSET
    who_may_chat: WhoMayChat | msgspec.UnsetType = msgspec.UNSET
    next_session_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    time_zone: str | msgspec.UnsetType | None = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class RoomService:
    """The use cases of rooms."""

    db: Database
    clock: Clock
    ids: Ids

    async def list_rooms(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        *,
        after: RoomId | None = None,
        limit: int | None = None,
        workspace_id: WorkspaceId | None = None,
        is_archived: bool | None = False,
    ) -> list[RoomNow]:
        """Rooms, oldest first. is_archived: None: archived or not. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.VIEW_ROOMS)
            return await store.list_rooms(
                tx, organization_id, after=after, limit=limit, workspace_id=workspace_id, is_archived=is_archived
            )

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
        settings: RoomChanges | None = None,
    ) -> RoomNow:
        """Make a room, within the plan.

        Args:
            caller: who asks.
            organization_id: the tenant.
            name: 1-80 characters.
            workspace_id: where; None: the oldest workspace.
            room_id: made by the caller, so that a repeat is harmless; None: made here.
            settings: its other settings; a slug that is given must be free. None: the plain ones.

        Raises:
            NotFound: the organization or the workspace. Forbidden. InvalidInput: a field. LimitExceeded.
            Conflict: the id or the slug is taken. Unavailable.
        """
        wanted = _clean(settings or RoomChanges())
        new = Room(
            id=room_id or RoomId(self.ids.new()),
            organization_id=organization_id,
            workspace_id=WorkspaceId(UUID(int=0)),
            name=clean_name(name),
            slug=wanted.pop("slug", ""),
            last_seq=0,
            created_at=self.clock.now(),
            **wanted,
        )
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            entitlement = await lock_entitlement(tx, organization_id)
            first = None if room_id is None else await store.find_room(tx, organization_id, room_id)
            if first is not None:
                return first
            workspace = await require_workspace(tx, organization_id, workspace_id)
            used = await store.count_rooms(tx, organization_id)
            require_room_for_one("rooms", entitlement.max_rooms, used)
            for slug in [new.slug] if new.slug else slugs(new.name, "room", new.id):
                room = msgspec.structs.replace(new, workspace_id=workspace.id, slug=slug)
                if await store.insert_room(tx, room):
                    await self._note(tx, caller, "room.created", room, after=_facts(room))
                    return RoomNow(room=room, live=None, watching=0)
        raise Conflict("This id or slug is taken.", field="slug" if new.slug else "id")

    async def change(
        self, caller: Caller, organization_id: OrganizationId, room_id: RoomId, changes: RoomChanges
    ) -> RoomNow:
        """Change a room's settings or move it to another workspace.

        Raises:
            NotFound: organization, room or workspace. Forbidden. InvalidInput: a field. Conflict: the slug is taken.
            Unavailable.
        """
        wanted = _clean(changes)
        try:
            async with self.db.tenant(organization_id) as tx:
                await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
                before = (await _require_room(tx, organization_id, room_id)).room
                if "workspace_id" in wanted:
                    wanted["workspace_id"] = (await require_workspace(tx, organization_id, wanted["workspace_id"])).id
                after = msgspec.structs.replace(before, **wanted)
                await store.update_room(tx, after)
                was, now = changes_of(_facts(before), _facts(after))
                if now:
                    await self._note(tx, caller, "room.changed", after, before=was, after=now)
                return await _require_room(tx, organization_id, room_id)
        except UniqueViolation as error:
            raise Conflict("This slug is taken.", field="slug") from error

    async def archive(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId) -> RoomNow:
        """Close a room and keep what was said in it; it counts against no limit. Again is harmless.

        Raises:
            NotFound, Forbidden. Conflict: it is live. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            # Starting and archiving take turns on the room's row.
            if not await store.lock_room(tx, organization_id, room_id):
                raise no_room()
            found = await _require_room(tx, organization_id, room_id)
            if found.live is not None:
                raise Conflict("End the live session before you archive its room.", reason="live")
            if found.room.archived_at is None:
                await store.update_room(tx, msgspec.structs.replace(found.room, archived_at=self.clock.now()))
                await self._note(tx, caller, "room.archived", found.room)
            return await _require_room(tx, organization_id, room_id)

    async def restore(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId) -> RoomNow:
        """Open an archived room again, within the plan. Again is harmless.

        Raises:
            NotFound, Forbidden. LimitExceeded. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            entitlement = await lock_entitlement(tx, organization_id)
            found = await _require_room(tx, organization_id, room_id)
            if found.room.archived_at is not None:
                require_room_for_one("rooms", entitlement.max_rooms, await store.count_rooms(tx, organization_id))
                await store.update_room(tx, msgspec.structs.replace(found.room, archived_at=None))
                await self._note(tx, caller, "room.restored", found.room)
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
            before = (await _require_room(tx, organization_id, room_id)).room
            if not await store.delete_room(tx, organization_id, room_id):
                raise Conflict("End the live session before you delete its room.", reason="live")
            await self._note(tx, caller, "room.deleted", before, before=_facts(before))

    async def _note(
        self,
        tx: Transaction,
        caller: Caller,
        action: str,
        room: Room,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        await audit.note(tx, caller, room.organization_id, action, ("room", room.id), before=before, after=after)


def _clean(changes: RoomChanges) -> dict[str, Any]:
    """The changes that were asked for, as they are kept. Raises InvalidInput."""
    wanted = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not msgspec.UNSET}
    if "name" in wanted:
        wanted["name"] = clean_name(wanted["name"])
    if "slug" in wanted:
        wanted["slug"] = clean_slug(wanted["slug"])
    for name, field in (("description", "description"), ("waiting_text", "waitingText")):
        if name in wanted:
            wanted[name] = clean_text(wanted[name], field)
    if wanted.get("time_zone") is not None:
        wanted["time_zone"] = clean_time_zone(wanted["time_zone"])
    require_moment(wanted.get("next_session_at"), "nextSessionAt")
    return wanted


def _facts(room: Room) -> dict[str, Any]:
    """What the audit log keeps of a room."""
    return {
        "name": room.name,
        "slug": room.slug,
        "workspaceId": str(room.workspace_id),
        "description": room.description,
        "waitingText": room.waiting_text,
        "whoMayChat": room.who_may_chat.value,
        "nextSessionAt": None if room.next_session_at is None else room.next_session_at.isoformat(),
        "timeZone": room.time_zone,
    }


async def _require_room(tx: Transaction, organization_id: OrganizationId, room_id: RoomId) -> RoomNow:
    found = await store.find_room(tx, organization_id, room_id)
    if found is None:
        raise no_room()
    return found

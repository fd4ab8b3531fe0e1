"""Roles in single rooms: a member may be more, or less, in one room than in the organization."""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.domain.callers import Caller
from control_plane.domain.errors import NotFound
from control_plane.domain.ids import OrganizationId, RoomId, UserId
from control_plane.domain.organizations import require_may_give
from control_plane.domain.roles import Permission, Role
from control_plane.domain.rooms import RoomRole, require_overridable
from control_plane.services import access, audit, revocation
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.feed import no_room
from control_plane.services.ports import Bus, Clock, Ids
from control_plane.stores import organizations as organization_store
from control_plane.stores import room_roles as store
from control_plane.stores import rooms as room_store
from control_plane.stores.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class RoomRoleService:
    """The use cases of roles in rooms."""

    db: Database
    bus: Bus
    clock: Clock
    ids: Ids

    async def list_room_roles(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId) -> list[RoomRole]:
        """All of a room, by name. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            await _require_room(tx, organization_id, room_id)
            return await store.list_room_roles(tx, organization_id, room_id)

    async def put(
        self, caller: Caller, organization_id: OrganizationId, room_id: RoomId, user_id: UserId, role: Role
    ) -> RoomRole:
        """Give a member a role in one room; again changes it. Live rooms feel it within two seconds.

        Raises:
            NotFound: organization, room or member. Forbidden. Conflict: an owner or admin.
            InvalidInput: see `require_overridable`. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            manager = await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            require_may_give(manager.role, role, is_token=caller.token_id is not None)
            await lock_entitlement(tx, organization_id)
            await _require_room(tx, organization_id, room_id)
            member = await organization_store.find_member(tx, organization_id, user_id)
            if member is None:
                raise NotFound("There is no such member.")
            require_overridable(member.role, role, is_host=member.is_host)
            before = await store.find_room_role(tx, organization_id, room_id, user_id)
            await store.put_room_role(
                tx, organization_id, room_id, user_id, role, row_id=self.ids.new(), now=self.clock.now()
            )
            await revocation.regrade(tx, self.bus, organization_id, user_id)
            subject = ("room", room_id)
            was, now = _facts(user_id, before), _facts(user_id, role)
            await audit.note(tx, caller, organization_id, "room.role_changed", subject, before=was, after=now)
        return RoomRole(user_id=user_id, display_name=member.display_name, role=role, organization_role=member.role)

    async def delete(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId, user_id: UserId) -> None:
        """Take it back: they have the organization's role there again; again is harmless.

        Raises:
            NotFound: organization or room. Forbidden. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            await lock_entitlement(tx, organization_id)
            await _require_room(tx, organization_id, room_id)
            before = await store.find_room_role(tx, organization_id, room_id, user_id)
            if before is None:
                return
            await store.delete_room_roles(tx, organization_id, user_id, room_id=room_id)
            await revocation.regrade(tx, self.bus, organization_id, user_id)
            subject = ("room", room_id)
            was, now = _facts(user_id, before), _facts(user_id, None)
            await audit.note(tx, caller, organization_id, "room.role_changed", subject, before=was, after=now)


def _facts(user_id: UserId, role: Role | None) -> dict[str, str | None]:
    return {"userId": str(user_id), "role": None if role is None else role.value}


async def _require_room(tx: Transaction, organization_id: OrganizationId, room_id: RoomId) -> None:
    if await room_store.find_room(tx, organization_id, room_id) is None:
        raise no_room()

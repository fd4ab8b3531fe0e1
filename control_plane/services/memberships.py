"""Memberships: who is in an organization and as what. Exactly one owner, always.

Ownership goes to an Admin at once, without their say: an admin accepted their membership and runs the place already, and an
offer that waits would leave an organization between two owners' intentions. Whoever must not own it is made no Admin.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, NotFound
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.organizations import Member, MemberChanges, host_flag, require_may_give, require_may_manage
from control_plane.domain.plans import PlanTier, require_room_for_one
from control_plane.domain.roles import Permission, Role
from control_plane.services import access, audit, revocation
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.owning import room_for_one_more
from control_plane.services.ports import Bus, Clock, Locks
from control_plane.stores import organizations as store
from control_plane.stores import room_roles as room_role_store
from control_plane.stores.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class MembershipService:
    """The use cases of members."""

    db: Database
    bus: Bus
    clock: Clock
    locks: Locks

    async def list_members(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        *,
        after: UserId | None = None,
        limit: int | None = None,
        role: Role | None = None,
        text: str | None = None,
    ) -> list[Member]:
        """Members in the order of their joining. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            return await store.list_members(tx, organization_id, after=after, limit=limit, role=role, text=text)

    async def get(self, caller: Caller, organization_id: OrganizationId, user_id: UserId) -> Member:
        """One member. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            return await _require_member(tx, organization_id, user_id)

    async def change(
        self, caller: Caller, organization_id: OrganizationId, user_id: UserId, changes: MemberChanges
    ) -> Member:
        """Change a member's role or host flag; live rooms feel it within two seconds.

        Raises:
            NotFound, Forbidden: see `access.require`; Forbidden also when they, or the role, are not below the caller.
            Conflict: they are the owner. InvalidInput: role or flag. LimitExceeded: no host is left. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            # Looked at again once it is locked: who was demoted meanwhile manages nobody.
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            entitlement = await lock_entitlement(tx, organization_id)
            manager = await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            before = await _require_member(tx, organization_id, user_id)
            _check_change(caller, manager, before, changes)
            role = changes.role or before.role
            after = msgspec.structs.replace(before, role=role, is_host=host_flag(role, changes.is_host, before.is_host))
            if after == before:
                return before
            if after.is_host and not before.is_host:
                used = await store.count_hosts(tx, organization_id)
                require_room_for_one("hosts", entitlement.max_hosts, used)
            await store.update_member(tx, organization_id, after)
            await self._settle_rooms(tx, organization_id, after)
            await revocation.regrade(tx, self.bus, organization_id, user_id)
            await audit.note(
                tx,
                caller,
                organization_id,
                "member.changed",
                ("user", user_id),
                before=_facts(before),
                after=_facts(after),
            )
            return after

    async def _settle_rooms(self, tx: Transaction, organization_id: OrganizationId, member: Member) -> None:
        """Roles in single rooms that the new membership does not allow go."""
        if member.role in {Role.OWNER, Role.ADMIN}:
            await room_role_store.delete_room_roles(tx, organization_id, member.user_id)
        elif not member.is_host:
            await room_role_store.delete_room_roles(tx, organization_id, member.user_id, role=Role.HOST)

    async def remove(self, caller: Caller, organization_id: OrganizationId, user_id: UserId) -> None:
        """End a membership: the API at once, sockets and media within two seconds.

        Raises:
            NotFound, Forbidden: see `access.require`; Forbidden also when they are not below the caller.
            Conflict: they are the owner. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            await lock_entitlement(tx, organization_id)
            manager = await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            member = await _require_member(tx, organization_id, user_id)
            if user_id != caller.user_id or member.role is Role.OWNER:
                require_may_manage(manager.role, member.role)
            await self._end(tx, caller, organization_id, member, "member.removed")

    async def leave(self, caller: Caller, organization_id: OrganizationId) -> None:
        """Go by oneself. Raises NotFound. Conflict: the owner can't. Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, None)
            await lock_entitlement(tx, organization_id)
            member = await _require_member(tx, organization_id, caller.user_id)
            if member.role is Role.OWNER:
                raise Conflict("Transfer the ownership, or delete the organization.", reason="owner")
            await self._end(tx, caller, organization_id, member, "member.left")

    async def _end(
        self, tx: Transaction, caller: Caller, organization_id: OrganizationId, member: Member, action: str
    ) -> None:
        await revocation.put_out(tx, self.bus, organization_id, member.user_id, self.clock.now())
        await revocation.end_tokens(tx, caller, organization_id, member.user_id, self.clock.now())
        await audit.note(tx, caller, organization_id, action, ("user", member.user_id), before=_facts(member))
        await store.delete_member(tx, organization_id, member.user_id)

    async def transfer(self, caller: Caller, organization_id: OrganizationId, user_id: UserId) -> None:
        """Make an Admin the owner; the caller becomes an Admin.

        Raises:
            NotFound: the organization, or the person is no member. Forbidden: the caller is not the owner (any more).
            Conflict: the person is no Admin. LimitExceeded: they own enough on the smallest plan. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            # Before anything of the heir's is counted: only the owner may learn of it.
            await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            _check_heir(await _require_member(tx, organization_id, user_id))
            organization = await store.find_organization(tx, organization_id)
        async with AsyncExitStack() as held:
            if organization is not None and organization.plan_tier is PlanTier.STARTER:
                await held.enter_async_context(room_for_one_more(self.db, self.locks, user_id, organization_id))
            await self._transfer(caller, organization_id, user_id)

    async def _transfer(self, caller: Caller, organization_id: OrganizationId, user_id: UserId) -> None:
        async with self.db.tenant(organization_id) as tx:
            # Locked before the caller is looked at: of two transfers at once the second finds who owns it then.
            await access.require(tx, caller, organization_id, None)
            await lock_entitlement(tx, organization_id)
            owner = await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            heir = await _require_member(tx, organization_id, user_id)
            if heir.role is Role.OWNER:
                return
            _check_heir(heir)
            await store.update_member(tx, organization_id, msgspec.structs.replace(owner, role=Role.ADMIN))
            await store.update_member(tx, organization_id, msgspec.structs.replace(heir, role=Role.OWNER))
            for changed in (owner.user_id, heir.user_id):
                await revocation.regrade(tx, self.bus, organization_id, changed)
            await audit.note(
                tx,
                caller,
                organization_id,
                "organization.transferred",
                ("organization", organization_id),
                before={"ownerId": str(owner.user_id)},
                after={"ownerId": str(heir.user_id)},
            )


def _check_heir(heir: Member) -> None:
    if heir.role not in {Role.ADMIN, Role.OWNER}:
        raise Conflict("Make them an admin first.", reason="not_admin")


def _check_change(caller: Caller, manager: Member, before: Member, changes: MemberChanges) -> None:
    is_self = before.user_id == manager.user_id
    if changes.role is not None and changes.role is not before.role:
        require_may_manage(manager.role, before.role)
        require_may_give(manager.role, changes.role, is_token=caller.token_id is not None)
    elif not is_self:
        require_may_manage(manager.role, before.role)


def _facts(member: Member) -> dict[str, object]:
    return {"role": member.role.value, "isHost": member.is_host}


async def _require_member(tx: Transaction, organization_id: OrganizationId, user_id: UserId) -> Member:
    found = await store.find_member(tx, organization_id, user_id)
    if found is None:
        raise NotFound("There is no such member.")
    return found

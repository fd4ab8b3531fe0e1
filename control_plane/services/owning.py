"""How many organizations one person may own that nobody pays for, counted under a lock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.roles import Role
from control_plane.services.entitlements import require_room_for_organization
from control_plane.services.ports import Locks
from control_plane.stores import organizations as store
from control_plane.stores.database import Database


@asynccontextmanager
async def room_for_one_more(
    db: Database, locks: Locks | None, user_id: UserId, organization_id: OrganizationId
) -> AsyncIterator[None]:
    """Hold a person's count of organizations while this one becomes theirs; one they own already needs no room.

    What a person owns lies in many tenants' scopes: no row of theirs could be locked from within one of them. No transaction
    may be open here: one would wait for a second connection while it holds the first. Without locks, as an operator's
    command is, it is only counted.

    Raises:
        LimitExceeded: they own enough on the smallest plan. Unavailable: also when the lock can't be had.
    """
    if locks is None:
        await _require(db, user_id, organization_id)
        yield
        return
    name = f"organizations:{user_id}"
    held = await locks.take(name)
    try:
        await _require(db, user_id, organization_id)
        yield
    finally:
        await locks.release(name, held)


async def _require(db: Database, user_id: UserId, organization_id: OrganizationId) -> None:
    async with db.user(user_id) as tx:
        owned = [one for one, role in await store.list_own(tx, user_id) if role is Role.OWNER]
    if all(one.id != organization_id for one in owned):
        require_room_for_organization(owned)

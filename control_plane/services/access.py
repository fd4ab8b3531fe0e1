"""Lock 1: may this caller do that in this organization? Read from the membership on every request, never cached."""

from __future__ import annotations

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, NotFound
from control_plane.domain.ids import OrganizationId, RoomId
from control_plane.domain.organizations import Member
from control_plane.domain.roles import Permission
from control_plane.domain.roles import require as require_permission
from control_plane.stores import organizations as store
from control_plane.stores.database import Transaction

_ADDS = frozenset(
    {
        Permission.MANAGE_ROOMS,
        Permission.RUN_SESSION,
        Permission.JOIN_SESSION,
        Permission.PUBLISH_MEDIA,
        Permission.POST_ALERT,
        Permission.POST_CHAT,
    }
)
"""What an organization that is being deleted is closed to; reading, exporting and leaving go on."""


def no_organization() -> NotFound:
    """The answer to a stranger: the same whether the organization exists or not."""
    return NotFound("There is no such organization.")


async def require(
    tx: Transaction,
    caller: Caller,
    organization_id: OrganizationId,
    permission: Permission | None,
    room_id: RoomId | None = None,
) -> Member:
    """The caller's membership, if it carries the permission.

    Args:
        tx: a tenant scope of that organization.
        caller: who is asking.
        organization_id: where.
        permission: the right that is needed; None when being a member is enough.
        room_id: the room it is about: a member may have a role of their own there; None: it is about no room.

    Raises:
        NotFound: the caller is no member.
        Forbidden: the role does not carry the permission.
        Conflict: the organization is being deleted, and this would add to it.
    """
    if caller.organization_id is not None and caller.organization_id != organization_id:
        raise no_organization()  # an API token acts nowhere but at home
    member = await store.find_member(tx, organization_id, caller.user_id, room_id)
    if member is None:
        raise no_organization()
    if permission is not None:
        require_permission(member.role, permission)
        if member.is_closing and permission in _ADDS:
            raise Conflict("This organization is being deleted. Its owner can restore it.", reason="closing")
    return member

"""Lock 1: may this caller do that in this organization? Read from the membership on every request, never cached."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, NotFound, SsoRequired
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


def sso_required(organization_id: OrganizationId, connection_id: UUID | None) -> SsoRequired:
    """The answer to a member who came another way than by the enforced connection; None: REST tells which that is."""
    return SsoRequired(
        "This organization lets you in by its single sign-on only.",
        organization_id=str(organization_id),
        connection_id=None if connection_id is None else str(connection_id),
    )


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
        SsoRequired: the organization lets them in by its identity provider only, and they came another way.
        Conflict: the organization is being deleted, and this would add to it.
    """
    if caller.organization_id is not None and caller.organization_id != organization_id:
        raise no_organization()  # an API token acts nowhere but at home
    found = await store.find_caller(tx, organization_id, caller.user_id, room_id, caller.sso_connection_id)
    if found is None:
        raise no_organization()
    member, connection_id = found
    if connection_id is not None and caller.token_id is None:
        # An API token is the organization's own, whoever made it.
        raise sso_required(organization_id, connection_id)
    if permission is not None:
        require_permission(member.role, permission)
        if member.is_closing and permission in _ADDS:
            raise Conflict("This organization is being deleted. Its owner can restore it.", reason="closing")
    return member

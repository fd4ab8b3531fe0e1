"""Who may do what: six roles, one table (decisions.md 12). Shown in docs/architecture.md."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from control_plane.domain.errors import Forbidden


class Role(StrEnum):
    """A member's role in an organization, highest first."""

    OWNER = "owner"
    ADMIN = "admin"
    HOST = "host"
    CO_HOST = "co_host"
    MODERATOR = "moderator"
    VIEWER = "viewer"


class Permission(StrEnum):
    """One right. Doors ask for these by name; nothing asks "is it an admin?"."""

    MANAGE_ORGANIZATION = "organization.manage"
    MANAGE_MEMBERS = "members.manage"
    MANAGE_BILLING = "billing.manage"
    READ_AUDIT = "audit.read"
    OWN_ORGANIZATION = "organization.own"
    """Transfer ownership, delete the organization, say who may sign its people in."""
    MANAGE_ROOMS = "rooms.manage"
    VIEW_ROOMS = "rooms.view"
    RUN_SESSION = "session.run"
    """Start and end a live session."""
    JOIN_SESSION = "session.join"
    PUBLISH_MEDIA = "media.publish"
    POST_ALERT = "alerts.post"
    POST_CHAT = "chat.post"
    MODERATE = "room.moderate"
    """Remove people and messages from a live room."""


_VIEWER = frozenset({Permission.VIEW_ROOMS, Permission.JOIN_SESSION, Permission.POST_CHAT})
_MODERATOR = _VIEWER | {Permission.MODERATE}
_CO_HOST = _MODERATOR | {Permission.PUBLISH_MEDIA, Permission.POST_ALERT}
_HOST = _CO_HOST | {Permission.RUN_SESSION}
_ADMIN = _HOST | {
    Permission.MANAGE_ROOMS,
    Permission.MANAGE_MEMBERS,
    Permission.MANAGE_ORGANIZATION,
    Permission.READ_AUDIT,
}
_OWNER = _ADMIN | {Permission.MANAGE_BILLING, Permission.OWN_ORGANIZATION}

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.OWNER: _OWNER,
        Role.ADMIN: _ADMIN,
        Role.HOST: _HOST,
        Role.CO_HOST: _CO_HOST,
        Role.MODERATOR: _MODERATOR,
        Role.VIEWER: _VIEWER,
    }
)
"""The whole table. Each role holds what the next lower one holds; MANAGE_BILLING is the Owner's to give away."""


def allows(role: Role, permission: Permission) -> bool:
    """Whether the role carries the permission."""
    return permission in ROLE_PERMISSIONS[role]


def require(role: Role, permission: Permission) -> None:
    """Refuse unless the role carries the permission.

    Raises:
        Forbidden: it does not; facts name the permission.
    """
    if not allows(role, permission):
        raise Forbidden("Your role does not allow this.", permission=permission.value)


def takes_seat(role: Role) -> bool:
    """Whether people of this role count against the plan's viewers per room (decisions.md 11)."""
    return role is Role.VIEWER


def outranks(role: Role, other: Role) -> bool:
    """Whether a role stands above another in the table; equals do not."""
    order = list(Role)
    return order.index(role) < order.index(other)

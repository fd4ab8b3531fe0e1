"""People in a live session and what each may do there."""

from __future__ import annotations

import msgspec

from control_plane.domain.abilities import holds
from control_plane.domain.errors import Forbidden
from control_plane.domain.ids import ParticipantId, UserId
from control_plane.domain.roles import Permission, Role, allows, outranks, require, takes_seat
from control_plane.domain.rooms import WhoMayChat, may_chat


class RoomGrant(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a join token allows in one live session; asked by name, never by role."""

    can_publish: bool
    can_post_chat: bool
    can_post_alert: bool
    can_moderate: bool
    can_end: bool
    takes_seat: bool


class Participant(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person in a live session, as others see them."""

    id: ParticipantId
    user_id: UserId
    display_name: str
    role: Role
    grant: RoomGrant


def grant_for(role: Role, who_may_chat: WhoMayChat = WhoMayChat.EVERYONE) -> RoomGrant:
    """The rights a role has inside a live session of a room with this rule."""
    return RoomGrant(
        can_publish=allows(role, Permission.PUBLISH_MEDIA),
        can_post_chat=may_chat(role, who_may_chat),
        can_post_alert=allows(role, Permission.POST_ALERT),
        can_moderate=allows(role, Permission.MODERATE),
        can_end=allows(role, Permission.RUN_SESSION),
        takes_seat=takes_seat(role),
    )


def mask_grant(grant: RoomGrant, held: frozenset[str] | None) -> RoomGrant:
    """What a grant comes to for who joined by an API token with these abilities; None: a person, who may all of it."""
    return RoomGrant(
        can_publish=grant.can_publish and holds(held, "media:write"),
        can_post_chat=grant.can_post_chat and holds(held, "chat:write"),
        can_post_alert=grant.can_post_alert and holds(held, "alerts:write"),
        can_moderate=grant.can_moderate and holds(held, "participants:write"),
        can_end=grant.can_end and holds(held, "sessions:write"),
        takes_seat=grant.takes_seat,
    )


def require_removable(by: Role, target: Role) -> None:
    """Refuse to put out someone who is not below: only the Owner may remove anyone.

    Raises:
        Forbidden: the target's role is equal or higher, or the remover does not moderate at all.
    """
    require(by, Permission.MODERATE)
    if by is not Role.OWNER and not outranks(by, target):
        raise Forbidden("You can only remove people whose role is below yours.", permission=Permission.MODERATE.value)

"""Room: the lasting place. LiveSession: one run of it, idle -> live -> ended."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from enum import StrEnum

import msgspec

from control_plane.domain.errors import Conflict, InvalidInput, RoomAlreadyLive, RoomNotLive
from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId, RoomId, UserId, WorkspaceId
from control_plane.domain.roles import Permission, Role, allows

NAME_MAX_LENGTH = 80
"""Characters in the name of an organization, workspace or room."""
TEXT_MAX_LENGTH = 500
"""Characters of a room's description and waiting text."""
OVERRIDABLE = frozenset({Role.HOST, Role.CO_HOST, Role.MODERATOR, Role.VIEWER})
"""Roles a member may have, and be given, in one room. Owners and admins run the place and are what they are everywhere."""
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TIME_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
_JOINERS = "\u200c\u200d"
_JOINED = frozenset({"Lo", "Mn", "Mc", "So", "Sk"})
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of Unicode: controls, formats, halves of pairs, private use, and ends of lines and paragraphs."""
_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and signs by their category that show nothing."""
_SLUG_DROP = re.compile(r"[^a-z0-9]+")


class RoomState(StrEnum):
    """Whether something runs in the room now."""

    IDLE = "idle"
    LIVE = "live"


class WhoMayChat(StrEnum):
    """Who may write in a room: every member, those who may publish, or those who may moderate."""

    EVERYONE = "everyone"
    SPEAKERS = "speakers"
    MODERATORS = "moderators"


class Room(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The lasting place. last_seq: number of its newest feed event, >= 0.

    waiting_text: shown while nothing is live. next_session_at, time_zone: when it goes on, and the IANA zone to show that
    in; None: not known. archived_at: closed for good or until restored; it counts against no limit then.
    """

    id: RoomId
    organization_id: OrganizationId
    workspace_id: WorkspaceId
    name: str
    slug: str
    last_seq: int
    created_at: datetime
    description: str = ""
    waiting_text: str = ""
    who_may_chat: WhoMayChat = WhoMayChat.EVERYONE
    next_session_at: datetime | None = None
    time_zone: str | None = None
    archived_at: datetime | None = None


class RoomRole(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member's role in one room, in place of the one in the organization."""

    user_id: UserId
    display_name: str
    role: Role
    organization_role: Role


class LiveSession(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One run of a room. node_id and epoch say where its media lives; epoch >= 1 rises with every new placement."""

    id: LiveSessionId
    organization_id: OrganizationId
    room_id: RoomId
    node_id: NodeId
    epoch: int
    started_by: UserId
    started_at: datetime
    ended_at: datetime | None

    @property
    def is_live(self) -> bool:
        """Whether it still runs."""
        return self.ended_at is None


def _is_unseen(name: str, place: int) -> bool:
    """Whether a character shows nothing, or turns others round: with those one name passes for another.

    Joiners are let through where scripts and emojis need them (Unicode 15, 9.2 and 23.2): behind a sign or a letter without
    case, and before one. Spaces are none of these.
    """
    sign = name[place]
    if sign in _JOINERS:
        around = name[place - 1 : place] if place else "", name[place + 1 : place + 2]
        return not all(one and unicodedata.category(one) in _JOINED for one in around)
    return sign in _BLANKS or unicodedata.category(sign) in _UNSEEN


def clean_name(name: str) -> str:
    """A name as it is kept: trimmed, runs of white space made one space.

    Raises:
        InvalidInput: empty, longer than NAME_MAX_LENGTH characters, or with characters that control or can't be seen.
    """
    if any(_is_unseen(name, place) for place in range(len(name))):
        raise InvalidInput("A name can't hold control characters or invisible ones.", field="name")
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= NAME_MAX_LENGTH:
        raise InvalidInput(f"A name has 1 to {NAME_MAX_LENGTH} characters.", field="name")
    return cleaned


def make_slug(name: str, fallback: str) -> str:
    """A name as it stands in an address: lower-case ASCII letters, digits and single hyphens, at most 60 characters.

    Args:
        name: the cleaned name.
        fallback: used when nothing of the name survives; already a slug.
    """
    slug = _SLUG_DROP.sub("-", name.lower()).strip("-")[:60].strip("-")
    return slug or fallback


def clean_slug(slug: str) -> str:
    """A slug somebody chose, as it is kept.

    Raises:
        InvalidInput: not 1-60 lower-case ASCII letters and digits, with single hyphens between.
    """
    if len(slug) > 60 or _SLUG.fullmatch(slug) is None:
        raise InvalidInput("A slug has 1 to 60 lower-case letters, digits and single hyphens.", field="slug")
    return slug


def clean_text(text: str, field: str) -> str:
    """A description as it is kept: trimmed, with plain line ends.

    Raises:
        InvalidInput: longer than TEXT_MAX_LENGTH characters, or with control characters but line ends.
    """
    cleaned = text.replace("\r\n", "\n").strip()
    if any((ord(sign) < 32 and sign != "\n") or ord(sign) == 127 for sign in cleaned):
        raise InvalidInput("A text can't hold control characters.", field=field)
    if len(cleaned) > TEXT_MAX_LENGTH:
        raise InvalidInput(f"A text has at most {TEXT_MAX_LENGTH} characters.", field=field)
    return cleaned


def clean_time_zone(name: str) -> str:
    """An IANA time zone's name, by its form: which of them exist depends on the reader's own list, and changes.

    Raises:
        InvalidInput: it is none.
    """
    if len(name) > 64 or _TIME_ZONE.fullmatch(name) is None:
        raise InvalidInput("That is not the name of a time zone.", field="timeZone")
    return name


def may_chat(role: Role, who: WhoMayChat) -> bool:
    """Whether a role may write in a room of this rule."""
    needed = {
        WhoMayChat.EVERYONE: Permission.POST_CHAT,
        WhoMayChat.SPEAKERS: Permission.PUBLISH_MEDIA,
        WhoMayChat.MODERATORS: Permission.MODERATE,
    }
    return allows(role, needed[who])


def require_open(room: Room) -> None:
    """Refuse what an archived room is not for.

    Raises:
        Conflict: it is archived; facts say so.
    """
    if room.archived_at is not None:
        raise Conflict("This room is archived. Restore it first.", reason="archived")


def require_overridable(organization_role: Role, role: Role, *, is_host: bool) -> None:
    """Refuse a role in one room that makes no sense.

    Args:
        organization_role: the member's own.
        role: what they shall be in the room.
        is_host: whether their membership counts as one of the plan's hosts.

    Raises:
        Conflict: they are an owner or admin. InvalidInput: that role is not given per room; or Host, to one who is no host
            of the plan: otherwise rooms would have more hosts than were paid for.
    """
    if organization_role not in OVERRIDABLE:
        raise Conflict("Owners and admins have their role in every room.", reason="manages")
    if role not in OVERRIDABLE:
        raise InvalidInput("This role is not given per room.", field="role")
    if role is Role.HOST and not is_host:
        raise InvalidInput("Make them a host of the organization first: the plan counts hosts.", field="role")


def require_idle(live: LiveSession | None) -> None:
    """Refuse to start twice.

    Raises:
        RoomAlreadyLive: facts name the running live session.
    """
    if live is not None and live.is_live:
        raise RoomAlreadyLive("This room is live already.", live_session_id=str(live.id))


def require_live(live: LiveSession | None) -> LiveSession:
    """The running live session.

    Raises:
        RoomNotLive: there is none.
    """
    if live is None or not live.is_live:
        raise RoomNotLive("This room is not live.")
    return live

"""Room: the lasting place. LiveSession: one run of it, idle -> live -> ended."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

import msgspec

from control_plane.domain.errors import InvalidInput, RoomAlreadyLive, RoomNotLive
from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId, RoomId, UserId, WorkspaceId

NAME_MAX_LENGTH = 80
"""Characters in the name of an organization, workspace or room."""
_SLUG_DROP = re.compile(r"[^a-z0-9]+")


class RoomState(StrEnum):
    """Whether something runs in the room now."""

    IDLE = "idle"
    LIVE = "live"


class Room(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The lasting place. last_seq: number of its newest feed event, >= 0."""

    id: RoomId
    organization_id: OrganizationId
    workspace_id: WorkspaceId
    name: str
    slug: str
    last_seq: int
    created_at: datetime


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


def clean_name(name: str) -> str:
    """A name as it is kept: trimmed, runs of white space made one space.

    Raises:
        InvalidInput: empty, longer than NAME_MAX_LENGTH characters, or with control characters.
    """
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        raise InvalidInput("A name can't hold control characters.", field="name")
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

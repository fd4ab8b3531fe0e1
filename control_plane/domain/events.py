"""What happened, in the past tense: what travels on the bus after commit.

Room feed events carry a `seq` and are stored; the rest are told once and repaired by reading the rows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from control_plane.domain.ids import LiveSessionId, OrganizationId, ParticipantId, RoomId, UserId
from control_plane.domain.participants import Participant

FeedKind = Literal["chat.posted", "alert.posted", "alert.stepped", "session.started", "session.ended"]


class FeedEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One entry of a room's feed (decisions.md 9).

    seq: 1, 2, 3 … per room without gaps. subject_id: the message's, alert's or step's id, or the live session's.
    body: the kind's own fields, sealed JSON: chat.posted {text}, alert.posted {symbol, side, entry, stop, targets, note}
    with prices as strings, alert.stepped {alertId, alert, step, state} (services/alerts.py), session.* {}.
    """

    seq: int
    kind: FeedKind
    subject_id: UUID
    author_id: UUID
    author_name: str
    at: datetime
    body: msgspec.Raw


class BusEvent(msgspec.Struct, tag_field="type", rename="camel", kw_only=True):
    """Base of what is told on a topic."""


class FeedAppended(BusEvent, tag="feed.appended"):
    """Topic room. A feed entry was committed."""

    room_id: RoomId
    event: FeedEvent


class ParticipantJoined(BusEvent, tag="participant.joined"):
    """Topic live session. Someone's socket was welcomed."""

    live_session_id: LiveSessionId
    participant: Participant


class ParticipantLeft(BusEvent, tag="participant.left"):
    """Topic live session. reason: left, lost, removed, ended."""

    live_session_id: LiveSessionId
    participant_id: ParticipantId
    reason: str


class ParticipantConnectionChanged(BusEvent, tag="participant.connectionChanged"):
    """Topic live session. Their socket was lost (still in the room for the grace time) or came back."""

    live_session_id: LiveSessionId
    participant_id: ParticipantId
    is_connected: bool


class ParticipantRemoved(BusEvent, tag="participant.removed"):
    """Topic live session. An order: whoever holds the socket closes it and the media."""

    live_session_id: LiveSessionId
    participant_id: ParticipantId


class ParticipantRoleChanged(BusEvent, tag="participant.roleChanged"):
    """Topic live session. Someone's role changed: whoever holds the socket lets go of what they may no longer do."""

    live_session_id: LiveSessionId
    participant: Participant


class ParticipantReplaced(BusEvent, tag="participant.replaced"):
    """Topic live session. The participant's newer socket is held elsewhere: connection_id names it, others close."""

    live_session_id: LiveSessionId
    participant_id: ParticipantId
    connection_id: UUID


class ProducerOpened(BusEvent, tag="producer.opened"):
    """Topic live session. A track is published; kind and source are the contract's words.

    epoch: the media's placement it is published at. The same track at a higher one: it moved along with the room.
    """

    live_session_id: LiveSessionId
    participant_id: ParticipantId
    producer_id: str
    kind: str
    source: str
    paused: bool = False
    epoch: int = 0


class ProducerPausedChanged(BusEvent, tag="producer.pausedChanged"):
    """Topic live session. A producer was paused or resumed."""

    live_session_id: LiveSessionId
    participant_id: ParticipantId
    producer_id: str
    paused: bool


class ProducerGone(BusEvent, tag="producer.gone"):
    """Topic live session. A producer closed."""

    live_session_id: LiveSessionId
    participant_id: ParticipantId
    producer_id: str


class SessionEnded(BusEvent, tag="session.ended"):
    """Topic live session. It is over for everyone."""

    live_session_id: LiveSessionId
    organization_id: OrganizationId
    room_id: RoomId


class OutboxFilled(BusEvent, tag="outbox.filled"):
    """Topic outbox. There is an effect to be had: the jobs door looks at once instead of at its next tick."""


class SignInsEnded(BusEvent, tag="signIns.ended"):
    """Topic sign-ins. These sign-ins are over: whoever holds a socket that was joined by one of them closes it."""

    user_id: UserId
    sign_in_ids: list[UUID]


class SsoEnforced(BusEvent, tag="sso.enforced"):
    """Topic sign-ins. An organization lets its people in by its identity provider only: look at who is in its rooms."""

    organization_id: OrganizationId


class ApiTokensChanged(BusEvent, tag="apiTokens.changed"):
    """Topic sign-ins. API tokens may be good no longer: look at the sockets that were joined by one.

    organization_id: of this organization; user_id: made by this person. One of them.
    """

    organization_id: OrganizationId | None = None
    user_id: UserId | None = None


Event = (
    FeedAppended
    | ParticipantJoined
    | ParticipantLeft
    | ParticipantConnectionChanged
    | ParticipantRemoved
    | ParticipantRoleChanged
    | ParticipantReplaced
    | ProducerOpened
    | ProducerPausedChanged
    | ProducerGone
    | SessionEnded
    | OutboxFilled
    | SignInsEnded
    | SsoEnforced
    | ApiTokensChanged
)


def room_topic(room_id: RoomId) -> str:
    """Where a room's feed is told."""
    return f"room:{room_id}"


def session_topic(live_session_id: LiveSessionId) -> str:
    """Where a live session's comings, goings and tracks are told."""
    return f"session:{live_session_id}"

"""What the signaling door is built from: services, gateways and its deadlines. Tests plug in others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from control_plane.domain.alerts import AlertDraft, AlertStep
from control_plane.domain.events import FeedEvent
from control_plane.domain.ids import (
    AlertId,
    LiveSessionId,
    MessageId,
    NodeId,
    OrganizationId,
    ParticipantId,
    RoomId,
    StepId,
)
from control_plane.domain.nodes import MediaNode
from control_plane.domain.participants import Participant
from control_plane.domain.rooms import LiveSession
from control_plane.services.feed import Author
from control_plane.services.live import Admission
from control_plane.services.media import MediaService
from control_plane.services.ports import Bus, Clock, Ids, Presence, Seats, Turn
from control_plane.signaling.messages import HELLO_TIMEOUT_S, PING_INTERVAL_S

__all__ = ["Admission", "Author", "Needs", "Times"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Deadlines, seconds. Tests shorten them.

    Attributes:
        hello_s: how long a socket may stay silent before its hello.
        ping_s: how often sockets are pinged; lost_after_s: without a sign of life a socket is lost. Together <= 8
            (decisions.md 13).
        drain_s: how long a slow browser may take to read what waits.
        request_s: deadline of every request; welcome_s: of the whole hello.
        grace_s: how long a lost participant stays in the room.
        sweep_s: how often held sessions are compared with the rows, and leases renewed.
        link_patience_s: how long a node may be without a link before its rooms move.
        idle_s: how long a session without sockets is still listened to.
        move_s: how long a browser may take to move its media to another node; then what is left behind closes.
    """

    hello_s: float = HELLO_TIMEOUT_S
    ping_s: float = PING_INTERVAL_S
    lost_after_s: float = 6.0
    drain_s: float = 10.0
    request_s: float = 10.0
    welcome_s: float = 10.0
    grace_s: float = 15.0
    sweep_s: float = 5.0
    link_patience_s: float = 5.0
    idle_s: float = 30.0
    move_s: float = 30.0


class Live(Protocol):
    """`services.live.LiveService`, as far as this door asks it."""

    async def admit(self, token: str) -> Admission:
        """Use a join token up. Raises Unauthenticated, RoomNotLive, Unavailable."""
        ...

    async def resume(self, token: str) -> Admission:
        """Come back with a resume token. Raises Unauthenticated, RoomNotLive, Unavailable."""
        ...

    async def note_edge(self, admission: Admission, node_id: NodeId | None) -> Admission:
        """The admission with a resume token that names the node serving them."""
        ...

    async def leave(self, admission: Admission, reason: str) -> bool:
        """Write that they left; False when they are gone already or came back elsewhere."""
        ...

    async def remove(self, by: Admission, participant_id: ParticipantId) -> None:
        """Put someone out. Raises Forbidden, NotFound."""
        ...

    async def list_present(
        self, organization_id: OrganizationId, live_session_id: LiveSessionId
    ) -> Sequence[Participant]:
        """Everyone whom the rows say is there."""
        ...

    async def find_session(self, organization_id: OrganizationId, live_session_id: LiveSessionId) -> LiveSession | None:
        """The live session's row."""
        ...

    async def mark_lost(
        self, organization_id: OrganizationId, live_session_id: LiveSessionId, participant_ids: Sequence[ParticipantId]
    ) -> Sequence[ParticipantId]:
        """Write that these are gone; answers those who were still there."""
        ...


class Renewals(Protocol):
    """`services.renewals.RenewalService`, as far as this door asks it."""

    async def renew(self, admission: Admission, access_token: str) -> Admission:
        """The admission with the end of the token shown. Raises Unauthenticated, Forbidden, NotFound, Unavailable."""
        ...


class Feed(Protocol):
    """`services.feed.FeedService`, as far as this door asks it."""

    async def read(
        self, organization_id: OrganizationId, room_id: RoomId, *, after: int, limit: int
    ) -> tuple[Sequence[FeedEvent], int]:
        """Entries after a number, oldest first, and the room's last number."""
        ...

    async def newest(
        self, organization_id: OrganizationId, room_id: RoomId, limit: int
    ) -> tuple[Sequence[FeedEvent], int]:
        """The newest entries, oldest of them first, and the room's last number."""
        ...

    async def last_seq(self, organization_id: OrganizationId, room_id: RoomId) -> int:
        """Number of the newest entry, >= 0."""
        ...


class Chat(Protocol):
    """`services.chat.ChatService`, as far as this door asks it."""

    async def post(self, author: Author, message_id: MessageId, text: str) -> FeedEvent:
        """Say something; a repeat answers the first. Raises Forbidden, InvalidInput, Conflict."""
        ...


class Alerts(Protocol):
    """`services.alerts.AlertService`, as far as this door asks it."""

    async def post(self, author: Author, alert_id: AlertId, draft: AlertDraft) -> FeedEvent:
        """Post a trade idea; a repeat answers the first. Raises Forbidden, InvalidInput, Conflict."""
        ...

    async def step(self, author: Author, alert_id: AlertId, step_id: StepId, draft: AlertStep) -> FeedEvent:
        """Say what happened to it; a repeat answers the first. Raises Forbidden, NotFound, InvalidInput, Conflict."""
        ...


class Links(Protocol):
    """The pool of node links, as far as rooms ask about it."""

    @property
    def up_count(self) -> int:
        """How many links stand."""
        ...

    def is_up(self, node_id: NodeId) -> bool:
        """Whether a link to the node stands."""
        ...

    def nodes_up(self) -> Sequence[MediaNode]:
        """Nodes whose link stands, with what they told last."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Everything this door asks."""

    live: Live
    renewals: Renewals
    feed: Feed
    chat: Chat
    alerts: Alerts
    media: MediaService
    links: Links
    bus: Bus
    seats: Seats
    presence: Presence
    turn: Turn
    clock: Clock
    ids: Ids
    times: Times = Times()

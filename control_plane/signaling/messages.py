"""Signaling: what browser and signaling server say to each other.

One WebSocket at `/signaling`, JSON text frames of at most `MAX_MESSAGE_BYTES`, `MAX_REQUESTS_PER_S` requests a second.

    request       {"id": 3, "method": "chat.post", ...fields}                     browser -> server
    response      {"id": 3, "data": {...}}  or  {"id": 3, "error": {...}}         server -> browser
    notification  {"method": "participant.joined", ...fields}                     server -> browser

The first message is `hello`, within `HELLO_TIMEOUT_S`. RTP, ICE and DTLS values are sealed (`msgspec.Raw`): only the
browser and the media plane read them. Ids of transports, producers, messages and alerts are UUIDs made by the browser, so
that a repeated request is harmless.

The server sends `ping` every 2 s; a browser that hears nothing for 6 s treats the socket as lost.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from uuid import UUID

import msgspec

from control_plane.domain.alerts import Side, StepKind
from control_plane.domain.events import FeedEvent
from control_plane.domain.participants import RoomGrant
from control_plane.domain.quality import Level
from control_plane.domain.roles import Role
from control_plane.services.ports import IceServer
from control_plane.signaling.media_messages import ConsumerClosed as ConsumerClosed
from control_plane.signaling.media_messages import ConsumerCreate as ConsumerCreate
from control_plane.signaling.media_messages import ConsumerLayersChanged as ConsumerLayersChanged
from control_plane.signaling.media_messages import ConsumerOffered as ConsumerOffered
from control_plane.signaling.media_messages import ConsumerPause as ConsumerPause
from control_plane.signaling.media_messages import ConsumerResume as ConsumerResume
from control_plane.signaling.media_messages import ConsumersCreated as ConsumersCreated
from control_plane.signaling.media_messages import ConsumerSetPreferredLayers as ConsumerSetPreferredLayers
from control_plane.signaling.media_messages import ConsumerSetPriority as ConsumerSetPriority
from control_plane.signaling.media_messages import IceRestarted as IceRestarted
from control_plane.signaling.media_messages import MediaMoved as MediaMoved
from control_plane.signaling.media_messages import MediaMoving as MediaMoving
from control_plane.signaling.media_messages import MediaReset as MediaReset
from control_plane.signaling.media_messages import ProducerClose as ProducerClose
from control_plane.signaling.media_messages import ProducerClosed as ProducerClosed
from control_plane.signaling.media_messages import ProducerCreate as ProducerCreate
from control_plane.signaling.media_messages import ProducerCreated as ProducerCreated
from control_plane.signaling.media_messages import ProducerLayersWanted as ProducerLayersWanted
from control_plane.signaling.media_messages import ProducerOpened as ProducerOpened
from control_plane.signaling.media_messages import ProducerPause as ProducerPause
from control_plane.signaling.media_messages import ProducerPausedChanged as ProducerPausedChanged
from control_plane.signaling.media_messages import ProducerResume as ProducerResume
from control_plane.signaling.media_messages import ProducerView as ProducerView
from control_plane.signaling.media_messages import TransportClosed as TransportClosed
from control_plane.signaling.media_messages import TransportConnect as TransportConnect
from control_plane.signaling.media_messages import TransportCreate as TransportCreate
from control_plane.signaling.media_messages import TransportCreated as TransportCreated
from control_plane.signaling.media_messages import TransportRestartIce as TransportRestartIce
from control_plane.signaling.message_base import NotificationBase as NotificationBase
from control_plane.signaling.message_base import RequestBase as RequestBase
from control_plane.signaling.message_base import Wire as Wire
from media_plane.contract.messages import ConsumerOptions, TransportOptions

MAX_MESSAGE_BYTES = 64 * 1024
"""Largest frame from a browser, bytes; a larger one closes the socket with `TOO_LARGE`."""
MAX_REQUESTS_PER_S = 30
"""Sustained requests a second of one socket (burst twice that); above it requests answer `rate_limited`."""
HELLO_TIMEOUT_S = 5.0
"""How long a socket may stay silent before its hello, seconds."""
PING_INTERVAL_S = 2.0
"""How often the server pings, seconds."""


class CloseCode(IntEnum):
    """Why the server closes a socket (RFC 6455, 7.4.2: 4000-4999 are ours). Stable."""

    BAD_MESSAGE = 4400
    """Not JSON, not a known request, or not `hello` first."""
    BAD_TOKEN = 4401
    """The token is forged, expired, used or revoked: join again by REST."""
    BAD_ORIGIN = 4403
    """The page's origin may not open sockets here."""
    HELLO_TIMEOUT = 4408
    """No hello in time."""
    REPLACED = 4409
    """The same person joined from elsewhere; do not reconnect by yourself."""
    SESSION_ENDED = 4410
    """The live session is over."""
    REMOVED = 4411
    """A moderator removed this participant."""
    TOO_LARGE = 4413
    """A frame over the limit."""
    TOO_SLOW = 4414
    """The browser did not read what it was sent for 10 s; resume and catch up by seq."""
    TOO_FAST = 4429
    """Far too many requests."""
    TRY_AGAIN = 4503
    """This server is stopping, or something it needs is away: resume in a moment."""


# --- requests -----------------------------------------------------------------------------------------------------


class Hello(RequestBase, tag="hello"):
    """First message. Answer: `Welcome`. Errors close the socket with a `CloseCode`.

    token: of `POST …/join`, or resume_token: of the last welcome; exactly one of them.
    rtp_capabilities: of the loaded mediasoup-client Device.
    resume_after_seq: last feed entry applied, for catching up; None asks for the newest 50.
    keep_media: with resume_token only: the browser's peer connections still stand, adopt them.
    """

    rtp_capabilities: msgspec.Raw
    token: str | None = None
    resume_token: str | None = None
    resume_after_seq: int | None = None
    keep_media: bool = False


class ChatPost(RequestBase, tag="chat.post"):
    """Say something. Answer: `Posted`, after commit. A repeat of message_id answers the first one's seq.

    Errors: forbidden, invalid_input, conflict (the id is someone else's).
    """

    message_id: UUID
    text: str


class AlertPost(RequestBase, tag="alert.post"):
    """Post a trade idea. Answer: `Posted`, after commit. A repeat of alert_id answers the first one's seq.

    Prices are decimals written as strings ("181.20").
    Errors: forbidden, invalid_input, conflict.
    """

    alert_id: UUID
    symbol: str
    side: Side
    entry: Decimal
    stop: Decimal | None = None
    targets: list[Decimal] = []
    note: str = ""


class AlertStep(RequestBase, tag="alert.step"):
    """Say what happened to an alert. Answer: `Posted`, after commit. A repeat of step_id answers the first one's seq.

    price: of every kind but cancelled; left out it is the entry (filled) or the target's own (target_hit).
    fraction: trimmed only: of what is left, a decimal between 0 and 1. target: target_hit only: 1 is the first.
    Errors: forbidden, not_found, invalid_input, conflict, alert_over, alert_not_filled, alert_already_filled,
    target_already_hit.
    """

    alert_id: UUID
    step_id: UUID
    kind: StepKind
    price: Decimal | None = None
    fraction: Decimal | None = None
    target: int | None = None


class FeedRead(RequestBase, tag="feed.read"):
    """Feed entries after a number, oldest first. Answer: `FeedPage`. limit: 1-200."""

    after: int
    limit: int = 100


class ParticipantRemove(RequestBase, tag="participant.remove"):
    """Put someone out of this live session. Answer: `Empty`. Errors: forbidden, not_found."""

    participant_id: UUID


class SessionRenew(RequestBase, tag="session.renew"):
    """Go on by a newer token, where what one joined by ends: hosted Supabase's access token, an API token's lifetime.

    Answer: `SessionRenewed`. access_token: of the same person and kind; an API token's text where one joined by one.
    Errors, after which the socket goes on to its own end: unauthenticated, forbidden (facts: reason, or ability), not_found,
    sso_required, feature_not_in_plan, conflict.
    """

    access_token: str


class RoomLeave(RequestBase, tag="room.leave"):
    """Go. Answer: `Empty`, then the server closes with 1000. Whatever is asked after it is refused: already_left."""


Request = (
    Hello
    | TransportCreate
    | TransportConnect
    | TransportRestartIce
    | ProducerCreate
    | ProducerPause
    | ProducerResume
    | ProducerClose
    | ConsumerCreate
    | ConsumerResume
    | ConsumerPause
    | ConsumerSetPreferredLayers
    | ConsumerSetPriority
    | MediaMoved
    | ChatPost
    | AlertPost
    | AlertStep
    | FeedRead
    | ParticipantRemove
    | SessionRenew
    | RoomLeave
)


# --- response data ------------------------------------------------------------------------------------------------


class Empty(Wire):
    """Done."""


class ParticipantView(Wire):
    """A person in the room. is_connected False: their socket is lost, they may be back."""

    id: UUID
    user_id: UUID
    display_name: str
    role: Role
    is_connected: bool = True
    producers: list[ProducerView] = []


class Welcome(Wire):
    """Answer to hello: everything needed to draw the room and connect the media.

    epoch: the media's placement; it rises with `media.reset`. resume_token: for the next hello, replaces earlier ones.
    recv_transport: None when keep_media was granted, and while the media node is away (then media_kept is False, and
    `media.reset` follows). consumers: one per live producer of others, paused; with media_kept only the new ones.
    last_seq: of the room; feed: the newest entries (or those after resume_after_seq), oldest first, at most 200; when
    the first is not resume_after_seq + 1, fetch the rest with `feed.read`.
    media_kept: the browser's receive transport and its consumers still stand; its own producers do as far as
    `participants` lists them.
    refused_producer_ids: live producers this browser can't decode.
    """

    participant_id: UUID
    live_session_id: UUID
    room_id: UUID
    room_name: str
    organization_id: UUID
    role: Role
    grant: RoomGrant
    epoch: int
    started_at: datetime
    server_time: datetime
    resume_token: str
    ice_servers: list[IceServer]
    recv_transport: TransportOptions | None
    consumers: list[ConsumerOptions]
    participants: list[ParticipantView]
    last_seq: int
    feed: list[FeedEvent]
    media_kept: bool = False
    refused_producer_ids: list[str] = []


class Posted(Wire):
    """Committed. seq: its number in the room's feed."""

    seq: int


class SessionRenewed(Wire):
    """It goes on. resume_token: for the next hello, replaces earlier ones. expires_at: its end; None: there is none."""

    resume_token: str
    expires_at: datetime | None = None


class FeedPage(Wire):
    """Feed entries, oldest first. last_seq: of the room when read."""

    events: list[FeedEvent]
    last_seq: int


class ErrorBody(Wire):
    """Why a request was refused; `code` is a DomainError's."""

    code: str
    message: str
    facts: dict[str, object] = {}


class Response(Wire):
    """Answer to one request: `data` or `error`, never both."""

    id: int
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: ErrorBody | msgspec.UnsetType = msgspec.UNSET


# --- notifications ------------------------------------------------------------------------------------------------


class Ping(NotificationBase, tag="ping"):
    """Every PING_INTERVAL_S. last_seq: of the room, so that a lost push is noticed at once."""

    last_seq: int
    server_time: datetime


class FeedAppended(NotificationBase, tag="feed.appended"):
    """A feed entry was committed, in order of seq; a hole means: read the feed."""

    event: FeedEvent


class ParticipantJoined(NotificationBase, tag="participant.joined"):
    """Someone came (or is told again after a reconnect: replace by id)."""

    participant: ParticipantView


class ParticipantConnectionChanged(NotificationBase, tag="participant.connectionChanged"):
    """Their socket was lost or came back."""

    participant_id: UUID
    is_connected: bool


class ParticipantLeft(NotificationBase, tag="participant.left"):
    """Someone is gone. reason: left, lost, removed."""

    participant_id: UUID
    reason: str


class ParticipantRoleChanged(NotificationBase, tag="participant.roleChanged"):
    """Someone's role or rights changed, also the receiver's own: what they publish without the right is closed."""

    participant_id: UUID
    role: Role
    grant: RoomGrant


class QualityView(Wire):
    """Someone's connection, seen from them. None: not known, or not for the one who is told.

    rtt_ms: round trip. jitter_ms: of what they send. send_loss, receive_loss: shares lost, 0.0-1.0. send_bps,
    receive_bps: bits per second.
    """

    participant_id: UUID
    level: Level
    rtt_ms: float | None = None
    jitter_ms: float | None = None
    send_loss: float | None = None
    receive_loss: float | None = None
    send_bps: int | None = None
    receive_bps: int | None = None


class ParticipantQuality(NotificationBase, tag="participant.quality"):
    """How connections are: one's own, whether publishers' are good, and to moderators everyone's that is not.

    Who was never named is good. At most every 2 s.
    """

    participants: list[QualityView]


class Resync(NotificationBase, tag="resync"):
    """Pushes were dropped because this socket read too slowly: read the feed from your last seq, and the snapshot."""

    last_seq: int
    participants: list[ParticipantView]


class SessionEnded(NotificationBase, tag="session.ended"):
    """It is over; the socket closes with SESSION_ENDED."""


Notification = (
    Ping
    | FeedAppended
    | ParticipantJoined
    | ParticipantConnectionChanged
    | ParticipantLeft
    | ParticipantRoleChanged
    | ProducerOpened
    | ProducerPausedChanged
    | ProducerClosed
    | ConsumerOffered
    | ConsumerClosed
    | ConsumerLayersChanged
    | ProducerLayersWanted
    | ParticipantQuality
    | TransportClosed
    | MediaReset
    | MediaMoving
    | Resync
    | SessionEnded
)

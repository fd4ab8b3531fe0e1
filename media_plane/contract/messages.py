"""Node link: requests, responses and notifications between the control plane and a node agent.

One WebSocket, JSON text frames, at most `MAX_MESSAGE_BYTES` each. The control plane (a signaling process) dials; the node
answers. Three shapes:

    request       {"id": 7, "method": "transport.create", ...fields}              control plane -> node
    response      {"id": 7, "data": {...}}  or  {"id": 7, "error": {...}}         node -> control plane
    notification  {"method": "consumer.closed", ...fields}                        node -> control plane

The first request must be `hello`. Every id (transport, producer, consumer) is a UUID string made by the caller, so that a
repeated request is harmless: the node answers a repeat of a create with the same data. Requests of one link are started
in order; those that name the same participant are also finished in order.

Ownership (decisions.md 10): transports belong to (live session, participant). A link adopts a participant by any request
that names it; notifications about the participant go to the link that adopted it last. When that link drops, the
participant is an orphan and is closed after `ORPHAN_GRACE_S`, unless a link adopts it again.
"""

from __future__ import annotations

from typing import Literal

import msgspec

CONTRACT_VERSION = 1
"""Raised whenever a field changes meaning; the hello of another version is refused with `version_mismatch`."""
MAX_MESSAGE_BYTES = 256 * 1024
"""Largest frame in either direction, bytes."""
REQUEST_TIMEOUT_S = 5.0
"""How long the control plane waits for any response, seconds."""
ORPHAN_GRACE_S = 30.0
"""How long a participant without a link keeps its transports, seconds."""
LOAD_INTERVAL_S = 2.0
"""How often a node tells its load, seconds."""

MediaKind = Literal["audio", "video"]
Source = Literal["microphone", "camera", "screen"]
"""What a producer carries. `screen` video goes first when bits are short."""
Direction = Literal["send", "recv"]
"""As the browser sees it: it sends on `send`, receives on `recv`."""


class Wire(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Base of everything on the link: camelCase JSON, unset defaults left out."""


class RequestBase(Wire, tag_field="method"):
    """A request: `id` is chosen by the caller, unique on this link while unanswered."""

    id: int


# --- requests -----------------------------------------------------------------------------------------------------


class Hello(RequestBase, tag="hello"):
    """First request on a link. Answer: `HelloAnswer`. Errors: unauthenticated, version_mismatch.

    token: ES256 JWT of the control plane, aud = the node's id, exp at most 60 s ahead, jti used once.
    """

    contract_version: int
    token: str


class RoomOpen(RequestBase, tag="room.open"):
    """Make sure the RouterGroup of a live session exists here. Idempotent. Answer: `RoomOpenAnswer`.

    epoch: the placement number of the live session's row, >= 1. A higher one than the node holds replaces (closes) what
    was there; a lower one is refused.
    Errors: stale_epoch, draining, overloaded, worker_failed.
    """

    live_session_id: str
    epoch: int


class RoomClose(RequestBase, tag="room.close"):
    """Close everything of a live session. Answer: `Empty`, also when it was not open. Errors: stale_epoch."""

    live_session_id: str
    epoch: int


class ParticipantRequest(RequestBase):
    """Base of requests that name a participant, and so adopt it to this link."""

    live_session_id: str
    epoch: int
    participant_id: str


class ParticipantAdopt(ParticipantRequest, tag="participant.adopt"):
    """Take over a participant's media (after a signaling process died). Answer: `ParticipantMedia`.

    Errors: room_not_open, stale_epoch, not_found (nothing is left of it: build anew).
    """


class ParticipantClose(ParticipantRequest, tag="participant.close"):
    """Close all transports of a participant. Answer: `Empty`, also when there are none."""


class TransportCreate(ParticipantRequest, tag="transport.create"):
    """Make a WebRtcTransport. Answer: `TransportOptions`; a repeat answers the same.

    A participant has one transport per direction: a new one replaces the older, which closes with all it carried.
    Errors: room_not_open, stale_epoch, conflict (id taken by another participant), overloaded, worker_failed.
    """

    transport_id: str
    direction: Direction
    max_incoming_bitrate_bps: int | None = None
    initial_outgoing_bitrate_bps: int | None = None


class TransportConnect(ParticipantRequest, tag="transport.connect"):
    """Hand the browser's DTLS parameters to the transport. Answer: `Empty`; the same parameters again are harmless.

    Errors: not_found, malformed, conflict (already connected with other parameters).
    """

    transport_id: str
    dtls_parameters: msgspec.Raw


class TransportRestartIce(ParticipantRequest, tag="transport.restartIce"):
    """New ICE credentials for a transport. Answer: `IceRestarted`. Errors: not_found."""

    transport_id: str


class ProducerCreate(ParticipantRequest, tag="producer.create"):
    """Publish a track on a send transport. Answer: `ProducerCreated`; a repeat answers the same.

    Errors: not_found, malformed (the RTP parameters make no sense), unsupported (codec), conflict.
    """

    transport_id: str
    producer_id: str
    kind: MediaKind
    source: Source
    rtp_parameters: msgspec.Raw
    paused: bool = False


class ProducerPause(ParticipantRequest, tag="producer.pause"):
    """Stop forwarding a producer. Answer: `Empty`. Errors: not_found."""

    producer_id: str


class ProducerResume(ParticipantRequest, tag="producer.resume"):
    """Forward a producer again. Answer: `Empty`. Errors: not_found."""

    producer_id: str


class ProducerClose(ParticipantRequest, tag="producer.close"):
    """Close a producer; its consumers close with it. Answer: `Empty`, also when it is gone."""

    producer_id: str


class ConsumerWish(Wire):
    """One producer to consume and the id its consumer shall have."""

    producer_id: str
    consumer_id: str


class ConsumerCreate(ParticipantRequest, tag="consumer.create"):
    """Consume several producers at once on a receive transport, each consumer paused. Answer: `ConsumersCreated`.

    rtp_capabilities: the browser's, as in its hello.
    Errors: not_found (the transport), malformed. A producer that can't be consumed is listed in `refused`, not an error.
    """

    transport_id: str
    rtp_capabilities: msgspec.Raw
    wishes: list[ConsumerWish]


class ConsumerResume(ParticipantRequest, tag="consumer.resume"):
    """Let consumers flow (a key frame is asked for). Answer: `Empty`; ids already gone are skipped."""

    consumer_ids: list[str]


class ConsumerPause(ParticipantRequest, tag="consumer.pause"):
    """Hold consumers. Answer: `Empty`; ids already gone are skipped."""

    consumer_ids: list[str]


class ConsumerClose(ParticipantRequest, tag="consumer.close"):
    """Close consumers. Answer: `Empty`; ids already gone are skipped."""

    consumer_ids: list[str]


class ConsumerSetPreferredLayers(ParticipantRequest, tag="consumer.setPreferredLayers"):
    """Cap the layers of a simulcast or SVC consumer. Answer: `Empty`. Errors: not_found.

    spatial_layer, temporal_layer: 0 is the lowest; temporal None means the highest.
    """

    consumer_id: str
    spatial_layer: int
    temporal_layer: int | None = None


Request = (
    Hello
    | RoomOpen
    | RoomClose
    | ParticipantAdopt
    | ParticipantClose
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
    | ConsumerClose
    | ConsumerSetPreferredLayers
)


# --- response data ------------------------------------------------------------------------------------------------


class Empty(Wire):
    """Nothing to say but yes."""


class NodeLoad(Wire):
    """What a node carries now.

    cpu: share of the machine's cores in use by the agent and its workers, 0.0-1.0.
    """

    cpu: float
    workers: int
    rooms: int
    transports: int
    producers: int
    consumers: int
    draining: bool = False


class HelloAnswer(Wire):
    """The node's introduction."""

    contract_version: int
    node_id: str
    worker_version: str
    load: NodeLoad


class ProducerFacts(Wire):
    """A live producer, as the control plane shows it."""

    producer_id: str
    participant_id: str
    kind: MediaKind
    source: Source
    paused: bool = False


class ParticipantMedia(Wire):
    """What a participant has open on the node. None: no such transport."""

    participant_id: str
    send_transport_id: str | None = None
    recv_transport_id: str | None = None
    producers: list[ProducerFacts] = []
    consumer_ids: list[str] = []


class RoomOpenAnswer(Wire):
    """The RouterGroup's state: empty for a new one, what survived for an old one.

    participants: those who publish; their `consumer_ids` are left out, because a thousand viewers would not fit.
    """

    rtp_capabilities: msgspec.Raw
    participants: list[ParticipantMedia] = []


class TransportOptions(Wire):
    """What mediasoup-client's `createSendTransport/createRecvTransport` takes, sealed."""

    id: str
    ice_parameters: msgspec.Raw
    ice_candidates: msgspec.Raw
    dtls_parameters: msgspec.Raw


class IceRestarted(Wire):
    """New ICE parameters of a transport, sealed."""

    ice_parameters: msgspec.Raw


class ProducerCreated(Wire):
    """The producer stands; its facts as others will see them."""

    producer: ProducerFacts


class ConsumerOptions(Wire):
    """What mediasoup-client's `transport.consume` takes, and whose it is."""

    id: str
    producer_id: str
    participant_id: str
    kind: MediaKind
    source: Source
    rtp_parameters: msgspec.Raw
    producer_paused: bool = False


class ConsumerRefused(Wire):
    """A producer that this browser can't be given: code is `unsupported` or `not_found`."""

    producer_id: str
    code: str


class ConsumersCreated(Wire):
    """Answer to `consumer.create`: consumers in the order of the wishes, then what could not be."""

    consumers: list[ConsumerOptions] = []
    refused: list[ConsumerRefused] = []


class ErrorBody(Wire):
    """Why a request was refused; `code` is a `LinkErrorCode`."""

    code: str
    message: str
    facts: dict[str, object] = {}


class Response(Wire):
    """Answer to one request: `data` (decode it as the request's documented answer) or `error`, never both."""

    id: int
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: ErrorBody | msgspec.UnsetType = msgspec.UNSET


# --- notifications ------------------------------------------------------------------------------------------------


class NotificationBase(Wire, tag_field="method"):
    """Something happened on the node; nobody answers."""


class LoadTold(NotificationBase, tag="node.load"):
    """Every `LOAD_INTERVAL_S` on every link."""

    load: NodeLoad


class RoomLost(NotificationBase, tag="room.lost"):
    """The RouterGroup of a live session is gone (its worker died); open it again with a higher epoch or the same.

    reason: `worker_died`, `replaced` (a higher epoch came) or `closed`.
    """

    live_session_id: str
    epoch: int
    reason: str


class ParticipantNotification(NotificationBase):
    """Base of notifications about one participant's media; sent to the link that adopted it."""

    live_session_id: str
    participant_id: str


class ParticipantClosed(ParticipantNotification, tag="participant.closed"):
    """All media of the participant was closed by the node (orphaned too long). Sent to every link: an orphan has none."""

    reason: str


class TransportChanged(ParticipantNotification, tag="transport.changed"):
    """ICE or DTLS moved. ice_state and dtls_state are mediasoup's words."""

    transport_id: str
    ice_state: str
    dtls_state: str


class TransportClosed(ParticipantNotification, tag="transport.closed"):
    """A transport closed without being asked to (DTLS closed or failed, router gone)."""

    transport_id: str
    reason: str


class ProducerClosed(ParticipantNotification, tag="producer.closed"):
    """A producer closed without `producer.close` (its transport went)."""

    producer_id: str


class ConsumerClosed(ParticipantNotification, tag="consumer.closed"):
    """A consumer closed because its producer or transport did. participant_id: the consumer's owner."""

    consumer_id: str


class ConsumerPaused(ParticipantNotification, tag="consumer.producerPaused"):
    """The producer behind a consumer was paused."""

    consumer_id: str


class ConsumerResumed(ParticipantNotification, tag="consumer.producerResumed"):
    """The producer behind a consumer flows again."""

    consumer_id: str


class ConsumerLayersChanged(ParticipantNotification, tag="consumer.layersChanged"):
    """The layers a consumer is sent now; None while nothing is sent."""

    consumer_id: str
    spatial_layer: int | None = None
    temporal_layer: int | None = None


Notification = (
    LoadTold
    | RoomLost
    | ParticipantClosed
    | TransportChanged
    | TransportClosed
    | ProducerClosed
    | ConsumerClosed
    | ConsumerPaused
    | ConsumerResumed
    | ConsumerLayersChanged
)


# --- enrolment (HTTP, not the link) ---------------------------------------------------------------------------------


class NodeEnrolment(Wire):
    """Body of `POST /internal/media-nodes`, sent at every boot; idempotent by node_id.

    Carried with `Authorization: Bearer <enrolment token>`.
    link_url: ws:// address where signaling processes reach the node link. region: free word, "local" on one machine.
    rtp_capabilities: the routers' capabilities, constant for the deployment (decisions.md 1).
    capacity_consumers: consumers the node is willing to carry, > 0.
    """

    node_id: str
    link_url: str
    region: str
    contract_version: int
    worker_version: str
    rtp_capabilities: msgspec.Raw
    capacity_consumers: int


class NodeEnrolled(Wire):
    """Answer: public keys (JWKS) whose ES256 signatures the node accepts on its link."""

    link_jwks: msgspec.Raw

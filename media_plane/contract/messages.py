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

import msgspec

from media_plane.contract.base import CONTRACT_VERSION as CONTRACT_VERSION
from media_plane.contract.base import LOAD_INTERVAL_S as LOAD_INTERVAL_S
from media_plane.contract.base import MAX_MESSAGE_BYTES as MAX_MESSAGE_BYTES
from media_plane.contract.base import ORPHAN_GRACE_S as ORPHAN_GRACE_S
from media_plane.contract.base import REQUEST_TIMEOUT_S as REQUEST_TIMEOUT_S
from media_plane.contract.base import Direction as Direction
from media_plane.contract.base import MediaKind as MediaKind
from media_plane.contract.base import NotificationBase as NotificationBase
from media_plane.contract.base import ParticipantNotification as ParticipantNotification
from media_plane.contract.base import ParticipantRequest as ParticipantRequest
from media_plane.contract.base import ProducerFacts as ProducerFacts
from media_plane.contract.base import RequestBase as RequestBase
from media_plane.contract.base import Source as Source
from media_plane.contract.base import Wire as Wire
from media_plane.contract.delivery import ConsumerSetPriority as ConsumerSetPriority
from media_plane.contract.delivery import ParticipantQuality as ParticipantQuality
from media_plane.contract.delivery import ProducerLayersWanted as ProducerLayersWanted
from media_plane.contract.delivery import QualityTold as QualityTold
from media_plane.contract.pipes import PipeConnect as PipeConnect
from media_plane.contract.pipes import PipeDrop as PipeDrop
from media_plane.contract.pipes import PipedTrack as PipedTrack
from media_plane.contract.pipes import PipeOpen as PipeOpen
from media_plane.contract.pipes import PipeOpened as PipeOpened
from media_plane.contract.pipes import PipeReceive as PipeReceive
from media_plane.contract.pipes import PipeSend as PipeSend
from media_plane.contract.pipes import PipeSent as PipeSent

# --- requests -----------------------------------------------------------------------------------------------------


class Hello(RequestBase, tag="hello"):
    """First request on a link. Answer: `HelloAnswer`. Errors: unauthenticated, version_mismatch.

    token: ES256 JWT of the control plane, aud = the node's id, exp at most 60 s ahead, jti used once.
    """

    contract_version: int
    token: str


class NodeDrain(RequestBase, tag="node.drain"):
    """Take no new live sessions, so that those that are here move elsewhere; or take them again. Answer: `Empty`."""

    is_draining: bool


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


class ParticipantAdopt(ParticipantRequest, tag="participant.adopt"):
    """Take over a participant's media (after a signaling process died). Answer: `ParticipantMedia`.

    Errors: room_not_open, stale_epoch, not_found (nothing is left of it: build anew).
    """


class ParticipantClose(ParticipantRequest, tag="participant.close"):
    """Close all transports of a participant. Answer: `Empty`, also when there are none.

    once_unwatched: its consumers now, the rest when nobody here or on another node consumes from it any more.
    """

    once_unwatched: bool = False


class TransportCreate(ParticipantRequest, tag="transport.create"):
    """Make a WebRtcTransport. Answer: `TransportOptions`; a repeat answers the same.

    A participant has one transport per direction: a new one replaces the older, which closes with all it carried.
    Errors: room_not_open, stale_epoch, conflict (id taken by another participant), overloaded, worker_failed.
    """

    transport_id: str
    direction: Direction
    max_incoming_bitrate_bps: int | None = None
    max_outgoing_bitrate_bps: int | None = None
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
    | NodeDrain
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
    | ConsumerSetPriority
    | PipeOpen
    | PipeConnect
    | PipeSend
    | PipeReceive
    | PipeDrop
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
    piped_producer_ids: tracks that come from other nodes by pipes.
    """

    rtp_capabilities: msgspec.Raw
    participants: list[ParticipantMedia] = []
    piped_producer_ids: list[str] = []


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
    | ProducerLayersWanted
    | QualityTold
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

"""Signaling: what browser and server say about transports, tracks and consumers; part of `messages`."""

from __future__ import annotations

from uuid import UUID

import msgspec

from control_plane.signaling.message_base import NotificationBase, RequestBase, Wire
from media_plane.contract.messages import ConsumerOptions, Direction, MediaKind, Source, TransportOptions

# --- requests -----------------------------------------------------------------------------------------------------


class TransportCreate(RequestBase, tag="transport.create"):
    """Ask for a transport. Answer: `TransportCreated`. Errors: forbidden (send without the right), unavailable."""

    transport_id: UUID
    direction: Direction


class TransportConnect(RequestBase, tag="transport.connect"):
    """DTLS parameters of the browser. Answer: `Empty`. Errors: not_found, conflict, invalid_input."""

    transport_id: UUID
    dtls_parameters: msgspec.Raw


class TransportRestartIce(RequestBase, tag="transport.restartIce"):
    """New ICE credentials after the network changed. Answer: `IceRestarted`. Errors: not_found."""

    transport_id: UUID


class ProducerCreate(RequestBase, tag="producer.create"):
    """Publish a track. Answer: `ProducerCreated`. Errors: forbidden, not_found, invalid_input, conflict."""

    transport_id: UUID
    producer_id: UUID
    kind: MediaKind
    source: Source
    rtp_parameters: msgspec.Raw
    paused: bool = False


class ProducerPause(RequestBase, tag="producer.pause"):
    """Mute. Answer: `Empty`. Errors: not_found (also for someone else's)."""

    producer_id: UUID


class ProducerResume(RequestBase, tag="producer.resume"):
    """Unmute. Answer: `Empty`. Errors: not_found."""

    producer_id: UUID


class ProducerClose(RequestBase, tag="producer.close"):
    """Stop publishing a track. Answer: `Empty`. Errors: not_found."""

    producer_id: UUID


class ConsumerCreate(RequestBase, tag="consumer.create"):
    """Consume producers on a new receive transport (after `media.reset`). Answer: `ConsumersCreated`."""

    transport_id: UUID
    producer_ids: list[UUID]


class ConsumerResume(RequestBase, tag="consumer.resume"):
    """The browser is ready for these consumers. Answer: `Empty`; ids already gone are skipped."""

    consumer_ids: list[UUID]


class ConsumerPause(RequestBase, tag="consumer.pause"):
    """Hold these consumers. Answer: `Empty`; ids already gone are skipped."""

    consumer_ids: list[UUID]


class ConsumerSetPreferredLayers(RequestBase, tag="consumer.setPreferredLayers"):
    """Cap a consumer's layers; 0 is the lowest. Answer: `Empty`. Errors: not_found."""

    consumer_id: UUID
    spatial_layer: int
    temporal_layer: int | None = None


class ConsumerSetPriority(RequestBase, tag="consumer.setPriority"):
    """Who gets bits first when the link is short: 1 (last) to 255 (first). Answer: `Empty`. Errors: not_found.

    A consumer begins with its source's: the screen before the camera.
    """

    consumer_id: UUID
    priority: int


class MediaMoved(RequestBase, tag="media.moved"):
    """After `media.moving`: everything is shown from its new transports, the older ones may go. Answer: `Empty`."""

    epoch: int


# --- response data ------------------------------------------------------------------------------------------------


class ProducerView(Wire):
    """A track someone publishes."""

    id: str
    kind: MediaKind
    source: Source
    paused: bool = False


class TransportCreated(Wire):
    """The transport, as mediasoup-client takes it."""

    transport: TransportOptions


class IceRestarted(Wire):
    """New ICE parameters, sealed."""

    ice_parameters: msgspec.Raw


class ProducerCreated(Wire):
    """The track is published."""

    producer_id: str


class ConsumersCreated(Wire):
    """Paused consumers, and the producers this browser can't decode."""

    consumers: list[ConsumerOptions] = []
    refused_producer_ids: list[str] = []


# --- notifications ------------------------------------------------------------------------------------------------


class ProducerOpened(NotificationBase, tag="producer.opened"):
    """Someone publishes a track; a `consumer.offered` follows if this browser can decode it."""

    participant_id: UUID
    producer: ProducerView


class ProducerPausedChanged(NotificationBase, tag="producer.pausedChanged"):
    """A track was muted or unmuted."""

    participant_id: UUID
    producer_id: str
    paused: bool


class ProducerClosed(NotificationBase, tag="producer.closed"):
    """A track is gone; also the receiver's own one, when the media plane closed it."""

    participant_id: UUID
    producer_id: str


class ConsumerOffered(NotificationBase, tag="consumer.offered"):
    """A paused consumer on the receive transport; resume it when its track is attached."""

    consumer: ConsumerOptions


class ConsumerClosed(NotificationBase, tag="consumer.closed"):
    """A consumer is gone."""

    consumer_id: str


class ConsumerLayersChanged(NotificationBase, tag="consumer.layersChanged"):
    """The layers a consumer gets now; None while nothing flows."""

    consumer_id: str
    spatial_layer: int | None = None
    temporal_layer: int | None = None


class ProducerLayersWanted(NotificationBase, tag="producer.layersWanted"):
    """How much of one's own video anyone watches: the highest spatial layer from 0; None: nobody watches at all.

    The sender may stop encoding the rest. More is told at once, less only after it lasted.
    """

    producer_id: str
    spatial_layer: int | None = None


class TransportClosed(NotificationBase, tag="transport.closed"):
    """One of the receiver's transports is gone: make a new one (`transport.create`) and what it carried."""

    transport_id: str
    reason: str


class MediaReset(NotificationBase, tag="media.reset"):
    """The room's media moved or was rebuilt: close both transports and build anew (transport.create, consumer.create)."""

    epoch: int
    reason: str
    producers: list[ProducerView] = []


class MediaMoving(NotificationBase, tag="media.moving"):
    """The room's media moves while the old one runs on: nobody shall notice.

    Make new transports beside the old ones (transport.create), publish the same tracks there under the same ids
    (producer.create), consume what there is (consumer.create) and what is offered, show each track from its new consumer
    once that has its first frame, then say `media.moved`. The old transports are closed by `transport.closed`.
    """

    epoch: int
    reason: str

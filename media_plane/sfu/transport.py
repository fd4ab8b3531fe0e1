"""What all transports share: producing, consuming, bitrates, closing."""

import uuid
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import consumer as consumer_codec
from media_plane.channel.codec import producer as producer_codec
from media_plane.channel.codec import router as router_codec
from media_plane.channel.codec import transport as codec
from media_plane.channel.codec.message import Notification
from media_plane.channel.values.media import ConsumerLayers
from media_plane.channel.values.transport import (
    SctpNegotiatedCapabilities,
    SctpParameters,
    SctpState,
    TransportTrace,
    TransportTraceType,
)
from media_plane.channel.values.transport_reports import TransportDump, TransportStats
from media_plane.ortc import consuming, producing, validate
from media_plane.ortc.rtp import MediaKind, RtpCapabilities, RtpEncodingParameters, RtpParameters
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.creator import Creator, choose_id
from media_plane.sfu.errors import InvalidState
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.producer import Producer

_MID_COUNT = 100_000_000
"""MIDs given to consumers start again here: the worker has room for 8 digits."""
_CNAME_LENGTH = 8


@dataclass(slots=True, frozen=True, kw_only=True)
class RouterSide:
    """What a transport needs of its router, without knowing it.

    Attributes:
        router_id: the router's id.
        rtp_capabilities: what the router can pass on.
        find_producer: a producer of the router by id, whichever transport it came by.
        add_producer: a new producer for the router to find.
        forget_producer: a producer that closed.
        forget_transport: a transport that closed.
    """

    router_id: str
    rtp_capabilities: RtpCapabilities
    find_producer: Callable[[str], Producer | None]
    add_producer: Callable[[Producer], None]
    forget_producer: Callable[[Producer], None]
    forget_transport: Callable[["Transport"], None]


class Transport(Closable):
    """A path between a router and one peer. Made by the router; this is the part all kinds share.

    Attributes:
        id: as chosen by the caller.
        sctp_parameters: what the peer must know for data, None without SCTP.
        sctp_state: None without SCTP.
        sctp_negotiated_capabilities: what both ends agreed on, None until then.
        app_data: whatever the caller wants to find here again.
        on_sctp_state_change: told the new state.
        on_trace: told what `enable_trace_event` asked for.
    """

    def __init__(self, *, channel: Channel, router: RouterSide, dump: TransportDump, app_data: Any = None) -> None:
        super().__init__()
        self._channel = channel
        self._router = router
        self._producers: dict[str, Producer] = {}
        self._consumers: dict[str, Consumer] = {}
        self._creator = Creator(channel)
        self._producer_cname: str | None = None
        self._next_mid = 0
        self.id = dump.id
        self.sctp_parameters: SctpParameters | None = dump.sctp_parameters
        self.sctp_state: SctpState | None = dump.sctp_state
        self.sctp_negotiated_capabilities: SctpNegotiatedCapabilities | None = dump.sctp_negotiated_capabilities
        self.app_data = app_data
        self.on_sctp_state_change: Listeners[[SctpState]] = Listeners()
        self.on_trace: Listeners[[TransportTrace]] = Listeners()
        channel.subscribe(self.id, self._hear)

    @property
    def producers(self) -> list[Producer]:
        """Open producers, oldest first."""
        return list(self._producers.values())

    @property
    def consumers(self) -> list[Consumer]:
        """Open consumers, oldest first."""
        return list(self._consumers.values())

    @abstractmethod
    async def get_stats(self) -> TransportStats:
        """Traffic of the transport. Raises MediaError."""

    @abstractmethod
    async def dump(self) -> TransportDump:
        """The transport as the worker sees it. Raises MediaError."""

    async def set_max_incoming_bitrate(self, bitrate: int) -> None:
        """Limit what the peer is told to send.

        Args:
            bitrate: bits per second, >= 0; 0 means no limit.

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        await self._channel.request(codec.set_max_incoming_bitrate(self.id, bitrate))

    async def set_max_outgoing_bitrate(self, bitrate: int) -> None:
        """Limit what we send.

        Args:
            bitrate: bits per second, 0 for no limit, else at least 30,000 and not under the minimum set.

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        await self._channel.request(codec.set_max_outgoing_bitrate(self.id, bitrate))

    async def set_min_outgoing_bitrate(self, bitrate: int) -> None:
        """Never estimate less than this for the way out.

        Args:
            bitrate: bits per second, 0 for no floor, else at least 30,000 and not over the maximum set.

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        await self._channel.request(codec.set_min_outgoing_bitrate(self.id, bitrate))

    async def enable_trace_event(self, types: Sequence[TransportTraceType] = ()) -> None:
        """Choose what `on_trace` is told; nothing by default. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.enable_trace_event(self.id, types))

    async def produce(
        self,
        *,
        kind: MediaKind,
        rtp_parameters: RtpParameters,
        producer_id: str | None = None,
        paused: bool = False,
        key_frame_request_delay_ms: int = 0,
        enable_mediasoup_packet_id_header_extension: bool = False,
        app_data: Any = None,
    ) -> Producer:
        """Let the peer send a track.

        Args:
            kind: "audio" or "video".
            rtp_parameters: how it will send. Its CNAME is replaced by the one of the transport's first producer, so
                that receivers play audio and video in step.
            producer_id: unique in the router; None makes one.
            paused: start without passing packets on.
            key_frame_request_delay_ms: at least this long between two key frame requests to the sender, >= 0.
            enable_mediasoup_packet_id_header_extension: number received packets, for SVC over pipes that lose some.
            app_data: kept on the producer.

        Raises:
            NegotiationError: the parameters make no sense, or the router has no such codec.
            InvalidState: the transport is closed, or was meanwhile, or the id is taken.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        self.require_open()
        chosen = choose_id(producer_id)
        if self._router.find_producer(chosen) is not None:
            raise InvalidState("This producer id is taken.")
        params = self._for_producing(rtp_parameters)
        caps = self._router.rtp_capabilities
        mapping = producing.get_producer_rtp_parameters_mapping(params, caps)
        consumable = producing.get_consumable_rtp_parameters(kind, params, caps, mapping)
        options = producer_codec.ProduceOptions(
            producer_id=chosen,
            kind=kind,
            rtp_parameters=params,
            rtp_mapping=mapping,
            paused=paused,
            key_frame_request_delay_ms=key_frame_request_delay_ms,
            enable_mediasoup_packet_id_header_extension=enable_mediasoup_packet_id_header_extension,
        )
        stream_type = await self._creator.create(
            chosen,
            producer_codec.produce(self.id, options),
            lambda: producer_codec.close_producer(self.id, chosen),
            self,
        )
        producer = Producer(
            channel=self._channel,
            transport_id=self.id,
            producer_id=chosen,
            kind=kind,
            stream_type=stream_type,
            rtp_parameters=params,
            consumable_rtp_parameters=consumable,
            paused=paused,
            forget=self._forget_producer,
            app_data=app_data,
        )
        self._producers[chosen] = producer
        self._router.add_producer(producer)
        return producer

    async def consume(
        self,
        *,
        producer_id: str,
        rtp_capabilities: RtpCapabilities,
        consumer_id: str | None = None,
        paused: bool = True,
        mid: str | None = None,
        preferred_layers: ConsumerLayers | None = None,
        ignore_dtx: bool = False,
        enable_rtx: bool | None = None,
        app_data: Any = None,
    ) -> Consumer:
        """Send a producer's track to the peer.

        Args:
            producer_id: a producer of the same router.
            rtp_capabilities: what the peer can receive.
            consumer_id: unique in the router; None makes one.
            paused: start without sending. Resume when the peer is ready, or it misses the first key frame.
            mid: at most 8 bytes; None counts up.
            preferred_layers: for simulcast and SVC; None means the highest.
            ignore_dtx: leave out Opus packets that hold silence.
            enable_rtx: resend lost packets on request; None means for video only.
            app_data: kept on the consumer.

        Raises:
            NegotiationError: the capabilities make no sense, or the peer can't receive it.
            InvalidState: the transport is closed, or was meanwhile, there is no such producer, or the id is taken.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        self.require_open()
        chosen = choose_id(consumer_id)
        validate.validate_rtp_capabilities(rtp_capabilities)
        producer = self._router.find_producer(producer_id)
        if producer is None:
            raise InvalidState("The router has no such producer.")
        params = self._for_consuming(producer, rtp_capabilities, mid, enable_rtx=enable_rtx)
        options = consumer_codec.ConsumeOptions(
            consumer_id=chosen,
            producer_id=producer_id,
            kind=producer.kind,
            rtp_parameters=params,
            type=producer.type,
            consumable_rtp_encodings=producer.consumable_rtp_parameters.encodings,
            paused=paused,
            preferred_layers=preferred_layers,
            ignore_dtx=ignore_dtx,
        )
        state = await self._creator.create(
            chosen,
            consumer_codec.consume(self.id, options),
            lambda: consumer_codec.close_consumer(self.id, chosen),
            self,
        )
        consumer = Consumer(
            channel=self._channel,
            transport_id=self.id,
            consumer_id=chosen,
            producer_id=producer_id,
            kind=producer.kind,
            stream_type=producer.type,
            rtp_parameters=params,
            state=state,
            forget=self._forget_consumer,
            app_data=app_data,
        )
        self._consumers[chosen] = consumer
        return consumer

    @override
    def _shut(self, reason: CloseReason) -> None:
        self._channel.unsubscribe(self.id)
        if reason == "closed":
            self._channel.post(router_codec.close_transport(self._router.router_id, self.id))
        for child in (*self._producers.values(), *self._consumers.values()):
            child.closed_by("transport_closed")
        if self.sctp_state is not None:
            self.sctp_state = "closed"
        self._router.forget_transport(self)

    def _hear(self, notification: Notification) -> None:
        """Take a notification of the worker; kinds add their own."""
        if notification.event == codec.SCTP_STATE_CHANGE:
            self.sctp_state = codec.read_sctp_state_change(notification)
            self.on_sctp_state_change.tell(self.sctp_state)
        elif notification.event == codec.SCTP_NEGOTIATED_CAPABILITIES:
            self.sctp_negotiated_capabilities = codec.read_sctp_negotiated(notification)
        elif notification.event == codec.TRACE:
            self.on_trace.tell(codec.read_trace(notification))

    def _for_producing(self, params: RtpParameters) -> RtpParameters:
        if not params.encodings:
            params = msgspec.structs.replace(params, encodings=[RtpEncodingParameters()])
        validate.validate_rtp_parameters(params)
        if self._producer_cname is None:
            self._producer_cname = params.rtcp.cname or uuid.uuid4().hex[:_CNAME_LENGTH]
        rtcp = msgspec.structs.replace(params.rtcp, cname=self._producer_cname)
        return msgspec.structs.replace(params, rtcp=rtcp)

    def _for_consuming(
        self, producer: Producer, caps: RtpCapabilities, mid: str | None, *, enable_rtx: bool | None
    ) -> RtpParameters:
        params = consuming.get_consumer_rtp_parameters(
            consumable_rtp_parameters=producer.consumable_rtp_parameters,
            remote_rtp_capabilities=caps,
            pipe=False,
            enable_rtx=producer.kind == "video" if enable_rtx is None else enable_rtx,
        )
        return msgspec.structs.replace(params, mid=self._take_mid() if mid is None else mid)

    def _take_mid(self) -> str:
        mid = self._next_mid
        self._next_mid = (mid + 1) % _MID_COUNT
        return str(mid)

    def _forget_producer(self, producer: Producer) -> None:
        self._producers.pop(producer.id, None)
        self._creator.release(producer.id)
        self._router.forget_producer(producer)

    def _forget_consumer(self, consumer: Consumer) -> None:
        self._consumers.pop(consumer.id, None)
        self._creator.release(consumer.id)

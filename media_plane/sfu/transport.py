"""What transports do with media: producing and consuming."""

import uuid
from typing import Any

import msgspec

from media_plane.channel.channel import Channel
from media_plane.channel.codec import consumer as consumer_codec
from media_plane.channel.codec import producer as producer_codec
from media_plane.channel.codec.message import RequestMessage
from media_plane.channel.values.media import ConsumerLayers
from media_plane.channel.values.transport_reports import TransportDump
from media_plane.ortc import consuming, producing, validate
from media_plane.ortc.rtp import MediaKind, RtpCapabilities, RtpEncodingParameters, RtpParameters
from media_plane.sfu.base_transport import RouterSide
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.creator import choose_id
from media_plane.sfu.data_transport import DataTransport
from media_plane.sfu.errors import InvalidState
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.producer import Producer

_MID_COUNT = 100_000_000
"""MIDs given to consumers start again here: the worker has room for 8 digits."""
_CNAME_LENGTH = 8


class MediaTransport(DataTransport):
    """What any transport does with media; how it consumes is up to the kind.

    Attributes:
        on_new_producer, on_new_consumer: told each one made.
    """

    def __init__(self, *, channel: Channel, router: RouterSide, dump: TransportDump, app_data: Any = None) -> None:
        super().__init__(channel=channel, router=router, dump=dump, app_data=app_data)
        self._producers: dict[str, Producer] = {}
        self._consumers: dict[str, Consumer] = {}
        self._producer_cname: str | None = None
        self.on_new_producer: Listeners[[Producer]] = Listeners()
        self.on_new_consumer: Listeners[[Consumer]] = Listeners()

    @property
    def producers(self) -> list[Producer]:
        """Open producers, oldest first."""
        return list(self._producers.values())

    @property
    def consumers(self) -> list[Consumer]:
        """Open consumers, oldest first."""
        return list(self._consumers.values())

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
        caps = self._router.get_rtp_capabilities()
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
        self._producers[chosen] = self._children[chosen] = producer
        self._router.add_producer(producer)
        self.on_new_producer.tell(producer)
        return producer

    def _require_producer(self, producer_id: str) -> Producer:
        producer = self._router.find_producer(producer_id)
        if producer is None:
            raise InvalidState("The router has no such producer.")
        return producer

    async def _make_consumer(
        self,
        producer: Producer,
        options: consumer_codec.ConsumeOptions,
        request: RequestMessage[consumer_codec.Consuming],
        app_data: Any,
    ) -> Consumer:
        """Make a consumer as these options say, by the request made of them."""
        chosen = options.consumer_id
        state = await self._creator.create(
            chosen,
            request,
            lambda: consumer_codec.close_consumer(self.id, chosen),
            self,
        )
        consumer = Consumer(
            channel=self._channel,
            transport_id=self.id,
            consumer_id=chosen,
            producer_id=producer.id,
            kind=producer.kind,
            stream_type=options.type,
            rtp_parameters=options.rtp_parameters,
            state=state,
            forget=self._forget_consumer,
            app_data=app_data,
        )
        self._consumers[chosen] = self._children[chosen] = consumer
        self.on_new_consumer.tell(consumer)
        return consumer

    def _for_producing(self, params: RtpParameters) -> RtpParameters:
        if not params.encodings:
            params = msgspec.structs.replace(params, encodings=[RtpEncodingParameters()])
        validate.validate_rtp_parameters(params)
        rtcp = msgspec.structs.replace(params.rtcp, cname=self._choose_cname(params.rtcp.cname))
        return msgspec.structs.replace(params, rtcp=rtcp)

    def _choose_cname(self, wanted: str | None) -> str | None:
        """One CNAME for all producers of a peer: receivers play them in step by it."""
        if self._producer_cname is None:
            self._producer_cname = wanted or uuid.uuid4().hex[:_CNAME_LENGTH]
        return self._producer_cname

    def _forget_producer(self, producer: Producer) -> None:
        self._producers.pop(producer.id, None)
        self._forget_child(producer.id)
        self._router.forget_producer(producer)

    def _forget_consumer(self, consumer: Consumer) -> None:
        self._consumers.pop(consumer.id, None)
        self._forget_child(consumer.id)


class Transport(MediaTransport):
    """A path between a router and one peer that says what it can receive."""

    def __init__(self, *, channel: Channel, router: RouterSide, dump: TransportDump, app_data: Any = None) -> None:
        super().__init__(channel=channel, router=router, dump=dump, app_data=app_data)
        self._next_mid = 0

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
        pipe: bool = False,
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
            pipe: send all streams of the producer as they are, without a mid of our own choice.
            app_data: kept on the consumer.

        Raises:
            NegotiationError: the capabilities make no sense, or the peer can't receive it.
            InvalidState: the transport is closed, or was meanwhile, there is no such producer, or the id is taken.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        self.require_open()
        chosen = choose_id(consumer_id)
        producer = self._require_producer(producer_id)
        offer = producer.offers.find(
            rtp_capabilities, pipe=pipe, enable_rtx=producer.kind == "video" if enable_rtx is None else enable_rtx
        )
        params = consuming.renew_ssrcs(offer.rtp_parameters)
        if mid is None and not pipe:
            mid = self._take_mid()
        options = consumer_codec.ConsumeOptions(
            consumer_id=chosen,
            producer_id=producer_id,
            kind=producer.kind,
            rtp_parameters=msgspec.structs.replace(params, mid=mid),
            type="pipe" if pipe else producer.type,
            consumable_rtp_encodings=producer.consumable_rtp_parameters.encodings,
            paused=paused,
            preferred_layers=preferred_layers,
            ignore_dtx=ignore_dtx,
        )
        request = offer.templates.consume(self.id, options)
        return await self._make_consumer(producer, options, request, app_data)

    def _take_mid(self) -> str:
        mid = self._next_mid
        self._next_mid = (mid + 1) % _MID_COUNT
        return str(mid)

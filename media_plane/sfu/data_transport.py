"""What transports do with data: messages over SCTP, or between us and the worker."""

from collections.abc import Sequence
from typing import Any

from media_plane.channel.channel import Channel
from media_plane.channel.codec import data_consumer as data_consumer_codec
from media_plane.channel.codec import data_producer as data_producer_codec
from media_plane.channel.values.data import DataType
from media_plane.channel.values.transport_reports import TransportDump
from media_plane.ortc import sctp
from media_plane.ortc.sctp import SctpStreamParameters
from media_plane.sfu.base_transport import BaseTransport, RouterSide
from media_plane.sfu.creator import choose_id
from media_plane.sfu.data_consumer import DataConsumer
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.errors import InvalidState, InvalidValue
from media_plane.sfu.listeners import Listeners


class DataTransport(BaseTransport):
    """What any transport does with data.

    Attributes:
        on_new_data_producer, on_new_data_consumer: told each one made.
    """

    def __init__(self, *, channel: Channel, router: RouterSide, dump: TransportDump, app_data: Any = None) -> None:
        super().__init__(channel=channel, router=router, dump=dump, app_data=app_data)
        self._data_producers: dict[str, DataProducer] = {}
        self._data_consumers: dict[str, DataConsumer] = {}
        self._stream_ids: set[int] = set()
        self._next_stream_id = 0
        self.on_new_data_producer: Listeners[[DataProducer]] = Listeners()
        self.on_new_data_consumer: Listeners[[DataConsumer]] = Listeners()

    @property
    def data_producers(self) -> list[DataProducer]:
        """Open data producers, oldest first."""
        return list(self._data_producers.values())

    @property
    def data_consumers(self) -> list[DataConsumer]:
        """Open data consumers, oldest first."""
        return list(self._data_consumers.values())

    async def produce_data(
        self,
        *,
        sctp_stream_parameters: SctpStreamParameters | None = None,
        label: str = "",
        protocol: str = "",
        data_producer_id: str | None = None,
        paused: bool = False,
        app_data: Any = None,
    ) -> DataProducer:
        """Let the peer send messages on one stream.

        Args:
            sctp_stream_parameters: how it will send; left out on a direct transport, needed on all others.
            label: of the data channel, any text.
            protocol: of the data channel, any text.
            data_producer_id: unique in the router; None makes one.
            paused: start without passing messages on.
            app_data: kept on the data producer.

        Raises:
            NegotiationError: the parameters make no sense.
            InvalidValue: the parameters are missing, or not wanted here.
            InvalidState: the transport is closed, or was meanwhile, or the id is taken.
            WorkerRejected: the stream id is taken, or the transport has no SCTP.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        self.require_open()
        if (sctp_stream_parameters is None) != (self._data_type == "direct"):
            raise InvalidValue("SCTP stream parameters belong to every data producer but those of direct transports.")
        chosen = choose_id(data_producer_id)
        if self._router.find_data_producer(chosen) is not None:
            raise InvalidState("This data producer id is taken.")
        options = data_producer_codec.ProduceDataOptions(
            data_producer_id=chosen,
            type=self._data_type,
            sctp_stream_parameters=None
            if sctp_stream_parameters is None
            else sctp.normalize_sctp_stream_parameters(sctp_stream_parameters),
            label=label,
            protocol=protocol,
            paused=paused,
        )
        dump = await self._creator.create(
            chosen,
            data_producer_codec.produce_data(self.id, options),
            lambda: data_producer_codec.close_data_producer(self.id, chosen),
            self,
        )
        data_producer = DataProducer(
            channel=self._channel,
            transport_id=self.id,
            dump=dump,
            forget=self._forget_data_producer,
            app_data=app_data,
        )
        self._data_producers[chosen] = self._children[chosen] = data_producer
        self._router.add_data_producer(data_producer)
        self.on_new_data_producer.tell(data_producer)
        return data_producer

    async def consume_data(
        self,
        *,
        data_producer_id: str,
        ordered: bool | None = None,
        max_packet_life_time: int | None = None,
        max_retransmits: int | None = None,
        data_consumer_id: str | None = None,
        paused: bool = False,
        subchannels: Sequence[int] = (),
        app_data: Any = None,
    ) -> DataConsumer:
        """Send a data producer's messages to the peer.

        Args:
            data_producer_id: a data producer of the same router.
            ordered: in order and reliably; None means as the data producer. Not used on a direct transport.
            max_packet_life_time: ms after which a message is given up, instead of order; likewise.
            max_retransmits: how often a packet is sent again, instead of order; likewise.
            data_consumer_id: unique in the router; None makes one.
            paused: start without sending.
            subchannels: numbers it subscribes to, each 0..65535.
            app_data: kept on the data consumer.

        Raises:
            NegotiationError: wishes that exclude each other.
            InvalidState: the transport is closed, or was meanwhile, there is no such data producer, the id is taken, or
                all streams are.
            InvalidValue: a number out of range.
            WorkerRejected: the transport has no SCTP.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        self.require_open()
        data_producer = self._router.find_data_producer(data_producer_id)
        if data_producer is None:
            raise InvalidState("The router has no such data producer.")
        params = None
        if self._data_type == "sctp":
            params = sctp.get_consumer_sctp_stream_parameters(
                data_producer.sctp_stream_parameters,
                stream_id=self._find_stream_id(),
                ordered=ordered,
                max_packet_life_time=max_packet_life_time,
                max_retransmits=max_retransmits,
            )
        options = data_consumer_codec.ConsumeDataOptions(
            data_consumer_id=choose_id(data_consumer_id),
            data_producer_id=data_producer_id,
            type=self._data_type,
            sctp_stream_parameters=params,
            label=data_producer.label,
            protocol=data_producer.protocol,
            paused=paused,
            subchannels=subchannels,
        )
        return await self._make_data_consumer(options, app_data)

    async def _make_data_consumer(self, options: data_consumer_codec.ConsumeDataOptions, app_data: Any) -> DataConsumer:
        chosen = options.data_consumer_id
        request = data_consumer_codec.consume_data(self.id, options)
        stream_id = None if options.sctp_stream_parameters is None else options.sctp_stream_parameters.stream_id
        if stream_id is not None:
            self._stream_ids.add(stream_id)
            self._next_stream_id = stream_id + 1

        def forget(data_consumer: DataConsumer) -> None:
            self._stream_ids.discard(-1 if stream_id is None else stream_id)
            self._data_consumers.pop(data_consumer.id, None)
            self._forget_child(data_consumer.id)

        try:
            dump = await self._creator.create(
                chosen, request, lambda: data_consumer_codec.close_data_consumer(self.id, chosen), self
            )
        except BaseException:
            self._stream_ids.discard(-1 if stream_id is None else stream_id)
            raise
        data_consumer = DataConsumer(
            channel=self._channel, transport_id=self.id, dump=dump, forget=forget, app_data=app_data
        )
        self._data_consumers[chosen] = self._children[chosen] = data_consumer
        self.on_new_data_consumer.tell(data_consumer)
        return data_consumer

    @property
    def _data_type(self) -> DataType:
        return "direct" if self.type == "direct" else "sctp"

    def _find_stream_id(self) -> int:
        """A free stream towards the peer, counting up so that a number rests before it is used again."""
        agreed = self.sctp_negotiated_capabilities
        count = sctp.MAX_STREAM_COUNT
        if agreed is not None:
            count = min(count, agreed.negotiated_max_outbound_streams)
        for offset in range(count):
            stream_id = (self._next_stream_id + offset) % count
            if stream_id not in self._stream_ids:
                return stream_id
        raise InvalidState("All streams to this peer are taken.")

    def _forget_data_producer(self, data_producer: DataProducer) -> None:
        self._data_producers.pop(data_producer.id, None)
        self._forget_child(data_producer.id)
        self._router.forget_data_producer(data_producer)

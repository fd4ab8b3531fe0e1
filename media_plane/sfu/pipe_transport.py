"""A transport between two routers, in one worker, between workers, or between machines.

Within one process `Router.pipe_to_router` does all of it. Across processes each side makes its end and tells the other
its `tuple` and `srtp_parameters`, both connect, and then for each track or stream:

- here `consume` (or `consume_data`), and send the other process what it needs: kind, RTP parameters and whether the
  producer is paused (or SCTP stream parameters, label and protocol);
- there `produce` (or `produce_data`) with these.
"""

from typing import Any, ClassVar

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import pipe_transport as codec
from media_plane.channel.codec.consumer import ConsumeOptions, consume
from media_plane.channel.values.transport import SrtpParameters, TransportTuple
from media_plane.channel.values.transport_reports import PipeTransportDump, PipeTransportStats
from media_plane.ortc import piping
from media_plane.sfu.base_transport import RouterSide, TransportType
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.creator import choose_id
from media_plane.sfu.transport import MediaTransport


class PipeTransport(MediaTransport):
    """A transport to another router. Made by `Router.create_pipe_transport`.

    Attributes:
        rtx: whether lost packets are asked for again.
        tuple: where it listens, and the other end once connected.
        srtp_parameters: our key, for the other end to be told; None without SRTP.
    """

    type: ClassVar[TransportType] = "pipe"

    def __init__(self, *, channel: Channel, router: RouterSide, dump: PipeTransportDump, app_data: Any = None) -> None:
        super().__init__(channel=channel, router=router, dump=dump, app_data=app_data)
        self.rtx = dump.rtx
        self.tuple: TransportTuple = dump.tuple
        self.srtp_parameters: SrtpParameters | None = dump.srtp_parameters

    async def connect(self, *, ip: str, port: int, srtp_parameters: SrtpParameters | None = None) -> None:
        """Tell the other end; once per transport.

        Args:
            ip: its address.
            port: its port.
            srtp_parameters: its key, with SRTP and only then.

        Raises:
            WorkerRejected: keys missing or not wanted, or called twice.
            MediaError: see `errors`.
        """
        self.require_open()
        self.tuple = await self._channel.request(
            codec.connect(self.id, ip=ip, port=port, srtp_parameters=srtp_parameters)
        )

    async def consume(
        self, *, producer_id: str, consumer_id: str | None = None, paused: bool = False, app_data: Any = None
    ) -> Consumer:
        """Send all streams of a producer to the other router.

        Args:
            producer_id: a producer of this router.
            consumer_id: unique in the router; None makes one.
            paused: start without sending. A pipe starts at once: the other router asks for key frames itself.
            app_data: kept on the consumer.

        Raises:
            InvalidState: the transport is closed, or was meanwhile, there is no such producer, or the id is taken.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        self.require_open()
        chosen = choose_id(consumer_id)
        producer = self._require_producer(producer_id)
        consumable = producer.consumable_rtp_parameters
        options = ConsumeOptions(
            consumer_id=chosen,
            producer_id=producer_id,
            kind=producer.kind,
            rtp_parameters=piping.get_pipe_consumer_rtp_parameters(
                consumable_rtp_parameters=consumable, enable_rtx=self.rtx
            ),
            type="pipe",
            consumable_rtp_encodings=consumable.encodings,
            paused=paused,
        )
        return await self._make_consumer(producer, options, consume(self.id, options), app_data)

    @override
    async def get_stats(self) -> PipeTransportStats:
        """Traffic and ends. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.get_stats(self.id))

    @override
    async def dump(self) -> PipeTransportDump:
        """The transport as the worker sees it. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    @override
    def _choose_cname(self, wanted: str | None) -> str | None:
        """Each keeps its own: the tracks of many peers share a pipe."""
        return wanted

"""A transport between us and a router: media and messages that we make or take ourselves."""

from typing import Any, ClassVar

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import direct_transport as codec
from media_plane.channel.codec import transport as transport_codec
from media_plane.channel.codec.message import Notification
from media_plane.channel.values.transport_reports import DirectTransportDump, DirectTransportStats
from media_plane.sfu.base_transport import RouterSide, TransportType
from media_plane.sfu.errors import Unsupported
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.transport import Transport


class DirectTransport(Transport):
    """A transport without a network. Made by `Router.create_direct_transport`.

    Its producers take packets by `Producer.send` and `DataProducer.send`; its consumers hand them out by
    `Consumer.on_rtp` and `DataConsumer.on_message`.

    Attributes:
        on_rtcp: told each RTCP packet the router has for us.
    """

    type: ClassVar[TransportType] = "direct"

    def __init__(
        self, *, channel: Channel, router: RouterSide, dump: DirectTransportDump, app_data: Any = None
    ) -> None:
        super().__init__(channel=channel, router=router, dump=dump, app_data=app_data)
        self.on_rtcp: Listeners[[bytes]] = Listeners()

    async def connect(self) -> None:
        """Do nothing: there is nobody to connect to. For callers that treat all transports alike."""
        self.require_open()

    def send_rtcp(self, packet: bytes) -> None:
        """Hand in an RTCP packet.

        Args:
            packet: one compound RTCP packet (RFC 3550 section 6).

        Raises:
            InvalidState: it is closed.
            BrokenMessage: the packet is too long for the worker.
        """
        self.require_open()
        self._channel.notify(transport_codec.send_rtcp(self.id, packet))

    @override
    async def set_max_incoming_bitrate(self, bitrate: int) -> None:
        """Raise Unsupported: there is no network to limit."""
        raise Unsupported("A direct transport has no bitrate limits.")

    @override
    async def set_max_outgoing_bitrate(self, bitrate: int) -> None:
        """Raise Unsupported: there is no network to limit."""
        raise Unsupported("A direct transport has no bitrate limits.")

    @override
    async def set_min_outgoing_bitrate(self, bitrate: int) -> None:
        """Raise Unsupported: there is no network to limit."""
        raise Unsupported("A direct transport has no bitrate limits.")

    @override
    async def get_stats(self) -> DirectTransportStats:
        """Traffic. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.get_stats(self.id))

    @override
    async def dump(self) -> DirectTransportDump:
        """The transport as the worker sees it. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    @override
    def _hear(self, notification: Notification) -> None:
        if notification.event == codec.RTCP:
            self.on_rtcp.tell(codec.read_rtcp(notification))
        else:
            super()._hear(notification)

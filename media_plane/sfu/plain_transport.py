"""A transport for plain RTP, or SRTP with keys told by hand: recorders, ffmpeg, tests."""

from typing import Any, ClassVar

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import plain_transport as codec
from media_plane.channel.codec.message import Notification
from media_plane.channel.values.transport import SrtpCryptoSuite, SrtpParameters, TransportTuple
from media_plane.channel.values.transport_reports import PlainTransportDump, PlainTransportStats
from media_plane.sfu.base_transport import RouterSide, TransportType
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.transport import Transport

DEFAULT_SRTP_CRYPTO_SUITE: SrtpCryptoSuite = "AEAD_AES_128_GCM"
"""Named because mediasoup's own default, SHA1, costs 14.4 microseconds a packet against 3.6 (docs/performance.md)."""


class PlainTransport(Transport):
    """A transport for plain RTP. Made by `Router.create_plain_transport`.

    Attributes:
        rtcp_mux: whether RTCP shares the RTP port.
        comedia: whether the remote end is learned from its first packet.
        tuple: where RTP comes in, and from whom once known.
        rtcp_tuple: likewise for RTCP, None with `rtcp_mux`.
        srtp_parameters: our key, for the peer to be told; None without SRTP.
        on_tuple, on_rtcp_tuple: told when `comedia` learned the remote end.
    """

    type: ClassVar[TransportType] = "plain"

    def __init__(self, *, channel: Channel, router: RouterSide, dump: PlainTransportDump, app_data: Any = None) -> None:
        super().__init__(channel=channel, router=router, dump=dump, app_data=app_data)
        self.rtcp_mux = dump.rtcp_mux
        self.comedia = dump.comedia
        self.tuple: TransportTuple = dump.tuple
        self.rtcp_tuple: TransportTuple | None = dump.rtcp_tuple
        self.srtp_parameters: SrtpParameters | None = dump.srtp_parameters
        self.on_tuple: Listeners[[TransportTuple]] = Listeners()
        self.on_rtcp_tuple: Listeners[[TransportTuple]] = Listeners()

    async def connect(
        self,
        *,
        ip: str | None = None,
        port: int | None = None,
        rtcp_port: int | None = None,
        srtp_parameters: SrtpParameters | None = None,
    ) -> None:
        """Tell the remote end; once per transport. Not needed with `comedia` and without SRTP.

        Args:
            ip: its address, left out with `comedia`.
            port: where it wants RTP, left out with `comedia`.
            rtcp_port: where it wants RTCP, only without `rtcp_mux`.
            srtp_parameters: its key, with SRTP. Its suite replaces ours.

        Raises:
            WorkerRejected: something missing, or too much, or called twice.
            MediaError: see `errors`.
        """
        self.require_open()
        connected = await self._channel.request(
            codec.connect(self.id, ip=ip, port=port, rtcp_port=rtcp_port, srtp_parameters=srtp_parameters)
        )
        self.tuple = connected.tuple or self.tuple
        self.rtcp_tuple = connected.rtcp_tuple or self.rtcp_tuple
        self.srtp_parameters = connected.srtp_parameters or self.srtp_parameters

    @override
    async def get_stats(self) -> PlainTransportStats:
        """Traffic and ends. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.get_stats(self.id))

    @override
    async def dump(self) -> PlainTransportDump:
        """The transport as the worker sees it. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    @override
    def _hear(self, notification: Notification) -> None:
        if notification.event == codec.TUPLE:
            self.tuple = codec.read_tuple_notification(notification)
            self.on_tuple.tell(self.tuple)
        elif notification.event == codec.RTCP_TUPLE:
            rtcp_tuple = codec.read_rtcp_tuple_notification(notification)
            self.rtcp_tuple = rtcp_tuple
            self.on_rtcp_tuple.tell(rtcp_tuple)
        else:
            super()._hear(notification)

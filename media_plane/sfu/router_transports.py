"""Making a router's transports, and keeping what came by them."""

from collections.abc import Sequence
from typing import Any, TypeVar

from media_plane.channel.channel import Channel
from media_plane.channel.codec import router as codec
from media_plane.channel.codec.pipe_transport import PipeTransportOptions
from media_plane.channel.codec.plain_transport import PlainTransportOptions
from media_plane.channel.codec.web_rtc_transport import WebRtcTransportOptions
from media_plane.channel.values.transport import ListenInfo, SctpOptions, SrtpCryptoSuite
from media_plane.channel.values.transport_reports import WebRtcTransportDump
from media_plane.ortc.rtp import RtpCapabilities
from media_plane.sfu.base_transport import BaseTransport, RouterSide
from media_plane.sfu.closable import Closable
from media_plane.sfu.creator import Creator, choose_id
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.direct_transport import DirectTransport
from media_plane.sfu.errors import InvalidState, InvalidValue
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.pipe_transport import PipeTransport
from media_plane.sfu.plain_transport import DEFAULT_SRTP_CRYPTO_SUITE, PlainTransport
from media_plane.sfu.producer import Producer
from media_plane.sfu.transport import MediaTransport
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.webrtc_transport import WebRtcTransport

T = TypeVar("T", bound=MediaTransport)

INITIAL_OUTGOING_BITRATE_BPS = 600_000
"""Bits per second assumed before the first estimate. Source: mediasoup 3.27.1, node/lib/Router.js."""


class RouterTransports(Closable):
    """The part of a router that makes its transports.

    Attributes:
        id: as chosen by the caller.
        rtp_capabilities: what the router can pass on, for browsers to be shown.
        on_new_transport: told each transport made.
    """

    def __init__(self, *, channel: Channel, router_id: str, rtp_capabilities: RtpCapabilities) -> None:
        super().__init__()
        self._channel = channel
        self._transports: dict[str, MediaTransport] = {}
        self._producers: dict[str, Producer] = {}
        self._data_producers: dict[str, DataProducer] = {}
        self._creator = Creator(channel)
        self.id = router_id
        self.rtp_capabilities = rtp_capabilities
        self.on_new_transport: Listeners[[MediaTransport]] = Listeners()
        self._side = RouterSide(
            router_id=router_id,
            get_rtp_capabilities=lambda: self.rtp_capabilities,
            find_producer=self._producers.get,
            add_producer=self._add_producer,
            forget_producer=self._forget_producer,
            find_data_producer=self._data_producers.get,
            add_data_producer=self._add_data_producer,
            forget_data_producer=self._forget_data_producer,
            forget_transport=self._forget_transport,
        )

    @property
    def transports(self) -> list[MediaTransport]:
        """Open transports, oldest first."""
        return list(self._transports.values())

    async def create_webrtc_transport(
        self,
        *,
        webrtc_server: WebRtcServer | None = None,
        listen_infos: Sequence[ListenInfo] = (),
        transport_id: str | None = None,
        enable_udp: bool = True,
        enable_tcp: bool = True,
        prefer_udp: bool = False,
        prefer_tcp: bool = False,
        initial_available_outgoing_bitrate: int = INITIAL_OUTGOING_BITRATE_BPS,
        ice_consent_timeout_s: int = 30,
        sctp: SctpOptions | None = None,
        app_data: Any = None,
    ) -> WebRtcTransport:
        """Make a transport to a browser.

        Args:
            webrtc_server: whose sockets it shares.
            listen_infos: addresses of its own sockets instead; exactly one of the two is given.
            transport_id: unique in the worker; None makes one.
            enable_udp: offer UDP candidates.
            enable_tcp: offer TCP candidates.
            prefer_udp: give UDP the higher priority.
            prefer_tcp: give TCP the higher priority.
            initial_available_outgoing_bitrate: bits per second assumed before the first estimate, > 0.
            ice_consent_timeout_s: 0..255 seconds without consent until ICE is disconnected; 0 never.
            sctp: limits for data channels; None means none.
            app_data: kept on the transport.

        Raises:
            InvalidState: the router or server is closed, or was meanwhile, belongs to another worker, or the id is taken.
            InvalidValue: both or neither of `webrtc_server` and `listen_infos`, or a number out of range.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        if (webrtc_server is None) == (not listen_infos):
            raise InvalidValue("Give either a WebRTC server or addresses to listen on.")
        if webrtc_server is not None and not webrtc_server.belongs_to(self._channel):
            raise InvalidState("The WebRTC server belongs to another worker.")
        options = WebRtcTransportOptions(
            webrtc_server_id=None if webrtc_server is None else webrtc_server.id,
            listen_infos=listen_infos,
            enable_udp=enable_udp,
            enable_tcp=enable_tcp,
            prefer_udp=prefer_udp,
            prefer_tcp=prefer_tcp,
            initial_available_outgoing_bitrate=initial_available_outgoing_bitrate,
            ice_consent_timeout_s=ice_consent_timeout_s,
            sctp=sctp,
        )
        chosen = choose_id(transport_id)
        dump = await self._creator.create(
            chosen,
            codec.create_webrtc_transport(self.id, chosen, options, alike=_find_alike(webrtc_server, options)),
            lambda: codec.close_transport(self.id, chosen),
            *((self,) if webrtc_server is None else (self, webrtc_server)),
        )
        transport = WebRtcTransport(channel=self._channel, router=self._side, dump=dump, app_data=app_data)
        if webrtc_server is not None:
            webrtc_server.new_transports.setdefault(options.key, dump)
            webrtc_server.adopt(transport)
        return self._keep(transport)

    async def create_plain_transport(
        self,
        *,
        listen_info: ListenInfo,
        rtcp_listen_info: ListenInfo | None = None,
        transport_id: str | None = None,
        rtcp_mux: bool = True,
        comedia: bool = False,
        enable_srtp: bool = False,
        srtp_crypto_suite: SrtpCryptoSuite = DEFAULT_SRTP_CRYPTO_SUITE,
        sctp: SctpOptions | None = None,
        app_data: Any = None,
    ) -> PlainTransport:
        """Make a transport for plain RTP.

        Args:
            listen_info: where RTP comes in.
            rtcp_listen_info: where RTCP comes in, only without `rtcp_mux`; None means another port of the same address.
            transport_id: unique in the worker; None makes one.
            rtcp_mux: RTP and RTCP share a port.
            comedia: learn the remote end from its first packet.
            enable_srtp: encrypt with `srtp_crypto_suite`.
            srtp_crypto_suite: the suite of our key, used with `enable_srtp`.
            sctp: limits for data; None means none.
            app_data: kept on the transport.

        Raises:
            InvalidState: the router is closed, or was meanwhile, or the id is taken.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        options = PlainTransportOptions(
            listen_info=listen_info,
            rtcp_listen_info=rtcp_listen_info,
            rtcp_mux=rtcp_mux,
            comedia=comedia,
            srtp_crypto_suite=srtp_crypto_suite if enable_srtp else None,
            sctp=sctp,
        )
        chosen = choose_id(transport_id)
        dump = await self._creator.create(
            chosen,
            codec.create_plain_transport(self.id, chosen, options),
            lambda: codec.close_transport(self.id, chosen),
            self,
        )
        return self._keep(PlainTransport(channel=self._channel, router=self._side, dump=dump, app_data=app_data))

    async def create_pipe_transport(
        self,
        *,
        listen_info: ListenInfo,
        transport_id: str | None = None,
        enable_rtx: bool = False,
        enable_srtp: bool = False,
        sctp: SctpOptions | None = None,
        app_data: Any = None,
    ) -> PipeTransport:
        """Make a transport to another router; `pipe_to_router` does it for routers of this process.

        Args:
            listen_info: where everything comes in, by UDP.
            transport_id: unique in the worker; None makes one.
            enable_rtx: ask for lost packets again; both ends must.
            enable_srtp: encrypt with AEAD_AES_256_GCM; both ends must.
            sctp: limits for data; None means none.
            app_data: kept on the transport.

        Raises:
            InvalidState: the router is closed, or was meanwhile, or the id is taken.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        options = PipeTransportOptions(
            listen_info=listen_info, enable_rtx=enable_rtx, enable_srtp=enable_srtp, sctp=sctp
        )
        chosen = choose_id(transport_id)
        dump = await self._creator.create(
            chosen,
            codec.create_pipe_transport(self.id, chosen, options),
            lambda: codec.close_transport(self.id, chosen),
            self,
        )
        return self._keep(PipeTransport(channel=self._channel, router=self._side, dump=dump, app_data=app_data))

    async def create_direct_transport(
        self,
        *,
        transport_id: str | None = None,
        max_send_message_size: int = 262_144,
        max_receive_message_size: int = 262_144,
        app_data: Any = None,
    ) -> DirectTransport:
        """Make a transport to ourselves.

        Args:
            transport_id: unique in the worker; None makes one.
            max_send_message_size: bytes a data consumer's message may have, > 0.
            max_receive_message_size: bytes a data producer's message may have, > 0.
            app_data: kept on the transport.

        Raises:
            InvalidState: the router is closed, or was meanwhile, or the id is taken.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        limits = SctpOptions(
            max_send_message_size=max_send_message_size, max_receive_message_size=max_receive_message_size
        )
        chosen = choose_id(transport_id)
        dump = await self._creator.create(
            chosen,
            codec.create_direct_transport(self.id, chosen, limits),
            lambda: codec.close_transport(self.id, chosen),
            self,
        )
        return self._keep(DirectTransport(channel=self._channel, router=self._side, dump=dump, app_data=app_data))

    def _keep(self, transport: T) -> T:
        self._transports[transport.id] = transport
        self.on_new_transport.tell(transport)
        return transport

    def _add_producer(self, producer: Producer) -> None:
        self._producers[producer.id] = producer

    def _forget_producer(self, producer: Producer) -> None:
        self._producers.pop(producer.id, None)

    def _add_data_producer(self, data_producer: DataProducer) -> None:
        self._data_producers[data_producer.id] = data_producer

    def _forget_data_producer(self, data_producer: DataProducer) -> None:
        self._data_producers.pop(data_producer.id, None)

    def _forget_transport(self, transport: BaseTransport) -> None:
        self._transports.pop(transport.id, None)
        self._creator.release(transport.id)


def _find_alike(server: WebRtcServer | None, options: WebRtcTransportOptions) -> WebRtcTransportDump | None:
    return None if server is None else server.new_transports.get(options.key)

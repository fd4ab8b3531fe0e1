"""A WebRTC server: one UDP and one TCP port shared by many transports."""

from collections.abc import Callable, Hashable
from typing import Any

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import web_rtc_server as codec
from media_plane.channel.codec import worker as worker_codec
from media_plane.channel.values.transport_reports import WebRtcTransportDump
from media_plane.channel.values.worker import WebRtcServerDump
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.webrtc_transport import WebRtcTransport


class WebRtcServer(Closable):
    """Sockets that WebRTC transports of one worker share. Made by `Worker.create_webrtc_server`.

    Attributes:
        id: as chosen by the caller.
        app_data: whatever the caller wants to find here again.
        new_transports: what the worker answered for a new transport, by its options' key. For the routers of this package.
        on_transport_handled, on_transport_unhandled: told each transport that listens here, or no longer.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        server_id: str,
        forget: Callable[["WebRtcServer"], None],
        app_data: Any = None,
    ) -> None:
        super().__init__()
        self._channel = channel
        self._forget = forget
        self._transports: dict[str, WebRtcTransport] = {}
        self.new_transports: dict[Hashable, WebRtcTransportDump] = {}
        self.id = server_id
        self.app_data = app_data
        self.on_transport_handled: Listeners[[WebRtcTransport]] = Listeners()
        self.on_transport_unhandled: Listeners[[WebRtcTransport]] = Listeners()

    @property
    def transports(self) -> list[WebRtcTransport]:
        """Open transports on these sockets, oldest first."""
        return list(self._transports.values())

    def belongs_to(self, channel: Channel) -> bool:
        """Whether it is of the worker behind this channel."""
        return self._channel is channel

    def adopt(self, transport: WebRtcTransport) -> None:
        """Note a transport that listens here. For the router that made it."""
        self._transports[transport.id] = transport

        def forget(_reason: CloseReason) -> None:
            self._transports.pop(transport.id, None)
            self.on_transport_unhandled.tell(transport)

        transport.on_close(forget)
        self.on_transport_handled.tell(transport)

    async def dump(self) -> WebRtcServerDump:
        """Sockets and transports as the worker sees them. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    @override
    def _shut(self, reason: CloseReason) -> None:
        if reason == "closed":
            self._channel.post(worker_codec.close_webrtc_server(self.id))
            # With the worker gone, the routers tell their transports themselves.
            for transport in self.transports:
                transport.closed_by("server_closed")
        self._transports.clear()
        self._forget(self)

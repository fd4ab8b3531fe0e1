"""A transport to a browser: ICE Lite, DTLS, SRTP."""

from typing import Any, ClassVar

import msgspec
from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import transport as base_codec
from media_plane.channel.codec import web_rtc_transport as codec
from media_plane.channel.codec.message import Notification
from media_plane.channel.values.transport import (
    DtlsParameters,
    DtlsState,
    IceCandidate,
    IceParameters,
    IceRole,
    IceState,
    TransportTuple,
)
from media_plane.channel.values.transport_reports import WebRtcTransportDump, WebRtcTransportStats
from media_plane.sfu.base_transport import RouterSide, TransportType
from media_plane.sfu.closable import CloseReason
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.transport import Transport


class WebRtcTransport(Transport):
    """A transport to a browser. Made by `Router.create_webrtc_transport`.

    Attributes:
        ice_role: always "controlled": we are ICE Lite.
        ice_parameters, ice_candidates, dtls_parameters: for the browser to be shown.
        ice_state, dtls_state: where the connection stands.
        ice_selected_tuple: the addresses in use, None before ICE is connected.
        dtls_remote_cert: the peer's certificate in PEM, None before DTLS is connected.
        on_ice_state_change, on_dtls_state_change: told the new state; closing tells nothing here, but `on_close`.
        on_ice_selected_tuple_change: told the addresses now in use.
    """

    type: ClassVar[TransportType] = "webrtc"

    def __init__(
        self, *, channel: Channel, router: RouterSide, dump: WebRtcTransportDump, app_data: Any = None
    ) -> None:
        super().__init__(channel=channel, router=router, dump=dump, app_data=app_data)
        self.ice_role: IceRole = dump.ice_role
        self.ice_parameters: IceParameters = dump.ice_parameters
        self.ice_candidates: list[IceCandidate] = dump.ice_candidates
        self.ice_state: IceState = dump.ice_state
        self.ice_selected_tuple: TransportTuple | None = dump.ice_selected_tuple
        self.dtls_parameters: DtlsParameters = dump.dtls_parameters
        self.dtls_state: DtlsState = dump.dtls_state
        self.dtls_remote_cert: str | None = None
        self.on_ice_state_change: Listeners[[IceState]] = Listeners()
        self.on_ice_selected_tuple_change: Listeners[[TransportTuple]] = Listeners()
        self.on_dtls_state_change: Listeners[[DtlsState]] = Listeners()

    async def connect(self, *, dtls_parameters: DtlsParameters) -> None:
        """Tell who the browser proves to be; once per transport.

        Args:
            dtls_parameters: its fingerprints, at least one, and its role.

        Raises:
            WorkerRejected: called twice, or fingerprints the worker can't use.
            MediaError: see `errors`.
        """
        self.require_open()
        role = await self._channel.request(codec.connect(self.id, dtls_parameters))
        self.dtls_parameters = msgspec.structs.replace(self.dtls_parameters, role=role)

    async def restart_ice(self) -> IceParameters:
        """Change our ICE credentials, for the browser to be shown.

        Returns:
            The new credentials, also in `ice_parameters`.

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        self.ice_parameters = await self._channel.request(base_codec.restart_ice(self.id))
        return self.ice_parameters

    @override
    async def get_stats(self) -> WebRtcTransportStats:
        """Traffic and states. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.get_stats(self.id))

    @override
    async def dump(self) -> WebRtcTransportDump:
        """The transport as the worker sees it. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    @override
    def _shut(self, reason: CloseReason) -> None:
        self.ice_state = "closed"
        self.ice_selected_tuple = None
        self.dtls_state = "closed"
        super()._shut(reason)

    @override
    def _hear(self, notification: Notification) -> None:
        if notification.event == codec.ICE_STATE_CHANGE:
            self.ice_state = codec.read_ice_state_change(notification)
            self.on_ice_state_change.tell(self.ice_state)
        elif notification.event == codec.ICE_SELECTED_TUPLE_CHANGE:
            selected = codec.read_ice_selected_tuple_change(notification)
            self.ice_selected_tuple = selected
            self.on_ice_selected_tuple_change.tell(selected)
        elif notification.event == codec.DTLS_STATE_CHANGE:
            self.dtls_state, certificate = codec.read_dtls_state_change(notification)
            self.dtls_remote_cert = certificate or self.dtls_remote_cert
            self.on_dtls_state_change.tell(self.dtls_state)
        else:
            super()._hear(notification)

"""WebRTC transports: ICE and DTLS. Schema: webRtcTransport.fbs."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from flatbuffers import Builder

from media_plane.channel.codec.listen_info import (
    PROTOCOL_NAMES,
    read_optional_tuple,
    read_tuple,
    write_listen_info,
)
from media_plane.channel.codec.message import Notification, RequestMessage, Response, encode_request
from media_plane.channel.codec.quick import follow, read_places, read_text_at
from media_plane.channel.codec.tables import (
    Offset,
    TableWriter,
    name_of,
    number_of,
    read_optional_text,
    read_text,
    read_vector,
    write_text,
    write_vector,
)
from media_plane.channel.codec.transport import read_base_dump, read_base_stats, write_base_options
from media_plane.channel.errors import BrokenMessage
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.WebRtcTransport import (
    ConnectRequest,
    Fingerprint,
    ListenIndividual,
    ListenServer,
)
from media_plane.channel.fbs.FBS.WebRtcTransport import (
    DtlsParameters as DtlsParametersModule,
)
from media_plane.channel.fbs.FBS.WebRtcTransport import (
    WebRtcTransportOptions as OptionsModule,
)
from media_plane.channel.fbs.FBS.WebRtcTransport.ConnectResponse import ConnectResponse
from media_plane.channel.fbs.FBS.WebRtcTransport.DtlsRole import DtlsRole as FbsDtlsRole
from media_plane.channel.fbs.FBS.WebRtcTransport.DtlsState import DtlsState as FbsDtlsState
from media_plane.channel.fbs.FBS.WebRtcTransport.DtlsStateChangeNotification import DtlsStateChangeNotification
from media_plane.channel.fbs.FBS.WebRtcTransport.DumpResponse import DumpResponse
from media_plane.channel.fbs.FBS.WebRtcTransport.FingerprintAlgorithm import FingerprintAlgorithm as FbsAlgorithm
from media_plane.channel.fbs.FBS.WebRtcTransport.GetStatsResponse import GetStatsResponse
from media_plane.channel.fbs.FBS.WebRtcTransport.IceRole import IceRole as FbsIceRole
from media_plane.channel.fbs.FBS.WebRtcTransport.IceSelectedTupleChangeNotification import (
    IceSelectedTupleChangeNotification,
)
from media_plane.channel.fbs.FBS.WebRtcTransport.IceState import IceState as FbsIceState
from media_plane.channel.fbs.FBS.WebRtcTransport.IceStateChangeNotification import IceStateChangeNotification
from media_plane.channel.fbs.FBS.WebRtcTransport.Listen import Listen
from media_plane.channel.values.transport import (
    DtlsFingerprint,
    DtlsParameters,
    DtlsRole,
    DtlsState,
    FingerprintAlgorithm,
    IceCandidate,
    IceParameters,
    IceRole,
    IceState,
    ListenInfo,
    SctpOptions,
    TransportTuple,
)
from media_plane.channel.values.transport_reports import WebRtcTransportDump, WebRtcTransportStats

ICE_SELECTED_TUPLE_CHANGE: int = Event.WEBRTCTRANSPORT_ICE_SELECTED_TUPLE_CHANGE
ICE_STATE_CHANGE: int = Event.WEBRTCTRANSPORT_ICE_STATE_CHANGE
DTLS_STATE_CHANGE: int = Event.WEBRTCTRANSPORT_DTLS_STATE_CHANGE

_DTLS_ROLES: dict[DtlsRole, int] = {
    "auto": FbsDtlsRole.AUTO,
    "client": FbsDtlsRole.CLIENT,
    "server": FbsDtlsRole.SERVER,
}
_DTLS_ROLE_NAMES: dict[int, DtlsRole] = {number: name for name, number in _DTLS_ROLES.items()}
_DTLS_STATE_NAMES: dict[int, DtlsState] = {
    FbsDtlsState.NEW: "new",
    FbsDtlsState.CONNECTING: "connecting",
    FbsDtlsState.CONNECTED: "connected",
    FbsDtlsState.FAILED: "failed",
    FbsDtlsState.CLOSED: "closed",
}
_ALGORITHMS: dict[FingerprintAlgorithm, int] = {
    "sha-1": FbsAlgorithm.SHA1,
    "sha-224": FbsAlgorithm.SHA224,
    "sha-256": FbsAlgorithm.SHA256,
    "sha-384": FbsAlgorithm.SHA384,
    "sha-512": FbsAlgorithm.SHA512,
}
_ALGORITHM_NAMES: dict[int, FingerprintAlgorithm] = {number: name for name, number in _ALGORITHMS.items()}
_ICE_ROLE_NAMES: dict[int, IceRole] = {FbsIceRole.CONTROLLED: "controlled", FbsIceRole.CONTROLLING: "controlling"}
_ICE_STATE_NAMES: dict[int, IceState] = {
    FbsIceState.NEW: "new",
    FbsIceState.CONNECTED: "connected",
    FbsIceState.COMPLETED: "completed",
    FbsIceState.DISCONNECTED: "disconnected",
}

_ICE_PARAMETERS = 2
"""Place of `ice_parameters` in DumpResponse; user name fragment and password are the first two in IceParameters."""

_write_options = TableWriter(OptionsModule)
_write_listen_server = TableWriter(ListenServer)
_write_listen_individual = TableWriter(ListenIndividual)
_write_fingerprint = TableWriter(Fingerprint)
_write_dtls_parameters = TableWriter(DtlsParametersModule)
_connect = TableWriter(ConnectRequest)


@dataclass(slots=True, frozen=True, kw_only=True)
class WebRtcTransportOptions:
    """What a WebRTC transport is created with.

    Attributes:
        webrtc_server_id: the server whose sockets it shares; None means sockets of its own.
        listen_infos: addresses of its own sockets, used without a server.
        enable_udp, enable_tcp, prefer_udp, prefer_tcp: which candidates are offered, and which first.
        initial_available_outgoing_bitrate: bits per second assumed before the first estimate.
        ice_consent_timeout_s: 0..255, seconds without consent until ICE is disconnected; 0 never (RFC 7675).
        sctp: None switches data channels off.
    """

    webrtc_server_id: str | None
    listen_infos: Sequence[ListenInfo] = ()
    enable_udp: bool = True
    enable_tcp: bool = True
    prefer_udp: bool = False
    prefer_tcp: bool = False
    initial_available_outgoing_bitrate: int = 600_000
    ice_consent_timeout_s: int = 30
    sctp: SctpOptions | None = None

    @property
    def key(self) -> Hashable:
        """Stands for everything but the server; for transports on a server."""
        return (
            *(self.enable_udp, self.enable_tcp, self.prefer_udp, self.prefer_tcp),
            *(self.initial_available_outgoing_bitrate, self.ice_consent_timeout_s, self.sctp),
        )


def write_webrtc_transport_options(builder: Builder, options: WebRtcTransportOptions) -> Offset:
    """Write what a WebRTC transport is created with."""
    if options.webrtc_server_id is None:
        infos = [write_listen_info(builder, info) for info in options.listen_infos]
        listen = _write_listen_individual(builder, listen_infos=write_vector(builder, infos))
    else:
        listen = _write_listen_server(builder, web_rtc_server_id=write_text(builder, options.webrtc_server_id))
    return _write_options(
        builder,
        base=write_base_options(
            builder,
            sctp=options.sctp,
            is_data_channel=True,
            initial_available_outgoing_bitrate=options.initial_available_outgoing_bitrate,
        ),
        listen_type=Listen.ListenIndividual if options.webrtc_server_id is None else Listen.ListenServer,
        listen=listen,
        enable_udp=options.enable_udp,
        enable_tcp=options.enable_tcp,
        prefer_udp=options.prefer_udp,
        prefer_tcp=options.prefer_tcp,
        ice_consent_timeout=options.ice_consent_timeout_s,
    )


def dump(transport_id: str) -> RequestMessage[WebRtcTransportDump]:
    """Ask for what the transport holds."""
    return encode_request(Method.TRANSPORT_DUMP, transport_id, read_webrtc_transport_dump)


def get_stats(transport_id: str) -> RequestMessage[WebRtcTransportStats]:
    """Ask for the transport's traffic."""
    return encode_request(Method.TRANSPORT_GET_STATS, transport_id, _read_stats)


def connect(transport_id: str, dtls_parameters: DtlsParameters) -> RequestMessage[DtlsRole]:
    """Tell the peer's fingerprints and role; answers our role."""
    builder = Builder(256)
    fingerprints = [
        _write_fingerprint(
            builder,
            algorithm=number_of(_ALGORITHMS, fingerprint.algorithm, "fingerprint algorithm"),
            value=write_text(builder, fingerprint.value),
        )
        for fingerprint in dtls_parameters.fingerprints
    ]
    parameters = _write_dtls_parameters(
        builder,
        fingerprints=write_vector(builder, fingerprints),
        role=number_of(_DTLS_ROLES, dtls_parameters.role, "DTLS role"),
    )
    return encode_request(
        Method.WEBRTCTRANSPORT_CONNECT,
        transport_id,
        _read_connect,
        builder=builder,
        body_type=Body.WebRtcTransport_ConnectRequest,
        body=_connect(builder, dtls_parameters=parameters),
    )


def read_webrtc_transport_dump(response: Response) -> WebRtcTransportDump:
    """Read a dump, which also answers the creation."""
    table: Any = response.read(DumpResponse)
    ice = table.IceParameters()
    dtls = table.DtlsParameters()
    return WebRtcTransportDump(
        **read_base_dump(table.Base()),
        ice_role=name_of(_ICE_ROLE_NAMES, table.IceRole(), "ICE role"),
        ice_parameters=IceParameters(
            username_fragment=read_text(ice.UsernameFragment()),
            password=read_text(ice.Password()),
            ice_lite=ice.IceLite(),
        ),
        ice_candidates=read_vector(table, "IceCandidates", _read_candidate),
        ice_state=name_of(_ICE_STATE_NAMES, table.IceState(), "ICE state"),
        ice_selected_tuple=read_optional_tuple(table.IceSelectedTuple()),
        dtls_parameters=DtlsParameters(
            fingerprints=read_vector(dtls, "Fingerprints", _read_fingerprint),
            role=name_of(_DTLS_ROLE_NAMES, dtls.Role(), "DTLS role"),
        ),
        dtls_state=name_of(_DTLS_STATE_NAMES, table.DtlsState(), "DTLS state"),
    )


def read_similar_webrtc_transport(
    alike: WebRtcTransportDump, transport_id: str, response: Response
) -> WebRtcTransportDump:
    """Read the ICE credentials of a new transport; all else is as in that of another.

    Raises:
        BrokenMessage: the answer has no body.
    """
    table = response.body
    if table is None:
        raise BrokenMessage("The worker's answer has no DumpResponse.")
    data = table.Bytes
    ice = follow(data, table.Pos + read_places(data, table.Pos)[_ICE_PARAMETERS])
    fragment, password, *_ = read_places(data, ice)
    return msgspec.structs.replace(
        alike,
        id=transport_id,
        ice_parameters=IceParameters(
            username_fragment=read_text_at(data, ice + fragment), password=read_text_at(data, ice + password)
        ),
    )


def read_ice_state_change(notification: Notification) -> IceState:
    """Read the new ICE state."""
    return name_of(_ICE_STATE_NAMES, notification.read(IceStateChangeNotification).IceState(), "ICE state")


def read_ice_selected_tuple_change(notification: Notification) -> TransportTuple:
    """Read the pair of addresses ICE has chosen."""
    return read_tuple(notification.read(IceSelectedTupleChangeNotification).Tuple())


def read_dtls_state_change(notification: Notification) -> tuple[DtlsState, str | None]:
    """Read the new DTLS state, and the peer's certificate in PEM once connected."""
    table: Any = notification.read(DtlsStateChangeNotification)
    state = name_of(_DTLS_STATE_NAMES, table.DtlsState(), "DTLS state")
    return state, read_optional_text(table.RemoteCert())


def _read_candidate(table: Any) -> IceCandidate:
    address = read_text(table.Address())
    return IceCandidate(
        foundation=read_text(table.Foundation()),
        priority=table.Priority(),
        ip=address,
        address=address,
        protocol=name_of(PROTOCOL_NAMES, table.Protocol(), "protocol"),
        port=table.Port(),
        type="host",
        tcp_type=None if table.TcpType() is None else "passive",
    )


def _read_fingerprint(table: Any) -> DtlsFingerprint:
    algorithm = name_of(_ALGORITHM_NAMES, table.Algorithm(), "fingerprint algorithm")
    return DtlsFingerprint(algorithm=algorithm, value=read_text(table.Value()))


def _read_connect(response: Response) -> DtlsRole:
    return name_of(_DTLS_ROLE_NAMES, response.read(ConnectResponse).DtlsLocalRole(), "DTLS role")


def _read_stats(response: Response) -> WebRtcTransportStats:
    table: Any = response.read(GetStatsResponse)
    return WebRtcTransportStats(
        **read_base_stats(table.Base()),
        ice_role=name_of(_ICE_ROLE_NAMES, table.IceRole(), "ICE role"),
        ice_state=name_of(_ICE_STATE_NAMES, table.IceState(), "ICE state"),
        ice_selected_tuple=read_optional_tuple(table.IceSelectedTuple()),
        dtls_state=name_of(_DTLS_STATE_NAMES, table.DtlsState(), "DTLS state"),
    )

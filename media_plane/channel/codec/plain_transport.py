"""Plain RTP transports. Schema: plainTransport.fbs."""

from dataclasses import dataclass
from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.listen_info import read_optional_tuple, read_tuple, write_listen_info
from media_plane.channel.codec.message import Notification, RequestMessage, Response, encode_request
from media_plane.channel.codec.srtp_parameters import SUITES, read_srtp_parameters, write_srtp_parameters
from media_plane.channel.codec.tables import Offset, TableWriter, number_of, write_optional_text
from media_plane.channel.codec.transport import read_base_dump, read_base_stats, write_base_options
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.PlainTransport import ConnectRequest
from media_plane.channel.fbs.FBS.PlainTransport import PlainTransportOptions as OptionsModule
from media_plane.channel.fbs.FBS.PlainTransport.ConnectResponse import ConnectResponse
from media_plane.channel.fbs.FBS.PlainTransport.DumpResponse import DumpResponse
from media_plane.channel.fbs.FBS.PlainTransport.GetStatsResponse import GetStatsResponse
from media_plane.channel.fbs.FBS.PlainTransport.RtcpTupleNotification import RtcpTupleNotification
from media_plane.channel.fbs.FBS.PlainTransport.TupleNotification import TupleNotification
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.values.transport import (
    ListenInfo,
    SctpOptions,
    SrtpCryptoSuite,
    SrtpParameters,
    TransportTuple,
)
from media_plane.channel.values.transport_reports import PlainTransportDump, PlainTransportStats

TUPLE: int = Event.PLAINTRANSPORT_TUPLE
RTCP_TUPLE: int = Event.PLAINTRANSPORT_RTCP_TUPLE

_write_options = TableWriter(OptionsModule)
_connect = TableWriter(ConnectRequest)


@dataclass(slots=True, frozen=True, kw_only=True)
class PlainTransportOptions:
    """What a plain transport is created with.

    Attributes:
        listen_info: where RTP comes in (and RTCP, with `rtcp_mux`).
        rtcp_listen_info: where RTCP comes in without `rtcp_mux`; None means a port of the same address.
        rtcp_mux: RTP and RTCP share a port (RFC 5761).
        comedia: learn the remote end from the first packet.
        srtp_crypto_suite: None means no encryption.
        sctp: None switches SCTP off.
    """

    listen_info: ListenInfo
    rtcp_listen_info: ListenInfo | None = None
    rtcp_mux: bool = True
    comedia: bool = False
    srtp_crypto_suite: SrtpCryptoSuite | None = None
    sctp: SctpOptions | None = None


@dataclass(slots=True, frozen=True, kw_only=True)
class PlainConnected:
    """What the worker answers to `connect`; None where it has nothing to say."""

    tuple: TransportTuple | None
    rtcp_tuple: TransportTuple | None
    srtp_parameters: SrtpParameters | None


def write_plain_transport_options(builder: Builder, options: PlainTransportOptions) -> Offset:
    """Write what a plain transport is created with."""
    suite = options.srtp_crypto_suite
    rtcp = options.rtcp_listen_info
    return _write_options(
        builder,
        base=write_base_options(builder, sctp=options.sctp, is_data_channel=False),
        listen_info=write_listen_info(builder, options.listen_info),
        rtcp_listen_info=None if rtcp is None else write_listen_info(builder, rtcp),
        rtcp_mux=options.rtcp_mux,
        comedia=options.comedia,
        enable_srtp=suite is not None,
        srtp_crypto_suite=None if suite is None else number_of(SUITES, suite, "SRTP crypto suite"),
    )


def dump(transport_id: str) -> RequestMessage[PlainTransportDump]:
    """Ask for what the transport holds."""
    return encode_request(Method.TRANSPORT_DUMP, transport_id, read_plain_transport_dump)


def get_stats(transport_id: str) -> RequestMessage[PlainTransportStats]:
    """Ask for the transport's traffic."""
    return encode_request(Method.TRANSPORT_GET_STATS, transport_id, _read_stats)


def connect(
    transport_id: str,
    *,
    ip: str | None,
    port: int | None,
    rtcp_port: int | None,
    srtp_parameters: SrtpParameters | None,
) -> RequestMessage[PlainConnected]:
    """Tell the remote end and its keys; None for what is not needed."""
    builder = Builder(256)
    body = _connect(
        builder,
        ip=write_optional_text(builder, ip),
        port=port,
        rtcp_port=rtcp_port,
        srtp_parameters=write_srtp_parameters(builder, srtp_parameters),
    )
    return encode_request(
        Method.PLAINTRANSPORT_CONNECT,
        transport_id,
        _read_connect,
        builder=builder,
        body_type=Body.PlainTransport_ConnectRequest,
        body=body,
    )


def read_plain_transport_dump(response: Response) -> PlainTransportDump:
    """Read a dump, which also answers the creation."""
    table: Any = response.read(DumpResponse)
    return PlainTransportDump(
        **read_base_dump(table.Base()),
        rtcp_mux=table.RtcpMux(),
        comedia=table.Comedia(),
        tuple=read_tuple(table.Tuple()),
        rtcp_tuple=read_optional_tuple(table.RtcpTuple()),
        srtp_parameters=read_srtp_parameters(table.SrtpParameters()),
    )


def read_tuple_notification(notification: Notification) -> TransportTuple:
    """Read the RTP flow learned from a first packet."""
    return read_tuple(notification.read(TupleNotification).Tuple())


def read_rtcp_tuple_notification(notification: Notification) -> TransportTuple:
    """Read the RTCP flow learned from a first packet."""
    return read_tuple(notification.read(RtcpTupleNotification).Tuple())


def _read_connect(response: Response) -> PlainConnected:
    table: Any = response.read(ConnectResponse)
    return PlainConnected(
        tuple=read_optional_tuple(table.Tuple()),
        rtcp_tuple=read_optional_tuple(table.RtcpTuple()),
        srtp_parameters=read_srtp_parameters(table.SrtpParameters()),
    )


def _read_stats(response: Response) -> PlainTransportStats:
    table: Any = response.read(GetStatsResponse)
    return PlainTransportStats(
        **read_base_stats(table.Base()),
        rtcp_mux=table.RtcpMux(),
        comedia=table.Comedia(),
        tuple=read_tuple(table.Tuple()),
        rtcp_tuple=read_optional_tuple(table.RtcpTuple()),
    )

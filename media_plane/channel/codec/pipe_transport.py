"""Pipe transports, between two routers. Schema: pipeTransport.fbs."""

from dataclasses import dataclass
from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.listen_info import read_tuple, write_listen_info
from media_plane.channel.codec.message import RequestMessage, Response, encode_request
from media_plane.channel.codec.srtp_parameters import read_srtp_parameters, write_srtp_parameters
from media_plane.channel.codec.tables import Offset, TableWriter, write_text
from media_plane.channel.codec.transport import read_base_dump, read_base_stats, write_base_options
from media_plane.channel.fbs.FBS.PipeTransport import ConnectRequest
from media_plane.channel.fbs.FBS.PipeTransport import PipeTransportOptions as OptionsModule
from media_plane.channel.fbs.FBS.PipeTransport.ConnectResponse import ConnectResponse
from media_plane.channel.fbs.FBS.PipeTransport.DumpResponse import DumpResponse
from media_plane.channel.fbs.FBS.PipeTransport.GetStatsResponse import GetStatsResponse
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.values.transport import ListenInfo, SctpOptions, SrtpParameters, TransportTuple
from media_plane.channel.values.transport_reports import PipeTransportDump, PipeTransportStats

_write_options = TableWriter(OptionsModule)
_connect = TableWriter(ConnectRequest)


@dataclass(slots=True, frozen=True, kw_only=True)
class PipeTransportOptions:
    """What a pipe transport is created with.

    Attributes:
        listen_info: where RTP, RTCP and SCTP come in.
        enable_rtx: ask for lost packets again, for pipes between machines.
        enable_srtp: encrypt with AEAD_AES_256_GCM, the only suite pipes have.
        sctp: None switches SCTP off.
    """

    listen_info: ListenInfo
    enable_rtx: bool = False
    enable_srtp: bool = False
    sctp: SctpOptions | None = None


def write_pipe_transport_options(builder: Builder, options: PipeTransportOptions) -> Offset:
    """Write what a pipe transport is created with."""
    return _write_options(
        builder,
        base=write_base_options(builder, sctp=options.sctp, is_data_channel=False),
        listen_info=write_listen_info(builder, options.listen_info),
        enable_rtx=options.enable_rtx,
        enable_srtp=options.enable_srtp,
    )


def dump(transport_id: str) -> RequestMessage[PipeTransportDump]:
    """Ask for what the transport holds."""
    return encode_request(Method.TRANSPORT_DUMP, transport_id, read_pipe_transport_dump)


def get_stats(transport_id: str) -> RequestMessage[PipeTransportStats]:
    """Ask for the transport's traffic."""
    return encode_request(Method.TRANSPORT_GET_STATS, transport_id, _read_stats)


def connect(
    transport_id: str, *, ip: str, port: int, srtp_parameters: SrtpParameters | None
) -> RequestMessage[TransportTuple]:
    """Tell the other end and its key; answers both ends."""
    builder = Builder(256)
    body = _connect(
        builder,
        ip=write_text(builder, ip),
        port=port,
        srtp_parameters=write_srtp_parameters(builder, srtp_parameters),
    )
    return encode_request(
        Method.PIPETRANSPORT_CONNECT,
        transport_id,
        _read_connect,
        builder=builder,
        body_type=Body.PipeTransport_ConnectRequest,
        body=body,
    )


def read_pipe_transport_dump(response: Response) -> PipeTransportDump:
    """Read a dump, which also answers the creation."""
    table: Any = response.read(DumpResponse)
    return PipeTransportDump(
        **read_base_dump(table.Base()),
        tuple=read_tuple(table.Tuple()),
        rtx=table.Rtx(),
        srtp_parameters=read_srtp_parameters(table.SrtpParameters()),
    )


def _read_connect(response: Response) -> TransportTuple:
    return read_tuple(response.read(ConnectResponse).Tuple())


def _read_stats(response: Response) -> PipeTransportStats:
    table: Any = response.read(GetStatsResponse)
    return PipeTransportStats(**read_base_stats(table.Base()), tuple=read_tuple(table.Tuple()))

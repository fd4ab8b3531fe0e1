"""Direct transports, between us and a router. Schema: directTransport.fbs."""

from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.message import Notification, RequestMessage, Response, encode_request
from media_plane.channel.codec.tables import Offset, TableWriter, read_bytes
from media_plane.channel.codec.transport import read_base_dump, read_base_stats, write_base_options
from media_plane.channel.fbs.FBS.DirectTransport import DirectTransportOptions as OptionsModule
from media_plane.channel.fbs.FBS.DirectTransport.DumpResponse import DumpResponse
from media_plane.channel.fbs.FBS.DirectTransport.GetStatsResponse import GetStatsResponse
from media_plane.channel.fbs.FBS.DirectTransport.RtcpNotification import RtcpNotification
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.values.transport import SctpOptions
from media_plane.channel.values.transport_reports import DirectTransportDump, DirectTransportStats

RTCP: int = Event.DIRECTTRANSPORT_RTCP

_write_options = TableWriter(OptionsModule)


def write_direct_transport_options(builder: Builder, limits: SctpOptions) -> Offset:
    """Write what a direct transport is created with; of the limits only the message sizes mean something."""
    return _write_options(builder, base=write_base_options(builder, sctp=None, is_data_channel=False, direct=limits))


def dump(transport_id: str) -> RequestMessage[DirectTransportDump]:
    """Ask for what the transport holds."""
    return encode_request(Method.TRANSPORT_DUMP, transport_id, read_direct_transport_dump)


def get_stats(transport_id: str) -> RequestMessage[DirectTransportStats]:
    """Ask for the transport's traffic."""
    return encode_request(Method.TRANSPORT_GET_STATS, transport_id, _read_stats)


def read_direct_transport_dump(response: Response) -> DirectTransportDump:
    """Read a dump, which also answers the creation."""
    table: Any = response.read(DumpResponse)
    return DirectTransportDump(**read_base_dump(table.Base()))


def read_rtcp(notification: Notification) -> bytes:
    """Read an RTCP packet meant for us."""
    return read_bytes(notification.read(RtcpNotification), 0)


def _read_stats(response: Response) -> DirectTransportStats:
    table: Any = response.read(GetStatsResponse)
    return DirectTransportStats(**read_base_stats(table.Base()))

"""Requests every kind of transport understands, and the parts their dumps share. Schema: transport.fbs.

Producing and consuming stand in `producer` and `consumer`.
"""

from collections.abc import Sequence
from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.message import (
    Notification,
    RequestMessage,
    Response,
    encode_notification,
    encode_request,
    read_nothing,
)
from media_plane.channel.codec.sctp import (
    read_sctp_negotiated_capabilities,
    read_sctp_parameters,
    read_sctp_state,
)
from media_plane.channel.codec.tables import (
    Offset,
    TableWriter,
    accessors_for,
    name_of,
    number_of,
    read_fields,
    read_numbered_texts,
    read_text,
    read_text_pairs,
    read_vector,
    write_bytes,
)
from media_plane.channel.errors import BrokenMessage
from media_plane.channel.fbs.FBS.Common.TraceDirection import TraceDirection as FbsTraceDirection
from media_plane.channel.fbs.FBS.Notification.Body import Body as NotificationBody
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.Transport import (
    EnableTraceEventRequest,
    Options,
    SendRtcpNotification,
    SetMaxIncomingBitrateRequest,
    SetMaxOutgoingBitrateRequest,
    SetMinOutgoingBitrateRequest,
)
from media_plane.channel.fbs.FBS.Transport.BweTraceInfo import BweTraceInfo as FbsBweTraceInfo
from media_plane.channel.fbs.FBS.Transport.BweType import BweType
from media_plane.channel.fbs.FBS.Transport.RestartIceResponse import RestartIceResponse
from media_plane.channel.fbs.FBS.Transport.SctpNegotiatedCapabilitiesNotification import (
    SctpNegotiatedCapabilitiesNotification,
)
from media_plane.channel.fbs.FBS.Transport.SctpStateChangeNotification import SctpStateChangeNotification
from media_plane.channel.fbs.FBS.Transport.TraceEventType import TraceEventType
from media_plane.channel.fbs.FBS.Transport.TraceNotification import TraceNotification
from media_plane.channel.values.transport import (
    BweTraceInfo,
    IceParameters,
    SctpNegotiatedCapabilities,
    SctpOptions,
    SctpState,
    TraceDirection,
    TransportTrace,
    TransportTraceType,
)
from media_plane.channel.values.transport_reports import RecvRtpHeaderExtensions, RtpListenerDump, TransportStats

SCTP_STATE_CHANGE: int = Event.TRANSPORT_SCTP_STATE_CHANGE
SCTP_NEGOTIATED_CAPABILITIES: int = Event.TRANSPORT_SCTP_NEGOTIATED_CAPABILITIES
TRACE: int = Event.TRANSPORT_TRACE

_TRACE_TYPES: dict[TransportTraceType, int] = {"probation": TraceEventType.PROBATION, "bwe": TraceEventType.BWE}
_TRACE_NAMES: dict[int, TransportTraceType] = {number: name for name, number in _TRACE_TYPES.items()}
DIRECTION_NAMES: dict[int, TraceDirection] = {
    FbsTraceDirection.DIRECTION_IN: "in",
    FbsTraceDirection.DIRECTION_OUT: "out",
}
_BITRATE_FIELDS = accessors_for(*(name for name in BweTraceInfo.__struct_fields__ if name != "bwe_type"))
_EXTENSION_FIELDS = accessors_for(*RecvRtpHeaderExtensions.__struct_fields__)
_STATS_FIELDS = accessors_for(
    *(name for name in TransportStats.__struct_fields__ if name not in {"transport_id", "sctp_state"})
)

_write_options = TableWriter(Options)
_set_max_incoming_bitrate = TableWriter(SetMaxIncomingBitrateRequest)
_set_max_outgoing_bitrate = TableWriter(SetMaxOutgoingBitrateRequest)
_set_min_outgoing_bitrate = TableWriter(SetMinOutgoingBitrateRequest)
_enable_trace_event = TableWriter(EnableTraceEventRequest)
_send_rtcp = TableWriter(SendRtcpNotification)


def write_base_options(
    builder: Builder,
    *,
    sctp: SctpOptions | None,
    is_data_channel: bool,
    initial_available_outgoing_bitrate: int | None = None,
    direct: SctpOptions | None = None,
) -> Offset:
    """Write what every transport is created with.

    Args:
        builder: not inside another table.
        sctp: None switches SCTP off.
        is_data_channel: whether SCTP runs inside DTLS, as in WebRTC.
        initial_available_outgoing_bitrate: bits per second; None means no estimate.
        direct: message sizes of a transport between us and the worker; None for all that have a network.
    """
    limits = sctp or direct or SctpOptions()
    return _write_options(
        builder,
        direct=direct is not None,
        initial_available_outgoing_bitrate=initial_available_outgoing_bitrate,
        enable_sctp=sctp is not None,
        max_send_message_size=limits.max_send_message_size,
        max_receive_message_size=limits.max_receive_message_size,
        sctp_send_buffer_size=limits.send_buffer_size,
        sctp_per_stream_send_queue_limit=limits.per_stream_send_queue_limit,
        sctp_max_receiver_window_buffer_size=limits.max_receiver_window_buffer_size,
        sctp_default_stream_buffered_amount_low_threshold=limits.default_stream_buffered_amount_low_threshold,
        is_data_channel=is_data_channel,
    )


def set_max_incoming_bitrate(transport_id: str, bitrate: int) -> RequestMessage[None]:
    """Limit what the peer may send, bits per second; 0 means no limit."""
    builder = Builder(128)
    body = _set_max_incoming_bitrate(builder, max_incoming_bitrate=bitrate)
    return encode_request(
        Method.TRANSPORT_SET_MAX_INCOMING_BITRATE,
        transport_id,
        read_nothing,
        builder=builder,
        body_type=Body.Transport_SetMaxIncomingBitrateRequest,
        body=body,
    )


def set_max_outgoing_bitrate(transport_id: str, bitrate: int) -> RequestMessage[None]:
    """Limit what we send, bits per second; 0 means no limit."""
    builder = Builder(128)
    body = _set_max_outgoing_bitrate(builder, max_outgoing_bitrate=bitrate)
    return encode_request(
        Method.TRANSPORT_SET_MAX_OUTGOING_BITRATE,
        transport_id,
        read_nothing,
        builder=builder,
        body_type=Body.Transport_SetMaxOutgoingBitrateRequest,
        body=body,
    )


def set_min_outgoing_bitrate(transport_id: str, bitrate: int) -> RequestMessage[None]:
    """Never estimate less than this for the way out, bits per second; 0 means no floor."""
    builder = Builder(128)
    body = _set_min_outgoing_bitrate(builder, min_outgoing_bitrate=bitrate)
    return encode_request(
        Method.TRANSPORT_SET_MIN_OUTGOING_BITRATE,
        transport_id,
        read_nothing,
        builder=builder,
        body_type=Body.Transport_SetMinOutgoingBitrateRequest,
        body=body,
    )


def restart_ice(transport_id: str) -> RequestMessage[IceParameters]:
    """Change the ICE credentials; answers the new ones."""
    return encode_request(Method.TRANSPORT_RESTART_ICE, transport_id, _read_restart_ice)


def enable_trace_event(transport_id: str, types: Sequence[TransportTraceType]) -> RequestMessage[None]:
    """Choose which trace events the worker sends; none switches them off."""
    builder = Builder(128)
    numbers = bytes(number_of(_TRACE_TYPES, name, "transport trace type") for name in types)
    body = _enable_trace_event(builder, events=write_bytes(builder, numbers))
    return encode_request(
        Method.TRANSPORT_ENABLE_TRACE_EVENT,
        transport_id,
        read_nothing,
        builder=builder,
        body_type=Body.Transport_EnableTraceEventRequest,
        body=body,
    )


def send_rtcp(transport_id: str, packet: bytes) -> bytes:
    """The notification that hands an RTCP packet to a direct transport."""
    builder = Builder(len(packet) + 128)
    return encode_notification(
        Event.TRANSPORT_SEND_RTCP,
        transport_id,
        builder=builder,
        body_type=NotificationBody.Transport_SendRtcpNotification,
        body=_send_rtcp(builder, data=write_bytes(builder, packet)),
    )


def read_sctp_state_change(notification: Notification) -> SctpState:
    """Read the new state of the SCTP association."""
    state = read_sctp_state(notification.read(SctpStateChangeNotification).SctpState())
    assert state is not None
    return state


def read_sctp_negotiated(notification: Notification) -> SctpNegotiatedCapabilities:
    """Read what both ends of the SCTP association agreed on."""
    table: Any = notification.read(SctpNegotiatedCapabilitiesNotification)
    capabilities = read_sctp_negotiated_capabilities(table.NegotiatedCapabilities())
    if capabilities is None:
        raise BrokenMessage("The worker agreed on SCTP streams without saying how many.")
    return capabilities


def read_trace(notification: Notification) -> TransportTrace:
    """Read a trace event."""
    table: Any = notification.read(TraceNotification)
    body = table.Info()
    info = None
    if body is not None:
        bwe: Any = FbsBweTraceInfo()
        bwe.Init(body.Bytes, body.Pos)
        bwe_type = bwe.BweType()
        info = BweTraceInfo(
            bwe_type="transport-cc" if bwe_type == BweType.TRANSPORT_CC else "remb",
            **read_fields(bwe, _BITRATE_FIELDS),
        )
    return TransportTrace(
        type=name_of(_TRACE_NAMES, table.Type(), "transport trace type"),
        timestamp=table.Timestamp(),
        direction=name_of(DIRECTION_NAMES, table.Direction(), "trace direction"),
        info=info,
    )


def read_base_dump(table: Any) -> dict[str, Any]:
    """Read the common part of a dump as keywords for a `TransportDump`."""
    listener = table.RtpListener()
    sctp_listener = table.SctpListener()
    return {
        "id": read_text(table.Id()),
        "direct": table.Direct(),
        "producer_ids": read_vector(table, "ProducerIds", read_text),
        "consumer_ids": read_vector(table, "ConsumerIds", read_text),
        "map_ssrc_consumer_id": read_numbered_texts(table, "MapSsrcConsumerId"),
        "map_rtx_ssrc_consumer_id": read_numbered_texts(table, "MapRtxSsrcConsumerId"),
        "data_producer_ids": read_vector(table, "DataProducerIds", read_text),
        "data_consumer_ids": read_vector(table, "DataConsumerIds", read_text),
        "recv_rtp_header_extensions": RecvRtpHeaderExtensions(
            **read_fields(table.RecvRtpHeaderExtensions(), _EXTENSION_FIELDS)
        ),
        "rtp_listener": RtpListenerDump(
            ssrc_table=read_numbered_texts(listener, "SsrcTable"),
            mid_table=read_text_pairs(listener, "MidTable"),
            rid_table=read_text_pairs(listener, "RidTable"),
        ),
        "max_send_message_size": table.MaxSendMessageSize(),
        "max_receive_message_size": table.MaxReceiveMessageSize(),
        "sctp_parameters": read_sctp_parameters(table.SctpParameters()),
        "sctp_state": read_sctp_state(table.SctpState()),
        "sctp_negotiated_capabilities": read_sctp_negotiated_capabilities(table.SctpNegotiatedCapabilities()),
        "sctp_listener": None if sctp_listener is None else read_numbered_texts(sctp_listener, "StreamIdTable"),
        "trace_event_types": [
            name_of(_TRACE_NAMES, number, "transport trace type")
            for number in read_vector(table, "TraceEventTypes", int)
        ],
    }


def read_base_stats(table: Any) -> dict[str, Any]:
    """Read the common part of stats as keywords for a `TransportStats`."""
    fields = read_fields(table, _STATS_FIELDS)
    fields["transport_id"] = read_text(table.TransportId())
    fields["sctp_state"] = read_sctp_state(table.SctpState())
    return fields


def _read_restart_ice(response: Response) -> IceParameters:
    table: Any = response.read(RestartIceResponse)
    return IceParameters(
        username_fragment=read_text(table.UsernameFragment()),
        password=read_text(table.Password()),
        ice_lite=table.IceLite(),
    )

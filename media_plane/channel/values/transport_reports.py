"""What a transport says about itself: dumps (its objects) and stats (its traffic)."""

import msgspec

from media_plane.channel.values.transport import (
    DtlsParameters,
    DtlsState,
    IceCandidate,
    IceParameters,
    IceRole,
    IceState,
    SctpNegotiatedCapabilities,
    SctpParameters,
    SctpState,
    SrtpParameters,
    TransportTraceType,
    TransportTuple,
)


class RecvRtpHeaderExtensions(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Ids of the header extensions a transport reads; None where no producer uses it."""

    mid: int | None = None
    rid: int | None = None
    rrid: int | None = None
    abs_send_time: int | None = None
    transport_wide_cc01: int | None = None


class RtpListenerDump(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How incoming packets find their producer: SSRC, MID or RID to producer id."""

    ssrc_table: dict[int, str]
    mid_table: dict[str, str]
    rid_table: dict[str, str]


class TransportDump(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What every kind of transport holds. Message sizes in bytes."""

    id: str
    direct: bool
    producer_ids: list[str]
    consumer_ids: list[str]
    map_ssrc_consumer_id: dict[int, str]
    map_rtx_ssrc_consumer_id: dict[int, str]
    data_producer_ids: list[str]
    data_consumer_ids: list[str]
    recv_rtp_header_extensions: RecvRtpHeaderExtensions
    rtp_listener: RtpListenerDump
    max_send_message_size: int
    max_receive_message_size: int
    sctp_parameters: SctpParameters | None = None
    sctp_state: SctpState | None = None
    sctp_negotiated_capabilities: SctpNegotiatedCapabilities | None = None
    sctp_listener: dict[int, str] | None = None  # Stream id to data producer id.
    trace_event_types: list[TransportTraceType] = []


class WebRtcTransportDump(TransportDump, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A WebRTC transport as the worker sees it."""

    ice_role: IceRole
    ice_parameters: IceParameters
    ice_candidates: list[IceCandidate]
    ice_state: IceState
    ice_selected_tuple: TransportTuple | None = None
    dtls_parameters: DtlsParameters
    dtls_state: DtlsState


class PlainTransportDump(TransportDump, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A plain transport as the worker sees it."""

    rtcp_mux: bool
    comedia: bool
    tuple: TransportTuple
    rtcp_tuple: TransportTuple | None = None
    srtp_parameters: SrtpParameters | None = None


class PipeTransportDump(TransportDump, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A pipe transport as the worker sees it."""

    tuple: TransportTuple
    rtx: bool
    srtp_parameters: SrtpParameters | None = None


class DirectTransportDump(TransportDump, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A direct transport as the worker sees it."""


class TransportStats(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Traffic of a transport.

    `timestamp` is ms of the worker's clock, `*_bytes_*` count since creation, bitrates are bits per second, losses
    are shares 0..1. None means not limited, not estimated or not measured.
    """

    transport_id: str
    timestamp: int
    sctp_state: SctpState | None = None
    bytes_received: int
    recv_bitrate: int
    bytes_sent: int
    send_bitrate: int
    rtp_bytes_received: int
    rtp_recv_bitrate: int
    rtp_bytes_sent: int
    rtp_send_bitrate: int
    rtx_bytes_received: int
    rtx_recv_bitrate: int
    rtx_bytes_sent: int
    rtx_send_bitrate: int
    probation_bytes_sent: int
    probation_send_bitrate: int
    available_outgoing_bitrate: int | None = None
    available_incoming_bitrate: int | None = None
    max_incoming_bitrate: int | None = None
    max_outgoing_bitrate: int | None = None
    min_outgoing_bitrate: int | None = None
    rtp_packet_loss_received: float | None = None
    rtp_packet_loss_sent: float | None = None


class WebRtcTransportStats(TransportStats, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Traffic and state of a WebRTC transport."""

    ice_role: IceRole
    ice_state: IceState
    ice_selected_tuple: TransportTuple | None = None
    dtls_state: DtlsState


class PlainTransportStats(TransportStats, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Traffic and ends of a plain transport."""

    rtcp_mux: bool
    comedia: bool
    tuple: TransportTuple
    rtcp_tuple: TransportTuple | None = None


class PipeTransportStats(TransportStats, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Traffic and ends of a pipe transport."""

    tuple: TransportTuple


class DirectTransportStats(TransportStats, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Traffic of a direct transport."""

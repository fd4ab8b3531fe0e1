"""Streams: dumps, stats and packets in traces. Schemas: rtpStream.fbs, rtxStream.fbs, rtpPacket.fbs."""

from typing import Any, Literal

from media_plane.channel.codec.rtp_parameters import KIND_NAMES
from media_plane.channel.codec.tables import (
    accessors_for,
    name_of,
    read_fields,
    read_optional_text,
    read_text,
    read_vector,
)
from media_plane.channel.errors import BrokenMessage
from media_plane.channel.fbs.FBS.RtpStream.BaseStats import BaseStats
from media_plane.channel.fbs.FBS.RtpStream.RecvStats import RecvStats
from media_plane.channel.fbs.FBS.RtpStream.SendStats import SendStats
from media_plane.channel.fbs.FBS.RtpStream.StatsData import StatsData
from media_plane.channel.values.media import RtpPacketDump, RtpStreamDump, RtpStreamStats, RtxStreamDump

_PARAMS = accessors_for(
    *("encoding_idx", "ssrc", "payload_type", "clock_rate", "rtx_ssrc", "rtx_payload_type"),
    *("use_nack", "use_pli", "use_fir", "use_in_band_fec", "use_dtx", "spatial_layers", "temporal_layers"),
)
_BASE_STATS = accessors_for(
    *("timestamp", "ssrc", "packets_lost", "fraction_lost", "jitter", "packets_discarded", "packets_retransmitted"),
    *("packets_repaired", "nack_count", "nack_packet_count", "pli_count", "fir_count", "rtx_ssrc"),
    *("rtx_packets_discarded", "round_trip_time", "score"),
)
_TRAFFIC = accessors_for("packet_count", "byte_count", "bitrate")
_PACKET = accessors_for(
    *("payload_type", "sequence_number", "timestamp", "marker", "ssrc", "is_key_frame", "size", "payload_size"),
    *("spatial_layer", "temporal_layer", "wide_sequence_number"),
)


def read_stream_dump(table: Any) -> RtpStreamDump:
    """Read one stream as the worker handles it."""
    params = table.Params()
    rtx = table.RtxStream()
    return RtpStreamDump(
        **read_fields(params, _PARAMS),
        mime_type=read_text(params.MimeType()),
        rid=read_optional_text(params.Rid()),
        cname=read_text(params.Cname()),
        score=table.Score(),
        rtx_stream=None if rtx is None else _read_rtx_dump(rtx.Params()),
    )


def read_stream_stats(table: Any) -> RtpStreamStats:
    """Read the traffic of one stream, received or sent.

    Raises:
        BrokenMessage: stats that are neither.
    """
    body = table.Data()
    kind = table.DataType()
    if body is None or kind not in {StatsData.RecvStats, StatsData.SendStats}:
        raise BrokenMessage(f"The worker sent stream stats of type {kind}.")
    is_inbound = kind == StatsData.RecvStats
    stats: Any = RecvStats() if is_inbound else SendStats()
    stats.Init(body.Bytes, body.Pos)
    layers = read_vector(stats, "BitrateByLayer", lambda layer: layer) if is_inbound else []
    stream_type: Literal["inbound-rtp", "outbound-rtp"] = "inbound-rtp" if is_inbound else "outbound-rtp"
    return RtpStreamStats(
        type=stream_type,
        **_read_base_stats(stats.Base()),
        **read_fields(stats, _TRAFFIC),
        bitrate_by_layer={read_text(layer.Layer()): layer.Bitrate() for layer in layers},
    )


def read_packet(table: Any) -> RtpPacketDump:
    """Read the header facts of a packet in a trace."""
    return RtpPacketDump(
        **read_fields(table, _PACKET),
        mid=read_optional_text(table.Mid()),
        rid=read_optional_text(table.Rid()),
        rrid=read_optional_text(table.Rrid()),
    )


def _read_rtx_dump(params: Any) -> RtxStreamDump:
    return RtxStreamDump(
        ssrc=params.Ssrc(),
        payload_type=params.PayloadType(),
        mime_type=read_text(params.MimeType()),
        clock_rate=params.ClockRate(),
        rrid=read_optional_text(params.Rrid()),
        cname=read_text(params.Cname()),
    )


def _read_base_stats(table: Any) -> dict[str, Any]:
    # The base is itself a Stats table that holds the union's BaseStats.
    body = table.Data()
    if body is None or table.DataType() != StatsData.BaseStats:
        raise BrokenMessage("The worker sent stream stats without their base.")
    base: Any = BaseStats()
    base.Init(body.Bytes, body.Pos)
    return {
        **read_fields(base, _BASE_STATS),
        "rid": read_optional_text(base.Rid()),
        "kind": name_of(KIND_NAMES, base.Kind(), "media kind"),
        "mime_type": read_text(base.MimeType()),
    }

"""What producers and consumers say about themselves: scores, layers, streams, stats, traces."""

from typing import Literal, TypeAlias

import msgspec

from media_plane.channel.values.transport import TraceDirection
from media_plane.ortc.rtp import MediaKind, RtpEncodingParameters, RtpMapping, RtpParameters

StreamType: TypeAlias = Literal["simple", "simulcast", "svc", "pipe"]
ProducerTraceType: TypeAlias = Literal["keyframe", "fir", "nack", "pli", "rtp", "sr"]
ConsumerTraceType: TypeAlias = Literal["keyframe", "fir", "nack", "pli", "rtp"]


class ProducerScore(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Quality of one received stream: 0 (nothing comes) to 10 (no loss)."""

    encoding_idx: int
    ssrc: int
    rid: str | None = None
    score: int


class VideoOrientation(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How a receiver should turn the picture (3GPP TS 26.114); rotation is 0, 90, 180 or 270 degrees."""

    camera: bool
    flip: bool
    rotation: int


class ConsumerScore(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Quality 0..10 of what a consumer sends, of the stream it is fed by now, and of all streams of its producer."""

    score: int
    producer_score: int
    producer_scores: list[int]


class ConsumerLayers(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Layers of a video, from 0; no temporal layer means the highest."""

    spatial_layer: int
    temporal_layer: int | None = None


class RtxStreamDump(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """The retransmission stream beside a stream."""

    ssrc: int
    payload_type: int
    mime_type: str
    clock_rate: int
    rrid: str | None = None
    cname: str


class RtpStreamDump(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One stream as the worker handles it."""

    encoding_idx: int
    ssrc: int
    payload_type: int
    mime_type: str
    clock_rate: int
    rid: str | None = None
    cname: str
    rtx_ssrc: int | None = None
    rtx_payload_type: int | None = None
    use_nack: bool
    use_pli: bool
    use_fir: bool
    use_in_band_fec: bool
    use_dtx: bool
    spatial_layers: int
    temporal_layers: int
    score: int
    rtx_stream: RtxStreamDump | None = None


class ProducerDump(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A producer as the worker sees it."""

    id: str
    kind: MediaKind
    type: StreamType
    rtp_parameters: RtpParameters
    rtp_mapping: RtpMapping
    rtp_streams: list[RtpStreamDump]
    trace_event_types: list[ProducerTraceType]
    paused: bool


class ConsumerDump(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A consumer as the worker sees it; layers are -1 for none, now or for this type."""

    id: str
    type: StreamType
    producer_id: str
    kind: MediaKind
    rtp_parameters: RtpParameters
    consumable_rtp_encodings: list[RtpEncodingParameters]
    supported_codec_payload_types: list[int]
    trace_event_types: list[ConsumerTraceType]
    paused: bool
    producer_paused: bool
    priority: int
    rtp_streams: list[RtpStreamDump]
    preferred_spatial_layer: int | None = None
    target_spatial_layer: int | None = None
    current_spatial_layer: int | None = None
    preferred_temporal_layer: int | None = None
    target_temporal_layer: int | None = None
    current_temporal_layer: int | None = None


class RtpStreamStats(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Traffic of one stream.

    `type` is "inbound-rtp" for what we receive, "outbound-rtp" for what we send. `timestamp` is ms of the worker's
    clock, `jitter` is in units of the codec's clock, `fraction_lost` is 0..255 (RFC 3550), `round_trip_time` ms,
    `bitrate` bits per second, the rest counts since the stream began. `bitrate_by_layer` ("spatial.temporal" to bits
    per second) is for inbound only.
    """

    type: Literal["inbound-rtp", "outbound-rtp"]
    timestamp: int
    ssrc: int
    rtx_ssrc: int | None = None
    rid: str | None = None
    kind: MediaKind
    mime_type: str
    packets_lost: int
    fraction_lost: int
    jitter: int
    packets_discarded: int
    packets_retransmitted: int
    packets_repaired: int
    nack_count: int
    nack_packet_count: int
    pli_count: int
    fir_count: int
    rtx_packets_discarded: int
    round_trip_time: float
    score: int
    packet_count: int
    byte_count: int
    bitrate: int
    bitrate_by_layer: dict[str, int] = {}


class RtpPacketDump(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Header facts of one RTP packet; sizes in bytes."""

    payload_type: int
    sequence_number: int
    timestamp: int
    marker: bool
    ssrc: int
    is_key_frame: bool
    size: int
    payload_size: int
    spatial_layer: int
    temporal_layer: int
    mid: str | None = None
    rid: str | None = None
    rrid: str | None = None
    wide_sequence_number: int | None = None


class SenderReport(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An RTCP sender report (RFC 3550 section 6.4.1)."""

    ntp_sec: int
    ntp_frac: int
    rtp_ts: int
    packet_count: int
    octet_count: int


class MediaTrace(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A trace event of a producer or consumer.

    `timestamp` is ms of the worker's clock. "rtp" and "keyframe" carry `rtp_packet` and `is_rtx`; "pli" and "fir" carry
    `ssrc`; "sr" carries `ssrc` and `sender_report`; "nack" carries nothing.
    """

    type: ProducerTraceType
    timestamp: int
    direction: TraceDirection
    rtp_packet: RtpPacketDump | None = None
    is_rtx: bool | None = None
    ssrc: int | None = None
    sender_report: SenderReport | None = None

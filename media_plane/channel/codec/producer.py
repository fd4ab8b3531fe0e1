"""Producers: creating, asking, listening. Schemas: producer.fbs, transport.fbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.media_trace import TraceSchema, read_media_trace
from media_plane.channel.codec.message import (
    Notification,
    RequestMessage,
    Response,
    encode_notification,
    encode_request,
    read_nothing,
)
from media_plane.channel.codec.rtp_parameters import (
    KIND_NAMES,
    KINDS,
    STREAM_TYPE_NAMES,
    read_rtp_mapping,
    read_rtp_parameters,
    write_rtp_mapping,
    write_rtp_parameters,
)
from media_plane.channel.codec.rtp_stream import read_stream_dump, read_stream_stats
from media_plane.channel.codec.tables import (
    TableWriter,
    name_of,
    number_of,
    read_optional_text,
    read_text,
    read_vector,
    write_bytes,
    write_text,
)
from media_plane.channel.fbs.FBS.Notification.Body import Body as NotificationBody
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Producer import EnableTraceEventRequest, SendNotification
from media_plane.channel.fbs.FBS.Producer.DumpResponse import DumpResponse
from media_plane.channel.fbs.FBS.Producer.FirTraceInfo import FirTraceInfo
from media_plane.channel.fbs.FBS.Producer.GetStatsResponse import GetStatsResponse
from media_plane.channel.fbs.FBS.Producer.KeyFrameTraceInfo import KeyFrameTraceInfo
from media_plane.channel.fbs.FBS.Producer.PliTraceInfo import PliTraceInfo
from media_plane.channel.fbs.FBS.Producer.RtpTraceInfo import RtpTraceInfo
from media_plane.channel.fbs.FBS.Producer.ScoreNotification import ScoreNotification
from media_plane.channel.fbs.FBS.Producer.SrTraceInfo import SrTraceInfo
from media_plane.channel.fbs.FBS.Producer.TraceEventType import TraceEventType
from media_plane.channel.fbs.FBS.Producer.TraceInfo import TraceInfo
from media_plane.channel.fbs.FBS.Producer.TraceNotification import TraceNotification
from media_plane.channel.fbs.FBS.Producer.VideoOrientationChangeNotification import (
    VideoOrientationChangeNotification,
)
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.Transport import CloseProducerRequest, ProduceRequest
from media_plane.channel.fbs.FBS.Transport.ProduceResponse import ProduceResponse
from media_plane.channel.values.media import (
    MediaTrace,
    ProducerDump,
    ProducerScore,
    ProducerTraceType,
    RtpStreamStats,
    StreamType,
    VideoOrientation,
)
from media_plane.ortc.rtp import MediaKind, RtpMapping, RtpParameters

SCORE: int = Event.PRODUCER_SCORE
TRACE: int = Event.PRODUCER_TRACE
VIDEO_ORIENTATION_CHANGE: int = Event.PRODUCER_VIDEO_ORIENTATION_CHANGE

_TRACE_TYPES: dict[ProducerTraceType, int] = {
    "keyframe": TraceEventType.KEYFRAME,
    "fir": TraceEventType.FIR,
    "nack": TraceEventType.NACK,
    "pli": TraceEventType.PLI,
    "rtp": TraceEventType.RTP,
    "sr": TraceEventType.SR,
}
_TRACE_NAMES: dict[int, ProducerTraceType] = {number: name for name, number in _TRACE_TYPES.items()}
_TRACE_SCHEMA = TraceSchema(
    TraceNotification,
    _TRACE_NAMES,
    {
        TraceInfo.KeyFrameTraceInfo: KeyFrameTraceInfo,
        TraceInfo.FirTraceInfo: FirTraceInfo,
        TraceInfo.PliTraceInfo: PliTraceInfo,
        TraceInfo.RtpTraceInfo: RtpTraceInfo,
        TraceInfo.SrTraceInfo: SrTraceInfo,
    },
)

_produce = TableWriter(ProduceRequest)
_close_producer = TableWriter(CloseProducerRequest)
_enable_trace_event = TableWriter(EnableTraceEventRequest)
_send = TableWriter(SendNotification)


@dataclass(slots=True, frozen=True, kw_only=True)
class ProduceOptions:
    """What a producer is created with.

    Attributes:
        producer_id: made by the caller.
        kind: "audio" or "video".
        rtp_parameters: how the sender sends.
        rtp_mapping: how the worker rewrites it.
        paused: whether it starts paused.
        key_frame_request_delay_ms: at least this long between two key frame requests to the sender; 0 means none.
        enable_mediasoup_packet_id_header_extension: number the packets received, for SVC over lossy pipes.
    """

    producer_id: str
    kind: MediaKind
    rtp_parameters: RtpParameters
    rtp_mapping: RtpMapping
    paused: bool = False
    key_frame_request_delay_ms: int = 0
    enable_mediasoup_packet_id_header_extension: bool = False


def produce(transport_id: str, options: ProduceOptions) -> RequestMessage[StreamType]:
    """Make a producer; answers what kind of streams it has."""
    builder = Builder(2048)
    body = _produce(
        builder,
        producer_id=write_text(builder, options.producer_id),
        kind=number_of(KINDS, options.kind, "media kind"),
        rtp_parameters=write_rtp_parameters(builder, options.rtp_parameters),
        rtp_mapping=write_rtp_mapping(builder, options.rtp_mapping),
        paused=options.paused,
        key_frame_request_delay=options.key_frame_request_delay_ms,
        enable_mediasoup_packet_id_header_extension=options.enable_mediasoup_packet_id_header_extension,
    )
    return encode_request(
        Method.TRANSPORT_PRODUCE,
        transport_id,
        _read_produce,
        builder=builder,
        body_type=Body.Transport_ProduceRequest,
        body=body,
    )


def close_producer(transport_id: str, producer_id: str) -> RequestMessage[None]:
    """Close a producer."""
    builder = Builder(128)
    body = _close_producer(builder, producer_id=write_text(builder, producer_id))
    return encode_request(
        Method.TRANSPORT_CLOSE_PRODUCER,
        transport_id,
        read_nothing,
        builder=builder,
        body_type=Body.Transport_CloseProducerRequest,
        body=body,
    )


def dump(producer_id: str) -> RequestMessage[ProducerDump]:
    """Ask for the producer as the worker sees it."""
    return encode_request(Method.PRODUCER_DUMP, producer_id, _read_dump)


def get_stats(producer_id: str) -> RequestMessage[list[RtpStreamStats]]:
    """Ask for the traffic of its streams."""
    return encode_request(Method.PRODUCER_GET_STATS, producer_id, _read_stats)


def pause(producer_id: str) -> RequestMessage[None]:
    """Stop handing its packets to consumers."""
    return encode_request(Method.PRODUCER_PAUSE, producer_id, read_nothing)


def resume(producer_id: str) -> RequestMessage[None]:
    """Hand its packets to consumers again."""
    return encode_request(Method.PRODUCER_RESUME, producer_id, read_nothing)


def enable_trace_event(producer_id: str, types: Sequence[ProducerTraceType]) -> RequestMessage[None]:
    """Choose which trace events the worker sends; none switches them off."""
    builder = Builder(128)
    numbers = bytes(number_of(_TRACE_TYPES, name, "producer trace type") for name in types)
    body = _enable_trace_event(builder, events=write_bytes(builder, numbers))
    return encode_request(
        Method.PRODUCER_ENABLE_TRACE_EVENT,
        producer_id,
        read_nothing,
        builder=builder,
        body_type=Body.Producer_EnableTraceEventRequest,
        body=body,
    )


def send(producer_id: str, packet: bytes) -> bytes:
    """The notification that hands an RTP packet to a producer of a direct transport."""
    builder = Builder(len(packet) + 128)
    return encode_notification(
        Event.PRODUCER_SEND,
        producer_id,
        builder=builder,
        body_type=NotificationBody.Producer_SendNotification,
        body=_send(builder, data=write_bytes(builder, packet)),
    )


def read_score(notification: Notification) -> list[ProducerScore]:
    """Read the quality of all streams."""
    return read_vector(
        notification.read(ScoreNotification),
        "Scores",
        lambda score: ProducerScore(
            encoding_idx=score.EncodingIdx(),
            ssrc=score.Ssrc(),
            rid=read_optional_text(score.Rid()),
            score=score.Score(),
        ),
    )


def read_video_orientation(notification: Notification) -> VideoOrientation:
    """Read how the picture should be turned."""
    table: Any = notification.read(VideoOrientationChangeNotification)
    return VideoOrientation(camera=table.Camera(), flip=table.Flip(), rotation=table.Rotation())


def read_trace(notification: Notification) -> MediaTrace:
    """Read a trace event."""
    return read_media_trace(_TRACE_SCHEMA, notification)


def _read_produce(response: Response) -> StreamType:
    return name_of(STREAM_TYPE_NAMES, response.read(ProduceResponse).Type(), "stream type")


def _read_dump(response: Response) -> ProducerDump:
    table: Any = response.read(DumpResponse)
    return ProducerDump(
        id=read_text(table.Id()),
        kind=name_of(KIND_NAMES, table.Kind(), "media kind"),
        type=name_of(STREAM_TYPE_NAMES, table.Type(), "stream type"),
        rtp_parameters=read_rtp_parameters(table.RtpParameters()),
        rtp_mapping=read_rtp_mapping(table.RtpMapping()),
        rtp_streams=read_vector(table, "RtpStreams", read_stream_dump),
        trace_event_types=[
            name_of(_TRACE_NAMES, number, "producer trace type")
            for number in read_vector(table, "TraceEventTypes", int)
        ],
        paused=table.Paused(),
    )


def _read_stats(response: Response) -> list[RtpStreamStats]:
    return read_vector(response.read(GetStatsResponse), "Stats", read_stream_stats)

"""Consumers: creating, asking, listening. Schemas: consumer.fbs, transport.fbs."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from flatbuffers import Builder

from media_plane.channel.codec.media_trace import TraceSchema, read_media_trace
from media_plane.channel.codec.message import Notification, RequestMessage, Response, encode_request, read_nothing
from media_plane.channel.codec.quick import follow, read_bytes_at, read_places
from media_plane.channel.codec.rtp_parameters import (
    KIND_NAMES,
    KINDS,
    STREAM_TYPE_NAMES,
    STREAM_TYPES,
    read_encoding,
    read_rtp_parameters,
    write_encodings,
    write_rtp_parameters,
)
from media_plane.channel.codec.rtp_stream import read_stream_dump, read_stream_stats
from media_plane.channel.codec.tables import (
    Offset,
    TableWriter,
    accessors_for,
    name_of,
    number_of,
    read_bytes,
    read_fields,
    read_text,
    read_vector,
    write_bytes,
    write_text,
)
from media_plane.channel.codec.templates import Templates
from media_plane.channel.errors import BrokenMessage
from media_plane.channel.fbs.FBS.Consumer import ConsumerLayers as LayersModule
from media_plane.channel.fbs.FBS.Consumer import EnableTraceEventRequest, SetPreferredLayersRequest, SetPriorityRequest
from media_plane.channel.fbs.FBS.Consumer.DumpResponse import DumpResponse
from media_plane.channel.fbs.FBS.Consumer.FirTraceInfo import FirTraceInfo
from media_plane.channel.fbs.FBS.Consumer.GetStatsResponse import GetStatsResponse
from media_plane.channel.fbs.FBS.Consumer.KeyFrameTraceInfo import KeyFrameTraceInfo
from media_plane.channel.fbs.FBS.Consumer.LayersChangeNotification import LayersChangeNotification
from media_plane.channel.fbs.FBS.Consumer.PliTraceInfo import PliTraceInfo
from media_plane.channel.fbs.FBS.Consumer.RtpNotification import RtpNotification
from media_plane.channel.fbs.FBS.Consumer.RtpTraceInfo import RtpTraceInfo
from media_plane.channel.fbs.FBS.Consumer.ScoreNotification import ScoreNotification
from media_plane.channel.fbs.FBS.Consumer.SetPreferredLayersResponse import SetPreferredLayersResponse
from media_plane.channel.fbs.FBS.Consumer.SetPriorityResponse import SetPriorityResponse
from media_plane.channel.fbs.FBS.Consumer.TraceEventType import TraceEventType
from media_plane.channel.fbs.FBS.Consumer.TraceInfo import TraceInfo
from media_plane.channel.fbs.FBS.Consumer.TraceNotification import TraceNotification
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.Transport import CloseConsumerRequest, ConsumeRequest
from media_plane.channel.values.media import (
    ConsumerDump,
    ConsumerLayers,
    ConsumerScore,
    ConsumerTraceType,
    MediaTrace,
    ProducerTraceType,
    RtpStreamStats,
    StreamType,
)
from media_plane.ortc.rtp import MediaKind, RtpEncodingParameters, RtpParameters, RtxParameters

PRODUCER_PAUSE: int = Event.CONSUMER_PRODUCER_PAUSE
PRODUCER_RESUME: int = Event.CONSUMER_PRODUCER_RESUME
PRODUCER_CLOSE: int = Event.CONSUMER_PRODUCER_CLOSE
LAYERS_CHANGE: int = Event.CONSUMER_LAYERS_CHANGE
SCORE: int = Event.CONSUMER_SCORE
TRACE: int = Event.CONSUMER_TRACE
RTP: int = Event.CONSUMER_RTP

_TRACE_TYPES: dict[ConsumerTraceType, int] = {
    "keyframe": TraceEventType.KEYFRAME,
    "fir": TraceEventType.FIR,
    "nack": TraceEventType.NACK,
    "pli": TraceEventType.PLI,
    "rtp": TraceEventType.RTP,
}
_TRACE_NAMES: dict[int, ConsumerTraceType] = {number: name for name, number in _TRACE_TYPES.items()}
_MEDIA_TRACE_NAMES: dict[int, ProducerTraceType] = dict(_TRACE_NAMES)
_TRACE_SCHEMA = TraceSchema(
    TraceNotification,
    _MEDIA_TRACE_NAMES,
    {
        TraceInfo.KeyFrameTraceInfo: KeyFrameTraceInfo,
        TraceInfo.FirTraceInfo: FirTraceInfo,
        TraceInfo.PliTraceInfo: PliTraceInfo,
        TraceInfo.RtpTraceInfo: RtpTraceInfo,
    },
)
_DUMP_LAYERS = accessors_for(
    *("preferred_spatial_layer", "target_spatial_layer", "current_spatial_layer"),
    *("preferred_temporal_layer", "target_temporal_layer", "current_temporal_layer"),
)

_consume = TableWriter(ConsumeRequest)
_close_consumer = TableWriter(CloseConsumerRequest)
_write_layers = TableWriter(LayersModule)
_set_preferred_layers = TableWriter(SetPreferredLayersRequest)
_set_priority = TableWriter(SetPriorityRequest)
_enable_trace_event = TableWriter(EnableTraceEventRequest)


@dataclass(slots=True, frozen=True, kw_only=True)
class ConsumeOptions:
    """What a consumer is created with.

    Attributes:
        consumer_id: made by the caller.
        producer_id: whom it listens to.
        kind: the producer's.
        rtp_parameters: how we send to this receiver.
        type: the producer's, or "pipe".
        consumable_rtp_encodings: the producer's consumable encodings.
        paused: whether it starts paused.
        preferred_layers: None means the highest.
        ignore_dtx: do not send Opus DTX packets.
    """

    consumer_id: str
    producer_id: str
    kind: MediaKind
    rtp_parameters: RtpParameters
    type: StreamType
    consumable_rtp_encodings: Sequence[RtpEncodingParameters]
    paused: bool
    preferred_layers: ConsumerLayers | None = None
    ignore_dtx: bool = False


@dataclass(slots=True, frozen=True, kw_only=True)
class Consuming:
    """What the worker answers to `consume`."""

    paused: bool
    producer_paused: bool
    score: ConsumerScore
    preferred_layers: ConsumerLayers | None


class ConsumeTemplates:
    """Requests to consume one producer by endpoints alike: they differ in ids, mid and SSRCs only."""

    __slots__ = ("_templates",)

    def __init__(self) -> None:
        self._templates: Templates[Consuming] = Templates()

    def consume(self, transport_id: str, options: ConsumeOptions) -> RequestMessage[Consuming]:
        """As `consume`, faster from the second time on."""
        params = options.rtp_parameters
        mid = () if params.mid is None else (params.mid,)
        texts = (transport_id, options.consumer_id, options.producer_id, *mid)
        numbers: list[int] = []
        for encoding in params.encodings:
            numbers.append(encoding.ssrc or 0)
            if encoding.rtx is not None:
                numbers.append(encoding.rtx.ssrc)
        key = (options.paused, options.preferred_layers, options.ignore_dtx)
        return self._templates.fill(key, texts, numbers, partial(_build_consume, options))


def _build_consume(options: ConsumeOptions, texts: Sequence[str], numbers: Sequence[int]) -> RequestMessage[Consuming]:
    """The request with other ids, mid and SSRCs than the options'."""
    transport_id, consumer_id, producer_id, *mid = texts
    left = iter(numbers)
    encodings = [
        msgspec.structs.replace(
            encoding, ssrc=next(left), rtx=None if encoding.rtx is None else RtxParameters(ssrc=next(left))
        )
        for encoding in options.rtp_parameters.encodings
    ]
    params = msgspec.structs.replace(options.rtp_parameters, mid=mid[0] if mid else None, encodings=encodings)
    other = dataclasses.replace(options, consumer_id=consumer_id, producer_id=producer_id, rtp_parameters=params)
    return consume(transport_id, other)


def consume(transport_id: str, options: ConsumeOptions) -> RequestMessage[Consuming]:
    """Make a consumer."""
    builder = Builder(2048)
    layers = options.preferred_layers
    body = _consume(
        builder,
        consumer_id=write_text(builder, options.consumer_id),
        producer_id=write_text(builder, options.producer_id),
        kind=number_of(KINDS, options.kind, "media kind"),
        rtp_parameters=write_rtp_parameters(builder, options.rtp_parameters),
        type=number_of(STREAM_TYPES, options.type, "stream type"),
        consumable_rtp_encodings=write_encodings(builder, options.consumable_rtp_encodings),
        paused=options.paused,
        preferred_layers=None if layers is None else _write_consumer_layers(builder, layers),
        ignore_dtx=options.ignore_dtx,
    )
    return encode_request(
        Method.TRANSPORT_CONSUME,
        transport_id,
        _read_consume,
        builder=builder,
        body_type=Body.Transport_ConsumeRequest,
        body=body,
    )


def close_consumer(transport_id: str, consumer_id: str) -> RequestMessage[None]:
    """Close a consumer."""
    builder = Builder(128)
    body = _close_consumer(builder, consumer_id=write_text(builder, consumer_id))
    return encode_request(
        Method.TRANSPORT_CLOSE_CONSUMER,
        transport_id,
        read_nothing,
        builder=builder,
        body_type=Body.Transport_CloseConsumerRequest,
        body=body,
    )


def dump(consumer_id: str) -> RequestMessage[ConsumerDump]:
    """Ask for the consumer as the worker sees it."""
    return encode_request(Method.CONSUMER_DUMP, consumer_id, _read_dump)


def get_stats(consumer_id: str) -> RequestMessage[list[RtpStreamStats]]:
    """Ask for the traffic of its stream and of the producer's stream feeding it."""
    return encode_request(Method.CONSUMER_GET_STATS, consumer_id, _read_stats)


def pause(consumer_id: str) -> RequestMessage[None]:
    """Stop sending to the receiver."""
    return encode_request(Method.CONSUMER_PAUSE, consumer_id, read_nothing)


def resume(consumer_id: str) -> RequestMessage[None]:
    """Send to the receiver, beginning with a key frame."""
    return encode_request(Method.CONSUMER_RESUME, consumer_id, read_nothing)


def request_key_frame(consumer_id: str) -> RequestMessage[None]:
    """Ask the sender for a key frame."""
    return encode_request(Method.CONSUMER_REQUEST_KEY_FRAME, consumer_id, read_nothing)


def set_preferred_layers(consumer_id: str, layers: ConsumerLayers) -> RequestMessage[ConsumerLayers | None]:
    """Limit the layers sent; answers what the worker made of it, None where there are no layers."""
    builder = Builder(128)
    body = _set_preferred_layers(builder, preferred_layers=_write_consumer_layers(builder, layers))
    return encode_request(
        Method.CONSUMER_SET_PREFERRED_LAYERS,
        consumer_id,
        _read_preferred_layers,
        builder=builder,
        body_type=Body.Consumer_SetPreferredLayersRequest,
        body=body,
    )


def set_priority(consumer_id: str, priority: int) -> RequestMessage[int]:
    """Set who gets bandwidth first, 1 (last) to 255; answers the priority in force."""
    builder = Builder(128)
    body = _set_priority(builder, priority=priority)
    return encode_request(
        Method.CONSUMER_SET_PRIORITY,
        consumer_id,
        _read_priority,
        builder=builder,
        body_type=Body.Consumer_SetPriorityRequest,
        body=body,
    )


def enable_trace_event(consumer_id: str, types: Sequence[ConsumerTraceType]) -> RequestMessage[None]:
    """Choose which trace events the worker sends; none switches them off."""
    builder = Builder(128)
    numbers = bytes(number_of(_TRACE_TYPES, name, "consumer trace type") for name in types)
    body = _enable_trace_event(builder, events=write_bytes(builder, numbers))
    return encode_request(
        Method.CONSUMER_ENABLE_TRACE_EVENT,
        consumer_id,
        read_nothing,
        builder=builder,
        body_type=Body.Consumer_EnableTraceEventRequest,
        body=body,
    )


def read_score(notification: Notification) -> ConsumerScore:
    """Read the quality of what is sent and what feeds it."""
    return _read_consumer_score(notification.read(ScoreNotification).Score())


def read_layers_change(notification: Notification) -> ConsumerLayers | None:
    """Read the layers sent now, None for none."""
    return _read_consumer_layers(notification.read(LayersChangeNotification).Layers())


def read_rtp(notification: Notification) -> bytes:
    """Read the RTP packet a consumer of a direct transport received."""
    return read_bytes(notification.read(RtpNotification), 0)


def read_trace(notification: Notification) -> MediaTrace:
    """Read a trace event."""
    return read_media_trace(_TRACE_SCHEMA, notification)


def _write_consumer_layers(builder: Builder, layers: ConsumerLayers) -> Offset:
    return _write_layers(builder, spatial_layer=layers.spatial_layer, temporal_layer=layers.temporal_layer)


def _read_consumer_layers(table: Any) -> ConsumerLayers | None:
    if table is None:
        return None
    return ConsumerLayers(spatial_layer=table.SpatialLayer(), temporal_layer=table.TemporalLayer())


def _read_consumer_score(table: Any) -> ConsumerScore:
    return ConsumerScore(
        score=table.Score(),
        producer_score=table.ProducerScore(),
        producer_scores=read_vector(table, "ProducerScores", int),
    )


def _read_consume(response: Response) -> Consuming:
    # By hand, as every join reads several.
    body = response.body
    if body is None:
        raise BrokenMessage("The worker's answer has no ConsumeResponse.")
    data, table = body.Bytes, body.Pos
    paused, producer_paused, score_place, layers_place, *_ = read_places(data, table)
    score_table = follow(data, table + score_place)
    score, producer_score, scores_place, *_ = read_places(data, score_table)
    layers = None
    if layers_place:
        layers_table = follow(data, table + layers_place)
        spatial, temporal, *_ = read_places(data, layers_table)
        layers = ConsumerLayers(
            spatial_layer=data[layers_table + spatial] if spatial else 0,
            temporal_layer=data[layers_table + temporal] if temporal else None,
        )
    return Consuming(
        paused=bool(paused and data[table + paused]),
        producer_paused=bool(producer_paused and data[table + producer_paused]),
        score=ConsumerScore(
            score=data[score_table + score] if score else 0,
            producer_score=data[score_table + producer_score] if producer_score else 0,
            producer_scores=list(read_bytes_at(data, score_table + scores_place)) if scores_place else [],
        ),
        preferred_layers=layers,
    )


def _read_preferred_layers(response: Response) -> ConsumerLayers | None:
    # Consumers without layers are answered without a body.
    if response.body is None:
        return None
    return _read_consumer_layers(response.read(SetPreferredLayersResponse).PreferredLayers())


def _read_priority(response: Response) -> int:
    return int(response.read(SetPriorityResponse).Priority())


def _read_dump(response: Response) -> ConsumerDump:
    table: Any = response.read(DumpResponse).Data()
    base = table.Base()
    return ConsumerDump(
        id=read_text(base.Id()),
        type=name_of(STREAM_TYPE_NAMES, base.Type(), "stream type"),
        producer_id=read_text(base.ProducerId()),
        kind=name_of(KIND_NAMES, base.Kind(), "media kind"),
        rtp_parameters=read_rtp_parameters(base.RtpParameters()),
        consumable_rtp_encodings=read_vector(base, "ConsumableRtpEncodings", read_encoding),
        supported_codec_payload_types=read_vector(base, "SupportedCodecPayloadTypes", int),
        trace_event_types=[
            name_of(_TRACE_NAMES, number, "consumer trace type") for number in read_vector(base, "TraceEventTypes", int)
        ],
        paused=base.Paused(),
        producer_paused=base.ProducerPaused(),
        priority=base.Priority(),
        rtp_streams=read_vector(table, "RtpStreams", read_stream_dump),
        **read_fields(table, _DUMP_LAYERS),
    )


def _read_stats(response: Response) -> list[RtpStreamStats]:
    return read_vector(response.read(GetStatsResponse), "Stats", read_stream_stats)

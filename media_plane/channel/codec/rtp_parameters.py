"""RTP parameters and mappings. Schema: rtpParameters.fbs."""

from collections.abc import Mapping, Sequence
from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.tables import (
    Offset,
    TableWriter,
    name_of,
    number_of,
    read_optional_text,
    read_text,
    read_vector,
    write_optional_text,
    write_text,
    write_vector,
)
from media_plane.channel.errors import BrokenMessage, InvalidValue
from media_plane.channel.fbs.FBS.RtpParameters import (
    Boolean,
    Double,
    Integer32,
    Parameter,
    Rtx,
    String,
)
from media_plane.channel.fbs.FBS.RtpParameters import (
    CodecMapping as CodecMappingModule,
)
from media_plane.channel.fbs.FBS.RtpParameters import (
    EncodingMapping as EncodingMappingModule,
)
from media_plane.channel.fbs.FBS.RtpParameters import (
    RtcpFeedback as RtcpFeedbackModule,
)
from media_plane.channel.fbs.FBS.RtpParameters import (
    RtcpParameters as RtcpParametersModule,
)
from media_plane.channel.fbs.FBS.RtpParameters import (
    RtpCodecParameters as CodecModule,
)
from media_plane.channel.fbs.FBS.RtpParameters import (
    RtpEncodingParameters as EncodingModule,
)
from media_plane.channel.fbs.FBS.RtpParameters import (
    RtpHeaderExtensionParameters as HeaderExtensionModule,
)
from media_plane.channel.fbs.FBS.RtpParameters import (
    RtpMapping as MappingModule,
)
from media_plane.channel.fbs.FBS.RtpParameters import (
    RtpParameters as ParametersModule,
)
from media_plane.channel.fbs.FBS.RtpParameters.MediaKind import MediaKind as FbsMediaKind
from media_plane.channel.fbs.FBS.RtpParameters.RtpHeaderExtensionUri import RtpHeaderExtensionUri as FbsUri
from media_plane.channel.fbs.FBS.RtpParameters.Type import Type
from media_plane.channel.fbs.FBS.RtpParameters.Value import Value
from media_plane.channel.values.media import StreamType
from media_plane.ortc.rtp import (
    CodecMapping,
    CodecParameterValue,
    EncodingMapping,
    MediaKind,
    RtcpFeedback,
    RtcpParameters,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpMapping,
    RtpParameters,
    RtxParameters,
)

KINDS: dict[MediaKind, int] = {"audio": FbsMediaKind.AUDIO, "video": FbsMediaKind.VIDEO}
KIND_NAMES: dict[int, MediaKind] = {number: name for name, number in KINDS.items()}
STREAM_TYPES: dict[StreamType, int] = {
    "simple": Type.SIMPLE,
    "simulcast": Type.SIMULCAST,
    "svc": Type.SVC,
    "pipe": Type.PIPE,
}
STREAM_TYPE_NAMES: dict[int, StreamType] = {number: name for name, number in STREAM_TYPES.items()}
URIS: dict[str, int] = {
    "urn:ietf:params:rtp-hdrext:sdes:mid": FbsUri.Mid,
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id": FbsUri.RtpStreamId,
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id": FbsUri.RepairRtpStreamId,
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": FbsUri.AbsSendTime,
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01": FbsUri.TransportWideCcDraft01,
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level": FbsUri.SsrcAudioLevel,
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension": (
        FbsUri.DependencyDescriptor
    ),
    "urn:3gpp:video-orientation": FbsUri.VideoOrientation,
    "urn:ietf:params:rtp-hdrext:toffset": FbsUri.TimeOffset,
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time": FbsUri.AbsCaptureTime,
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay": FbsUri.PlayoutDelay,
    "urn:mediasoup:params:rtp-hdrext:packet-id": FbsUri.MediasoupPacketId,
}
"""Header extensions the worker knows. Source: mediasoup 3.27.1, node/lib/rtpParametersFbsUtils.js."""
_URI_NAMES: dict[int, str] = {number: name for name, number in URIS.items()}
_INT32 = range(-(2**31), 2**31)

_write_parameter = TableWriter(Parameter)
_write_boolean = TableWriter(Boolean)
_write_integer = TableWriter(Integer32)
_write_double = TableWriter(Double)
_write_string = TableWriter(String)
_write_feedback = TableWriter(RtcpFeedbackModule)
_write_codec = TableWriter(CodecModule)
_write_header_extension = TableWriter(HeaderExtensionModule)
_write_rtx = TableWriter(Rtx)
_write_encoding = TableWriter(EncodingModule)
_write_rtcp = TableWriter(RtcpParametersModule)
_write_parameters = TableWriter(ParametersModule)
_write_codec_mapping = TableWriter(CodecMappingModule)
_write_encoding_mapping = TableWriter(EncodingMappingModule)
_write_mapping = TableWriter(MappingModule)

_VALUE_TABLES: dict[int, type[Any]] = {
    Value.Boolean: Boolean.Boolean,
    Value.Integer32: Integer32.Integer32,
    Value.Double: Double.Double,
    Value.String: String.String,
}


def write_rtp_parameters(builder: Builder, parameters: RtpParameters) -> Offset:
    """Write how a track travels.

    Raises:
        InvalidValue: a number out of range or a header extension the worker does not know.
    """
    rtcp = parameters.rtcp
    return _write_parameters(
        builder,
        mid=write_optional_text(builder, parameters.mid),
        codecs=write_vector(builder, [_write_rtp_codec(builder, codec) for codec in parameters.codecs]),
        header_extensions=write_vector(
            builder, [_write_extension(builder, extension) for extension in parameters.header_extensions]
        ),
        encodings=write_encodings(builder, parameters.encodings),
        rtcp=_write_rtcp(builder, cname=write_optional_text(builder, rtcp.cname), reduced_size=rtcp.reduced_size),
        msid=write_optional_text(builder, parameters.msid),
    )


def write_encodings(builder: Builder, encodings: Sequence[RtpEncodingParameters]) -> Offset:
    """Write a vector of encodings."""
    return write_vector(
        builder,
        [
            _write_encoding(
                builder,
                ssrc=encoding.ssrc,
                rid=write_optional_text(builder, encoding.rid),
                codec_payload_type=encoding.codec_payload_type,
                rtx=None if encoding.rtx is None else _write_rtx(builder, ssrc=encoding.rtx.ssrc),
                dtx=encoding.dtx,
                scalability_mode=write_optional_text(builder, encoding.scalability_mode),
                max_bitrate=encoding.max_bitrate,
            )
            for encoding in encodings
        ],
    )


def write_rtp_mapping(builder: Builder, mapping: RtpMapping) -> Offset:
    """Write how the worker rewrites a producer's packets."""
    codecs = [
        _write_codec_mapping(builder, payload_type=codec.payload_type, mapped_payload_type=codec.mapped_payload_type)
        for codec in mapping.codecs
    ]
    encodings = [
        _write_encoding_mapping(
            builder,
            rid=write_optional_text(builder, encoding.rid),
            ssrc=encoding.ssrc,
            mapped_ssrc=encoding.mapped_ssrc,
        )
        for encoding in mapping.encodings
    ]
    return _write_mapping(builder, codecs=write_vector(builder, codecs), encodings=write_vector(builder, encodings))


def _write_rtp_codec(builder: Builder, codec: RtpCodecParameters) -> Offset:
    feedback = [
        _write_feedback(builder, type=write_text(builder, item.type), parameter=write_text(builder, item.parameter))
        for item in codec.rtcp_feedback
    ]
    return _write_codec(
        builder,
        mime_type=write_text(builder, codec.mime_type),
        payload_type=codec.payload_type,
        clock_rate=codec.clock_rate,
        channels=codec.channels,
        parameters=_write_named_values(builder, codec.parameters),
        rtcp_feedback=write_vector(builder, feedback),
    )


def _write_extension(builder: Builder, extension: RtpHeaderExtensionParameters) -> Offset:
    return _write_header_extension(
        builder,
        uri=number_of(URIS, extension.uri, "header extension the worker knows"),
        id=extension.id,
        encrypt=extension.encrypt,
        parameters=_write_named_values(builder, extension.parameters),
    )


def _write_named_values(builder: Builder, values: Mapping[str, CodecParameterValue]) -> Offset:
    offsets = []
    for name, value in values.items():
        value_type, value_offset = _write_value(builder, value)
        offsets.append(
            _write_parameter(builder, name=write_text(builder, name), value_type=value_type, value=value_offset)
        )
    return write_vector(builder, offsets)


def _write_value(builder: Builder, value: CodecParameterValue) -> tuple[int, Offset]:
    if isinstance(value, bool):
        return Value.Boolean, _write_boolean(builder, value=int(value))
    if isinstance(value, int) and value in _INT32:
        return Value.Integer32, _write_integer(builder, value=value)
    if isinstance(value, int | float):
        return Value.Double, _write_double(builder, value=float(value))
    if isinstance(value, str):
        return Value.String, _write_string(builder, value=write_text(builder, value))
    raise InvalidValue(f"A codec parameter cannot be {value!r}.")


def read_rtp_parameters(table: Any) -> RtpParameters:
    """Read how a track travels."""
    rtcp = table.Rtcp()
    return RtpParameters(
        mid=read_optional_text(table.Mid()),
        msid=read_optional_text(table.Msid()),
        codecs=read_vector(table, "Codecs", _read_codec),
        header_extensions=read_vector(table, "HeaderExtensions", _read_extension),
        encodings=read_vector(table, "Encodings", read_encoding),
        rtcp=RtcpParameters(cname=read_optional_text(rtcp.Cname()), reduced_size=rtcp.ReducedSize()),
    )


def read_encoding(table: Any) -> RtpEncodingParameters:
    """Read one encoding."""
    rtx = table.Rtx()
    return RtpEncodingParameters(
        ssrc=table.Ssrc(),
        rid=read_optional_text(table.Rid()),
        codec_payload_type=table.CodecPayloadType(),
        rtx=None if rtx is None else RtxParameters(ssrc=rtx.Ssrc()),
        dtx=table.Dtx(),
        scalability_mode=read_optional_text(table.ScalabilityMode()),
        max_bitrate=table.MaxBitrate(),
    )


def read_rtp_mapping(table: Any) -> RtpMapping:
    """Read how the worker rewrites a producer's packets."""
    return RtpMapping(
        codecs=read_vector(
            table,
            "Codecs",
            lambda codec: CodecMapping(payload_type=codec.PayloadType(), mapped_payload_type=codec.MappedPayloadType()),
        ),
        encodings=read_vector(
            table,
            "Encodings",
            lambda encoding: EncodingMapping(
                ssrc=encoding.Ssrc(),
                rid=read_optional_text(encoding.Rid()),
                mapped_ssrc=encoding.MappedSsrc(),
            ),
        ),
    )


def _read_codec(table: Any) -> RtpCodecParameters:
    return RtpCodecParameters(
        mime_type=read_text(table.MimeType()),
        payload_type=table.PayloadType(),
        clock_rate=table.ClockRate(),
        channels=table.Channels(),
        parameters=_read_named_values(table),
        rtcp_feedback=read_vector(
            table,
            "RtcpFeedback",
            lambda item: RtcpFeedback(type=read_text(item.Type()), parameter=read_text(item.Parameter())),
        ),
    )


def _read_extension(table: Any) -> RtpHeaderExtensionParameters:
    return RtpHeaderExtensionParameters(
        uri=name_of(_URI_NAMES, table.Uri(), "header extension"),
        id=table.Id(),
        encrypt=table.Encrypt(),
        parameters=_read_named_values(table),
    )


def _read_named_values(table: Any) -> dict[str, CodecParameterValue]:
    return dict(read_vector(table, "Parameters", _read_named_value))


def _read_named_value(table: Any) -> tuple[str, CodecParameterValue]:
    name = read_text(table.Name())
    value_type = table.ValueType()
    body = table.Value()
    if value_type not in _VALUE_TABLES or body is None:
        raise BrokenMessage(f"The worker sent a codec parameter {name!r} of type {value_type}.")
    holder: Any = _VALUE_TABLES[value_type]()
    holder.Init(body.Bytes, body.Pos)
    value = holder.Value()
    if value_type == Value.Boolean:
        return name, bool(value)
    if value_type == Value.String:
        return name, read_text(value)
    return name, value

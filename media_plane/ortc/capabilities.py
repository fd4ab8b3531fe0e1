"""What a router offers: the worker's codecs, narrowed to the ones a deployment chose."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from media_plane.ortc.errors import InvalidParametersError, UnsupportedError
from media_plane.ortc.header_extensions import EXCLUDED_HEADER_EXTENSIONS, SUPPORTED_HEADER_EXTENSIONS
from media_plane.ortc.match import codecs_match
from media_plane.ortc.rtp import CodecParameterValue, RtcpFeedback, RtpCapabilities, RtpCodecCapability
from media_plane.ortc.validate import validate_codec_capability

# In the order they are handed out. 96..127 are dynamic by RFC 3551 section 6; mediasoup begins at 100.
DYNAMIC_PAYLOAD_TYPES: Final = (*range(100, 128), *range(96, 100))

_TRANSPORT_CC = RtcpFeedback(type="transport-cc")
_NACK = RtcpFeedback(type="nack")
_VIDEO_FEEDBACK = (
    _NACK,
    RtcpFeedback(type="nack", parameter="pli"),
    RtcpFeedback(type="ccm", parameter="fir"),
    RtcpFeedback(type="goog-remb"),
    _TRANSPORT_CC,
)


def _audio(  # One row of the table; the names would say no more than the columns do.
    name: str,
    clock_rate: int,
    feedback: Iterable[RtcpFeedback],
    *,
    channels: int = 1,
    payload_type: int | None = None,
    parameters: Mapping[str, CodecParameterValue] | None = None,
) -> RtpCodecCapability:
    return RtpCodecCapability(
        kind="audio",
        mime_type=f"audio/{name}",
        preferred_payload_type=payload_type,
        clock_rate=clock_rate,
        channels=channels,
        parameters=dict(parameters or {}),
        rtcp_feedback=list(feedback),
    )


def _multiopus(channels: int, channel_mapping: str, streams: int, coupled_streams: int) -> RtpCodecCapability:
    parameters: dict[str, CodecParameterValue] = {
        "channel_mapping": channel_mapping,
        "num_streams": streams,
        "coupled_streams": coupled_streams,
    }
    return _audio("multiopus", 48000, (_NACK, _TRANSPORT_CC), channels=channels, parameters=parameters)


def _video(name: str, **parameters: CodecParameterValue) -> RtpCodecCapability:
    return RtpCodecCapability(
        kind="video",
        mime_type=f"video/{name}",
        clock_rate=90000,
        parameters={key.replace("_", "-"): value for key, value in parameters.items()},
        rtcp_feedback=list(_VIDEO_FEEDBACK),
    )


SUPPORTED_CODECS: Final[tuple[RtpCodecCapability, ...]] = (
    _audio("opus", 48000, (_NACK, _TRANSPORT_CC), channels=2),
    _multiopus(4, "0,1,2,3", 2, 2),
    _multiopus(6, "0,4,1,2,3,5", 4, 2),
    _multiopus(8, "0,6,1,2,3,4,5,7", 5, 3),
    _audio("PCMU", 8000, (_TRANSPORT_CC,), payload_type=0),
    _audio("PCMA", 8000, (_TRANSPORT_CC,), payload_type=8),
    _audio("ISAC", 32000, (_TRANSPORT_CC,)),
    _audio("ISAC", 16000, (_TRANSPORT_CC,)),
    _audio("G722", 8000, (_TRANSPORT_CC,), payload_type=9),
    _audio("iLBC", 8000, (_TRANSPORT_CC,)),
    *(_audio("SILK", clock_rate, (_TRANSPORT_CC,)) for clock_rate in (24000, 16000, 12000, 8000)),
    *(_audio("CN", clock_rate, (), payload_type=13) for clock_rate in (32000, 16000, 8000)),
    *(_audio("telephone-event", clock_rate, ()) for clock_rate in (48000, 32000, 16000, 8000)),
    _video("VP8"),
    _video("VP9"),
    _video("H264", level_asymmetry_allowed=1),
    _video("AV1"),
)
"""What the worker can forward. Source: mediasoup 3.27.1, node/lib/supportedRtpCapabilities.js."""


def generate_router_rtp_capabilities(
    media_codecs: Sequence[RtpCodecCapability],
    *,
    excluded_header_extensions: frozenset[str] = EXCLUDED_HEADER_EXTENSIONS,
) -> RtpCapabilities:
    """The capabilities of a router that carries these codecs.

    Args:
        media_codecs: wanted codecs without RTX, preferred first. Their parameters are added to the worker's own; their
            RTCP feedback is ignored; a payload type is kept, else the static or next dynamic one is taken.
        excluded_header_extensions: URIs to leave out. The default is a decision, not a taste: see the constant.

    Returns:
        The codecs in the same order, each video codec followed by its RTX, and the header extensions.

    Raises:
        UnsupportedError: the worker does not know a codec, or the dynamic payload types ran out.
        InvalidParametersError: a codec is malformed, or two would share a payload type.
    Source: mediasoup 3.27.1, node/lib/ortc.js, generateRouterRtpCapabilities.
    """
    forced = {codec.preferred_payload_type for codec in media_codecs}
    free = iter([payload_type for payload_type in DYNAMIC_PAYLOAD_TYPES if payload_type not in forced])
    codecs: list[RtpCodecCapability] = []
    for index, wanted in enumerate(media_codecs):
        codec = _resolve(wanted, f"mediaCodecs[{index}]")
        if codec.preferred_payload_type is None:
            codec = msgspec.structs.replace(codec, preferred_payload_type=_take(free))
        codecs.append(codec)
        if codec.kind == "video":
            codecs.append(_rtx_for(codec, _take(free)))
    payload_types = [codec.preferred_payload_type for codec in codecs]
    if len(set(payload_types)) < len(payload_types):
        raise InvalidParametersError("Two media codecs have the same preferredPayloadType.", field="mediaCodecs")
    extensions = [ext for ext in SUPPORTED_HEADER_EXTENSIONS if ext.uri not in excluded_header_extensions]
    return RtpCapabilities(codecs=codecs, header_extensions=extensions)


def _resolve(wanted: RtpCodecCapability, field: str) -> RtpCodecCapability:
    """The worker's codec that was asked for, with the asker's payload type and parameters."""
    validate_codec_capability(wanted, field)
    supported = next((codec for codec in SUPPORTED_CODECS if codecs_match(wanted, codec)), None)
    if supported is None:
        raise UnsupportedError(
            f"{field}: the worker has no codec {wanted.mime_type} at {wanted.clock_rate} Hz with these channels.",
            field=field,
        )
    payload_type = wanted.preferred_payload_type
    return msgspec.structs.replace(
        supported,
        preferred_payload_type=supported.preferred_payload_type if payload_type is None else payload_type,
        parameters={**supported.parameters, **wanted.parameters},
    )


def _rtx_for(codec: RtpCodecCapability, payload_type: int) -> RtpCodecCapability:
    assert codec.preferred_payload_type is not None
    return RtpCodecCapability(
        kind=codec.kind,
        mime_type=f"{codec.kind}/rtx",
        preferred_payload_type=payload_type,
        clock_rate=codec.clock_rate,
        parameters={"apt": codec.preferred_payload_type},
    )


def _take(free: Iterable[int]) -> int:
    """The next dynamic payload type."""
    for payload_type in free:
        return payload_type
    raise UnsupportedError("There are more media codecs than dynamic payload types to allocate.", field="mediaCodecs")

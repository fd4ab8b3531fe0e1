"""Checks of RTP capabilities and parameters, which may come from a hostile browser.

`decode_*` reads JSON and checks it; `validate_*` checks a struct however it was made. Both raise only
`InvalidParametersError`, which names the wrong field by its JSON path.

mediasoup 3.27.1 (node/lib/ortc.js, validateAndNormalize…) checks types only and leaves the rest to the worker. We are
stricter: what the worker would refuse or cut off (worker/fbs/rtpParameters.fbs has the widths of numbers) is refused
here, and every list and text is bounded.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from media_plane.ortc.errors import InvalidParametersError
from media_plane.ortc.header_extensions import KNOWN_URIS
from media_plane.ortc.match import Codec, is_rtx, kind_of
from media_plane.ortc.rtp import (
    CodecParameterValue,
    RtcpFeedback,
    RtpCapabilities,
    RtpCodecCapability,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpParameters,
)
from media_plane.ortc.scalability import is_scalability_mode, parse_scalability_mode

# Proposals, each several times what Chromium 156 and Firefox send.
MAX_JSON_BYTES: Final = 65_536  # The size limit of a signaling message.
MAX_CODECS: Final = 128
MAX_HEADER_EXTENSIONS: Final = 64
MAX_ENCODINGS: Final = 8
MAX_CODEC_PARAMETERS: Final = 32
MAX_RTCP_FEEDBACK: Final = 32
MAX_TEXT_LENGTH: Final = 255  # Characters.
MAX_CLOCK_RATE: Final = 1_000_000  # Hz.
MAX_SSRC: Final = 2**32 - 1
MAX_BITRATE: Final = 2**32 - 1  # Bits per second.

_MIME_TYPE = re.compile(r"(audio|video)/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}", re.IGNORECASE)
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")  # RFC 8851 section 10; 16 bytes fit a one-byte header extension.
_ERROR_PATH = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")

_Value = TypeVar("_Value", bound=msgspec.Struct)
_capabilities_decoder = msgspec.json.Decoder(RtpCapabilities)
_parameters_decoder = msgspec.json.Decoder(RtpParameters)


def decode_rtp_capabilities(raw: bytes | msgspec.Raw) -> RtpCapabilities:
    """Read capabilities from JSON, at most 64 KiB.

    Raises:
        InvalidParametersError: not JSON, a wrong type, or refused by `validate_rtp_capabilities`.
    """
    caps = _decode(_capabilities_decoder, raw)
    _check_capabilities(caps)
    return caps


def decode_rtp_parameters(raw: bytes | msgspec.Raw) -> RtpParameters:
    """Read parameters from JSON, at most 64 KiB. Empty `mid`, `msid` and `cname`, which browsers send, become None.

    Raises:
        InvalidParametersError: not JSON, a wrong type, or refused by `validate_rtp_parameters`.
    """
    params = _decode(_parameters_decoder, raw)
    _check_parameters(params)
    if params.mid == "" or params.msid == "" or params.rtcp.cname == "":
        rtcp = msgspec.structs.replace(params.rtcp, cname=params.rtcp.cname or None)
        return msgspec.structs.replace(params, mid=params.mid or None, msid=params.msid or None, rtcp=rtcp)
    return params


def validate_rtp_capabilities(caps: RtpCapabilities) -> None:
    """Check capabilities of an endpoint.

    Codecs and extensions we do not know are fine: they match nothing. RTX must name a listed codec by `apt`.

    Raises:
        InvalidParametersError: a wrong type, number, text or reference, a duplicate payload type or extension id.
    """
    _check_types(caps)
    _check_capabilities(caps)


def validate_rtp_parameters(params: RtpParameters) -> None:
    """Check parameters of a producer.

    All codecs are of one kind with at least one media codec; every RTX names one of them; there is at least one
    encoding, and each can be told from the others by SSRC or RID (a single one also by the mid).

    Raises:
        InvalidParametersError: a wrong type, number, text or reference, a duplicate, an unknown header extension.
    """
    _check_types(params)
    _check_parameters(params)


def validate_codec_capability(codec: RtpCodecCapability, field: str) -> None:
    """Check one codec capability by itself; `field` is its path for the error.

    Raises:
        InvalidParametersError: a wrong type, MIME type, number or parameter.
    """
    _check_types(codec)
    _check_capability(codec, field)


def _decode(decoder: msgspec.json.Decoder[_Value], raw: bytes | msgspec.Raw) -> _Value:
    if memoryview(raw).nbytes > MAX_JSON_BYTES:
        raise InvalidParametersError(f"The JSON text is longer than {MAX_JSON_BYTES} bytes.")
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(error) from error


def _check_types(value: msgspec.Struct) -> None:
    """Check types of a struct that was not decoded: constructing one checks nothing."""
    try:
        msgspec.convert(msgspec.to_builtins(value), type(value))
    except (msgspec.ValidationError, TypeError, UnicodeEncodeError, RecursionError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> InvalidParametersError:
    text = str(error)
    path = _ERROR_PATH.search(text)
    return InvalidParametersError(f"Cannot be read: {text[:MAX_TEXT_LENGTH]}.", field=path[1] if path else "")


def _check_capabilities(caps: RtpCapabilities) -> None:
    _check_count(caps.codecs, MAX_CODECS, "codecs")
    for index, codec in enumerate(caps.codecs):
        _check_capability(codec, f"codecs[{index}]")
    payload_types = [codec.preferred_payload_type for codec in caps.codecs]
    _check_payload_types(caps.codecs, payload_types, "preferredPayloadType")
    _check_count(caps.header_extensions, MAX_HEADER_EXTENSIONS, "headerExtensions")
    for index, extension in enumerate(caps.header_extensions):
        field = f"headerExtensions[{index}]"
        _check_text(extension.uri, f"{field}.uri")
        _check_number(extension.preferred_id, 1, 255, f"{field}.preferredId")
    ids = [(extension.kind, extension.preferred_id) for extension in caps.header_extensions]
    _check_unique(ids, "headerExtensions", "preferredId")


def _check_parameters(params: RtpParameters) -> None:
    _check_text(params.mid or "", "mid", empty=True)
    _check_text(params.msid or "", "msid", empty=True)
    _check_text(params.rtcp.cname or "", "rtcp.cname", empty=True)
    _check_count(params.codecs, MAX_CODECS, "codecs")
    for index, codec in enumerate(params.codecs):
        _check_codec(codec, f"codecs[{index}]")
        _check_number(codec.payload_type, 0, 127, f"codecs[{index}].payloadType")
    _check_payload_types(params.codecs, [codec.payload_type for codec in params.codecs], "payloadType")
    if len({kind_of(codec.mime_type) for codec in params.codecs}) > 1:
        raise InvalidParametersError("codecs must not mix audio and video.", field="codecs")
    _check_extensions(params.header_extensions)
    _check_encodings(params)


def _check_capability(codec: RtpCodecCapability, field: str) -> None:
    _check_codec(codec, field)
    if codec.kind != kind_of(codec.mime_type):
        raise InvalidParametersError(f"{field}.kind contradicts its mimeType.", field=f"{field}.kind")
    if codec.preferred_payload_type is not None:
        _check_number(codec.preferred_payload_type, 0, 127, f"{field}.preferredPayloadType")


def _check_codec(codec: Codec, field: str) -> None:
    if _MIME_TYPE.fullmatch(codec.mime_type) is None:
        raise InvalidParametersError(
            f"{field}.mimeType must be audio/… or video/… and a codec name.", field=f"{field}.mimeType"
        )
    _check_number(codec.clock_rate, 1, MAX_CLOCK_RATE, f"{field}.clockRate")
    if codec.channels is not None:
        _check_number(codec.channels, 1, 255, f"{field}.channels")
    _check_codec_parameters(codec.parameters, f"{field}.parameters")
    if is_rtx(codec) and "apt" not in codec.parameters:
        raise InvalidParametersError(f"{field}.parameters.apt is missing on RTX.", field=f"{field}.parameters.apt")
    _check_feedback(codec.rtcp_feedback, f"{field}.rtcpFeedback")


def _check_codec_parameters(parameters: Mapping[str, CodecParameterValue], field: str) -> None:
    if len(parameters) > MAX_CODEC_PARAMETERS:
        raise InvalidParametersError(f"{field} has more than {MAX_CODEC_PARAMETERS} entries.", field=field)
    for key, value in parameters.items():
        _check_text(key, f"{field} (a name)")
        if isinstance(value, str):
            _check_text(value, f"{field}.{key}", empty=True)
        elif isinstance(value, float):
            if not math.isfinite(value):
                raise InvalidParametersError(f"{field}.{key} must be finite.", field=f"{field}.{key}")
        else:
            _check_number(value, -(2**31), 2**31 - 1, f"{field}.{key}")
    apt = parameters.get("apt", 0)
    if isinstance(apt, bool) or not isinstance(apt, int) or not 0 <= apt <= 127:
        raise InvalidParametersError(f"{field}.apt must be a payload type, 0 to 127.", field=f"{field}.apt")


def _check_feedback(feedback: Sequence[RtcpFeedback], field: str) -> None:
    _check_count(feedback, MAX_RTCP_FEEDBACK, field)
    for index, entry in enumerate(feedback):
        _check_text(entry.type, f"{field}[{index}].type")
        _check_text(entry.parameter, f"{field}[{index}].parameter", empty=True)


def _check_payload_types(codecs: Sequence[Codec], payload_types: Sequence[int | None], name: str) -> None:
    """Payload types are unique, and each RTX repairs one media codec of its own kind, which no other RTX repairs."""
    _check_unique([payload_type for payload_type in payload_types if payload_type is not None], "codecs", name)
    media = {
        (kind_of(codec.mime_type), payload_type)
        for codec, payload_type in zip(codecs, payload_types, strict=True)
        if not is_rtx(codec)
    }
    repaired = set()
    for index, codec in enumerate(codecs):
        if is_rtx(codec):
            target = (kind_of(codec.mime_type), codec.parameters["apt"])
            if target not in media or target in repaired:
                field = f"codecs[{index}].parameters.apt"
                raise InvalidParametersError(f"{field} must name a media codec without another RTX.", field=field)
            repaired.add(target)


def _check_extensions(extensions: Sequence[RtpHeaderExtensionParameters]) -> None:
    _check_count(extensions, MAX_HEADER_EXTENSIONS, "headerExtensions")
    for index, extension in enumerate(extensions):
        field = f"headerExtensions[{index}]"
        if extension.uri not in KNOWN_URIS:
            raise InvalidParametersError(f"{field}.uri is not an extension the worker knows.", field=f"{field}.uri")
        _check_number(extension.id, 1, 255, f"{field}.id")
        _check_codec_parameters(extension.parameters, f"{field}.parameters")
    _check_unique([extension.id for extension in extensions], "headerExtensions", "id")
    _check_unique([extension.uri for extension in extensions], "headerExtensions", "uri")


def _check_encodings(params: RtpParameters) -> None:
    encodings = params.encodings
    _check_count(encodings, MAX_ENCODINGS, "encodings")
    media = {codec.payload_type for codec in params.codecs if not is_rtx(codec)}
    if not media:
        raise InvalidParametersError("codecs must hold at least one media codec.", field="codecs")
    if not encodings:
        raise InvalidParametersError("encodings must not be empty.", field="encodings")
    for index, encoding in enumerate(encodings):
        field = f"encodings[{index}]"
        _check_encoding(encoding, field)
        if encoding.codec_payload_type is not None and encoding.codec_payload_type not in media:
            raise InvalidParametersError(
                f"{field}.codecPayloadType must name a media codec.", field=f"{field}.codecPayloadType"
            )
        if len(encodings) > 1 and parse_scalability_mode(encoding.scalability_mode).spatial_layers > 1:
            raise InvalidParametersError(
                f"{field}.scalabilityMode: simulcast encodings have one spatial layer each.",
                field=f"{field}.scalabilityMode",
            )
        if encoding.ssrc is None and encoding.rid is None and (len(encodings) > 1 or not params.mid):
            raise InvalidParametersError(f"{field} needs an ssrc or a rid to be told by.", field=field)
    ssrcs = [encoding.ssrc for encoding in encodings if encoding.ssrc is not None]
    ssrcs += [encoding.rtx.ssrc for encoding in encodings if encoding.rtx is not None]
    _check_unique(ssrcs, "encodings", "ssrc")
    _check_unique([encoding.rid for encoding in encodings if encoding.rid is not None], "encodings", "rid")


def _check_encoding(encoding: RtpEncodingParameters, field: str) -> None:
    if encoding.ssrc is not None:
        _check_number(encoding.ssrc, 1, MAX_SSRC, f"{field}.ssrc")
    if encoding.rid is not None and _RID.fullmatch(encoding.rid) is None:
        raise InvalidParametersError(f"{field}.rid must be 1 to 16 letters, digits, - or _.", field=f"{field}.rid")
    if encoding.rtx is not None:
        _check_number(encoding.rtx.ssrc, 1, MAX_SSRC, f"{field}.rtx.ssrc")
    if encoding.max_bitrate is not None:
        _check_number(encoding.max_bitrate, 0, MAX_BITRATE, f"{field}.maxBitrate")
    mode = encoding.scalability_mode
    if mode is not None and not is_scalability_mode(mode):
        raise InvalidParametersError(f"{field}.scalabilityMode must look like L1T3.", field=f"{field}.scalabilityMode")


def _check_count(values: Sequence[object], most: int, field: str) -> None:
    if len(values) > most:
        raise InvalidParametersError(f"{field} has more than {most} entries.", field=field)


def _check_number(value: int, low: int, high: int, field: str) -> None:
    if not low <= value <= high:
        raise InvalidParametersError(f"{field} must be from {low} to {high}.", field=field)


def _check_text(value: str, field: str, *, empty: bool = False) -> None:
    """Bounded and printable: no control characters, no lone surrogates, which could not be written as UTF-8."""
    if len(value) > MAX_TEXT_LENGTH or not value.isprintable() or not (value or empty):
        bounds = f"{0 if empty else 1} to {MAX_TEXT_LENGTH}"
        raise InvalidParametersError(f"{field} must be {bounds} printable characters.", field=field)


def _check_unique(values: Sequence[object], field: str, name: str) -> None:
    if len(set(values)) < len(values):
        raise InvalidParametersError(f"{field} has the same {name} twice.", field=field)

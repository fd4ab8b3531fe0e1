"""When two codec descriptions mean the same codec.

Plain matching compares name, clock rate and channels (enough to find a codec in our own table). Strict matching also
compares what makes streams undecodable when it differs. `negotiate_parameters` then writes down what both agreed on.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from media_plane.ortc import h264
from media_plane.ortc.rtp import CodecParameterValue, MediaKind, RtpCodecCapability, RtpCodecParameters

Codec: TypeAlias = RtpCodecCapability | RtpCodecParameters
_Parameters: TypeAlias = Mapping[str, CodecParameterValue]


def kind_of(mime_type: str) -> MediaKind:
    """The kind a MIME type names; whatever is not audio counts as video, so check it with `validate` first."""
    return "audio" if mime_type[:6].lower() == "audio/" else "video"


def is_rtx(codec: Codec) -> bool:
    """Whether the codec is retransmission (RFC 4588) rather than media."""
    return codec.mime_type[-4:].lower() == "/rtx"


def codecs_match(one: Codec, other: Codec, *, strict: bool = False) -> bool:
    """Whether both describe the same codec.

    Args:
        one: a capability or parameters; RTX matches any RTX of the same clock rate, whatever its `apt`.
        other: likewise; the order does not matter.
        strict: also compare profiles: H264 packetization mode and profile, VP9 profile, AV1 profile.
    Source: mediasoup 3.27.1, node/lib/ortc.js, matchCodecs. Ours also compares the AV1 profile (default 0, AV1 RTP
    specification section 7.2.1), and takes "1" and 1 for the same number.
    """
    mime_type = one.mime_type.lower()
    if mime_type != other.mime_type.lower() or one.clock_rate != other.clock_rate:
        return False
    if mime_type[:6] == "audio/" and (one.channels or 1) != (other.channels or 1):
        return False
    rule = _RULES.get(mime_type)
    if rule is not None and not rule(one.parameters, other.parameters):
        return False
    if not strict:
        return True
    strict_rule = _STRICT_RULES.get(mime_type)
    return strict_rule is None or strict_rule(one.parameters, other.parameters)


def negotiate_parameters(codec: RtpCodecParameters, capability: RtpCodecCapability) -> dict[str, CodecParameterValue]:
    """The sender's codec parameters with what the capability changes about them.

    Only H264 changes anything: the `profile-level-id` becomes the answer of RFC 6184 section 8.2.2, or goes away when
    neither side named one. The two must match strictly.
    """
    parameters = codec.parameters
    if codec.mime_type.lower() != "video/h264":
        return parameters
    answer = h264.answer_profile_level_id(parameters, capability.parameters)
    if parameters.get("profile-level-id") == answer:
        return parameters
    changed = {key: value for key, value in parameters.items() if key != "profile-level-id"}
    if answer is not None:
        changed["profile-level-id"] = answer
    return changed


def _number(parameters: _Parameters, key: str) -> CodecParameterValue:
    """A parameter as a number where it is one, as text otherwise; 0 when absent or empty."""
    value = parameters.get(key, 0)
    if isinstance(value, str):
        if not value:
            return 0
        if len(value) <= 9 and value.isascii() and value.isdigit():
            return int(value)
    return value


def _same_streams(one: _Parameters, other: _Parameters) -> bool:
    return all(one.get(key) == other.get(key) for key in ("num_streams", "coupled_streams"))


def _same_h264(one: _Parameters, other: _Parameters) -> bool:
    if _number(one, "packetization-mode") != _number(other, "packetization-mode"):
        return False
    return h264.is_same_profile(one, other)


def _same_vp9(one: _Parameters, other: _Parameters) -> bool:
    return _number(one, "profile-id") == _number(other, "profile-id")


def _same_av1(one: _Parameters, other: _Parameters) -> bool:
    return _number(one, "profile") == _number(other, "profile")


_Rule: TypeAlias = Callable[[_Parameters, _Parameters], bool]
_RULES: dict[str, _Rule] = {"audio/multiopus": _same_streams}
_STRICT_RULES: dict[str, _Rule] = {"video/h264": _same_h264, "video/vp9": _same_vp9, "video/av1": _same_av1}

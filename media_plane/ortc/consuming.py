"""What one viewer receives of a producer.

This runs on the join path, once per viewer and producer, so nothing is copied deeply: codecs are rebuilt only where
their feedback changes, everything else is shared. Viewers with equal capabilities get equal parameters but for the
SSRCs: keep the first result and call `renew_ssrcs` for the others.
"""

from collections.abc import Sequence

import msgspec

from media_plane.ortc import ssrc
from media_plane.ortc.errors import UnsupportedError
from media_plane.ortc.header_extensions import ABS_SEND_TIME, TRANSPORT_WIDE_CC
from media_plane.ortc.match import codecs_match, is_rtx, kind_of
from media_plane.ortc.rtp import (
    RtcpFeedback,
    RtpCapabilities,
    RtpCodecCapability,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpParameters,
)
from media_plane.ortc.scalability import parse_scalability_mode


def can_consume(consumable: RtpParameters, caps: RtpCapabilities) -> bool:
    """Whether an endpoint can decode a producer.

    Args:
        consumable: of the producer, by `producing.get_consumable_rtp_parameters`.
        caps: of the endpoint, valid by `validate.validate_rtp_capabilities` (not checked again here).

    Returns:
        True if they have a media codec in common; then `get_consumer_rtp_parameters` succeeds. RTX alone is nothing to
        watch.

    Source: mediasoup 3.27.1, node/lib/ortc.js, canConsume, which looks at the first match only and so says no to some
    producers of several codecs that its own getConsumerRtpParameters accepts.
    """
    return any(not is_rtx(codec) and _find_capability(codec, caps) is not None for codec in consumable.codecs)


def get_consumer_rtp_parameters(
    *,
    consumable_rtp_parameters: RtpParameters,
    remote_rtp_capabilities: RtpCapabilities,
    pipe: bool = False,
    enable_rtx: bool = True,
    draw_ssrc: ssrc.DrawSsrc = ssrc.draw_ssrc,
) -> RtpParameters:
    """The parameters of one consumer.

    Args:
        consumable_rtp_parameters: of the producer, by `producing.get_consumable_rtp_parameters`.
        remote_rtp_capabilities: of the endpoint, valid by `validate.validate_rtp_capabilities`.
        pipe: keep every encoding instead of offering them as one stream with layers.
        enable_rtx: whether lost packets may be asked for again; False removes RTX codecs and plain NACK.
        draw_ssrc: gives the first SSRC; the others count up from it.

    Returns:
        The common codecs (RTX only next to its media codec) with the endpoint's feedback, the common header extensions,
        and one encoding: simulcast of n encodings becomes `LnTm` of it, maxBitrate is the highest of them. The mid is
        left to the transport.

    Raises:
        UnsupportedError: no media codec in common.
    Source: mediasoup 3.27.1, node/lib/ortc.js, getConsumerRtpParameters. Ours also compares the kind of extensions.
    """
    consumable = consumable_rtp_parameters
    extensions = _common_extensions(consumable, remote_rtp_capabilities)
    dropped = _feedback_to_drop(extensions)
    codecs = _common_codecs(consumable, remote_rtp_capabilities, enable_rtx=enable_rtx, dropped=dropped)
    with_rtx = any(is_rtx(codec) for codec in codecs)
    encodings = consumable.encodings if pipe else [_merge_encodings(consumable.encodings)]
    return RtpParameters(
        codecs=codecs,
        header_extensions=extensions,
        encodings=ssrc.number_encodings(encodings, with_rtx=with_rtx, first_ssrc=draw_ssrc()),
        rtcp=consumable.rtcp,
        msid=consumable.msid,
    )


def renew_ssrcs(params: RtpParameters, *, draw_ssrc: ssrc.DrawSsrc = ssrc.draw_ssrc) -> RtpParameters:
    """The same consumer parameters under fresh SSRCs, for the next viewer with the same capabilities.

    Args:
        params: by `get_consumer_rtp_parameters` or `piping.get_pipe_consumer_rtp_parameters`; every encoding has RTX
            or none has.
        draw_ssrc: gives the first SSRC; the others count up from it.
    """
    with_rtx = bool(params.encodings) and params.encodings[0].rtx is not None
    encodings = ssrc.number_encodings(params.encodings, with_rtx=with_rtx, first_ssrc=draw_ssrc())
    return msgspec.structs.replace(params, encodings=encodings)


def _find_capability(codec: RtpCodecParameters, caps: RtpCapabilities) -> RtpCodecCapability | None:
    for capability in caps.codecs:
        if codecs_match(capability, codec, strict=True):
            return capability
    return None


def _common_extensions(consumable: RtpParameters, caps: RtpCapabilities) -> list[RtpHeaderExtensionParameters]:
    """Extensions the endpoint knows by the same id and URI, for this kind."""
    kind = kind_of(consumable.codecs[0].mime_type) if consumable.codecs else "video"
    known = {(ext.preferred_id, ext.uri) for ext in caps.header_extensions if ext.kind == kind}
    return [ext for ext in consumable.header_extensions if (ext.id, ext.uri) in known]


def _feedback_to_drop(extensions: Sequence[RtpHeaderExtensionParameters]) -> frozenset[str]:
    """Bandwidth feedback that is not used: one estimator at most, transport-cc before REMB, each with its extension."""
    uris = {ext.uri for ext in extensions}
    if TRANSPORT_WIDE_CC in uris:
        return frozenset({"goog-remb"})
    if ABS_SEND_TIME in uris:
        return frozenset({"transport-cc"})
    return frozenset({"transport-cc", "goog-remb"})


def _common_codecs(
    consumable: RtpParameters, caps: RtpCapabilities, *, enable_rtx: bool, dropped: frozenset[str]
) -> list[RtpCodecParameters]:
    """Codecs both have, in the producer's order, RTX only for those that are there."""
    codecs: list[RtpCodecParameters] = []
    for codec in consumable.codecs:
        if not enable_rtx and is_rtx(codec):
            continue
        capability = _find_capability(codec, caps)
        if capability is not None:
            feedback = _reduce_feedback(capability.rtcp_feedback, enable_rtx=enable_rtx, dropped=dropped)
            codecs.append(msgspec.structs.replace(codec, rtcp_feedback=feedback))
    media = {codec.payload_type for codec in codecs if not is_rtx(codec)}
    if not media:
        raise UnsupportedError("codecs: the endpoint can decode none of the producer's codecs.", field="codecs")
    return [codec for codec in codecs if not is_rtx(codec) or codec.parameters.get("apt") in media]


def _reduce_feedback(
    feedback: Sequence[RtcpFeedback], *, enable_rtx: bool, dropped: frozenset[str]
) -> list[RtcpFeedback]:
    """Feedback in use. Without RTX the plain NACK goes too; `nack pli` asks for a picture, not a packet, and stays."""
    return [
        entry
        for entry in feedback
        if entry.type not in dropped and (enable_rtx or entry.type != "nack" or entry.parameter)
    ]


def _merge_encodings(encodings: Sequence[RtpEncodingParameters]) -> RtpEncodingParameters:
    """The one stream a viewer sees, whose layers stand for the producer's encodings."""
    mode = next((encoding.scalability_mode for encoding in encodings if encoding.scalability_mode), None)
    if len(encodings) > 1:
        mode = f"L{len(encodings)}T{parse_scalability_mode(mode).temporal_layers}"
    highest = max((encoding.max_bitrate or 0 for encoding in encodings), default=0)
    return RtpEncodingParameters(scalability_mode=mode, max_bitrate=highest or None)

"""What one router hands to another: everything, with nothing that belongs to a single hop."""

from collections.abc import Sequence

import msgspec

from media_plane.ortc import ssrc
from media_plane.ortc.header_extensions import (
    ABS_SEND_TIME,
    DEPENDENCY_DESCRIPTOR,
    MID,
    SUPPORTED_HEADER_EXTENSIONS,
    TRANSPORT_WIDE_CC,
)
from media_plane.ortc.match import is_rtx, kind_of
from media_plane.ortc.rtp import RtcpFeedback, RtpHeaderExtensionParameters, RtpParameters

# The mid names a browser's m-section, and the other two feed a bandwidth estimator; a pipe has neither.
_ONE_HOP_EXTENSIONS = frozenset({MID, ABS_SEND_TIME, TRANSPORT_WIDE_CC})
_KEY_FRAME_REQUESTS = frozenset({("nack", "pli"), ("ccm", "fir")})
_PLAIN_NACK = ("nack", "")

_dependency_descriptor = next(
    RtpHeaderExtensionParameters(uri=ext.uri, id=ext.preferred_id, encrypt=ext.preferred_encrypt)
    for ext in SUPPORTED_HEADER_EXTENSIONS
    if ext.uri == DEPENDENCY_DESCRIPTOR
)


def get_pipe_consumer_rtp_parameters(
    *,
    consumable_rtp_parameters: RtpParameters,
    enable_rtx: bool = False,
    draw_ssrc: ssrc.DrawSsrc = ssrc.draw_ssrc,
) -> RtpParameters:
    """The parameters of a consumer on a PipeTransport, towards another router.

    Args:
        consumable_rtp_parameters: of the producer, by `producing.get_consumable_rtp_parameters`.
        enable_rtx: whether the pipe asks for lost packets again; useful between machines, not between workers of one.
        draw_ssrc: gives the first SSRC; the others count up from it.

    Returns:
        All codecs and encodings. Feedback is reduced to key frame requests (and NACK with RTX). Of the extensions the
        mid and those for bandwidth go; video gets the dependency descriptor, which consumers never see and the
        next router needs to choose AV1 layers.
    Source: mediasoup 3.27.1, node/lib/ortc.js, getPipeConsumerRtpParameters. Ours gives RTX streams only where there
    is an RTX codec, and the dependency descriptor only to video.
    """
    consumable = consumable_rtp_parameters
    codecs = [
        msgspec.structs.replace(codec, rtcp_feedback=_reduce_feedback(codec.rtcp_feedback, enable_rtx=enable_rtx))
        for codec in consumable.codecs
        if enable_rtx or not is_rtx(codec)
    ]
    with_rtx = any(is_rtx(codec) for codec in codecs)
    return RtpParameters(
        codecs=codecs,
        header_extensions=_pipe_extensions(consumable),
        encodings=ssrc.number_encodings(consumable.encodings, with_rtx=with_rtx, first_ssrc=draw_ssrc()),
        rtcp=consumable.rtcp,
        msid=consumable.msid,
    )


def _reduce_feedback(feedback: Sequence[RtcpFeedback], *, enable_rtx: bool) -> list[RtcpFeedback]:
    kept = _KEY_FRAME_REQUESTS | {_PLAIN_NACK} if enable_rtx else _KEY_FRAME_REQUESTS
    return [entry for entry in feedback if (entry.type, entry.parameter) in kept]


def _pipe_extensions(consumable: RtpParameters) -> list[RtpHeaderExtensionParameters]:
    """Extensions that survive a hop, sorted by id."""
    extensions = [ext for ext in consumable.header_extensions if ext.uri not in _ONE_HOP_EXTENSIONS]
    is_video = bool(consumable.codecs) and kind_of(consumable.codecs[0].mime_type) == "video"
    if is_video and all(ext.uri != DEPENDENCY_DESCRIPTOR for ext in extensions):
        extensions.append(_dependency_descriptor)
    return sorted(extensions, key=lambda ext: ext.id)

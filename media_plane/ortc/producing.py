"""From what a producer sends to what the router makes of it.

Two steps: the mapping the worker rewrites packets by (payload types and SSRCs of the sender to the router's), and the
consumable parameters, which every consumer's are cut from.
"""

from collections.abc import Sequence

import msgspec

from media_plane.ortc import ssrc
from media_plane.ortc.errors import InvalidParametersError, UnsupportedError
from media_plane.ortc.header_extensions import ABS_CAPTURE_TIME
from media_plane.ortc.match import codecs_match, is_rtx, kind_of, negotiate_parameters
from media_plane.ortc.rtp import (
    CodecMapping,
    EncodingMapping,
    MediaKind,
    RtcpParameters,
    RtpCapabilities,
    RtpCodecCapability,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpMapping,
    RtpParameters,
)


def get_producer_rtp_parameters_mapping(
    params: RtpParameters, caps: RtpCapabilities, *, draw_ssrc: ssrc.DrawSsrc = ssrc.draw_ssrc
) -> RtpMapping:
    """How the worker rewrites a producer's packets.

    Args:
        params: of the producer, valid by `validate.validate_rtp_parameters`; not changed (mediasoup writes the
            negotiated H264 profile-level-id back into them; here it appears in the consumable parameters only).
        caps: of the router.
        draw_ssrc: gives the first of the SSRCs, which then count up.

    Returns:
        Media codecs, then RTX codecs, then one entry per encoding in the same order.

    Raises:
        UnsupportedError: the router has no such codec, no RTX for it, or does not offer a header extension. (mediasoup
            lets any extension pass; refusing keeps out the ones our routers leave out on purpose.)
        InvalidParametersError: an RTX codec names no media codec.
    Source: mediasoup 3.27.1, node/lib/ortc.js, getProducerRtpParametersMapping.
    """
    _require_offered_extensions(params, caps)
    mapped: dict[int, int] = {}
    for codec in params.codecs:
        if not is_rtx(codec):
            mapped[codec.payload_type] = _payload_type(_find_media_codec(codec, caps))
    media = dict(mapped)
    for codec in params.codecs:
        if is_rtx(codec):
            mapped[codec.payload_type] = _payload_type(_find_rtx_codec(codec, media, caps))
    return RtpMapping(
        codecs=[CodecMapping(payload_type=own, mapped_payload_type=ours) for own, ours in mapped.items()],
        encodings=_map_encodings(params.encodings, draw_ssrc()),
    )


def get_consumable_rtp_parameters(
    kind: MediaKind, params: RtpParameters, caps: RtpCapabilities, mapping: RtpMapping
) -> RtpParameters:
    """What the router can give to consumers of a producer.

    Args:
        kind: of the producer.
        params: of the producer, as given to the mapping.
        caps: of the router.
        mapping: made from the same `params` and `caps`.

    Returns:
        The router's payload types, each media codec followed by the router's RTX for it; the header extensions the
        router may send; the producer's encodings under mapped SSRCs, without rid and RTX; its cname and msid.

    Raises:
        InvalidParametersError: a codec is not of this kind, or the mapping does not belong to the parameters.
    Source: mediasoup 3.27.1, node/lib/ortc.js, getConsumableRtpParameters.
    """
    if any(kind_of(codec.mime_type) != kind for codec in params.codecs):
        raise InvalidParametersError(f"codecs: one is not of kind {kind}.", field="codecs")
    if len(params.encodings) != len(mapping.encodings):
        raise InvalidParametersError("encodings and their mapping differ in number.", field="encodings")
    return RtpParameters(
        codecs=_consumable_codecs(params, caps, mapping),
        header_extensions=_consumable_extensions(kind, params, caps),
        encodings=[
            _consumable_encoding(encoding, entry.mapped_ssrc)
            for encoding, entry in zip(params.encodings, mapping.encodings, strict=True)
        ],
        rtcp=RtcpParameters(cname=params.rtcp.cname),
        msid=params.msid,
    )


def _require_offered_extensions(params: RtpParameters, caps: RtpCapabilities) -> None:
    offered = {extension.uri for extension in caps.header_extensions}
    for index, extension in enumerate(params.header_extensions):
        if extension.uri not in offered:
            field = f"headerExtensions[{index}].uri"
            raise UnsupportedError(f"{field}: the router does not offer {extension.uri}.", field=field)


def _find_media_codec(codec: RtpCodecParameters, caps: RtpCapabilities) -> RtpCodecCapability:
    for capability in caps.codecs:
        if codecs_match(codec, capability, strict=True):
            return capability
    raise UnsupportedError(
        f"codecs: the router has no codec like {codec.mime_type} with payload type {codec.payload_type}.",
        field="codecs",
    )


def _find_rtx_codec(codec: RtpCodecParameters, media: dict[int, int], caps: RtpCapabilities) -> RtpCodecCapability:
    """The router's RTX for the media codec that this RTX repairs."""
    apt = codec.parameters.get("apt")
    mapped = media.get(apt) if isinstance(apt, int) else None
    if mapped is None:
        raise InvalidParametersError(
            f"codecs: RTX with payload type {codec.payload_type} names no media codec by apt.", field="codecs"
        )
    rtx = _find_rtx_capability(mapped, caps)
    if rtx is None:
        raise UnsupportedError(f"codecs: the router has no RTX for its payload type {mapped}.", field="codecs")
    return rtx


def _find_rtx_capability(media_payload_type: int, caps: RtpCapabilities) -> RtpCodecCapability | None:
    for capability in caps.codecs:
        if is_rtx(capability) and capability.parameters.get("apt") == media_payload_type:
            return capability
    return None


def _payload_type(capability: RtpCodecCapability) -> int:
    if capability.preferred_payload_type is None:
        raise InvalidParametersError("caps.codecs: a router codec has no preferredPayloadType.", field="caps.codecs")
    return capability.preferred_payload_type


def _map_encodings(encodings: Sequence[RtpEncodingParameters], first_ssrc: int) -> list[EncodingMapping]:
    return [
        EncodingMapping(
            ssrc=encoding.ssrc,
            rid=encoding.rid,
            scalability_mode=encoding.scalability_mode,
            mapped_ssrc=first_ssrc + index,
        )
        for index, encoding in enumerate(encodings)
    ]


def _consumable_codecs(params: RtpParameters, caps: RtpCapabilities, mapping: RtpMapping) -> list[RtpCodecParameters]:
    """The router's form of each media codec, keeping the producer's parameters, and the router's RTX for it."""
    mapped = {entry.payload_type: entry.mapped_payload_type for entry in mapping.codecs}
    by_payload_type = {codec.preferred_payload_type: codec for codec in caps.codecs}
    codecs: list[RtpCodecParameters] = []
    for index, codec in enumerate(params.codecs):
        if is_rtx(codec):
            continue
        capability = by_payload_type.get(mapped.get(codec.payload_type))
        if capability is None:
            field = f"codecs[{index}].payloadType"
            raise InvalidParametersError(f"{field} is not mapped.", field=field)
        media = msgspec.structs.replace(_as_parameters(capability), parameters=negotiate_parameters(codec, capability))
        codecs.append(media)
        rtx = _find_rtx_capability(media.payload_type, caps)
        if rtx is not None:
            codecs.append(_as_parameters(rtx))
    return codecs


def _as_parameters(capability: RtpCodecCapability) -> RtpCodecParameters:
    return RtpCodecParameters(
        mime_type=capability.mime_type,
        payload_type=_payload_type(capability),
        clock_rate=capability.clock_rate,
        channels=capability.channels,
        parameters=capability.parameters,
        rtcp_feedback=capability.rtcp_feedback,
    )


def _consumable_extensions(
    kind: MediaKind, params: RtpParameters, caps: RtpCapabilities
) -> list[RtpHeaderExtensionParameters]:
    """Extensions the router may send for this kind.

    The worker only passes `abs-capture-time` on, so it is there only if the producer sends it: a router that offers it
    would otherwise make consumers wait for a value that never comes.
    """
    sent = {extension.uri for extension in params.header_extensions}
    return [
        RtpHeaderExtensionParameters(uri=ext.uri, id=ext.preferred_id, encrypt=ext.preferred_encrypt)
        for ext in caps.header_extensions
        if ext.kind == kind
        and ext.direction in ("sendrecv", "sendonly")
        and (ext.uri != ABS_CAPTURE_TIME or ext.uri in sent)
    ]


def _consumable_encoding(encoding: RtpEncodingParameters, mapped_ssrc: int) -> RtpEncodingParameters:
    return RtpEncodingParameters(
        ssrc=mapped_ssrc,
        dtx=encoding.dtx,
        scalability_mode=encoding.scalability_mode,
        max_bitrate=encoding.max_bitrate,
    )

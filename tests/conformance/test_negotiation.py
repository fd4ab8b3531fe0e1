"""Negotiation by itself, as mediasoup's suite tests it: capabilities, and parameters all the way down."""

from typing import Any

import msgspec
import pytest

from media_plane.ortc.capabilities import generate_router_rtp_capabilities
from media_plane.ortc.consuming import get_consumer_rtp_parameters
from media_plane.ortc.errors import UnsupportedError
from media_plane.ortc.piping import get_pipe_consumer_rtp_parameters
from media_plane.ortc.producing import get_consumable_rtp_parameters, get_producer_rtp_parameters_mapping
from media_plane.ortc.rtp import RtpCapabilities, RtpCodecCapability, RtpParameters
from tests.conformance.stage import (
    FIR,
    H264_PROFILE,
    MID,
    NACK,
    OPUS,
    ORIENTATION,
    PLI,
    REMB,
    TIME_OFFSET,
    VP8,
    capability_extensions,
    made,
    shown,
    video_codec,
    vp8_video,
)

BASELINE = {"level-asymmetry-allowed": 1, "profile-level-id": "42e01f", "shop": "own"}
TRANSPORT_CC = {"type": "transport-cc"}
ALL_VIDEO_FEEDBACK = [NACK, PLI, FIR, REMB, TRANSPORT_CC]


def capability(name: str, payload_type: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "video",
        "mimeType": f"video/{name}",
        "preferredPayloadType": payload_type,
        "clockRate": 90000,
        **more,
    }


def test_router_offers_its_codecs_with_payload_types_and_retransmission() -> None:
    forced = msgspec.structs.replace(VP8, preferred_payload_type=125)

    offered = generate_router_rtp_capabilities([OPUS, forced, video_codec("H264", **BASELINE)])

    assert shown(offered.codecs) == [
        {
            "kind": "audio",
            "mimeType": "audio/opus",
            "preferredPayloadType": 100,
            "clockRate": 48000,
            "channels": 2,
            "parameters": {"useinbandfec": 1, "shop": "own"},
            "rtcpFeedback": [NACK, TRANSPORT_CC],
        },
        capability("VP8", 125, rtcpFeedback=ALL_VIDEO_FEEDBACK),
        capability("rtx", 101, parameters={"apt": 125}),
        capability("H264", 102, parameters=BASELINE, rtcpFeedback=ALL_VIDEO_FEEDBACK),
        capability("rtx", 103, parameters={"apt": 102}),
    ]


@pytest.mark.parametrize(
    "codec",
    [
        {"mimeType": "audio/chicken", "clockRate": 8000, "channels": 4},
        {"mimeType": "audio/opus", "clockRate": 48000, "channels": 1},
    ],
    ids=["name", "channels"],
)
def test_codecs_the_worker_does_not_have_are_refused(codec: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError):
        generate_router_rtp_capabilities([made(RtpCodecCapability, kind="audio", **codec)])


def test_more_codecs_than_payload_types_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="to allocate"):
        generate_router_rtp_capabilities([OPUS] * 100)


def test_parameters_go_from_producer_to_consumer_and_pipe() -> None:
    router = generate_router_rtp_capabilities(
        [OPUS, video_codec("H264", **H264_PROFILE, **{"level-asymmetry-allowed": 1, "shop": "own"})]
    )
    sent = made(
        RtpParameters,
        codecs=[
            {
                "mimeType": "video/H264",
                "payloadType": 111,
                "clockRate": 90000,
                "parameters": {"note": 1234, **H264_PROFILE},
                "rtcpFeedback": [NACK, PLI, REMB],
            },
            {"mimeType": "video/rtx", "payloadType": 112, "clockRate": 90000, "parameters": {"apt": 111}},
        ],
        headerExtensions=[{"uri": MID, "id": 1}, {"uri": ORIENTATION, "id": 2}],
        encodings=[
            {"ssrc": 11111111, "rtx": {"ssrc": 11111112}, "maxBitrate": 111111, "scalabilityMode": "L1T3"},
            {"ssrc": 21111111, "rtx": {"ssrc": 21111112}, "maxBitrate": 222222, "scalabilityMode": "L1T3"},
            {"rid": "high", "maxBitrate": 333333, "scalabilityMode": "L1T3"},
        ],
        rtcp={"cname": "qwerty1234"},
    )

    mapping = get_producer_rtp_parameters_mapping(sent, router)
    assert shown(mapping.codecs) == [
        {"payloadType": 111, "mappedPayloadType": 101},
        {"payloadType": 112, "mappedPayloadType": 102},
    ]
    assert [(e.ssrc, e.rid) for e in mapping.encodings] == [(11111111, None), (21111111, None), (None, "high")]
    mapped = [encoding.mapped_ssrc for encoding in mapping.encodings]
    assert len(set(mapped)) == 3

    consumable = get_consumable_rtp_parameters("video", sent, router, mapping)
    assert [(c.mime_type, c.payload_type, c.clock_rate, c.parameters) for c in consumable.codecs] == [
        ("video/H264", 101, 90000, {"note": 1234, **H264_PROFILE}),
        ("video/rtx", 102, 90000, {"apt": 101}),
    ]
    assert shown(consumable.encodings) == [
        {"ssrc": ssrc, "maxBitrate": bitrate, "scalabilityMode": "L1T3"}
        for ssrc, bitrate in zip(mapped, (111111, 222222, 333333), strict=True)
    ]
    assert (consumable.rtcp.cname, consumable.rtcp.reduced_size) == ("qwerty1234", True)
    check_consumer(consumable)
    check_pipe(consumable)


def check_consumer(consumable: RtpParameters) -> None:
    odd_feedback = {"type": "foo", "parameter": "FOO"}
    device = made(
        RtpCapabilities,
        codecs=[
            capability(
                "H264", 101, parameters={**H264_PROFILE, "baz": "LOLOLO"}, rtcpFeedback=[NACK, PLI, odd_feedback]
            ),
            capability("rtx", 102, parameters={"apt": 101}),
        ],
        headerExtensions=[
            *capability_extensions("audio", mid=1, audio_level=6),
            *capability_extensions("video", mid=1, rid=2, orientation=8, time_offset=9),
        ],
    )
    params = get_consumer_rtp_parameters(consumable_rtp_parameters=consumable, remote_rtp_capabilities=device)
    assert shown(params.codecs) == [
        {
            "mimeType": "video/H264",
            "payloadType": 101,
            "clockRate": 90000,
            "parameters": {"note": 1234, **H264_PROFILE},
            "rtcpFeedback": [NACK, PLI, odd_feedback],
        },
        {"mimeType": "video/rtx", "payloadType": 102, "clockRate": 90000, "parameters": {"apt": 101}},
    ]
    (encoding,) = params.encodings
    assert encoding.ssrc
    assert encoding.rtx
    assert (encoding.scalability_mode, encoding.max_bitrate) == ("L3T3", 333333)
    assert [(ext.uri, ext.id) for ext in params.header_extensions] == [(MID, 1), (ORIENTATION, 8), (TIME_OFFSET, 9)]
    assert (params.rtcp.cname, params.rtcp.reduced_size) == ("qwerty1234", True)


def check_pipe(consumable: RtpParameters) -> None:
    params = get_pipe_consumer_rtp_parameters(consumable_rtp_parameters=consumable)
    assert shown(params.codecs) == [
        {
            "mimeType": "video/H264",
            "payloadType": 101,
            "clockRate": 90000,
            "parameters": {"note": 1234, **H264_PROFILE},
            "rtcpFeedback": [PLI, FIR],
        }
    ]
    assert [(e.max_bitrate, e.scalability_mode, e.rtx) for e in params.encodings] == [
        (bitrate, "L1T3", None) for bitrate in (111111, 222222, 333333)
    ]
    assert len({e.ssrc for e in params.encodings}) == 3
    assert (params.rtcp.cname, params.rtcp.reduced_size) == ("qwerty1234", True)


def test_codec_the_router_does_not_have_is_refused() -> None:
    h264 = video_codec("H264", **{"packetization-mode": 1, "profile-level-id": "640032"})
    router = generate_router_rtp_capabilities([OPUS, h264])

    with pytest.raises(UnsupportedError):
        get_producer_rtp_parameters_mapping(vp8_video({"ssrc": 11111111}), router)

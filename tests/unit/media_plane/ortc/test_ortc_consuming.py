"""What viewers get of producers that differ in one thing."""

import pytest

from media_plane.ortc import ssrc
from media_plane.ortc.capabilities import generate_router_rtp_capabilities
from media_plane.ortc.consuming import can_consume, get_consumer_rtp_parameters
from media_plane.ortc.header_extensions import ABS_SEND_TIME, TRANSPORT_WIDE_CC
from media_plane.ortc.media_codecs import H264, ROOM_MEDIA_CODECS, VP8
from media_plane.ortc.producing import get_consumable_rtp_parameters, get_producer_rtp_parameters_mapping
from media_plane.ortc.rtp import (
    RtcpFeedback,
    RtpCapabilities,
    RtpCodecCapability,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpParameters,
)

NACK = RtcpFeedback(type="nack")
REMB, TRANSPORT_CC = RtcpFeedback(type="goog-remb"), RtcpFeedback(type="transport-cc")


def produce(mime_type: str, *encodings: RtpEncodingParameters, caps: RtpCapabilities) -> RtpParameters:
    """Consumable parameters of a one-codec video producer without RTX of its own."""
    capability = next(codec for codec in caps.codecs if codec.mime_type == mime_type)
    codec = RtpCodecParameters(
        mime_type=mime_type, payload_type=96, clock_rate=90000, parameters=dict(capability.parameters)
    )
    params = RtpParameters(mid="0", codecs=[codec], encodings=list(encodings))
    return get_consumable_rtp_parameters("video", params, caps, get_producer_rtp_parameters_mapping(params, caps))


@pytest.mark.parametrize(
    ("uris", "expected"),
    [
        ({TRANSPORT_WIDE_CC, ABS_SEND_TIME}, [NACK, TRANSPORT_CC]),
        ({ABS_SEND_TIME}, [NACK, REMB]),
        (set(), [NACK]),
    ],
)
def test_bandwidth_feedback_follows_its_header_extension(uris: set[str], expected: list[RtcpFeedback]) -> None:
    caps = generate_router_rtp_capabilities([VP8])
    viewer = RtpCapabilities(
        codecs=[
            RtpCodecCapability(
                kind="video", mime_type="video/VP8", clock_rate=90000, rtcp_feedback=[NACK, REMB, TRANSPORT_CC]
            )
        ],
        header_extensions=[ext for ext in caps.header_extensions if ext.uri in uris],
    )
    consumable = produce("video/VP8", RtpEncodingParameters(ssrc=1), caps=caps)

    params = get_consumer_rtp_parameters(consumable_rtp_parameters=consumable, remote_rtp_capabilities=viewer)

    assert params.codecs[0].rtcp_feedback == expected


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ([None], None),
        (["L1T3"], "L1T3"),
        (["L3T3_KEY"], "L3T3_KEY"),
        ([None, None], "L2T1"),
        ([None, "L1T2", "L1T3"], "L3T2"),
    ],
)
def test_simulcast_is_shown_as_spatial_layers(modes: list[str | None], expected: str | None) -> None:
    caps = generate_router_rtp_capabilities([VP8])
    encodings = [RtpEncodingParameters(rid=f"r{index}", scalability_mode=mode) for index, mode in enumerate(modes)]
    consumable = produce("video/VP8", *encodings, caps=caps)

    params = get_consumer_rtp_parameters(consumable_rtp_parameters=consumable, remote_rtp_capabilities=caps)

    assert [encoding.scalability_mode for encoding in params.encodings] == [expected]
    assert params.encodings[0].max_bitrate is None


def test_a_viewer_of_the_second_codec_gets_it_without_the_firsts_rtx() -> None:
    caps = generate_router_rtp_capabilities(ROOM_MEDIA_CODECS)
    sent = RtpParameters(
        mid="0",
        codecs=[
            RtpCodecParameters(
                mime_type="video/H264", payload_type=96, clock_rate=90000, parameters=dict(H264.parameters)
            ),
            RtpCodecParameters(mime_type="video/VP8", payload_type=97, clock_rate=90000),
        ],
        encodings=[RtpEncodingParameters()],
    )
    mapping = get_producer_rtp_parameters_mapping(sent, caps)
    consumable = get_consumable_rtp_parameters("video", sent, caps, mapping)
    viewer = RtpCapabilities(codecs=[VP8, caps.codecs[2]])

    params = get_consumer_rtp_parameters(consumable_rtp_parameters=consumable, remote_rtp_capabilities=viewer)

    assert can_consume(consumable, viewer)
    assert [codec.payload_type for codec in params.codecs] == [103, 104]


def test_drawn_ssrcs_leave_room_for_a_row() -> None:
    numbers = {ssrc.draw_ssrc() for _ in range(1000)}

    assert len(numbers) > 990
    assert min(numbers) >= 100_000_000
    assert max(numbers) <= 999_999_998

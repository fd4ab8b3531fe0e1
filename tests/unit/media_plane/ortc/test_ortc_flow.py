"""From a producer's parameters to its consumers' and pipes', step by step."""

import itertools

import msgspec
import pytest

from media_plane.ortc.capabilities import generate_router_rtp_capabilities
from media_plane.ortc.consuming import can_consume, get_consumer_rtp_parameters, renew_ssrcs
from media_plane.ortc.errors import InvalidParametersError, UnsupportedError
from media_plane.ortc.header_extensions import (
    ABS_CAPTURE_TIME,
    ABS_SEND_TIME,
    DEPENDENCY_DESCRIPTOR,
    MID,
    TIME_OFFSET,
    TRANSPORT_WIDE_CC,
    VIDEO_ORIENTATION,
)
from media_plane.ortc.media_codecs import H264, OPUS, VP8
from media_plane.ortc.piping import get_pipe_consumer_rtp_parameters
from media_plane.ortc.producing import get_consumable_rtp_parameters, get_producer_rtp_parameters_mapping
from media_plane.ortc.rtp import (
    CodecMapping,
    CodecParameterValue,
    EncodingMapping,
    RtcpFeedback,
    RtcpParameters,
    RtpCapabilities,
    RtpCodecCapability,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtension,
    RtpHeaderExtensionParameters,
    RtpMapping,
    RtpParameters,
    RtxParameters,
)

NACK, PLI = RtcpFeedback(type="nack"), RtcpFeedback(type="nack", parameter="pli")
FIR = RtcpFeedback(type="ccm", parameter="fir")
REMB, TRANSPORT_CC = RtcpFeedback(type="goog-remb"), RtcpFeedback(type="transport-cc")
OTHER = RtcpFeedback(type="foo", parameter="FOO")

MAIN_5: dict[str, CodecParameterValue] = {"packetization-mode": 1, "profile-level-id": "4d0032"}
ROUTER = generate_router_rtp_capabilities(
    [OPUS, msgspec.structs.replace(H264, parameters={"level-asymmetry-allowed": 1, "bar": "lalala", **MAIN_5})]
)
SENT = RtpParameters(
    msid="stream track",
    codecs=[
        RtpCodecParameters(
            mime_type="video/H264",
            payload_type=111,
            clock_rate=90000,
            parameters={"foo": 1234, **MAIN_5},
            rtcp_feedback=[NACK, PLI, REMB],
        ),
        RtpCodecParameters(mime_type="video/rtx", payload_type=112, clock_rate=90000, parameters={"apt": 111}),
    ],
    header_extensions=[
        RtpHeaderExtensionParameters(uri=MID, id=1),
        RtpHeaderExtensionParameters(uri=VIDEO_ORIENTATION, id=2),
    ],
    encodings=[
        RtpEncodingParameters(
            ssrc=11111111, rtx=RtxParameters(ssrc=11111112), max_bitrate=111111, scalability_mode="L1T3"
        ),
        RtpEncodingParameters(
            ssrc=21111111, rtx=RtxParameters(ssrc=21111112), max_bitrate=222222, scalability_mode="L1T3"
        ),
        RtpEncodingParameters(rid="high", max_bitrate=333333, scalability_mode="L1T3"),
    ],
    rtcp=RtcpParameters(cname="qwerty1234"),
)
MAPPING = get_producer_rtp_parameters_mapping(SENT, ROUTER, draw_ssrc=lambda: 5000)
CONSUMABLE = get_consumable_rtp_parameters("video", SENT, ROUTER, MAPPING)


def extension(uri: str, preferred_id: int) -> RtpHeaderExtension:
    return RtpHeaderExtension(kind="video", uri=uri, preferred_id=preferred_id)


VIEWER = RtpCapabilities(
    codecs=[
        RtpCodecCapability(kind="audio", mime_type="audio/opus", clock_rate=48000, channels=2),
        RtpCodecCapability(
            kind="video",
            mime_type="video/H264",
            clock_rate=90000,
            parameters={"baz": "LOLOLO", **MAIN_5},
            rtcp_feedback=[NACK, PLI, OTHER],
        ),
        RtpCodecCapability(kind="video", mime_type="video/rtx", clock_rate=90000, parameters={"apt": 101}),
    ],
    header_extensions=[
        extension(MID, 1),
        RtpHeaderExtension(kind="audio", uri=TRANSPORT_WIDE_CC, preferred_id=5),
        extension(VIDEO_ORIENTATION, 8),
        extension(TIME_OFFSET, 9),
        extension(ABS_SEND_TIME, 14),  # Known to the viewer, but under another id.
    ],
)


def test_mapping_takes_payload_types_of_the_router_and_ssrcs_in_a_row() -> None:
    mapping = get_producer_rtp_parameters_mapping(SENT, ROUTER, draw_ssrc=lambda: 6000)

    assert mapping.codecs == [
        CodecMapping(payload_type=111, mapped_payload_type=101),
        CodecMapping(payload_type=112, mapped_payload_type=102),
    ]
    assert mapping.encodings == [
        EncodingMapping(ssrc=11111111, scalability_mode="L1T3", mapped_ssrc=6000),
        EncodingMapping(ssrc=21111111, scalability_mode="L1T3", mapped_ssrc=6001),
        EncodingMapping(rid="high", scalability_mode="L1T3", mapped_ssrc=6002),
    ]


def test_consumable_parameters_are_the_routers_with_the_producers_codec_parameters() -> None:
    media, rtx = CONSUMABLE.codecs

    assert (media.mime_type, media.payload_type, media.clock_rate) == ("video/H264", 101, 90000)
    assert media.parameters == {"foo": 1234, **MAIN_5}
    assert media.rtcp_feedback == [NACK, PLI, FIR, REMB, TRANSPORT_CC]
    assert (rtx.mime_type, rtx.payload_type, rtx.parameters) == ("video/rtx", 102, {"apt": 101})
    assert CONSUMABLE.encodings == [
        RtpEncodingParameters(ssrc=5000, max_bitrate=111111, scalability_mode="L1T3"),
        RtpEncodingParameters(ssrc=5001, max_bitrate=222222, scalability_mode="L1T3"),
        RtpEncodingParameters(ssrc=5002, max_bitrate=333333, scalability_mode="L1T3"),
    ]
    assert CONSUMABLE.rtcp == RtcpParameters(cname="qwerty1234", reduced_size=True)
    assert CONSUMABLE.msid == "stream track"


def test_consumable_extensions_are_those_the_router_sends_for_the_kind() -> None:
    assert [(ext.id, ext.uri) for ext in CONSUMABLE.header_extensions] == [
        (ext.preferred_id, ext.uri)
        for ext in ROUTER.header_extensions
        if ext.kind == "video" and ext.direction == "sendrecv"
    ]
    assert DEPENDENCY_DESCRIPTOR not in {ext.uri for ext in CONSUMABLE.header_extensions}


def test_consumer_gets_one_encoding_with_all_layers() -> None:
    params = get_consumer_rtp_parameters(
        consumable_rtp_parameters=CONSUMABLE, remote_rtp_capabilities=VIEWER, draw_ssrc=lambda: 7000
    )

    assert params == RtpParameters(
        msid="stream track",
        codecs=[
            RtpCodecParameters(
                mime_type="video/H264",
                payload_type=101,
                clock_rate=90000,
                parameters={"foo": 1234, **MAIN_5},
                rtcp_feedback=[NACK, PLI, OTHER],
            ),
            RtpCodecParameters(mime_type="video/rtx", payload_type=102, clock_rate=90000, parameters={"apt": 101}),
        ],
        header_extensions=[
            RtpHeaderExtensionParameters(uri=MID, id=1),
            RtpHeaderExtensionParameters(uri=VIDEO_ORIENTATION, id=8),
            RtpHeaderExtensionParameters(uri=TIME_OFFSET, id=9),
        ],
        encodings=[
            RtpEncodingParameters(ssrc=7000, rtx=RtxParameters(ssrc=7001), scalability_mode="L3T3", max_bitrate=333333)
        ],
        rtcp=RtcpParameters(cname="qwerty1234"),
    )


def test_consumer_shares_what_it_does_not_change() -> None:
    params = get_consumer_rtp_parameters(consumable_rtp_parameters=CONSUMABLE, remote_rtp_capabilities=VIEWER)

    assert params.codecs[0].parameters is CONSUMABLE.codecs[0].parameters
    assert params.header_extensions[0] is CONSUMABLE.header_extensions[0]
    assert params.rtcp is CONSUMABLE.rtcp


def test_pipe_keeps_encodings_and_drops_what_belongs_to_one_hop() -> None:
    params = get_pipe_consumer_rtp_parameters(consumable_rtp_parameters=CONSUMABLE, draw_ssrc=lambda: 8000)

    assert len(params.codecs) == 1
    assert params.codecs[0].payload_type == 101
    assert params.codecs[0].parameters == {"foo": 1234, **MAIN_5}
    assert params.codecs[0].rtcp_feedback == [PLI, FIR]
    assert params.encodings == [
        RtpEncodingParameters(ssrc=8000, max_bitrate=111111, scalability_mode="L1T3"),
        RtpEncodingParameters(ssrc=8001, max_bitrate=222222, scalability_mode="L1T3"),
        RtpEncodingParameters(ssrc=8002, max_bitrate=333333, scalability_mode="L1T3"),
    ]
    assert params.rtcp == RtcpParameters(cname="qwerty1234")
    assert params.msid == "stream track"
    uris = [ext.uri for ext in params.header_extensions]
    assert not {MID, ABS_SEND_TIME, TRANSPORT_WIDE_CC} & set(uris)
    assert uris.count(DEPENDENCY_DESCRIPTOR) == 1
    ids = [ext.id for ext in params.header_extensions]
    assert ids == sorted(ids)


def test_pipe_with_rtx_repairs_losses() -> None:
    params = get_pipe_consumer_rtp_parameters(
        consumable_rtp_parameters=CONSUMABLE, enable_rtx=True, draw_ssrc=lambda: 8000
    )

    assert [codec.mime_type for codec in params.codecs] == ["video/H264", "video/rtx"]
    assert params.codecs[0].rtcp_feedback == [NACK, PLI, FIR]
    assert [encoding.rtx and encoding.rtx.ssrc for encoding in params.encodings] == [8003, 8004, 8005]


def test_audio_pipe_has_neither_rtx_nor_dependency_descriptor() -> None:
    sent = RtpParameters(
        codecs=[RtpCodecParameters(mime_type="audio/opus", payload_type=111, clock_rate=48000, channels=2)],
        encodings=[RtpEncodingParameters(ssrc=1, dtx=True)],
    )
    mapping = get_producer_rtp_parameters_mapping(sent, ROUTER)
    consumable = get_consumable_rtp_parameters("audio", sent, ROUTER, mapping)

    params = get_pipe_consumer_rtp_parameters(consumable_rtp_parameters=consumable, enable_rtx=True)

    assert params.encodings[0].rtx is None
    assert params.encodings[0].dtx
    assert DEPENDENCY_DESCRIPTOR not in {ext.uri for ext in params.header_extensions}


def test_a_piped_producer_can_be_produced_again_on_the_next_router() -> None:
    piped = get_pipe_consumer_rtp_parameters(consumable_rtp_parameters=CONSUMABLE)

    mapping = get_producer_rtp_parameters_mapping(piped, ROUTER)
    consumable = get_consumable_rtp_parameters("video", piped, ROUTER, mapping)

    assert consumable.codecs == CONSUMABLE.codecs
    assert can_consume(consumable, VIEWER)


def test_without_rtx_a_consumer_has_no_plain_nack_either() -> None:
    params = get_consumer_rtp_parameters(
        consumable_rtp_parameters=CONSUMABLE, remote_rtp_capabilities=VIEWER, enable_rtx=False
    )

    assert [codec.mime_type for codec in params.codecs] == ["video/H264"]
    assert params.codecs[0].rtcp_feedback == [PLI, OTHER]
    assert params.encodings[0].rtx is None


def test_consumer_of_a_pipe_keeps_every_encoding() -> None:
    params = get_consumer_rtp_parameters(
        consumable_rtp_parameters=CONSUMABLE, remote_rtp_capabilities=VIEWER, pipe=True, draw_ssrc=lambda: 7000
    )

    assert [encoding.ssrc for encoding in params.encodings] == [7000, 7001, 7002]
    assert [encoding.rtx and encoding.rtx.ssrc for encoding in params.encodings] == [7003, 7004, 7005]
    assert [encoding.max_bitrate for encoding in params.encodings] == [111111, 222222, 333333]


def test_a_viewer_without_the_codec_cannot_consume() -> None:
    viewer = RtpCapabilities(codecs=[VP8, *(codec for codec in VIEWER.codecs if codec.mime_type == "video/rtx")])

    assert not can_consume(CONSUMABLE, viewer)
    with pytest.raises(UnsupportedError, match="can decode none"):
        get_consumer_rtp_parameters(consumable_rtp_parameters=CONSUMABLE, remote_rtp_capabilities=viewer)


def test_a_viewer_of_another_h264_profile_cannot_consume() -> None:
    viewer = RtpCapabilities(codecs=[msgspec.structs.replace(VIEWER.codecs[1], parameters=dict(H264.parameters))])

    assert not can_consume(CONSUMABLE, viewer)


def test_a_codec_the_router_lacks_cannot_be_produced() -> None:
    sent = RtpParameters(
        codecs=[RtpCodecParameters(mime_type="video/VP8", payload_type=120, clock_rate=90000)],
        encodings=[RtpEncodingParameters(ssrc=11111111)],
    )

    with pytest.raises(UnsupportedError, match="no codec like video/VP8"):
        get_producer_rtp_parameters_mapping(sent, ROUTER)


def test_rtx_of_no_codec_cannot_be_produced() -> None:
    sent = msgspec.structs.replace(SENT, codecs=[SENT.codecs[1]])

    with pytest.raises(InvalidParametersError, match="names no media codec"):
        get_producer_rtp_parameters_mapping(sent, ROUTER)


def test_rtx_cannot_be_produced_where_the_router_has_none() -> None:
    caps = RtpCapabilities(codecs=ROUTER.codecs[:2], header_extensions=ROUTER.header_extensions)

    with pytest.raises(UnsupportedError, match="no RTX"):
        get_producer_rtp_parameters_mapping(SENT, caps)


def test_a_producer_cannot_bring_abs_capture_time() -> None:
    brought = RtpHeaderExtensionParameters(uri=ABS_CAPTURE_TIME, id=3)
    sent = msgspec.structs.replace(SENT, header_extensions=[*SENT.header_extensions, brought])

    with pytest.raises(UnsupportedError) as caught:
        get_producer_rtp_parameters_mapping(sent, ROUTER)

    assert caught.value.field == "headerExtensions[2].uri"


@pytest.mark.parametrize("is_sent", [True, False])
def test_abs_capture_time_is_consumable_only_where_the_producer_sends_it(*, is_sent: bool) -> None:
    caps = generate_router_rtp_capabilities([VP8], excluded_header_extensions=frozenset())
    extensions = [RtpHeaderExtensionParameters(uri=ABS_CAPTURE_TIME, id=3)] if is_sent else []
    sent = RtpParameters(
        codecs=[RtpCodecParameters(mime_type="video/VP8", payload_type=96, clock_rate=90000)],
        header_extensions=extensions,
        encodings=[RtpEncodingParameters(ssrc=1)],
    )

    mapping = get_producer_rtp_parameters_mapping(sent, caps)
    consumable = get_consumable_rtp_parameters("video", sent, caps, mapping)

    assert (ABS_CAPTURE_TIME in {ext.uri for ext in consumable.header_extensions}) is is_sent


def test_a_producer_of_the_other_kind_is_refused() -> None:
    with pytest.raises(InvalidParametersError, match="not of kind audio"):
        get_consumable_rtp_parameters("audio", SENT, ROUTER, MAPPING)


def test_a_mapping_of_other_parameters_is_refused() -> None:
    with pytest.raises(InvalidParametersError, match="not mapped"):
        get_consumable_rtp_parameters("video", SENT, ROUTER, RtpMapping(encodings=MAPPING.encodings))
    with pytest.raises(InvalidParametersError, match="differ in number"):
        get_consumable_rtp_parameters("video", SENT, ROUTER, RtpMapping(codecs=MAPPING.codecs))


def test_negotiated_h264_level_reaches_consumers_and_leaves_the_producer_alone() -> None:
    caps = generate_router_rtp_capabilities([msgspec.structs.replace(H264, parameters={"profile-level-id": "42e015"})])
    codec = RtpCodecParameters(
        mime_type="video/H264", payload_type=96, clock_rate=90000, parameters={"profile-level-id": "42c01f"}
    )
    sent = RtpParameters(mid="0", codecs=[codec], encodings=[RtpEncodingParameters()])

    mapping = get_producer_rtp_parameters_mapping(sent, caps)
    consumable = get_consumable_rtp_parameters("video", sent, caps, mapping)

    assert consumable.codecs[0].parameters["profile-level-id"] == "42e015"
    assert codec.parameters["profile-level-id"] == "42c01f"


def test_renewed_parameters_differ_in_their_ssrcs_only() -> None:
    numbers = itertools.count(7000, 100)
    first = get_consumer_rtp_parameters(
        consumable_rtp_parameters=CONSUMABLE, remote_rtp_capabilities=VIEWER, draw_ssrc=lambda: next(numbers)
    )

    second = renew_ssrcs(first, draw_ssrc=lambda: next(numbers))

    assert second.encodings[0] == msgspec.structs.replace(first.encodings[0], ssrc=7100, rtx=RtxParameters(ssrc=7101))
    assert msgspec.structs.replace(second, encodings=first.encodings) == first

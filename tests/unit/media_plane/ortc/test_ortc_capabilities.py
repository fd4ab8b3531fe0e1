"""What a router offers, and the deployment's codecs."""

import pytest

from media_plane.ortc.capabilities import SUPPORTED_CODECS, generate_router_rtp_capabilities
from media_plane.ortc.errors import InvalidParametersError, NegotiationError, UnsupportedError
from media_plane.ortc.header_extensions import ABS_CAPTURE_TIME, KNOWN_URIS, SUPPORTED_HEADER_EXTENSIONS
from media_plane.ortc.media_codecs import OPUS, ROOM_MEDIA_CODECS, VP8
from media_plane.ortc.rtp import RtcpFeedback, RtpCodecCapability
from media_plane.ortc.validate import validate_rtp_capabilities

OPUS_FEEDBACK = [RtcpFeedback(type="nack"), RtcpFeedback(type="transport-cc")]
VIDEO_FEEDBACK = [
    RtcpFeedback(type="nack"),
    RtcpFeedback(type="nack", parameter="pli"),
    RtcpFeedback(type="ccm", parameter="fir"),
    RtcpFeedback(type="goog-remb"),
    RtcpFeedback(type="transport-cc"),
]


def codec(mime_type: str, clock_rate: int, channels: int | None = None, pt: int | None = None) -> RtpCodecCapability:
    return RtpCodecCapability(
        kind="audio" if mime_type.startswith("audio") else "video",
        mime_type=mime_type,
        clock_rate=clock_rate,
        channels=channels,
        preferred_payload_type=pt,
    )


def rtx(payload_type: int, apt: int) -> RtpCodecCapability:
    return RtpCodecCapability(
        kind="video",
        mime_type="video/rtx",
        clock_rate=90000,
        preferred_payload_type=payload_type,
        parameters={"apt": apt},
    )


def test_each_codec_gets_a_payload_type_and_each_video_codec_its_rtx() -> None:
    opus = RtpCodecCapability(
        kind="audio",
        mime_type="audio/opus",
        clock_rate=48000,
        channels=2,
        parameters={"useinbandfec": 1, "foo": "bar"},
    )
    h264 = RtpCodecCapability(
        kind="video",
        mime_type="video/H264",
        clock_rate=90000,
        parameters={"profile-level-id": "42e01f", "foo": "bar"},
        rtcp_feedback=[RtcpFeedback(type="ignored")],
    )

    caps = generate_router_rtp_capabilities([opus, codec("video/vp8", 90000, pt=125), h264])

    assert caps.codecs == [
        RtpCodecCapability(
            kind="audio",
            mime_type="audio/opus",
            preferred_payload_type=100,
            clock_rate=48000,
            channels=2,
            parameters={"useinbandfec": 1, "foo": "bar"},
            rtcp_feedback=OPUS_FEEDBACK,
        ),
        RtpCodecCapability(
            kind="video",
            mime_type="video/VP8",
            preferred_payload_type=125,
            clock_rate=90000,
            rtcp_feedback=VIDEO_FEEDBACK,
        ),
        rtx(101, 125),
        RtpCodecCapability(
            kind="video",
            mime_type="video/H264",
            preferred_payload_type=102,
            clock_rate=90000,
            parameters={"level-asymmetry-allowed": 1, "profile-level-id": "42e01f", "foo": "bar"},
            rtcp_feedback=VIDEO_FEEDBACK,
        ),
        rtx(103, 102),
    ]


def test_static_payload_types_are_used_where_there_are_any() -> None:
    caps = generate_router_rtp_capabilities([codec("audio/PCMU", 8000), codec("audio/G722", 8000), OPUS])

    assert [entry.preferred_payload_type for entry in caps.codecs] == [0, 9, 100]


def test_a_forced_payload_type_is_given_to_nobody_else() -> None:
    caps = generate_router_rtp_capabilities([OPUS, codec("video/VP8", 90000, pt=100)])

    assert [entry.preferred_payload_type for entry in caps.codecs] == [101, 100, 102]


def test_two_codecs_cannot_force_the_same_payload_type() -> None:
    wanted = [codec("video/VP8", 90000, pt=110), codec("video/VP9", 90000, pt=110)]

    with pytest.raises(InvalidParametersError, match="same preferredPayloadType"):
        generate_router_rtp_capabilities(wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        codec("audio/chicken", 8000, 4),
        codec("audio/opus", 48000, 1),
        codec("audio/opus", 44100, 2),
        codec("audio/multiopus", 48000, 6),
        codec("video/VP8", 48000),
        codec("video/ulpfec", 90000),
    ],
)
def test_a_codec_the_worker_does_not_know_is_unsupported(wanted: RtpCodecCapability) -> None:
    with pytest.raises(UnsupportedError) as caught:
        generate_router_rtp_capabilities([OPUS, wanted])

    assert caught.value.field == "mediaCodecs[1]"
    assert caught.value.code == "rtp.unsupported"


def test_rtx_cannot_be_asked_for() -> None:
    with pytest.raises(NegotiationError):
        generate_router_rtp_capabilities([rtx(101, 100)])


def test_payload_types_run_out() -> None:
    with pytest.raises(UnsupportedError, match="to allocate"):
        generate_router_rtp_capabilities([OPUS] * 100)


def test_all_dynamic_payload_types_can_be_given() -> None:
    caps = generate_router_rtp_capabilities([VP8] * 16)

    assert {entry.preferred_payload_type for entry in caps.codecs} == set(range(96, 128))


def test_a_malformed_codec_is_refused_by_name() -> None:
    with pytest.raises(InvalidParametersError) as caught:
        generate_router_rtp_capabilities([codec("opus", 48000, 2)])

    assert caught.value.field == "mediaCodecs[0].mimeType"


def test_abs_capture_time_is_not_offered() -> None:
    caps = generate_router_rtp_capabilities(ROOM_MEDIA_CODECS)

    uris = {extension.uri for extension in caps.header_extensions}
    assert uris == KNOWN_URIS - {ABS_CAPTURE_TIME}


def test_header_extensions_can_all_be_offered_on_request() -> None:
    caps = generate_router_rtp_capabilities([], excluded_header_extensions=frozenset())

    assert tuple(caps.header_extensions) == SUPPORTED_HEADER_EXTENSIONS


def test_one_id_names_one_extension() -> None:
    uris_by_id: dict[int, set[str]] = {}
    for extension in SUPPORTED_HEADER_EXTENSIONS:
        uris_by_id.setdefault(extension.preferred_id, set()).add(extension.uri)

    assert all(len(uris) == 1 for uris in uris_by_id.values())
    assert max(uris_by_id) <= 14  # All fit the one-byte form of RFC 8285.


def test_room_codecs_are_offered_in_their_order_of_preference() -> None:
    caps = generate_router_rtp_capabilities(ROOM_MEDIA_CODECS)

    validate_rtp_capabilities(caps)
    media = [
        (entry.mime_type, entry.preferred_payload_type) for entry in caps.codecs if entry.parameters.get("apt") is None
    ]
    assert media == [
        ("audio/opus", 100),
        ("video/H264", 101),
        ("video/VP8", 103),
        ("video/AV1", 105),
        ("video/VP9", 107),
    ]
    assert caps.codecs[1].parameters == {
        "level-asymmetry-allowed": 1,
        "packetization-mode": 1,
        "profile-level-id": "42e01f",
    }


def test_generating_leaves_the_tables_alone() -> None:
    before = [dict(entry.parameters) for entry in SUPPORTED_CODECS]

    generate_router_rtp_capabilities(ROOM_MEDIA_CODECS)

    assert [entry.parameters for entry in SUPPORTED_CODECS] == before

"""Matching tables: codecs, H264 profiles, scalability modes."""

import pytest

from media_plane.ortc import h264
from media_plane.ortc.h264 import Level, Profile, ProfileLevel
from media_plane.ortc.match import codecs_match, is_rtx, kind_of, negotiate_parameters
from media_plane.ortc.rtp import CodecParameterValue, RtpCodecCapability, RtpCodecParameters
from media_plane.ortc.scalability import ScalabilityMode, is_scalability_mode, parse_scalability_mode

Parameters = dict[str, CodecParameterValue]


def codec(mime_type: str, parameters: Parameters | None = None, channels: int | None = None) -> RtpCodecParameters:
    clock_rate = 48000 if mime_type.startswith("audio") else 90000
    return RtpCodecParameters(
        mime_type=mime_type, payload_type=100, clock_rate=clock_rate, channels=channels, parameters=parameters or {}
    )


def video_capability(mime_type: str, parameters: Parameters) -> RtpCodecCapability:
    return RtpCodecCapability(kind="video", mime_type=mime_type, clock_rate=90000, parameters=parameters)


@pytest.mark.parametrize(
    ("one", "other", "plain", "strict"),
    [
        (codec("audio/opus", channels=2), codec("audio/OPUS", channels=2), True, True),
        (codec("audio/opus", channels=2), codec("audio/opus", channels=1), False, False),
        (codec("audio/opus", channels=1), codec("audio/opus"), True, True),
        (codec("audio/opus", {"stereo": 1}), codec("audio/opus"), True, True),
        (codec("audio/opus"), codec("audio/PCMU"), False, False),
        (codec("video/VP8"), codec("video/VP9"), False, False),
        (codec("video/VP8", channels=1), codec("video/VP8"), True, True),
        (codec("video/VP8", channels=2), codec("video/VP8"), True, True),
        (codec("video/rtx", {"apt": 1}), codec("video/rtx", {"apt": 2}), True, True),
        (codec("video/VP9"), codec("video/VP9", {"profile-id": 0}), True, True),
        (codec("video/VP9", {"profile-id": "0"}), codec("video/VP9", {"profile-id": 0}), True, True),
        (codec("video/VP9", {"profile-id": "2"}), codec("video/VP9", {"profile-id": 2}), True, True),
        (codec("video/VP9", {"profile-id": 2}), codec("video/VP9"), True, False),
        (codec("video/VP9", {"profile-id": "9" * 5000}), codec("video/VP9"), True, False),
        (codec("video/AV1"), codec("video/AV1", {"profile": 0, "level-idx": 5, "tier": 0}), True, True),
        (codec("video/AV1", {"profile": 1}), codec("video/AV1"), True, False),
        (codec("video/H264"), codec("video/H264", {"packetization-mode": 0}), True, True),
        (codec("video/H264"), codec("video/H264", {"packetization-mode": 1}), True, False),
        (codec("video/H264", {"packetization-mode": "1"}), codec("video/H264", {"packetization-mode": 1}), True, True),
        (codec("video/H264"), codec("video/H264", {"profile-level-id": "42e034"}), True, True),
        (codec("video/H264"), codec("video/H264", {"profile-level-id": "640c1f"}), True, False),
        (codec("video/H264"), codec("video/H264", {"profile-level-id": "nonsense"}), True, False),
        (codec("video/H264"), codec("video/H264", {"profile-level-id": True}), True, False),
        (
            codec("video/H264", {"profile-level-id": 640032}),
            codec("video/H264", {"profile-level-id": "640032"}),
            True,
            True,
        ),
    ],
)
def test_codecs_match_by_table(
    one: RtpCodecParameters, other: RtpCodecParameters, *, plain: bool, strict: bool
) -> None:
    assert codecs_match(one, other) is plain
    assert codecs_match(other, one) is plain
    assert codecs_match(one, other, strict=True) is strict
    assert codecs_match(other, one, strict=True) is strict


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"num_streams": 4, "coupled_streams": 2}, True),
        ({"num_streams": 4, "coupled_streams": 2, "channel_mapping": "0,1,2,3,4,5"}, True),
        ({"num_streams": 3, "coupled_streams": 2}, False),
        ({"num_streams": 4, "coupled_streams": 1}, False),
        ({}, False),
    ],
)
def test_multichannel_opus_matches_by_its_streams(parameters: Parameters, *, expected: bool) -> None:
    ours = codec("audio/multiopus", {"num_streams": 4, "coupled_streams": 2}, channels=6)

    assert codecs_match(codec("audio/multiopus", parameters, channels=6), ours) is expected


def test_a_clock_rate_of_its_own_is_another_codec() -> None:
    slow = RtpCodecParameters(mime_type="audio/SILK", payload_type=1, clock_rate=8000)
    fast = RtpCodecParameters(mime_type="audio/SILK", payload_type=1, clock_rate=16000)

    assert not codecs_match(slow, fast)


def test_kind_and_rtx_are_read_from_the_mime_type_in_any_case() -> None:
    assert kind_of("Audio/opus") == "audio"
    assert kind_of("VIDEO/VP8") == "video"
    assert is_rtx(codec("video/RTX"))
    assert not is_rtx(codec("video/vortex"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42e01f", ProfileLevel(Profile.CONSTRAINED_BASELINE, Level.L3_1)),
        ("42E01F", ProfileLevel(Profile.CONSTRAINED_BASELINE, Level.L3_1)),
        ("42c02a", ProfileLevel(Profile.CONSTRAINED_BASELINE, Level.L4_2)),
        ("4de01f", ProfileLevel(Profile.CONSTRAINED_BASELINE, Level.L3_1)),
        ("58f01f", ProfileLevel(Profile.CONSTRAINED_BASELINE, Level.L3_1)),
        ("42001f", ProfileLevel(Profile.BASELINE, Level.L3_1)),
        ("42a01f", ProfileLevel(Profile.BASELINE, Level.L3_1)),
        ("58a01f", ProfileLevel(Profile.BASELINE, Level.L3_1)),
        ("4d0028", ProfileLevel(Profile.MAIN, Level.L4)),
        ("4d401f", ProfileLevel(Profile.MAIN, Level.L3_1)),
        ("640c34", ProfileLevel(Profile.CONSTRAINED_HIGH, Level.L5_2)),
        ("64000a", ProfileLevel(Profile.HIGH, Level.L1)),
        ("f4001f", ProfileLevel(Profile.PREDICTIVE_HIGH_444, Level.L3_1)),
        ("42e00b", ProfileLevel(Profile.CONSTRAINED_BASELINE, Level.L1_1)),
        ("42f00b", ProfileLevel(Profile.CONSTRAINED_BASELINE, Level.L1_B)),
        ("42100b", ProfileLevel(Profile.BASELINE, Level.L1_B)),
        ("4d100b", ProfileLevel(Profile.MAIN, Level.L1_B)),
        ("42e0ff", None),  # No such level.
        ("64011f", None),  # No such flags.
        ("58601f", None),  # Extended proper.
        ("6e001f", None),  # High 10.
        ("000000", None),
        ("", None),
        ("42e01", None),
        ("42e01f0", None),
        ("42e01g", None),
        ("+2e01f", None),
        ("４2e01f", None),  # noqa: RUF001 - a full-width digit is the point.
    ],
)
def test_profile_level_id_is_read_by_table(text: str, expected: ProfileLevel | None) -> None:
    assert h264.parse_profile_level_id(text) == expected


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("level", list(Level))
def test_what_is_written_reads_back(profile: Profile, level: Level) -> None:
    text = h264.format_profile_level_id(ProfileLevel(profile, level))

    if text is None:
        assert level is Level.L1_B
        assert profile in {Profile.CONSTRAINED_HIGH, Profile.HIGH, Profile.PREDICTIVE_HIGH_444}
    else:
        assert h264.parse_profile_level_id(text) == ProfileLevel(profile, level)


@pytest.mark.parametrize(
    ("local", "offered", "asymmetric", "expected"),
    [
        ("42e015", "42e01f", False, "42e015"),
        ("42e01f", "42e015", False, "42e015"),
        ("42e01f", "42e015", True, "42e01f"),
        ("42e015", "42e01f", True, "42e015"),
        ("42c01f", "4de01f", False, "42e01f"),  # One profile in two spellings.
        ("42f00b", "42e01f", False, "42f00b"),
        ("42e01f", "42f00b", False, "42f00b"),
        ("42e00a", "42f00b", False, "42e00a"),
        ("640c1f", "42e01f", False, None),
        ("nonsense", "42e01f", False, None),
        ("", "", True, None),
        ("", "42e034", False, "42e01f"),
        ("42e034", "", False, "42e01f"),
        ("42e034", "", True, "42e034"),
    ],
)
def test_answer_takes_the_local_level_only_where_levels_may_differ(
    local: str, offered: str, expected: str | None, *, asymmetric: bool
) -> None:
    flag: Parameters = {"level-asymmetry-allowed": 1} if asymmetric else {}

    answer = h264.answer_profile_level_id({"profile-level-id": local, **flag}, {"profile-level-id": offered, **flag})

    assert answer == expected


def test_level_asymmetry_needs_both_sides() -> None:
    local: Parameters = {"profile-level-id": "42e034", "level-asymmetry-allowed": "1"}

    assert h264.answer_profile_level_id(local, {"profile-level-id": "42e01f"}) == "42e01f"


def test_negotiating_h264_replaces_the_profile_level_id_and_nothing_else() -> None:
    sent = codec("video/H264", {"foo": 1, "packetization-mode": 1, "profile-level-id": "42c034"})
    ours = video_capability("video/H264", {"packetization-mode": 1, "profile-level-id": "42e01f"})

    agreed = negotiate_parameters(sent, ours)

    assert agreed == {"foo": 1, "packetization-mode": 1, "profile-level-id": "42e01f"}
    assert sent.parameters["profile-level-id"] == "42c034"


def test_negotiating_h264_without_ids_names_none() -> None:
    sent = codec("video/H264", {"profile-level-id": ""})

    assert negotiate_parameters(sent, video_capability("video/H264", {})) == {}


def test_negotiating_other_codecs_changes_nothing() -> None:
    sent = codec("video/VP9", {"profile-id": 0, "profile-level-id": "42e034"})

    assert negotiate_parameters(sent, video_capability("video/VP9", {})) is sent.parameters


@pytest.mark.parametrize(
    ("mode", "spatial", "temporal", "ksvc", "well_formed"),
    [
        ("L1T3", 1, 3, False, True),
        ("L3T2_KEY", 3, 2, True, True),
        ("L3T2_KEY_SHIFT", 3, 2, True, True),
        ("S2T1", 2, 1, False, True),
        ("L2T1h", 2, 1, False, True),
        ("S2T1h_KEY", 2, 1, False, True),
        ("L20T30", 20, 30, False, True),
        ("L4T7_KEY_SOMETHING", 4, 7, True, False),
        ("L0T3", 1, 1, False, False),
        ("L1T0", 1, 1, False, False),
        ("l1t3", 1, 1, False, False),
        ("xL1T3", 1, 1, False, False),
        ("L1٣T3", 1, 1, False, False),
        ("", 1, 1, False, False),
    ],
)
def test_scalability_modes_are_read_by_table(
    mode: str, spatial: int, temporal: int, *, ksvc: bool, well_formed: bool
) -> None:
    assert parse_scalability_mode(mode) == ScalabilityMode(spatial, temporal, ksvc)
    assert is_scalability_mode(mode) is well_formed


def test_no_scalability_mode_has_one_layer_of_each() -> None:
    assert parse_scalability_mode(None) == ScalabilityMode(1, 1, ksvc=False)

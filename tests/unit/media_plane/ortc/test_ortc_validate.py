"""What is refused of a browser's JSON, and that nothing but the typed error ever comes out."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_plane.ortc.errors import InvalidParametersError
from media_plane.ortc.header_extensions import ABS_SEND_TIME, MID
from media_plane.ortc.rtp import (
    RtcpParameters,
    RtpCapabilities,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpParameters,
)
from media_plane.ortc.validate import (
    MAX_ENCODINGS,
    MAX_JSON_BYTES,
    decode_rtp_capabilities,
    decode_rtp_parameters,
    validate_rtp_capabilities,
    validate_rtp_parameters,
)

Json = Any

GOOD_CAPABILITIES: Json = {
    "codecs": [
        {
            "kind": "video",
            "mimeType": "video/VP8",
            "preferredPayloadType": 96,
            "clockRate": 90000,
            "rtcpFeedback": [{"type": "nack", "parameter": "pli"}],
        },
        {
            "kind": "video",
            "mimeType": "video/rtx",
            "preferredPayloadType": 97,
            "clockRate": 90000,
            "parameters": {"apt": 96},
        },
        {"kind": "audio", "mimeType": "audio/never-heard-of", "preferredPayloadType": 98, "clockRate": 8000},
    ],
    "headerExtensions": [
        {"kind": "video", "uri": "urn:new", "preferredId": 1, "preferredEncrypt": False, "direction": "recvonly"}
    ],
}
GOOD_PARAMETERS: Json = {
    "mid": "0",
    "codecs": [
        {"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000, "parameters": {"x": 1.5, "y": True, "z": ""}},
        {"mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000, "parameters": {"apt": 96}},
    ],
    "headerExtensions": [{"uri": MID, "id": 1}, {"uri": ABS_SEND_TIME, "id": 2, "encrypt": False, "parameters": {}}],
    "encodings": [
        {"rid": "r0", "active": True, "scaleResolutionDownBy": 1.5, "maxBitrate": 500_000, "scalabilityMode": "L1T3"},
        {"ssrc": 2222, "rtx": {"ssrc": 2223}, "codecPayloadType": 96, "dtx": True},
    ],
    "rtcp": {"cname": "abc", "reducedSize": True, "mux": True},
    "msid": "stream track",
}


def changed(good: Json, path: str, value: Json) -> bytes:
    """The JSON of `good` with the value at a path such as `codecs.0.clockRate` replaced or, for ..., removed."""
    changed_json = copy.deepcopy(good)
    at = changed_json
    *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in parents:
        at = at[step]
    if value is ...:
        del at[last]
    elif isinstance(at, list) and last == len(at):
        at.append(value)
    else:
        at[last] = value
    return msgspec.json.encode(changed_json)


def test_good_capabilities_are_read() -> None:
    caps = decode_rtp_capabilities(msgspec.json.encode(GOOD_CAPABILITIES))

    assert caps.codecs[1].parameters == {"apt": 96}
    assert caps.header_extensions[0].direction == "recvonly"
    validate_rtp_capabilities(caps)


def test_good_parameters_are_read_from_bytes_and_raw_alike() -> None:
    raw = msgspec.json.encode(GOOD_PARAMETERS)

    params = decode_rtp_parameters(raw)

    assert params == decode_rtp_parameters(msgspec.Raw(raw))
    assert params.encodings[1].dtx
    assert params.codecs[0].parameters == {"x": 1.5, "y": True, "z": ""}
    validate_rtp_parameters(params)


def test_capabilities_may_be_empty() -> None:
    assert decode_rtp_capabilities(b"{}") == RtpCapabilities()


def test_empty_names_are_no_names() -> None:
    raw = msgspec.json.encode({**GOOD_PARAMETERS, "mid": "", "msid": "", "rtcp": {"cname": "", "reducedSize": False}})

    params = decode_rtp_parameters(raw)

    assert (params.mid, params.msid) == (None, None)
    assert params.rtcp == RtcpParameters(cname=None, reduced_size=False)


BAD_CAPABILITIES: list[tuple[str, Json, str]] = [
    ("codecs", {}, "codecs"),
    ("codecs.0.mimeType", ..., "codecs[0]"),
    ("codecs.0.mimeType", "VP8", "codecs[0].mimeType"),
    ("codecs.0.mimeType", "text/VP8", "codecs[0].mimeType"),
    ("codecs.0.mimeType", "video/", "codecs[0].mimeType"),
    ("codecs.0.mimeType", "video/a\u0000b", "codecs[0].mimeType"),
    ("codecs.0.mimeType", "video/" + "x" * 65, "codecs[0].mimeType"),
    ("codecs.0.kind", "audio", "codecs[0].kind"),
    ("codecs.0.kind", "smell", "codecs[0].kind"),
    ("codecs.0.kind", ..., "codecs[0]"),
    ("codecs.0.clockRate", 0, "codecs[0].clockRate"),
    ("codecs.0.clockRate", -1, "codecs[0].clockRate"),
    ("codecs.0.clockRate", 10**12, "codecs[0].clockRate"),
    ("codecs.0.clockRate", "90000", "codecs[0].clockRate"),
    ("codecs.0.clockRate", True, "codecs[0].clockRate"),
    ("codecs.0.preferredPayloadType", 128, "codecs[0].preferredPayloadType"),
    ("codecs.0.preferredPayloadType", -1, "codecs[0].preferredPayloadType"),
    ("codecs.0.preferredPayloadType", 98, "codecs"),
    ("codecs.0.channels", 0, "codecs[0].channels"),
    ("codecs.0.channels", 256, "codecs[0].channels"),
    ("codecs.0.parameters", {"a": None}, "codecs[0].parameters[...]"),
    ("codecs.0.parameters", {"a": [1]}, "codecs[0].parameters[...]"),
    ("codecs.0.parameters", {"a": 2**31}, "codecs[0].parameters.a"),
    ("codecs.0.parameters", {"a": "x" * 256}, "codecs[0].parameters.a"),
    ("codecs.0.parameters", {"": 1}, "codecs[0].parameters (a name)"),
    ("codecs.0.parameters", {str(index): 1 for index in range(33)}, "codecs[0].parameters"),
    ("codecs.0.rtcpFeedback", [{"type": ""}], "codecs[0].rtcpFeedback[0].type"),
    ("codecs.0.rtcpFeedback", [{"type": "nack"}] * 33, "codecs[0].rtcpFeedback"),
    ("codecs.1.parameters", {}, "codecs[1].parameters.apt"),
    ("codecs.1.parameters.apt", "96", "codecs[1].parameters.apt"),
    ("codecs.1.parameters.apt", True, "codecs[1].parameters.apt"),
    ("codecs.1.parameters.apt", 96.0, "codecs[1].parameters.apt"),
    ("codecs.1.parameters.apt", 200, "codecs[1].parameters.apt"),
    ("codecs.1.parameters.apt", 95, "codecs[1].parameters.apt"),
    ("codecs.1.parameters.apt", 97, "codecs[1].parameters.apt"),
    ("codecs.1.parameters.apt", 98, "codecs[1].parameters.apt"),  # Names a codec of the other kind.
    ("codecs", [GOOD_CAPABILITIES["codecs"][2]] * 129, "codecs"),
    ("headerExtensions.0.kind", "", "headerExtensions[0].kind"),
    ("headerExtensions.0.uri", "", "headerExtensions[0].uri"),
    ("headerExtensions.0.uri", ..., "headerExtensions[0]"),
    ("headerExtensions.0.preferredId", 0, "headerExtensions[0].preferredId"),
    ("headerExtensions.0.preferredId", 256, "headerExtensions[0].preferredId"),
    ("headerExtensions.0.preferredEncrypt", "no", "headerExtensions[0].preferredEncrypt"),
    ("headerExtensions.0.direction", "sideways", "headerExtensions[0].direction"),
    ("headerExtensions.1", {"kind": "video", "uri": "urn:other", "preferredId": 1}, "headerExtensions"),
]


@pytest.mark.parametrize(("path", "value", "field"), BAD_CAPABILITIES)
def test_bad_capabilities_are_refused_by_field(path: str, value: Json, field: str) -> None:
    with pytest.raises(InvalidParametersError) as caught:
        decode_rtp_capabilities(changed(GOOD_CAPABILITIES, path, value))

    assert caught.value.field == field
    assert caught.value.code == "rtp.invalid"
    assert len(str(caught.value)) < 400


BAD_PARAMETERS: list[tuple[str, Json, str]] = [
    ("mid", 5, "mid"),
    ("mid", "x" * 256, "mid"),
    ("mid", "a\u0000b", "mid"),
    ("msid", "a\nb", "msid"),
    ("rtcp.cname", 5, "rtcp.cname"),
    ("rtcp.cname", "\u202e", "rtcp.cname"),
    ("rtcp.reducedSize", 1, "rtcp.reducedSize"),
    ("rtcp", None, "rtcp"),
    ("codecs", ..., ""),
    ("codecs", [], "codecs"),
    ("codecs", [GOOD_PARAMETERS["codecs"][1]], "codecs[0].parameters.apt"),
    ("codecs.0.payloadType", ..., "codecs[0]"),
    ("codecs.0.payloadType", 97, "codecs"),
    ("codecs.0.payloadType", 128, "codecs[0].payloadType"),
    ("codecs.0.payloadType", 96.5, "codecs[0].payloadType"),
    ("codecs.2", {"mimeType": "audio/opus", "payloadType": 1, "clockRate": 48000}, "codecs"),
    (
        "codecs.2",
        {"mimeType": "video/rtx", "payloadType": 1, "clockRate": 90000, "parameters": {"apt": 96}},
        "codecs[2].parameters.apt",
    ),
    ("codecs.1.parameters", {}, "codecs[1].parameters.apt"),
    ("codecs.1.parameters.apt", 50, "codecs[1].parameters.apt"),
    ("headerExtensions.0.uri", "urn:new", "headerExtensions[0].uri"),
    ("headerExtensions.0.id", 0, "headerExtensions[0].id"),
    ("headerExtensions.0.id", 2, "headerExtensions"),
    ("headerExtensions.0.uri", ABS_SEND_TIME, "headerExtensions"),
    ("headerExtensions.0.parameters", {"a": 2**40}, "headerExtensions[0].parameters.a"),
    ("encodings", [], "encodings"),
    ("encodings", [{"ssrc": index} for index in range(1, MAX_ENCODINGS + 2)], "encodings"),
    ("encodings.0.ssrc", 0, "encodings[0].ssrc"),
    ("encodings.0.ssrc", 2**32, "encodings[0].ssrc"),
    ("encodings.0.ssrc", 2222, "encodings"),
    ("encodings.0.ssrc", 2223, "encodings"),
    ("encodings.0.rid", ..., "encodings[0]"),
    ("encodings.0.rid", "a b", "encodings[0].rid"),
    ("encodings.0.rid", "", "encodings[0].rid"),
    ("encodings.0.rid", "x" * 17, "encodings[0].rid"),
    ("encodings.1.rid", "r0", "encodings"),
    ("encodings.1.rtx", {}, "encodings[1].rtx"),
    ("encodings.1.rtx.ssrc", -1, "encodings[1].rtx.ssrc"),
    ("encodings.1.rtx.ssrc", 2222, "encodings"),
    ("encodings.0.maxBitrate", -1, "encodings[0].maxBitrate"),
    ("encodings.0.maxBitrate", 2**32, "encodings[0].maxBitrate"),
    ("encodings.0.scalabilityMode", "all of it", "encodings[0].scalabilityMode"),
    ("encodings.0.scalabilityMode", "L3T3", "encodings[0].scalabilityMode"),
    ("encodings.0.codecPayloadType", 97, "encodings[0].codecPayloadType"),
    ("encodings.0.codecPayloadType", 98, "encodings[0].codecPayloadType"),
]


@pytest.mark.parametrize(("path", "value", "field"), BAD_PARAMETERS)
def test_bad_parameters_are_refused_by_field(path: str, value: Json, field: str) -> None:
    with pytest.raises(InvalidParametersError) as caught:
        decode_rtp_parameters(changed(GOOD_PARAMETERS, path, value))

    assert caught.value.field == field


def test_a_single_encoding_may_be_told_by_the_mid_alone() -> None:
    codecs = [RtpCodecParameters(mime_type="audio/opus", payload_type=96, clock_rate=48000)]
    encodings = [RtpEncodingParameters()]

    validate_rtp_parameters(RtpParameters(mid="0", codecs=codecs, encodings=encodings))

    with pytest.raises(InvalidParametersError, match="needs an ssrc or a rid"):
        validate_rtp_parameters(RtpParameters(codecs=codecs, encodings=encodings))


@pytest.mark.parametrize("wrong", ["96", 96.5, None, object()])
def test_wrong_types_of_a_struct_made_in_python_are_refused(wrong: Any) -> None:
    codecs = [RtpCodecParameters(mime_type="audio/opus", payload_type=wrong, clock_rate=48000)]

    with pytest.raises(InvalidParametersError):
        validate_rtp_parameters(RtpParameters(mid="0", codecs=codecs, encodings=[RtpEncodingParameters()]))


def test_numbers_that_json_cannot_say_are_refused_in_python() -> None:
    codecs = [RtpCodecParameters(mime_type="audio/opus", payload_type=1, clock_rate=1, parameters={"a": float("nan")})]

    with pytest.raises(InvalidParametersError):
        validate_rtp_parameters(RtpParameters(mid="0", codecs=codecs, encodings=[RtpEncodingParameters()]))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"codecs": "\xff"}',
        b'{"codecs":[],"mid":"\\ud800"}',
        b'{"codecs":[],"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"codecs":[{"mimeType":"video/VP8","payloadType":1' + b"0" * 6000 + b',"clockRate":1}]}',
        b'{"codecs":[{"mimeType":"video/VP8","payloadType":1,"clockRate":1,"parameters":{"a":1e999}}]}',
        b'{"codecs":[{"mimeType":"video/VP8","payloadType":1,"clockRate":1,"parameters":{"a":1' + b"0" * 6000 + b"}}]}",
        b" " * (MAX_JSON_BYTES + 1),
    ],
    ids=["empty", "null", "list", "cut", "utf8", "surrogate", "deep", "long", "huge", "huge-parameter", "large"],
)
def test_hostile_json_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidParametersError):
        decode_rtp_parameters(raw)


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)
names = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        [
            "codecs",
            "encodings",
            "headerExtensions",
            "rtcp",
            "mid",
            "parameters",
            "apt",
            "mimeType",
            "kind",
            "ssrc",
            "rtx",
        ]
    ),
)
any_json = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=6)),
    max_leaves=20,
)


@settings(deadline=None, max_examples=200)
@given(any_json)
def test_arbitrary_json_gives_a_value_or_the_typed_error(value: Json) -> None:
    raw = msgspec.json.encode(value)

    for decode in (decode_rtp_capabilities, decode_rtp_parameters):
        try:
            decode(raw)
        except InvalidParametersError as error:
            assert str(error)  # noqa: PT017 - a success is fine too.


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_a_value_or_the_typed_error(raw: bytes) -> None:
    for decode in (decode_rtp_capabilities, decode_rtp_parameters):
        try:
            decode(raw)
        except InvalidParametersError as error:
            assert str(error)  # noqa: PT017 - a success is fine too.


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_good_json_with_one_value_changed_gives_a_value_or_the_typed_error(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from([GOOD_CAPABILITIES, GOOD_PARAMETERS]))
    path = data.draw(st.sampled_from(paths_of(good)))
    raw = changed(good, path, data.draw(any_json))
    decode = decode_rtp_capabilities if good is GOOD_CAPABILITIES else decode_rtp_parameters

    try:
        value = decode(raw)
    except InvalidParametersError as error:
        assert str(error)  # noqa: PT017 - a success is fine too.
    else:
        assert decode(msgspec.json.encode(value)) == value


def paths_of(value: Json, prefix: str = "") -> list[str]:
    """Every path into a JSON value."""
    steps: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        steps = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    return [path for step, inner in steps for path in (f"{prefix}{step}", *paths_of(inner, f"{prefix}{step}."))]

"""What holds for every producer a router accepts and every viewer of it."""

from typing import NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from media_plane.ortc.capabilities import generate_router_rtp_capabilities
from media_plane.ortc.consuming import can_consume, get_consumer_rtp_parameters, renew_ssrcs
from media_plane.ortc.errors import UnsupportedError
from media_plane.ortc.match import is_rtx
from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.ortc.piping import get_pipe_consumer_rtp_parameters
from media_plane.ortc.producing import get_consumable_rtp_parameters, get_producer_rtp_parameters_mapping
from media_plane.ortc.rtp import (
    MediaKind,
    RtcpFeedback,
    RtcpParameters,
    RtpCapabilities,
    RtpCodecCapability,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpMapping,
    RtpParameters,
    RtxParameters,
)
from media_plane.ortc.validate import decode_rtp_capabilities, decode_rtp_parameters, validate_rtp_parameters

FEEDBACK = [
    RtcpFeedback(type="nack"),
    RtcpFeedback(type="nack", parameter="pli"),
    RtcpFeedback(type="ccm", parameter="fir"),
    RtcpFeedback(type="goog-remb"),
    RtcpFeedback(type="transport-cc"),
    RtcpFeedback(type="foo", parameter="bar"),
]
MODES = ["L1T1", "L1T2", "L1T3"]


class Produced(NamedTuple):
    """A router, a producer it accepted, and what the router made of it."""

    kind: MediaKind
    caps: RtpCapabilities
    params: RtpParameters
    mapping: RtpMapping
    consumable: RtpParameters


@st.composite
def router_capabilities(draw: st.DrawFn) -> RtpCapabilities:
    """Capabilities of a router with some of the room's codecs in some order."""
    codecs = draw(st.lists(st.sampled_from(ROOM_MEDIA_CODECS), min_size=1, unique_by=lambda codec: codec.mime_type))
    return generate_router_rtp_capabilities(codecs)


@st.composite
def encodings(draw: st.DrawFn) -> list[RtpEncodingParameters]:
    """One to four encodings, each told by its ssrc or rid."""
    count = draw(st.integers(1, 4))
    ssrcs = draw(st.lists(st.integers(1, 2**32 - 1), min_size=2 * count, max_size=2 * count, unique=True))
    return [
        RtpEncodingParameters(
            ssrc=ssrcs[2 * index] if (by_ssrc := draw(st.booleans())) else None,
            rid=None if by_ssrc else f"r{index}",
            rtx=RtxParameters(ssrc=ssrcs[2 * index + 1]) if draw(st.booleans()) else None,
            dtx=draw(st.booleans()),
            scalability_mode=draw(st.none() | st.sampled_from(MODES)),
            max_bitrate=draw(st.none() | st.integers(0, 10_000_000)),
        )
        for index in range(count)
    ]


@st.composite
def producers(draw: st.DrawFn) -> Produced:
    """A producer of one kind with some of the router's codecs under payload types of its own."""
    caps = draw(router_capabilities())
    kind = draw(st.sampled_from(sorted({codec.kind for codec in caps.codecs})))
    media = [codec for codec in caps.codecs if codec.kind == kind and not is_rtx(codec)]
    chosen = draw(st.lists(st.sampled_from(media), min_size=1, unique_by=lambda codec: codec.mime_type))
    payload_types = iter(draw(st.permutations(range(128))))
    codecs: list[RtpCodecParameters] = []
    for codec in chosen:
        sent = as_sent(codec, next(payload_types))
        codecs.append(sent)
        if kind == "video" and draw(st.booleans()):
            apt = sent.payload_type
            rtx = RtpCodecParameters(
                mime_type="video/rtx", payload_type=next(payload_types), clock_rate=90000, parameters={"apt": apt}
            )
            codecs.insert(draw(st.integers(0, len(codecs))), rtx)
    offered = [ext.uri for ext in caps.header_extensions if ext.kind == kind]
    uris = draw(st.lists(st.sampled_from(offered), unique=True))
    params = RtpParameters(
        mid=draw(st.none() | st.just("0")),
        msid=draw(st.none() | st.just("stream track")),
        codecs=codecs,
        header_extensions=[RtpHeaderExtensionParameters(uri=uri, id=index) for index, uri in enumerate(uris, 1)],
        encodings=draw(encodings()),
        rtcp=RtcpParameters(cname=draw(st.none() | st.just("cname")), reduced_size=draw(st.booleans())),
    )
    mapping = get_producer_rtp_parameters_mapping(params, caps)
    return Produced(kind, caps, params, mapping, get_consumable_rtp_parameters(kind, params, caps, mapping))


def as_sent(codec: RtpCodecCapability, payload_type: int) -> RtpCodecParameters:
    return RtpCodecParameters(
        mime_type=codec.mime_type,
        payload_type=payload_type,
        clock_rate=codec.clock_rate,
        channels=codec.channels,
        parameters=dict(codec.parameters),
        rtcp_feedback=FEEDBACK,
    )


@st.composite
def viewers(draw: st.DrawFn, caps: RtpCapabilities) -> RtpCapabilities:
    """An endpoint that can do some of what the router can, in an order of its own."""
    kept = [codec for codec in caps.codecs if draw(st.booleans())]
    payload_types = {codec.preferred_payload_type for codec in kept}
    codecs = [
        msgspec.structs.replace(codec, rtcp_feedback=draw(st.lists(st.sampled_from(FEEDBACK), unique=True)))
        for codec in kept
        if not is_rtx(codec) or codec.parameters["apt"] in payload_types
    ]
    extensions = [ext for ext in caps.header_extensions if draw(st.booleans())]
    return RtpCapabilities(codecs=draw(st.permutations(codecs)), header_extensions=extensions)


def check_consistent(params: RtpParameters) -> None:
    """What every set of parameters we send has to fulfil."""
    payload_types = [codec.payload_type for codec in params.codecs]
    assert len(set(payload_types)) == len(payload_types)
    media = {codec.payload_type for codec in params.codecs if not is_rtx(codec)}
    assert media
    repaired = [codec.parameters["apt"] for codec in params.codecs if is_rtx(codec)]
    assert set(repaired) <= media
    assert len(set(repaired)) == len(repaired)
    has_rtx = bool(repaired)
    assert all((encoding.rtx is not None) is has_rtx for encoding in params.encodings)
    ssrcs = [encoding.ssrc for encoding in params.encodings]
    ssrcs += [encoding.rtx.ssrc for encoding in params.encodings if encoding.rtx is not None]
    assert None not in ssrcs
    assert len(set(ssrcs)) == len(ssrcs)
    assert all(encoding.rid is None and encoding.codec_payload_type is None for encoding in params.encodings)
    ids = [ext.id for ext in params.header_extensions]
    assert len(set(ids)) == len(ids)
    validate_rtp_parameters(params)


@settings(deadline=None)
@given(producers())
def test_mapping_covers_the_producer_and_stays_within_the_router(produced: Produced) -> None:
    offered = {codec.preferred_payload_type: codec for codec in produced.caps.codecs}
    by_payload_type = {codec.payload_type: codec for codec in produced.params.codecs}

    assert {entry.payload_type for entry in produced.mapping.codecs} == set(by_payload_type)
    for entry in produced.mapping.codecs:
        ours, theirs = offered[entry.mapped_payload_type], by_payload_type[entry.payload_type]
        assert ours.mime_type == theirs.mime_type
    mapped = {entry.payload_type: entry.mapped_payload_type for entry in produced.mapping.codecs}
    for codec in produced.params.codecs:
        if is_rtx(codec):
            apt = codec.parameters["apt"]
            assert isinstance(apt, int)
            assert offered[mapped[codec.payload_type]].parameters["apt"] == mapped[apt]
    ssrcs = [entry.mapped_ssrc for entry in produced.mapping.encodings]
    assert len(set(ssrcs)) == len(ssrcs) == len(produced.params.encodings)
    assert [encoding.ssrc for encoding in produced.consumable.encodings] == ssrcs


@settings(deadline=None)
@given(produced=producers(), pipe=st.booleans(), enable_rtx=st.booleans())
def test_the_router_itself_can_consume_whatever_it_accepts(produced: Produced, *, pipe: bool, enable_rtx: bool) -> None:
    consumable, caps = produced.consumable, produced.caps

    assert can_consume(consumable, caps)
    params = get_consumer_rtp_parameters(
        consumable_rtp_parameters=consumable, remote_rtp_capabilities=caps, pipe=pipe, enable_rtx=enable_rtx
    )

    check_consistent(params)
    assert len(params.encodings) == (len(consumable.encodings) if pipe else 1)
    expected = [codec.payload_type for codec in consumable.codecs if enable_rtx or not is_rtx(codec)]
    assert [codec.payload_type for codec in params.codecs] == expected
    assert params.header_extensions == consumable.header_extensions
    assert any(is_rtx(codec) for codec in params.codecs) is (enable_rtx and produced.kind == "video")


@settings(deadline=None)
@given(data=st.data(), produced=producers(), enable_rtx=st.booleans())
def test_a_viewer_gets_only_what_it_can_do(data: st.DataObject, produced: Produced, *, enable_rtx: bool) -> None:
    viewer = data.draw(viewers(produced.caps))

    try:
        params = get_consumer_rtp_parameters(
            consumable_rtp_parameters=produced.consumable, remote_rtp_capabilities=viewer, enable_rtx=enable_rtx
        )
    except UnsupportedError:
        assert not can_consume(produced.consumable, viewer)
        return

    assert can_consume(produced.consumable, viewer)
    check_consistent(params)
    known_codecs = {codec.mime_type for codec in viewer.codecs}
    assert {codec.mime_type for codec in params.codecs} <= known_codecs
    known_extensions = {(ext.kind, ext.uri, ext.preferred_id) for ext in viewer.header_extensions}
    assert {(produced.kind, ext.uri, ext.id) for ext in params.header_extensions} <= known_extensions
    feedback = {entry.type for codec in params.codecs for entry in codec.rtcp_feedback}
    assert not {"goog-remb", "transport-cc"} <= feedback


@settings(deadline=None)
@given(produced=producers(), enable_rtx=st.booleans())
def test_a_pipe_can_be_produced_on_the_next_router_and_consumed_there(produced: Produced, *, enable_rtx: bool) -> None:
    piped = get_pipe_consumer_rtp_parameters(consumable_rtp_parameters=produced.consumable, enable_rtx=enable_rtx)

    check_consistent(piped)
    mapping = get_producer_rtp_parameters_mapping(piped, produced.caps)
    consumable = get_consumable_rtp_parameters(produced.kind, piped, produced.caps, mapping)

    assert consumable.codecs == produced.consumable.codecs
    assert consumable.header_extensions == produced.consumable.header_extensions
    assert [encoding.scalability_mode for encoding in consumable.encodings] == [
        encoding.scalability_mode for encoding in produced.params.encodings
    ]
    assert can_consume(consumable, produced.caps)


@settings(deadline=None)
@given(producers())
def test_everything_survives_json(produced: Produced) -> None:
    consumer = get_consumer_rtp_parameters(
        consumable_rtp_parameters=produced.consumable, remote_rtp_capabilities=produced.caps
    )

    assert decode_rtp_capabilities(msgspec.json.encode(produced.caps)) == produced.caps
    assert decode_rtp_parameters(msgspec.json.encode(consumer)) == consumer
    assert msgspec.json.decode(msgspec.json.encode(produced.consumable), type=RtpParameters) == produced.consumable
    assert msgspec.json.decode(msgspec.json.encode(produced.mapping), type=RtpMapping) == produced.mapping
    assert decode_rtp_parameters(msgspec.json.encode(produced.params)) == produced.params


@settings(deadline=None)
@given(producers())
def test_nothing_handed_in_is_changed(produced: Produced) -> None:
    before = msgspec.json.encode([produced.caps, produced.params, produced.mapping, produced.consumable])

    params = get_consumer_rtp_parameters(
        consumable_rtp_parameters=produced.consumable, remote_rtp_capabilities=produced.caps
    )
    check_consistent(renew_ssrcs(params))
    get_pipe_consumer_rtp_parameters(consumable_rtp_parameters=produced.consumable)

    assert msgspec.json.encode([produced.caps, produced.params, produced.mapping, produced.consumable]) == before

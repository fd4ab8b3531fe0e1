"""Whatever a browser sends as RTP parameters and capabilities: taken, or refused by a NegotiationError."""

from contextlib import suppress
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from media_plane.ortc.capabilities import generate_router_rtp_capabilities
from media_plane.ortc.consuming import can_consume, get_consumer_rtp_parameters
from media_plane.ortc.errors import NegotiationError
from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.ortc.piping import get_pipe_consumer_rtp_parameters
from media_plane.ortc.producing import get_consumable_rtp_parameters, get_producer_rtp_parameters_mapping
from media_plane.ortc.rtp import MediaKind, RtpParameters
from media_plane.ortc.validate import decode_rtp_capabilities, decode_rtp_parameters, validate_rtp_parameters
from tests import hostile

ROUTER = generate_router_rtp_capabilities(ROOM_MEDIA_CODECS)
DRAWS = st.randoms(use_true_random=False)


def produce(kind: MediaKind, raw: bytes) -> RtpParameters:
    """What the node does with a browser's parameters before the worker hears of them. Raises NegotiationError."""
    params = decode_rtp_parameters(raw)
    mapping = get_producer_rtp_parameters_mapping(params, ROUTER)
    return get_consumable_rtp_parameters(kind, params, ROUTER, mapping)


@settings(deadline=None, max_examples=400)
@given(DRAWS)
def test_parameters_are_either_taken_or_refused(draw: Random) -> None:
    kind, parameters = hostile.senseless_parameters(draw)

    try:
        consumable = produce(kind, hostile.encode(parameters))
    except NegotiationError:
        return

    validate_rtp_parameters(consumable)
    assert can_consume(consumable, ROUTER)
    for made in (
        get_consumer_rtp_parameters(consumable_rtp_parameters=consumable, remote_rtp_capabilities=ROUTER),
        get_pipe_consumer_rtp_parameters(consumable_rtp_parameters=consumable, enable_rtx=True),
    ):
        validate_rtp_parameters(made)


@settings(deadline=None, max_examples=400)
@given(DRAWS)
def test_capabilities_are_either_taken_or_refused(draw: Random) -> None:
    kind, parameters = hostile.likely_parameters(draw)
    raw = hostile.encode(hostile.senseless_capabilities(draw))

    try:
        consumable = produce(kind, hostile.encode(parameters))
        viewer = decode_rtp_capabilities(raw)
        made = get_consumer_rtp_parameters(consumable_rtp_parameters=consumable, remote_rtp_capabilities=viewer)
    except NegotiationError:
        return

    validate_rtp_parameters(made)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_that_are_no_json_raise_nothing_else(raw: bytes) -> None:
    for decode in (decode_rtp_parameters, decode_rtp_capabilities):
        with suppress(NegotiationError):
            decode(raw)


def test_the_generator_makes_both_what_is_taken_and_what_is_refused() -> None:
    outcomes = [0, 0]
    draw = Random(1)  # noqa: S311 - a seed that replays

    for _ in range(400):
        kind, parameters = hostile.senseless_parameters(draw)
        try:
            produce(kind, hostile.encode(parameters))
        except NegotiationError:
            outcomes[0] += 1
        else:
            outcomes[1] += 1

    assert min(outcomes) >= 40

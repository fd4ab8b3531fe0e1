"""Requests copied from templates are the requests built in full."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_plane.channel.codec import consumer, router
from media_plane.channel.codec.message import RequestMessage
from media_plane.channel.codec.templates import MOST_TEMPLATES, Templates
from media_plane.channel.codec.web_rtc_transport import WebRtcTransportOptions
from media_plane.channel.errors import InvalidValue
from media_plane.ortc.rtp import RtpCodecParameters, RtpEncodingParameters, RtpParameters, RtxParameters

ids = st.text(min_size=1, max_size=40)
ssrcs = st.integers(min_value=0, max_value=2**32 - 1)


def options(consumer_id: str, producer_id: str, mid: str | None, ssrc: int, rtx: int) -> consumer.ConsumeOptions:
    encodings = [RtpEncodingParameters(ssrc=ssrc, rtx=RtxParameters(ssrc=rtx), scalability_mode="L3T3")]
    return consumer.ConsumeOptions(
        consumer_id=consumer_id,
        producer_id=producer_id,
        kind="video",
        rtp_parameters=RtpParameters(
            mid=mid,
            codecs=[RtpCodecParameters(mime_type="video/VP8", payload_type=101, clock_rate=90000)],
            encodings=encodings,
        ),
        type="simulcast",
        # The producer's, the same for all who consume it.
        consumable_rtp_encodings=[RtpEncodingParameters(ssrc=123456789, scalability_mode="L1T3")],
        paused=True,
    )


@given(joins=st.lists(st.tuples(ids, ids, ids, st.none() | st.text(max_size=8), ssrcs, ssrcs), min_size=1, max_size=6))
def test_consume_from_a_template_is_consume_in_full(joins: list[tuple[str, str, str, str | None, int, int]]) -> None:
    templates = consumer.ConsumeTemplates()

    for transport_id, consumer_id, producer_id, mid, ssrc, rtx in joins:
        wanted = options(consumer_id, producer_id, mid, ssrc, rtx)

        fast = templates.consume(transport_id, wanted)

        assert bytes(fast.with_id(7)) == bytes(consumer.consume(transport_id, wanted).with_id(7))


@given(texts=st.lists(st.tuples(ids, ids, ids), min_size=1, max_size=4), prefer_udp=st.booleans())
def test_transports_and_their_closing_from_a_template_are_those_in_full(
    texts: list[tuple[str, str, str]], *, prefer_udp: bool
) -> None:
    for router_id, transport_id, server_id in texts:
        wanted = WebRtcTransportOptions(webrtc_server_id=server_id, prefer_udp=prefer_udp)
        fast = router.create_webrtc_transport(router_id, transport_id, wanted)
        full = router._build_webrtc_transport(router_id, transport_id, wanted, fast.decode)
        assert bytes(fast.with_id(1)) == bytes(full.with_id(1))

        closing = router.close_transport(router_id, transport_id)
        assert bytes(closing.data) == bytes(router._build_close_transport((router_id, transport_id), ()).data)


@given(consumer_ids=st.lists(ids, min_size=1, max_size=4))
def test_requests_without_a_body_are_copied_whole(consumer_ids: list[str]) -> None:
    for consumer_id in consumer_ids:
        made = consumer.resume(consumer_id)

        assert consumer_id.encode() in bytes(made.data)
        assert made.method == "CONSUMER_RESUME"
        assert len(made.data) == len(consumer.resume("x" * len(consumer_id.encode())).data)


@pytest.mark.parametrize("ssrc", [-1, 2**32])
def test_number_that_does_not_fit_is_refused_by_name(ssrc: int) -> None:
    templates = consumer.ConsumeTemplates()
    templates.consume("t" * 36, options("c" * 36, "p" * 36, "0", 5, 6))

    with pytest.raises(InvalidValue, match="ssrc"):
        templates.consume("t" * 36, options("c" * 36, "p" * 36, "0", ssrc, 6))


def test_templates_are_not_kept_without_end() -> None:
    templates: Templates[None] = Templates()

    def build(texts: Sequence[str], _numbers: Sequence[int]) -> RequestMessage[None]:
        return router._build_close_transport(texts, ())

    for key in range(MOST_TEMPLATES + 5):
        templates.fill(key, ("r" * 36, "t" * 36), (), build)

    assert len(templates._made) == 5

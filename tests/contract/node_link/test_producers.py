"""Requests about producers, through a real link to a real worker."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import Refused
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.media import Person, new_id, opus, raw, vp8

pytestmark = pytest.mark.worker


async def test_a_producer_made_twice_is_one_producer(node: Node, host: Person) -> None:
    producer_id = new_id()
    first = await host.produce("camera", producer_id=producer_id, paused=True)

    again = await host.produce("camera", producer_id=producer_id, paused=True)

    assert again == first
    assert first == m.ProducerFacts(
        producer_id=producer_id, participant_id=host.id, kind="video", source="camera", paused=True
    )
    assert node.agent.load().producers == 1


async def test_a_producer_id_belongs_to_one_track(node: Node, host: Person) -> None:
    other = Person(await node.link(), host.room_id)
    await other.transport("send")
    producer = await host.produce("camera")

    with pytest.raises(Refused, match="conflict"):
        await other.produce("camera", producer_id=producer.producer_id)
    with pytest.raises(Refused, match="conflict"):
        await host.produce("screen", producer_id=producer.producer_id)


async def test_nobody_publishes_on_a_receive_transport_or_watches_on_a_send_one(
    host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    producer = await host.produce("camera")

    with pytest.raises(Refused, match="conflict"):
        await viewer.produce("camera", transport_id=viewer.recv_id)
    with pytest.raises(Refused, match="conflict"):
        await host.consume(capabilities, {new_id(): producer.producer_id}, transport_id=host.send_id)


async def test_a_source_sends_its_own_kind(host: Person) -> None:
    with pytest.raises(Refused, match="malformed"):
        await host.produce("camera", opus(), kind="audio")
    with pytest.raises(Refused, match="malformed"):
        await host.produce("microphone", vp8(), kind="video")


def without(parameters: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name not in names}


def with_codec(**changes: Any) -> dict[str, Any]:
    parameters = vp8()
    return parameters | {"codecs": [parameters["codecs"][0] | changes, parameters["codecs"][1]]}


NASTY_PARAMETERS = [
    pytest.param(raw(None), id="null"),
    pytest.param(raw([]), id="list"),
    pytest.param(raw("x"), id="text"),
    pytest.param(raw({}), id="empty"),
    pytest.param(raw(without(vp8(), "codecs")), id="no codecs"),
    pytest.param(raw(vp8(codecs=[])), id="empty codecs"),
    pytest.param(raw(without(vp8(), "encodings")), id="no encodings"),
    pytest.param(raw(vp8(encodings=[])), id="empty encodings"),
    pytest.param(raw(vp8(encodings=[{}, {}])), id="encodings nobody can tell apart"),
    pytest.param(raw(vp8(encodings=[{"ssrc": 5}, {"ssrc": 5}])), id="same ssrc twice"),
    pytest.param(raw(vp8(encodings=[{"ssrc": 0}])), id="ssrc zero"),
    pytest.param(raw(vp8(encodings=[{"ssrc": 2**32}])), id="ssrc too large"),
    pytest.param(raw(vp8(encodings=[{"ssrc": -1}])), id="ssrc negative"),
    pytest.param(raw(vp8(encodings=[{"rid": "a b"}])), id="rid with a blank"),
    pytest.param(raw(vp8(encodings=[{"rid": "r" * 300}])), id="long rid"),
    pytest.param(raw(vp8(encodings=[{"ssrc": n + 1} for n in range(500)])), id="500 encodings"),
    pytest.param(raw(vp8(encodings=[{"ssrc": 7, "scalabilityMode": "L999T999"}])), id="absurd scalability mode"),
    pytest.param(raw(vp8(mid="m" * 5000)), id="long mid"),
    pytest.param(raw(vp8(mid="\u0000\u0001")), id="control characters"),
    pytest.param(raw(vp8(rtcp={"cname": "c" * 5000})), id="long cname"),
    pytest.param(raw(vp8(headerExtensions=[{"uri": "urn:x", "id": 0}])), id="extension id zero"),
    pytest.param(raw(vp8(headerExtensions=[{"uri": "urn:x", "id": 5}])), id="unknown extension"),
    pytest.param(raw(with_codec(payloadType=300)), id="payload type too large"),
    pytest.param(raw(with_codec(payloadType=-1)), id="payload type negative"),
    pytest.param(raw(with_codec(payloadType=97)), id="same payload type twice"),
    pytest.param(raw(with_codec(clockRate=0)), id="clock rate zero"),
    pytest.param(raw(with_codec(mimeType="vp8")), id="no mime type"),
    pytest.param(raw(with_codec(mimeType="audio/opus")), id="audio codec for video"),
    pytest.param(raw(with_codec(parameters={"x": [1]})), id="list as a codec parameter"),
    pytest.param(raw(with_codec(parameters={str(n): n for n in range(1000)})), id="1000 codec parameters"),
    pytest.param(raw(with_codec(rtcpFeedback=[{"type": "n" * 5000}])), id="long feedback"),
    pytest.param(msgspec.Raw(b'{"codecs":[' + b"[" * 5000 + b"]" * 5000 + b"]}"), id="deep nesting"),
    pytest.param(raw({"codecs": "x" * 200_000}), id="200 KB"),
]


@pytest.mark.parametrize("parameters", NASTY_PARAMETERS)
async def test_rtp_parameters_that_make_no_sense_are_refused_and_the_worker_lives(
    node: Node, host: Person, parameters: msgspec.Raw
) -> None:
    pids = node.agent.fleet.pids()

    with pytest.raises(Refused, match=r"malformed|unsupported"):
        await host.produce("camera", parameters)

    await host.produce("camera")
    assert node.agent.fleet.pids() == pids
    assert node.agent.load().producers == 1


async def test_a_codec_the_room_does_not_have_is_unsupported(host: Person) -> None:
    with pytest.raises(Refused, match="unsupported"):
        await host.produce("camera", with_codec(mimeType="video/H265"))


async def test_two_producers_with_the_same_ssrc_are_refused(node: Node, host: Person) -> None:
    parameters = vp8()
    await host.produce("camera", parameters)

    with pytest.raises(Refused, match=r"conflict|malformed"):
        await host.produce("screen", parameters | {"mid": "2"})

    assert node.agent.load().producers == 1

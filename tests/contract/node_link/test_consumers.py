"""Requests about consumers, through a real link to a real worker."""

from __future__ import annotations

import msgspec
import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import Refused
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.media import Person, new_id, raw, vp8

pytestmark = pytest.mark.worker


async def test_consumers_come_paused_in_the_order_of_the_wishes(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    voice = await host.produce("microphone")
    camera = await host.produce("camera", vp8(layers=3))
    screen = await host.produce("screen", vp8(mid="2"), paused=True)
    wishes = {new_id(): facts.producer_id for facts in (screen, voice, camera)}

    answer = await viewer.consume(capabilities, wishes)

    assert [c.id for c in answer.consumers] == list(wishes)
    assert [c.producer_id for c in answer.consumers] == list(wishes.values())
    assert [(c.kind, c.source, c.producer_paused) for c in answer.consumers] == [
        ("video", "screen", True),
        ("audio", "microphone", False),
        ("video", "camera", False),
    ]
    assert {c.participant_id for c in answer.consumers} == {host.id}
    assert answer.refused == []
    parameters = [msgspec.json.decode(c.rtp_parameters) for c in answer.consumers]
    assert len({p["mid"] for p in parameters}) == 3
    assert all(len(p["encodings"]) == 1 for p in parameters)
    await viewer.resume(*wishes)
    await viewer.pause(*wishes, new_id())
    assert node.agent.load().consumers == 3


async def test_consuming_again_answers_the_same(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera")
    wishes = {new_id(): camera.producer_id}
    first = await viewer.consume(capabilities, wishes)

    again = await viewer.consume(capabilities, wishes)

    assert again == first
    assert node.agent.load().consumers == 1


async def test_what_cannot_be_consumed_is_listed_and_the_rest_comes(
    host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    voice = await host.produce("microphone")
    camera = await host.produce("camera")
    everything = msgspec.json.decode(capabilities)
    only_audio = everything | {"codecs": [c for c in everything["codecs"] if c["kind"] == "audio"]}
    missing = new_id()

    answer = await viewer.consume(
        only_audio, {new_id(): missing, new_id(): camera.producer_id, new_id(): voice.producer_id}
    )

    assert [c.producer_id for c in answer.consumers] == [voice.producer_id]
    assert answer.refused == [
        m.ConsumerRefused(producer_id=missing, code="not_found"),
        m.ConsumerRefused(producer_id=camera.producer_id, code="unsupported"),
    ]


async def test_a_consumer_id_stands_for_one_producer(host: Person, viewer: Person, capabilities: msgspec.Raw) -> None:
    voice, camera = await host.produce("microphone"), await host.produce("camera")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: voice.producer_id})

    with pytest.raises(Refused, match="conflict"):
        await viewer.consume(capabilities, {consumer_id: camera.producer_id})


async def test_too_many_wishes_are_too_large(viewer: Person, capabilities: msgspec.Raw) -> None:
    with pytest.raises(Refused, match="too_large"):
        await viewer.consume(capabilities, {new_id(): new_id() for _ in range(65)})


@pytest.mark.parametrize(
    "nasty",
    [
        raw(None),
        raw([]),
        raw({"codecs": None}),
        raw({"codecs": [{}]}),
        raw({"codecs": [{"kind": "audio", "mimeType": "video/VP8", "clockRate": 90000}]}),
        raw({"codecs": [{"kind": "video", "mimeType": "video/VP8", "clockRate": -5}]}),
        raw({"codecs": [{"kind": "video", "mimeType": "video/rtx", "clockRate": 90000, "parameters": {"apt": 7}}]}),
        raw({"codecs": [], "headerExtensions": [{"kind": "audio", "uri": "u", "preferredId": 5000}]}),
        msgspec.Raw(b'{"codecs":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ],
)
async def test_capabilities_that_make_no_sense_are_malformed(host: Person, viewer: Person, nasty: msgspec.Raw) -> None:
    voice = await host.produce("microphone")

    with pytest.raises(Refused, match="malformed"):
        await viewer.consume(nasty, {new_id(): voice.producer_id})


async def test_who_watches_hears_of_pause_resume_and_close(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: camera.producer_id})

    await host.pause_producer(camera.producer_id)
    await host.pause_producer(camera.producer_id)
    paused = await viewer.link.until(m.ConsumerPaused)
    await host.resume_producer(camera.producer_id)
    resumed = await viewer.link.until(m.ConsumerResumed)
    await host.close_producer(camera.producer_id)
    closed = await viewer.link.until(m.ConsumerClosed)

    assert {n.consumer_id for n in (paused, resumed, closed)} == {consumer_id}
    assert {n.participant_id for n in (paused, resumed, closed)} == {viewer.id}
    await host.close_producer(camera.producer_id)
    await viewer.resume(consumer_id)
    with pytest.raises(Refused, match="not_found"):
        await host.pause_producer(camera.producer_id)
    assert [type(n) for n in viewer.link.notifications if not isinstance(n, m.LoadTold)] == []
    assert [type(n) for n in host.link.notifications if not isinstance(n, m.LoadTold)] == []
    assert node.agent.load().consumers == 0


async def test_leaving_closes_everything_once(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: camera.producer_id})

    await host.leave()
    await host.leave()

    assert (await viewer.link.until(m.ConsumerClosed)).consumer_id == consumer_id
    load = node.agent.load()
    assert (load.transports, load.producers, load.consumers) == (1, 0, 0)
    with pytest.raises(Refused, match="not_found"):
        await host.adopt()
    await host.transport("send")
    await host.produce("camera", producer_id=camera.producer_id)


async def test_layers_can_be_capped(host: Person, viewer: Person, capabilities: msgspec.Raw) -> None:
    camera = await host.produce("camera", vp8(layers=3))
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: camera.producer_id})

    await viewer.prefer(consumer_id, 0)
    await viewer.prefer(consumer_id, 1, 2)

    with pytest.raises(Refused, match="malformed"):
        await viewer.prefer(consumer_id, -1)
    with pytest.raises(Refused, match="not_found"):
        await viewer.prefer(new_id(), 0)


async def test_closing_consumers_skips_those_that_are_gone(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: camera.producer_id})

    await viewer.close_consumers(consumer_id, new_id())
    await viewer.close_consumers(consumer_id)

    assert node.agent.load().consumers == 0
    assert (await viewer.adopt()).consumer_ids == []

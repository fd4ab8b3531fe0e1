"""What senders are told about layers nobody watches, through real links to a real worker."""

from __future__ import annotations

import msgspec
import pytest

from media_plane.agent import layer_wants
from media_plane.contract import messages as m
from tests.contract.node_link.client import Refused
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.media import Person, new_id, vp8

pytestmark = pytest.mark.worker


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_wants, "LOWER_AFTER_S", 0.3)


async def watch(viewer: Person, capabilities: msgspec.Raw, producer_id: str) -> str:
    """A flowing consumer's id."""
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: producer_id})
    await viewer.resume(consumer_id)
    return consumer_id


async def told(host: Person) -> int | None:
    """The next word to the host about its layers."""
    return (await host.link.until(m.ProducerLayersWanted)).spatial_layer


async def test_a_sender_hears_when_nobody_watches(host: Person) -> None:
    camera = await host.produce("camera", vp8(layers=3))

    wanted = await host.link.until(m.ProducerLayersWanted)

    assert (wanted.producer_id, wanted.participant_id, wanted.spatial_layer) == (camera.producer_id, host.id, None)


async def test_a_newcomer_wakes_the_sender_before_it_resumes(
    host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera", vp8(layers=3))
    assert await told(host) is None

    await viewer.consume(capabilities, {new_id(): camera.producer_id})

    assert await told(host) == 2


async def test_small_pictures_need_only_low_layers(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera", vp8(layers=3))
    other = Person(await node.link(), host.room_id)
    await other.transport("recv")
    first, second = (
        await watch(viewer, capabilities, camera.producer_id),
        await watch(other, capabilities, camera.producer_id),
    )

    await viewer.prefer(first, 0)
    await other.prefer(second, 1)
    assert await told(host) == 1

    await other.leave()
    assert await told(host) == 0

    await viewer.prefer(first, 2)
    assert await told(host) == 2


async def test_who_pauses_wants_nothing_until_resuming(host: Person, viewer: Person, capabilities: msgspec.Raw) -> None:
    camera = await host.produce("camera", vp8(layers=2))
    consumer_id = await watch(viewer, capabilities, camera.producer_id)

    await viewer.pause(consumer_id)
    assert await told(host) is None

    await viewer.resume(consumer_id)
    assert await told(host) == 1


async def test_a_screen_is_only_on_or_off(host: Person, viewer: Person, capabilities: msgspec.Raw) -> None:
    screen = await host.produce("screen", vp8())
    assert await told(host) is None

    await watch(viewer, capabilities, screen.producer_id)

    assert await told(host) == 0


async def test_a_voice_is_never_switched_off(host: Person) -> None:
    voice = await host.produce("microphone")
    camera = await host.produce("camera", vp8(mid="2"))

    wanted = await host.link.until(m.ProducerLayersWanted)

    assert wanted.producer_id == camera.producer_id
    assert not [one for one in host.link.notifications if getattr(one, "producer_id", None) == voice.producer_id]


async def test_a_link_that_adopts_a_sender_hears_what_is_not_wanted(node: Node, host: Person) -> None:
    camera = await host.produce("camera", vp8(layers=3))
    await told(host)

    host.link = await node.link()
    await host.adopt()

    wanted = await host.link.until(m.ProducerLayersWanted)
    assert (wanted.producer_id, wanted.spatial_layer) == (camera.producer_id, None)


async def test_a_link_that_adopts_a_sender_hears_that_everything_is_wanted_again(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera", vp8(layers=3))
    assert await told(host) is None
    await watch(viewer, capabilities, camera.producer_id)
    assert await told(host) == 2

    host.link = await node.link()
    await host.adopt()

    wanted = await host.link.until(m.ProducerLayersWanted)
    assert (wanted.producer_id, wanted.spatial_layer) == (camera.producer_id, 2)


async def test_a_priority_reaches_the_worker(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera", vp8(layers=3))
    consumer_id = await watch(viewer, capabilities, camera.producer_id)

    await viewer.prioritize(consumer_id, 180)

    group = node.agent.rooms.groups()[0]
    consumer = group.people()[1].consumers[consumer_id].consumer
    assert (await consumer.dump()).priority == 180


@pytest.mark.parametrize("wrong", [0, 256, -1])
async def test_a_priority_that_is_none_is_malformed(
    host: Person, viewer: Person, capabilities: msgspec.Raw, wrong: int
) -> None:
    camera = await host.produce("camera")
    consumer_id = await watch(viewer, capabilities, camera.producer_id)

    with pytest.raises(Refused, match="malformed"):
        await viewer.prioritize(consumer_id, wrong)

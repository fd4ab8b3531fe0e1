"""After everybody has left, the worker is as empty as before."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import msgspec
import pytest

from media_plane.channel.values.worker import WorkerDump
from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient, Refused
from tests.contract.node_link.conftest import MakeNode, Node
from tests.contract.node_link.media import Person, new_id

pytestmark = pytest.mark.worker


async def dump(node: Node) -> WorkerDump:
    """What the node's only worker holds."""
    worker = node.agent.fleet._slots[0].worker
    assert worker is not None
    return await worker.dump()


async def until_empty(node: Node, before: WorkerDump) -> None:
    """Wait until the worker holds what it held before; closing is not waited for by anybody."""
    async with asyncio.timeout(20):
        while await dump(node) != before:  # noqa: ASYNC110 - the worker tells nobody when it has closed something
            await asyncio.sleep(0.02)


async def watch(link: LinkClient, host: Person, producer_id: str, capabilities: msgspec.Raw) -> None:
    """A viewer comes, watches, and goes."""
    viewer = Person(link, host.room_id)
    await viewer.transport("recv")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: producer_id})
    await viewer.resume(consumer_id)
    await viewer.leave()


async def test_joins_and_leaves_leave_nothing_in_the_worker(node: Node, link: LinkClient) -> None:
    before = await dump(node)
    host = Person(link, new_id())
    capabilities = (await host.open()).rtp_capabilities
    await host.transport("send")
    camera = await host.produce("camera")

    for _ in range(5):
        await asyncio.gather(*(watch(link, host, camera.producer_id, capabilities) for _ in range(20)))

    load = node.agent.load()
    assert (load.transports, load.producers, load.consumers) == (1, 1, 0)
    await link.request(m.RoomClose(id=link.number(), live_session_id=host.room_id, epoch=1), m.Empty)
    await until_empty(node, before)


async def test_a_room_full_of_people_who_do_things_at_once_can_still_be_emptied(make_node: MakeNode) -> None:
    node = await make_node(orphan_grace_s=0.4)
    before = await dump(node)
    room_id = new_id()
    producer_ids = [new_id() for _ in range(3)]
    witness = await node.link()
    people = [Person(await node.link(), room_id) for _ in range(6)]
    capabilities = (await people[0].open()).rtp_capabilities
    dice = random.Random(7)  # noqa: S311 - the same mess every time

    async def live(person: Person) -> None:
        for _ in range(40):
            deeds = [
                person.transport("send"),
                person.transport("recv"),
                person.produce("camera", producer_id=dice.choice(producer_ids)),
                person.close_producer(dice.choice(producer_ids)),
                person.consume(capabilities, {new_id(): producer_id for producer_id in producer_ids}),
                person.adopt(),
                person.leave(),
                person.open(),
            ]
            chosen = dice.sample(deeds, 3)
            for deed in deeds:
                if deed not in chosen:
                    deed.close()
            for outcome in await asyncio.gather(*chosen, return_exceptions=True):
                assert not isinstance(outcome, BaseException) or (
                    isinstance(outcome, Refused) and outcome.code in {"not_found", "conflict"}
                ), outcome

    await asyncio.gather(*(live(person) for person in people))
    for person in people[:3]:
        person.link.drop()
    for person in people[3:]:
        with suppress(Refused):
            await person.leave()
    await witness.request(m.RoomClose(id=1, live_session_id=room_id, epoch=1), m.Empty)

    load = node.agent.load()
    assert (load.rooms, load.transports, load.producers, load.consumers) == (0, 0, 0, 0)
    await until_empty(node, before)

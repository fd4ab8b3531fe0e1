"""After everybody has left a live session that stood on several workers, all of them are as empty as before."""

from __future__ import annotations

import asyncio
import os
import random
import signal

import msgspec
import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient, Refused
from tests.contract.node_link.conftest import MakeNode, Node
from tests.contract.node_link.crowd import until
from tests.contract.node_link.media import Person, new_id, vp8

pytestmark = [pytest.mark.worker, pytest.mark.timeout(400)]

WORKERS = 3


async def held(node: Node) -> list[tuple[int, int]]:
    """Routers, and objects that answer requests, in each worker. Ids differ where a worker was replaced."""
    workers = [slot.worker for slot in node.agent.fleet._slots if slot.worker is not None]
    dumps = [await worker.dump() for worker in workers]
    return [(len(dump.router_ids), len(dump.request_handler_ids)) for dump in dumps]


def counts(node: Node) -> list[tuple[int, int, int]]:
    """Routers, transports and consumers as the node counts them for each worker."""
    return [(facts.routers, facts.transports, facts.consumers) for facts in node.agent.fleet.facts()]


async def until_empty(node: Node, before: list[tuple[int, int]]) -> None:
    """Wait until all workers hold what they held before; closing is not waited for by anybody."""
    async with asyncio.timeout(30):
        while await held(node) != before:  # noqa: ASYNC110 - a worker tells nobody when it has closed something
            await asyncio.sleep(0.02)


async def watch(link: LinkClient, host: Person, producer_ids: list[str], capabilities: msgspec.Raw) -> None:
    """A viewer comes, watches everything, and goes."""
    viewer = Person(link, host.room_id)
    await viewer.transport("recv")
    wishes = {new_id(): producer_id for producer_id in producer_ids}
    await viewer.consume(capabilities, wishes)
    await viewer.resume(*wishes)
    await viewer.leave()


async def test_crowds_that_come_and_go_leave_edges_closed_and_nothing_in_any_worker(make_node: MakeNode) -> None:
    node = await make_node(workers=WORKERS, max_consumers=6, edge_idle_s=0.2, unpipe_after_s=0.05)
    before = await held(node)
    link = await node.link()
    host = Person(link, new_id())
    capabilities = (await host.open()).rtp_capabilities
    await host.transport("send")
    published = [
        await host.produce("camera"),
        await host.produce("screen", vp8(mid="2")),
        await host.produce("microphone"),
    ]
    producer_ids = [facts.producer_id for facts in published]
    seen = set()

    for _ in range(5):
        watching = [asyncio.ensure_future(watch(link, host, producer_ids, capabilities)) for _ in range(20)]
        while not all(task.done() for task in watching):
            await asyncio.sleep(0.002)
            seen.add(tuple(routers for routers, _, _ in counts(node)))
        await asyncio.gather(*watching)

    assert (1, 1, 1) in seen
    await until(lambda: counts(node) == [(1, 1, 0), (0, 0, 0), (0, 0, 0)])
    group = node.agent.rooms.groups()[0]
    assert (await group._seats.origin.router.dump()).transport_ids == [host.send_id]
    assert (await held(node))[1:] == before[1:]
    await link.request(m.RoomClose(id=link.number(), live_session_id=host.room_id, epoch=1), m.Empty)
    await until_empty(node, before)


@pytest.mark.parametrize(("seed", "victims"), [(1, []), (2, []), (3, [1, 2]), (4, [1, 2])])
async def test_whatever_people_do_at_once_the_counts_end_at_nothing(
    make_node: MakeNode, seed: int, victims: list[int]
) -> None:
    node = await make_node(workers=WORKERS, max_consumers=2, orphan_grace_s=0.4, edge_idle_s=0.1, unpipe_after_s=0.02)
    before = await held(node)
    dice = random.Random(seed)  # noqa: S311 - the same mess every time
    room_id = new_id()
    producer_ids = [new_id() for _ in range(3)]
    links = [await node.link() for _ in range(6)]
    people = [Person(link, room_id) for link in links]
    capabilities = (await people[0].open()).rtp_capabilities
    expected = {"not_found", "conflict"} | ({"worker_failed"} if victims else set())

    async def live(person: Person) -> None:
        for _ in range(30):
            deeds = [
                lambda: person.transport("send"),
                lambda: person.transport("recv"),
                lambda: person.transport("recv", transport_id=new_id()),
                lambda: person.produce("camera", producer_id=dice.choice(producer_ids)),
                lambda: person.close_producer(dice.choice(producer_ids)),
                lambda: person.consume(capabilities, {new_id(): producer_id for producer_id in producer_ids}),
                person.leave,
            ]
            for outcome in await asyncio.gather(*(deed() for deed in dice.sample(deeds, 3)), return_exceptions=True):
                assert not isinstance(outcome, BaseException) or (
                    isinstance(outcome, Refused) and outcome.code in expected
                ), outcome

    async def kill_edges() -> None:
        while victims:
            await asyncio.sleep(0.1)
            pid = node.agent.fleet.pids().get(dice.choice(victims))
            if pid is not None:
                os.kill(pid, signal.SIGKILL)

    killer = asyncio.ensure_future(kill_edges())
    await asyncio.gather(*(live(person) for person in people))
    killer.cancel()
    await asyncio.wait([killer])
    await until(lambda: len(node.agent.fleet.pids()) == WORKERS)
    for link in links:
        await link.close()

    await until(lambda: node.agent.load().rooms == 0)
    assert counts(node) == [(0, 0, 0)] * WORKERS
    await until_empty(node, before)

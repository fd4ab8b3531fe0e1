"""One live session over many workers: where viewers land, what flows there, and what ends with a worker."""

from __future__ import annotations

import asyncio
import os
import random
import signal

import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import Refused
from tests.contract.node_link.conftest import MakeNode, Node
from tests.contract.node_link.crowd import MakeCrowd, Member, make_crowd, until
from tests.contract.node_link.media import Person, new_id

__all__ = ["make_crowd"]

pytestmark = [pytest.mark.worker, pytest.mark.timeout(400)]


def load(node: Node) -> list[tuple[int, int, int]]:
    """Routers, transports and consumers (with pipes, and those expected) of each worker."""
    return [(facts.routers, facts.transports, facts.consumers) for facts in node.agent.fleet.facts()]


# --- where viewers land -------------------------------------------------------------------------------------------


async def test_viewers_beyond_the_limit_land_on_an_edge_and_see_and_hear_the_same(
    make_node: MakeNode, make_crowd: MakeCrowd
) -> None:
    node = await make_node(workers=2, max_consumers=2)
    crowd = make_crowd(node)
    host = await crowd.host()

    near = await crowd.viewer(host)
    far = await crowd.viewer(host)

    assert [crowd.seat_of(viewer) for viewer in (near, far)] == [0, 1]
    for viewer in (near, far):
        assert await viewer.sees(30)
        assert await viewer.hears()
    assert len(near.pictures.counters & far.pictures.counters) >= 20
    assert load(node) == [(1, 2, 4), (1, 1, 2)]
    assert node.agent.load().consumers == 4


async def test_a_second_viewer_on_an_edge_shares_the_pipe_and_gets_a_key_frame(
    make_node: MakeNode, make_crowd: MakeCrowd
) -> None:
    node = await make_node(workers=2, max_consumers=4)
    crowd = make_crowd(node)
    host = await crowd.host()
    viewers = [await crowd.viewer(host) for _ in range(3)]
    assert await viewers[2].sees(15)

    late = await crowd.viewer(host)

    assert [crowd.seat_of(viewer) for viewer in (*viewers, late)] == [0, 0, 1, 1]
    # aiortc makes a key frame when it is asked for one and hardly ever else.
    assert await late.sees(15)
    assert load(node) == [(1, 3, 6), (1, 2, 4)]


async def test_many_who_join_at_once_open_one_edge(make_node: MakeNode) -> None:
    node = await make_node(workers=3, max_consumers=6)
    host, capabilities = await room_with(node, "camera")
    await fill(host, capabilities, count=6)

    people = [Person(host.link, host.room_id) for _ in range(6)]
    await asyncio.gather(*(person.transport("recv") for person in people))

    assert [routers for routers, _, _ in load(node)] == [1, 1, 0]
    assert [transports for _, transports, _ in load(node)] == [7, 6, 0]


async def test_a_full_edge_is_followed_by_another_and_a_full_node_lets_viewers_in_where_load_is_least(
    make_node: MakeNode,
) -> None:
    node = await make_node(workers=3, max_consumers=2)
    host, capabilities = await room_with(node, "camera")

    await fill(host, capabilities, count=6)
    assert [transports for _, transports, _ in load(node)] == [3, 2, 2]
    await fill(host, capabilities, count=3)

    # The origin sends to two edges besides, so that it is the fullest.
    assert load(node) == [(1, 3, 4), (1, 4, 4), (1, 3, 3)]


async def test_viewers_are_refused_only_when_every_worker_is_saturated(
    make_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await make_node(workers=2, max_consumers=1)
    host, capabilities = await room_with(node, "camera")
    await fill(host, capabilities, count=2)
    fleet = node.agent.fleet
    fleet.set_cpu({0: 1.0, 1: 1.0})
    monkeypatch.setattr(fleet, "set_cpu", str)  # Nothing measured comes between.

    with pytest.raises(Refused, match="overloaded"):
        await Person(host.link, host.room_id).transport("recv")
    await Person(host.link, host.room_id).transport("send")


async def test_an_edge_without_viewers_is_closed_after_a_while(make_node: MakeNode) -> None:
    node = await make_node(workers=2, max_consumers=1, edge_idle_s=0.3)
    host, capabilities = await room_with(node, "camera")
    viewers = await fill(host, capabilities, count=2)
    assert load(node) == [(1, 2, 2), (1, 1, 1)]

    await viewers[1].leave()

    await until(lambda: load(node) == [(1, 2, 1), (0, 0, 0)])
    again = (await fill(host, capabilities, count=1))[0]
    assert load(node) == [(1, 2, 2), (1, 1, 1)]
    await again.leave()


async def test_what_is_counted_ends_with_the_room(make_node: MakeNode) -> None:
    node = await make_node(workers=3, max_consumers=2)
    host, capabilities = await room_with(node, "camera")
    await fill(host, capabilities, count=5)
    await Person(host.link, host.room_id).transport("recv")

    await host.link.request(m.RoomClose(id=host.link.number(), live_session_id=host.room_id, epoch=1), m.Empty)

    assert load(node) == [(0, 0, 0)] * 3


# --- pipes --------------------------------------------------------------------------------------------------------


async def test_a_pipe_nobody_uses_ends_and_is_made_again(make_node: MakeNode, make_crowd: MakeCrowd) -> None:
    node = await make_node(workers=2, max_consumers=2, unpipe_after_s=0.2)
    crowd = make_crowd(node)
    host = await crowd.host()
    await crowd.viewer(host)
    far = await crowd.viewer(host)
    assert await far.sees()
    assert load(node)[0] == (1, 2, 4)

    await far.close_consumers()
    await until(lambda: load(node)[0] == (1, 2, 2))
    await far.arrive()
    await far.consume(host.wire.producers)

    assert crowd.seat_of(far) == 1
    assert await far.sees()
    assert await far.hears()
    assert load(node) == [(1, 2, 4), (1, 1, 2)]


async def test_pausing_and_resuming_reach_viewers_on_an_edge(make_node: MakeNode, make_crowd: MakeCrowd) -> None:
    node = await make_node(workers=2, max_consumers=2)
    crowd = make_crowd(node)
    host = await crowd.host()
    await crowd.viewer(host)
    far = await crowd.viewer(host)
    assert await far.sees()
    camera = host.wire.producers[1]

    await host.wire.ask(m.ProducerPause, m.Empty, producer_id=camera)
    paused = await far.link.until(m.ConsumerPaused)
    await flow_stops(far)
    await host.wire.ask(m.ProducerResume, m.Empty, producer_id=camera)
    resumed = await far.link.until(m.ConsumerResumed)

    assert await far.sees()
    assert {paused.consumer_id, resumed.consumer_id} == {far.consumer_ids["video"]}
    assert not any(isinstance(one, m.ConsumerPaused | m.ConsumerResumed) for one in far.link.notifications)


async def test_what_is_consumed_while_it_is_paused_flows_on_an_edge_once_it_is_resumed(
    make_node: MakeNode, make_crowd: MakeCrowd
) -> None:
    node = await make_node(workers=2, max_consumers=2)
    crowd = make_crowd(node)
    host = await crowd.host()
    await crowd.viewer(host)
    camera = host.wire.producers[1]
    await host.wire.ask(m.ProducerPause, m.Empty, producer_id=camera)

    far = await crowd.viewer(host)
    assert await far.hears()
    assert not far.pictures.counters
    await host.wire.ask(m.ProducerResume, m.Empty, producer_id=camera)

    assert crowd.seat_of(far) == 1
    assert await far.sees()


async def test_who_cannot_decode_a_track_leaves_no_pipe_behind(make_node: MakeNode) -> None:
    node = await make_node(workers=2, max_consumers=1, unpipe_after_s=0.1)
    host, capabilities = await room_with(node, "camera")
    await fill(host, capabilities, count=1)
    deaf = Person(host.link, host.room_id)
    await deaf.transport("recv")
    camera = (await host.open()).participants[0].producers[0].producer_id

    answer = await deaf.consume({"codecs": [], "headerExtensions": []}, {new_id(): camera})

    assert [refusal.code for refusal in answer.refused] == ["unsupported"]
    await until(lambda: load(node)[0] == (1, 2, 1))


async def test_a_closed_producer_closes_its_consumers_on_every_worker(make_node: MakeNode) -> None:
    node = await make_node(workers=3, max_consumers=1)
    host, capabilities = await room_with(node, "camera")
    await fill(host, capabilities, count=3)

    await host.leave()

    for _ in range(3):
        await host.link.until(m.ConsumerClosed)
    await until(lambda: [consumers for _, _, consumers in load(node)] == [0, 0, 0])


# --- death --------------------------------------------------------------------------------------------------------


async def test_an_edge_that_dies_costs_its_own_viewers_only_and_they_go_elsewhere(
    make_node: MakeNode, make_crowd: MakeCrowd
) -> None:
    node = await make_node(workers=3, max_consumers=2)
    crowd = make_crowd(node)
    host = await crowd.host()
    near, lost, other = [await crowd.viewer(host) for _ in range(3)]
    assert [crowd.seat_of(viewer) for viewer in (near, lost, other)] == [0, 1, 2]
    for viewer in (near, lost, other):
        assert await viewer.sees()

    dead_id = lost.transport_id

    os.kill(node.agent.fleet.pids()[1], signal.SIGKILL)
    closed = await lost.link.until(m.TransportClosed, timeout_s=1.0)
    await lost.arrive()
    await lost.consume(host.wire.producers)

    assert (closed.participant_id, closed.transport_id, closed.reason) == (lost.id, dead_id, "worker_died")
    assert await lost.sees()
    assert await lost.hears()
    for viewer in (near, other):
        assert await viewer.sees(30)
        assert viewer.packets.missing() == {}
        assert await viewer.packets_lost() == 0
    losses = [
        (member, notification)
        for member in crowd.members
        for notification in member.link.notifications
        if isinstance(notification, m.TransportClosed | m.RoomLost | m.ProducerClosed)
    ]
    assert losses == []


async def test_the_origins_death_ends_the_room_on_all_its_workers(make_node: MakeNode) -> None:
    node = await make_node(workers=2, max_consumers=1)
    host, capabilities = await room_with(node, "camera")
    await fill(host, capabilities, count=2)

    os.kill(node.agent.fleet.pids()[0], signal.SIGKILL)

    lost = await host.link.until(m.RoomLost, timeout_s=1.0)
    assert (lost.live_session_id, lost.reason) == (host.room_id, "worker_died")
    assert load(node) == [(0, 0, 0)] * 2
    assert not any(isinstance(one, m.RoomLost | m.TransportClosed) for one in host.link.notifications)


async def test_who_asks_for_a_track_while_the_edge_dies_is_answered_and_the_next_edge_is_sound(
    make_node: MakeNode, make_crowd: MakeCrowd
) -> None:
    node = await make_node(workers=2, max_consumers=2)
    crowd = make_crowd(node)
    host = await crowd.host()
    await crowd.viewer(host)
    far = await crowd.member()
    await far.arrive()
    assert crowd.seat_of(far) == 1
    pid = node.agent.fleet.pids()[1]

    asking = asyncio.ensure_future(far.wire.consume(far.transport_id, host.wire.producers))
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    answer = (await asyncio.gather(asking, return_exceptions=True))[0]
    await far.link.until(m.TransportClosed, timeout_s=1.0)

    assert isinstance(answer, list | Refused)
    await until(lambda: node.agent.fleet.pids().get(1, pid) != pid)
    await far.arrive()
    await far.consume(host.wire.producers)
    assert crowd.seat_of(far) == 1
    assert await far.sees()


@pytest.mark.parametrize("seed", range(6))
async def test_joins_during_an_edges_death_end_on_a_living_worker_or_are_told(make_node: MakeNode, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
    node = await make_node(workers=3, max_consumers=1)
    host, capabilities = await room_with(node, "camera")
    await fill(host, capabilities, count=2)
    people = [Person(host.link, host.room_id) for _ in range(20)]

    joining = [asyncio.ensure_future(person.transport("recv")) for person in people]
    await asyncio.sleep(chance.uniform(0, 0.01))
    pid = node.agent.fleet.pids()[1]
    os.kill(pid, signal.SIGKILL)
    outcomes = await asyncio.gather(*joining, return_exceptions=True)
    await until(lambda: node.agent.fleet.pids().get(1, pid) != pid)

    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    told = {one.transport_id for one in host.link.notifications if isinstance(one, m.TransportClosed)}
    standing = {media.recv_transport_id for media in await asyncio.gather(*map(adopt, people)) if media is not None}
    assert {person.recv_id for person in people} <= standing | told
    assert not standing & told
    group = node.agent.rooms.groups()[0]
    assert [one.id for one in group._books.transports.values() if one.transport.closed] == []


# --- what the tests share -----------------------------------------------------------------------------------------


async def room_with(node: Node, *sources: m.Source) -> tuple[Person, object]:
    """A host who says to publish these, without a packet; and the router's capabilities."""
    host = Person(await node.link(), new_id())
    opened = await host.open()
    await host.transport("send")
    for source in sources:
        await host.produce(source)
    return host, opened.rtp_capabilities


async def fill(host: Person, capabilities: object, *, count: int) -> list[Person]:
    """So many viewers, one after another, who consume all there is, without a packet."""
    people = [Person(host.link, host.room_id) for _ in range(count)]
    for person in people:
        await person.transport("recv")
        producers = [facts.producer_id for media in (await host.open()).participants for facts in media.producers]
        answer = await person.consume(capabilities, {new_id(): producer_id for producer_id in producers})
        assert not answer.refused
    return people


async def adopt(person: Person) -> m.ParticipantMedia | None:
    """What somebody has open; None: nothing."""
    try:
        return await person.adopt()
    except Refused:
        return None


async def flow_stops(viewer: Member) -> None:
    """Wait until no more pictures come for a while."""
    async with asyncio.timeout(30):
        while True:
            before = await viewer.media.packets_received(viewer.consumer_ids["video"])
            await asyncio.sleep(0.5)
            if await viewer.media.packets_received(viewer.consumer_ids["video"]) == before:
                return

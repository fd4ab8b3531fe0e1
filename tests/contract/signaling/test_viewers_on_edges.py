"""Viewers on another node than the publishers', as a signaling process sees to it."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import msgspec
import pytest

from control_plane.domain.participants import grant_for
from control_plane.domain.roles import Role
from control_plane.services.media import MediaMoved
from control_plane.signaling import messages as m
from control_plane.signaling.edges import Edges
from media_plane.contract import messages as c
from tests.contract.signaling.conftest import World, until
from tests.contract.signaling.fake_node import SEALED


async def test_viewer_goes_to_another_node_when_the_rooms_own_is_full(world: World) -> None:
    host = await world.enter(Role.HOST)
    screen = await host.publish()
    edge = world.add_node()
    world.fill(world.node)

    viewer = await world.enter()

    assert [consumer.producer_id for consumer in viewer.welcome.consumers] == [screen]
    assert str(viewer.participant.id) in edge.transports
    assert str(viewer.participant.id) not in world.node.transports


async def test_publisher_stays_on_the_rooms_own_node_when_it_is_full(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)

    host = await world.enter(Role.HOST)
    await host.publish()

    assert edge.transports == {}
    assert set(world.node.transports) == {str(host.participant.id)}


@pytest.mark.parametrize("end", ["origin", "edge"])
async def test_viewer_stays_on_a_full_node_when_one_of_the_two_takes_part_in_no_pipes(world: World, end: str) -> None:
    host = await world.enter(Role.HOST)
    screen = await host.publish()
    edge = world.add_node()
    world.fill(world.node)
    (world.node if end == "origin" else edge).has_pipes = False

    viewer = await world.enter()

    assert [consumer.producer_id for consumer in viewer.welcome.consumers] == [screen]
    assert str(viewer.participant.id) in world.node.transports


async def test_viewer_on_an_edge_who_may_publish_by_now_does_so_on_the_rooms_own_node(world: World) -> None:
    other = await world.enter()
    edge = world.add_node()
    world.fill(world.node)
    viewer = await world.enter()
    promoted = msgspec.structs.replace(viewer.participant, role=Role.CO_HOST, grant=grant_for(Role.CO_HOST))
    world.processes[0].hub._held[world.live.session.id].session.regrade(promoted)

    screen = await viewer.publish()

    moving = await viewer.client.expect(m.MediaMoving)
    await viewer.client.request(m.MediaMoved(id=0, epoch=moving.epoch), m.Empty)
    assert (await other.client.expect(m.ConsumerOffered)).consumer.producer_id == screen
    assert str(viewer.participant.id) in world.node.transports
    assert str(viewer.participant.id) not in edge.transports


async def test_later_track_is_piped_to_the_edge_and_offered_there(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    host, viewer = await world.enter(Role.HOST), await world.enter()

    screen = await host.publish()

    assert (await viewer.client.expect(m.ConsumerOffered)).consumer.producer_id == screen
    assert edge.piped == {screen}


async def test_viewers_of_two_processes_share_a_pipe(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    host = await world.enter(Role.HOST)
    screen = await host.publish()

    viewers = [await world.enter(), await world.enter(process=await world.start_process())]

    assert [[one.producer_id for one in viewer.welcome.consumers] for viewer in viewers] == [[screen], [screen]]
    assert len(edge.pipe_ids) == len(world.node.pipe_ids) == 1


async def test_closed_track_leaves_the_edge_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def repair_nothing(_: Edges) -> None:
        return None

    monkeypatch.setattr(Edges, "sweep", repair_nothing)
    edge = world.add_node()
    world.fill(world.node)
    host = await world.enter(Role.HOST)
    screen = await host.publish()
    await world.enter()

    await host.client.request(m.ProducerClose(id=0, producer_id=UUID(screen)), m.Empty)

    await until(lambda: not edge.piped)


async def test_track_whose_end_was_missed_leaves_the_edge_with_the_sweep(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    await world.enter(Role.HOST)
    await world.enter()

    edge.piped.add(str(uuid4()))

    await until(lambda: not edge.piped)


async def test_edge_that_stays_silent_costs_its_viewers_their_media_and_nobody_else(world: World) -> None:
    host = await world.enter(Role.HOST)
    near = await world.enter()
    edge = world.add_node()
    world.fill(world.node)
    far = await world.enter()

    edge.is_up = False
    for process in world.processes:
        process.hub.node_lost(edge.id)

    reset = await far.client.expect(m.MediaReset)
    await near.say("still here")
    assert reset.epoch == 1
    assert world.live.session.epoch == 1
    assert not any(isinstance(kept, m.MediaReset) for kept in (*near.client._kept, *host.client._kept))


async def test_nothing_is_sent_to_an_edge_that_is_gone(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    edge = world.add_node()
    world.fill(world.node)
    await world.enter()
    assert list(world.node.pipe_ids) == [str(edge.id)]

    lost = c.RoomLost(live_session_id=str(world.live.session.id), epoch=1, reason="worker_died")
    world.processes[0].hub.hear_node(edge.id, lost)

    await until(lambda: not world.node.pipe_ids)


async def test_viewer_of_a_lost_edge_builds_anew_where_there_is_room(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    viewer = await world.enter()
    third = world.add_node()
    for process in world.processes:
        lost = c.RoomLost(live_session_id=str(world.live.session.id), epoch=1, reason="worker_died")
        edge.is_up = False
        process.hub.hear_node(edge.id, lost)
    await viewer.client.expect(m.MediaReset)

    await viewer.client.request(m.TransportCreate(id=0, transport_id=uuid4(), direction="recv"), m.TransportCreated)

    assert str(viewer.participant.id) in third.transports


async def test_viewer_who_resumes_in_another_process_keeps_the_media_on_the_edge(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    host = await world.enter(Role.HOST)
    await host.publish()
    viewer = await world.enter()
    viewer.client.abort()

    back = await world.resume(viewer, await world.start_process(), keep_media=True)

    assert back.welcome.media_kept
    assert edge.methods().count("participant.adopt") == 1
    assert str(viewer.participant.id) not in world.node.transports


async def test_viewer_who_leaves_leaves_the_edge(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    viewer = await world.enter()

    await viewer.client.leave()

    assert str(viewer.participant.id) not in edge.transports


async def test_viewer_removed_from_another_process_loses_the_media_on_the_edge(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    viewer = await world.enter()
    host = await world.enter(Role.HOST, await world.start_process())

    await host.client.request(m.ParticipantRemove(id=0, participant_id=viewer.participant.id), m.Empty)

    await until(lambda: str(viewer.participant.id) not in edge.transports)


async def test_end_of_the_session_closes_the_room_on_every_node(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    await world.enter()

    await world.live.end()

    await until(lambda: "room.close" in edge.methods() and "room.close" in world.node.methods())


async def test_room_on_an_edge_is_closed_when_the_session_is_rebuilt(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    viewer = await world.enter()
    world.live.draining_ids.add(edge.id)
    world.node.forget()

    lost = c.RoomLost(live_session_id=str(world.live.session.id), epoch=1, reason="worker_died")
    world.processes[0].hub.hear_node(world.node.id, lost)
    await viewer.client.expect(m.MediaReset)

    await until(lambda: any(isinstance(call, c.RoomClose) and call.epoch == 1 for call in edge.calls))


async def test_what_waits_for_an_edge_does_not_open_a_newer_room_on_a_node_that_people_move_away_from(
    world: World,
) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    await viewer.client.expect(m.ConsumerOffered)
    held = world.processes[0].hub._ready()[0]
    before = held.session.placement
    world.add_node()
    world.drain(world.node)
    await viewer.client.expect(m.MediaMoving)

    with pytest.raises(MediaMoved):
        await held.care.edges.consume(
            before,
            viewer.participant.id,
            transport_id=str(uuid4()),
            rtp_capabilities=SEALED,
            producer_ids=[screen],
        )

    assert world.node.epoch == 1
    assert world.node.producers.keys() == {screen}


async def test_edge_that_is_asked_for_while_the_session_moves_is_none_of_the_new_placement(world: World) -> None:
    await world.enter(Role.HOST)
    edge = world.add_node()
    held = world.processes[0].hub._ready()[0]
    world.live.draining_ids.add(edge.id)
    edge.gate = asyncio.Event()
    carrying = asyncio.create_task(held.care.edges.carry(edge.id, []))
    await until(lambda: "room.open" in edge.methods())
    world.add_node()
    world.drain(world.node)
    await until(lambda: held.session.placement.epoch == 2)

    edge.gate.set()

    with pytest.raises(MediaMoved):
        await carrying
    assert edge.id not in held.session.edge_node_ids


async def test_orphan_closed_on_another_node_is_not_taken_for_the_media_that_is_used(world: World) -> None:
    viewer = await world.enter()
    edge = world.add_node()
    world.processes[0].hub._held[world.live.session.id].session.edge_node_ids.add(edge.id)

    old_news = c.ParticipantClosed(
        live_session_id=str(world.live.session.id), participant_id=str(viewer.participant.id), reason="orphaned"
    )
    world.processes[0].hub.hear_node(edge.id, old_news)
    await viewer.say("still here")

    assert not any(isinstance(kept, m.TransportClosed) for kept in viewer.client._kept)

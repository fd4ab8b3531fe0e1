"""A draining node's rooms move, as a signaling process sees to it: new media first, then the old goes."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

from control_plane.domain.roles import Role
from control_plane.signaling import messages as m
from media_plane.contract import messages as c
from tests.contract.signaling.conftest import Guest, World, until


async def receive(guest: Guest) -> str:
    """A new receive transport; answers its id."""
    transport_id = uuid4()
    await guest.client.request(m.TransportCreate(id=0, transport_id=transport_id, direction="recv"), m.TransportCreated)
    return str(transport_id)


async def say_moved(guest: Guest, epoch: int) -> None:
    await guest.client.request(m.MediaMoved(id=0, epoch=epoch), m.Empty)


async def test_everybody_is_told_to_move_and_the_old_room_stays(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter(process=await world.start_process())
    screen = await host.publish()
    new = world.add_node()

    world.drain(world.node)

    assert {(await guest.client.expect(m.MediaMoving)).epoch for guest in (host, viewer)} == {2}
    assert world.live.session.node_id == new.id
    assert world.node.producers.keys() == {screen}
    assert "room.close" not in world.node.methods()


async def test_track_published_again_on_the_new_node_is_offered_there_and_nobody_hears_of_it_otherwise(
    world: World,
) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    offered_first = await viewer.client.expect(m.ConsumerOffered)
    await viewer.client.expect(m.ProducerOpened)
    new = world.add_node()
    world.drain(world.node)
    await viewer.client.expect(m.MediaMoving)
    await receive(viewer)

    await host.publish("screen", UUID(screen))

    offered = await viewer.client.expect(m.ConsumerOffered)
    assert (offered.consumer.producer_id, set(new.producers)) == (screen, {screen})
    assert offered.consumer.id != offered_first.consumer.id
    assert not any(isinstance(kept, m.ProducerOpened | m.ProducerClosed | m.MediaReset) for kept in viewer.client._kept)


async def test_tracks_that_have_not_moved_yet_are_not_consumed_on_the_new_node(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    world.add_node()
    world.drain(world.node)
    await viewer.client.expect(m.MediaMoving)
    transport_id = await receive(viewer)

    made = await viewer.client.request(
        m.ConsumerCreate(id=0, transport_id=UUID(transport_id), producer_ids=[UUID(screen)]), m.ConsumersCreated
    )

    assert made.consumers == []


async def test_viewer_who_has_moved_is_closed_on_the_old_node(world: World) -> None:
    viewer = await world.enter()
    new = world.add_node()
    world.drain(world.node)
    moving = await viewer.client.expect(m.MediaMoving)
    await receive(viewer)

    await say_moved(viewer, moving.epoch)

    assert str(viewer.participant.id) not in world.node.transports
    assert str(viewer.participant.id) in new.transports


async def test_publisher_who_has_moved_stays_on_the_old_node_while_anybody_watches_there(world: World) -> None:
    host, slow = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    await slow.client.expect(m.ConsumerOffered)
    world.add_node()
    world.drain(world.node)
    moving = await host.client.expect(m.MediaMoving)
    await host.publish("screen", UUID(screen))

    await say_moved(host, moving.epoch)

    assert world.node.producers.keys() == {screen}
    assert any(isinstance(call, c.ParticipantClose) and call.once_unwatched for call in world.node.calls)


async def test_what_was_left_behind_is_closed_by_name_when_the_old_room_is_gone(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    world.add_node()
    old = set(world.node.transports[str(host.participant.id)])
    world.drain(world.node)
    await host.client.expect(m.MediaMoving)

    lost = c.RoomLost(live_session_id=str(world.live.session.id), epoch=1, reason="closed")
    world.processes[0].hub.hear_node(world.node.id, lost)

    closed = {(await host.client.expect(m.TransportClosed)).transport_id for _ in old}
    assert closed == old
    assert world.live.session.epoch == 2


async def test_track_that_never_moved_is_gone_with_the_old_room(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    world.add_node()
    world.drain(world.node)
    await viewer.client.expect(m.MediaMoving)

    lost = c.RoomLost(live_session_id=str(world.live.session.id), epoch=1, reason="closed")
    world.processes[0].hub.hear_node(world.node.id, lost)

    assert (await viewer.client.expect(m.ProducerClosed)).producer_id == screen


async def test_track_that_moves_after_the_old_room_is_gone_is_offered_on_the_new_node(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    await viewer.client.expect(m.ConsumerOffered)
    await viewer.client.expect(m.ProducerOpened)
    world.add_node()
    world.drain(world.node)
    await viewer.client.expect(m.MediaMoving)
    await receive(viewer)
    lost = c.RoomLost(live_session_id=str(world.live.session.id), epoch=1, reason="worker_died")
    world.processes[0].hub.hear_node(world.node.id, lost)
    await viewer.client.expect(m.ProducerClosed)

    await host.publish("screen", UUID(screen))

    assert (await viewer.client.expect(m.ProducerOpened)).producer.id == screen
    assert (await viewer.client.expect(m.ConsumerOffered)).consumer.producer_id == screen


async def test_browser_that_does_not_move_in_time_builds_anew(world: World) -> None:
    viewer = await world.enter()
    world.add_node()

    world.drain(world.node)

    assert (await viewer.client.expect(m.MediaReset)).epoch == 2
    assert str(viewer.participant.id) not in world.node.transports


async def test_what_a_browser_left_behind_is_closed_also_when_it_comes_back_on_another_socket(world: World) -> None:
    viewer = await world.enter()
    (old,) = world.node.transports[str(viewer.participant.id)]
    world.add_node()
    world.drain(world.node)
    await viewer.client.expect(m.MediaMoving)
    await receive(viewer)
    viewer.client.abort()

    back = await world.resume(viewer, keep_media=True)

    assert back.welcome.media_kept
    assert (await back.client.expect(m.TransportClosed)).transport_id == old
    assert str(viewer.participant.id) not in world.node.transports


async def test_transport_that_is_made_while_everybody_moves_does_not_hold_the_old_node(world: World) -> None:
    await world.enter(Role.HOST)
    viewer = await world.enter()
    connection = world.processes[0].hub._ready()[0].session.connections[viewer.participant.id]
    connection.forget_media()
    world.node.forget_participant(str(viewer.participant.id))
    world.node.gate = asyncio.Event()
    world.node.calls.clear()
    making = asyncio.create_task(receive(viewer))
    await until(lambda: "transport.create" in world.node.methods())
    world.add_node()
    world.drain(world.node)
    await viewer.client.expect(m.MediaReset)

    world.node.gate.set()
    await making

    await until(lambda: "participant.close" in world.node.methods())
    await until(lambda: str(viewer.participant.id) not in world.node.transports)


async def test_newcomer_whose_media_is_made_while_everybody_moves_does_not_hold_the_old_node(world: World) -> None:
    host = await world.enter(Role.HOST)
    world.node.gate = asyncio.Event()
    world.node.calls.clear()
    coming = asyncio.create_task(world.enter())
    await until(lambda: "transport.create" in world.node.methods())
    world.add_node()
    world.drain(world.node)
    await host.client.expect(m.MediaMoving)

    world.node.gate.set()
    newcomer = await coming

    assert (await newcomer.client.expect(m.MediaReset)).epoch == 2
    await until(lambda: "participant.close" in world.node.methods())
    await until(lambda: str(newcomer.participant.id) not in world.node.transports)


async def test_drain_with_nowhere_to_go_leaves_everything_as_it_is(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    await host.publish()
    await viewer.client.expect(m.ConsumerOffered)

    world.drain(world.node)
    await viewer.say("still here")
    await host.publish("microphone")

    assert (await viewer.client.expect(m.ConsumerOffered)).consumer.source == "microphone"
    assert world.live.session.epoch == 1
    assert not any(isinstance(kept, m.MediaMoving | m.MediaReset) for kept in viewer.client._kept)


async def test_drain_finds_a_node_that_comes_later(world: World) -> None:
    viewer = await world.enter()
    world.drain(world.node)

    new = world.add_node()
    world.drain(world.node)

    assert (await viewer.client.expect(m.MediaMoving)).epoch == 2
    assert world.live.session.node_id == new.id


async def test_viewers_of_a_draining_edge_move_alone(world: World) -> None:
    host, near = await world.enter(Role.HOST), await world.enter()
    edge = world.add_node()
    world.fill(world.node)
    far = await world.enter()
    other = world.add_node()

    world.drain(edge)

    moving = await far.client.expect(m.MediaMoving)
    await receive(far)
    await say_moved(far, moving.epoch)
    assert moving.epoch == 1
    assert (str(far.participant.id) in edge.transports, str(far.participant.id) in other.transports) == (False, True)
    assert not any(isinstance(kept, m.MediaMoving) for kept in (*near.client._kept, *host.client._kept))


async def test_newcomer_during_a_move_is_served_by_the_new_node(world: World) -> None:
    host = await world.enter(Role.HOST)
    screen = await host.publish()
    new = world.add_node()
    world.drain(world.node)
    await host.client.expect(m.MediaMoving)

    newcomer = await world.enter()
    await host.publish("screen", UUID(screen))

    assert newcomer.welcome.epoch == 2
    assert (await newcomer.client.expect(m.ConsumerOffered)).consumer.producer_id == screen
    assert str(newcomer.participant.id) in new.transports


async def test_muting_during_a_move_reaches_the_track_that_still_flows(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    voice = await host.publish("microphone")
    world.add_node()
    world.drain(world.node)
    await host.client.expect(m.MediaMoving)

    await host.client.request(m.ProducerPause(id=0, producer_id=UUID(voice)), m.Empty)

    assert (await viewer.client.expect(m.ProducerPausedChanged)).paused
    assert any(isinstance(call, c.ProducerPause) and call.epoch == 1 for call in world.node.calls)


async def test_person_whose_socket_is_lost_does_not_hold_the_old_room(world: World) -> None:
    viewer = await world.enter()
    world.add_node()
    viewer.client.abort()
    held = world.processes[0].hub._held[world.live.session.id].session
    await until(lambda: viewer.participant.id in held.ghosts)

    world.drain(world.node)

    await until(lambda: str(viewer.participant.id) not in world.node.transports)
    assert viewer.participant.id in held.ghosts, "they went because their grace was over"


async def test_room_on_an_edge_of_the_old_placement_is_closed_after_everyone_had_time_to_move(world: World) -> None:
    await world.enter(Role.HOST)
    edge = world.add_node()
    world.fill(world.node)
    viewer = await world.enter()
    assert str(viewer.participant.id) in edge.transports
    world.live.draining_ids.add(edge.id)
    world.add_node()

    world.drain(world.node)
    await viewer.client.expect(m.MediaMoving)
    closed_at_once = "room.close" in edge.methods()

    await until(lambda: "room.close" in edge.methods())
    assert not closed_at_once


async def test_person_whose_socket_is_lost_does_not_hold_an_edge_of_the_old_placement(world: World) -> None:
    edge = world.add_node()
    world.fill(world.node)
    viewer = await world.enter()
    assert str(viewer.participant.id) in edge.transports
    world.live.draining_ids.add(edge.id)
    world.add_node()
    viewer.client.abort()
    held = world.processes[0].hub._held[world.live.session.id].session
    await until(lambda: viewer.participant.id in held.ghosts)

    world.drain(world.node)

    await until(lambda: str(viewer.participant.id) not in edge.transports)
    assert "room.close" not in edge.methods()
    assert viewer.participant.id in held.ghosts, "they went because their grace was over"

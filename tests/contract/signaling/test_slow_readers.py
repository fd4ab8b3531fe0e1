"""A browser that does not read: its pushes are dropped, it is told, and it never slows the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from control_plane.domain.events import ParticipantLeft
from control_plane.domain.ids import ParticipantId
from control_plane.domain.roles import Role
from control_plane.signaling import messages as m
from control_plane.signaling.messages import CloseCode
from control_plane.signaling.session import Session
from control_plane.signaling.wire import encode_notification
from media_plane.contract import messages as c
from tests.contract.signaling.conftest import QUICK, Guest, World, close_code, until

LINE = "x" * 60_000


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    """Sockets may be silent for long: here only the queue counts."""
    made = World(replace(QUICK, lost_after_s=60.0, drain_s=1.0))
    await made.start_process()
    yield made
    await made.close()


def stop_reading(guest: Guest) -> None:
    guest.client._open_transport().underlying_transport.pause_reading()


def read_again(guest: Guest) -> None:
    guest.client._open_transport().underlying_transport.resume_reading()


def held(world: World) -> Session:
    return world.processes[0].hub._ready()[0].session


def flood(world: World, guest: Guest, megabytes: int) -> None:
    """Push this much to one socket."""
    socket = held(world).connections[guest.participant.id].socket
    message = encode_notification(m.TransportClosed(transport_id="none", reason=LINE))
    for _ in range(megabytes * 17):
        socket.notify(message)


async def test_slow_browser_that_catches_up_is_resynced_and_stays(world: World) -> None:
    slow, other = await world.enter(), await world.enter()
    stop_reading(slow)
    flood(world, slow, 12)
    assert held(world).connections[slow.participant.id].socket.owes_resync
    held(world).apply(
        ParticipantLeft(
            live_session_id=held(world).id, participant_id=ParticipantId(other.participant.id), reason="left"
        )
    )

    read_again(slow)
    resync = await slow.client.expect(m.Resync)

    assert [view.id for view in resync.participants] == [slow.participant.id]
    assert slow.client.close_code is None
    assert await slow.say("here again") == 1
    await slow.client.expect(m.FeedAppended)


async def test_slow_browser_that_lost_its_transport_builds_anew_when_it_catches_up(world: World) -> None:
    slow = await world.enter()
    assert slow.welcome.recv_transport is not None
    stop_reading(slow)
    flood(world, slow, 12)
    closed = c.TransportClosed(
        live_session_id=str(held(world).id),
        participant_id=str(slow.participant.id),
        transport_id=slow.welcome.recv_transport.id,
        reason="worker_died",
    )
    world.processes[0].hub.hear_node(world.node.id, closed)

    read_again(slow)
    await slow.client.expect(m.Resync)

    assert (await slow.client.expect(m.MediaReset)).epoch == 1


async def test_slow_sender_hears_which_layers_are_wanted_when_it_catches_up(world: World) -> None:
    slow = await world.enter(Role.HOST)
    camera = await slow.publish("camera")
    stop_reading(slow)
    flood(world, slow, 12)
    wanted = c.ProducerLayersWanted(
        live_session_id=str(held(world).id),
        participant_id=str(slow.participant.id),
        producer_id=camera,
        spatial_layer=0,
    )
    world.processes[0].hub.hear_node(world.node.id, wanted)

    read_again(slow)
    await slow.client.expect(m.Resync)

    assert (await slow.client.expect(m.ProducerLayersWanted)).producer_id == camera


async def test_slow_browser_that_does_not_catch_up_is_closed(world: World) -> None:
    slow = await world.enter()
    stop_reading(slow)
    flood(world, slow, 12)

    await until(lambda: slow.participant.id not in held(world).connections)

    assert b'tr_signaling_closes_total{code="4414"} 1.0' in world.processes[0].hub.metrics.render()
    read_again(slow)
    assert await close_code(slow.client) in {CloseCode.TOO_SLOW, 1006}


async def test_slow_browser_does_not_slow_the_others(world: World) -> None:
    slow, quick = await world.enter(), await world.enter()
    stop_reading(slow)
    flood(world, slow, 12)

    for number in range(20):
        await quick.say(str(number))
    await until(lambda: sum(isinstance(kept, m.FeedAppended) for kept in quick.client._kept) == 20, timeout_s=1)


async def test_what_waits_for_a_slow_browser_is_bounded(world: World) -> None:
    slow = await world.enter()
    stop_reading(slow)

    flood(world, slow, 40)

    socket = held(world).connections[slow.participant.id].socket
    assert socket._queue_bytes <= 1024 * 1024

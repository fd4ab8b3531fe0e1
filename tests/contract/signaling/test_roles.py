"""A role that changes, or a membership that ends, while someone is in the room: over real sockets (A16 of the targets)."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from control_plane.domain.events import ParticipantRemoved, ParticipantRoleChanged, session_topic
from control_plane.domain.participants import grant_for
from control_plane.domain.roles import Role
from control_plane.domain.rooms import WhoMayChat
from control_plane.signaling import messages as m
from control_plane.signaling.messages import CloseCode
from scripts.headless.signaling import SignalingError
from tests.contract.signaling.conftest import Guest, World, close_code, until


async def regrade(world: World, guest: Guest, role: Role, who: WhoMayChat = WhoMayChat.EVERYONE) -> None:
    """What the service tells after it changed the row."""
    participant = msgspec.structs.replace(guest.participant, role=role, grant=grant_for(role, who))
    world.live.people[participant.id] = participant
    topic = session_topic(world.live.session.id)
    await world.bus.publish(
        topic, ParticipantRoleChanged(live_session_id=world.live.session.id, participant=participant)
    )


async def test_a_host_who_becomes_a_viewer_is_no_longer_heard(world: World) -> None:
    await world.start_process()
    host = await world.enter(Role.HOST)
    viewer = await world.enter(process=world.processes[1])
    producer_id = await host.publish()
    await viewer.client.expect(m.ProducerOpened)

    await regrade(world, host, Role.VIEWER)

    told = await viewer.client.expect(m.ParticipantRoleChanged)
    assert (told.participant_id, told.role, told.grant.can_publish) == (host.participant.id, Role.VIEWER, False)
    assert (await viewer.client.expect(m.ProducerClosed)).producer_id == producer_id
    assert (await host.client.expect(m.ParticipantRoleChanged)).grant.can_publish is False
    await until(lambda: not world.node.producers)


async def test_a_host_who_becomes_a_viewer_cant_publish_again(world: World) -> None:
    host = await world.enter(Role.HOST)

    await regrade(world, host, Role.VIEWER)

    with pytest.raises(SignalingError) as refused:
        await host.publish()
    assert refused.value.code == "forbidden"


async def test_a_track_that_is_being_made_while_the_right_goes_does_not_stay(world: World) -> None:
    host = await world.enter(Role.HOST)
    world.node.gate = asyncio.Event()
    publishing = asyncio.create_task(host.publish())
    await until(lambda: world.node.methods().count("transport.create") == 2)  # the first one is for receiving
    transport_gate, world.node.gate = world.node.gate, asyncio.Event()
    transport_gate.set()
    await until(lambda: "producer.create" in world.node.methods())

    await regrade(world, host, Role.VIEWER)
    world.node.gate.set()

    with pytest.raises(SignalingError):
        await publishing
    await until(lambda: not world.node.producers)


async def test_a_viewer_who_becomes_co_host_publishes_without_joining_again(world: World) -> None:
    guest = await world.enter()

    await regrade(world, guest, Role.CO_HOST)

    assert await guest.publish() in world.node.producers


async def test_a_role_whose_push_was_lost_is_found_by_the_sweep(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    world.bus.is_deaf = True
    await regrade(world, host, Role.VIEWER)
    world.bus.is_deaf = False

    assert (await host.client.expect(m.ParticipantRoleChanged)).role is Role.VIEWER
    await until(lambda: not world.node.producers)


async def test_who_may_chat_is_felt_in_the_room(world: World) -> None:
    guest = await world.enter()

    await regrade(world, guest, Role.VIEWER, WhoMayChat.SPEAKERS)

    assert (await guest.client.expect(m.ParticipantRoleChanged)).grant.can_post_chat is False
    with pytest.raises(SignalingError) as refused:
        await guest.say("hello")
    assert refused.value.code == "forbidden"


async def test_someone_put_out_by_rest_loses_socket_and_media(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    order = ParticipantRemoved(live_session_id=world.live.session.id, participant_id=host.participant.id)

    await world.bus.publish(session_topic(world.live.session.id), order)

    assert await close_code(host.client) == CloseCode.REMOVED
    await until(lambda: str(host.participant.id) not in world.node.transports and not world.node.producers)


async def test_someone_put_out_while_the_push_was_lost_is_found_by_the_sweep(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()

    world.live.present.pop(host.participant.id)

    assert await close_code(host.client) == CloseCode.REMOVED
    await until(lambda: str(host.participant.id) not in world.node.transports and not world.node.producers)

"""Goodbyes, over real sockets: they count once said, and nothing is done for whoever said one."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from picows import WSCloseCode, WSMsgType

from control_plane.domain.errors import Unavailable
from control_plane.domain.roles import Role
from control_plane.signaling import messages as m
from scripts.headless.signaling import SignalingError
from tests.contract.signaling.conftest import World, until
from tests.contract.signaling.fake_node import SEALED


async def test_leaving_is_told_at_once_and_closes_normally(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()

    await viewer.client.leave()

    left = await host.client.expect(m.ParticipantLeft)
    assert (left.participant_id, left.reason) == (viewer.participant.id, "left")
    assert viewer.client.close_code == 1000
    assert str(viewer.participant.id) not in world.node.transports


async def test_leaving_counts_though_the_socket_closes_right_behind_it(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    transport = viewer.client._open_transport()

    transport.send(WSMsgType.TEXT, b'{"id":7,"method":"room.leave"}')
    transport.send_close(WSCloseCode.OK)
    viewer.client.abort()

    left = await host.client.expect(m.ParticipantLeft, timeout_s=10)
    assert (left.participant_id, left.reason) == (viewer.participant.id, "left")


AFTER_GOODBYE: dict[str, m.RequestBase] = {
    "transport.create": m.TransportCreate(id=0, transport_id=uuid4(), direction="recv"),
    "transport.connect": m.TransportConnect(id=0, transport_id=uuid4(), dtls_parameters=SEALED),
    "producer.close": m.ProducerClose(id=0, producer_id=uuid4()),
    "consumer.resume": m.ConsumerResume(id=0, consumer_ids=[]),
    "chat.post": m.ChatPost(id=0, message_id=uuid4(), text="One more thing."),
    "feed.read": m.FeedRead(id=0, after=0),
    "participant.remove": m.ParticipantRemove(id=0, participant_id=uuid4()),
}
"""Requests of every lane."""


@pytest.mark.parametrize("method", AFTER_GOODBYE)
async def test_what_is_asked_after_a_goodbye_is_refused_and_touches_nothing(world: World, method: str) -> None:
    host = await world.enter(Role.HOST)
    world.node.gate = asyncio.Event()
    going = asyncio.create_task(host.client.request(m.RoomLeave(id=0), m.Empty))
    await until(lambda: (host.participant.id, "left") in world.live.left)
    await until(lambda: "participant.close" in world.node.methods())
    asked, said = world.node.methods(), list(world.feed.rows)

    with pytest.raises(SignalingError) as refused:
        await host.client.request(AFTER_GOODBYE[method], m.Empty)
    world.node.gate.set()
    await going

    assert refused.value.code == "already_left"
    assert world.node.methods() == asked
    assert world.feed.rows == said


async def test_a_goodbye_that_took_too_long_counts_and_closes_the_media(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    world.node.gate = asyncio.Event()

    with pytest.raises(SignalingError) as slow:
        await host.client.request(m.RoomLeave(id=0), m.Empty)
    with pytest.raises(SignalingError) as refused:
        await host.client.request(AFTER_GOODBYE["transport.create"], m.TransportCreated)
    await host.client.request(m.RoomLeave(id=0), m.Empty)
    world.node.gate.set()

    assert (slow.value.code, refused.value.code) == ("unavailable", "already_left")
    await until(lambda: str(host.participant.id) not in world.node.transports)


async def test_who_could_not_be_written_as_gone_is_here_as_before(world: World) -> None:
    host = await world.enter(Role.HOST)
    world.live.failure = Unavailable("The database is away.")
    with pytest.raises(SignalingError) as refused:
        await host.client.request(m.RoomLeave(id=0), m.Empty)
    world.live.failure = None

    await host.publish()

    assert refused.value.code == "unavailable"
    assert world.live.left == []

"""Layers nobody wants, priorities, bitrates and connection marks: what passes between node and browsers."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from control_plane.domain.quality import Level
from control_plane.domain.roles import Role
from control_plane.signaling import messages as m
from media_plane.contract import messages as c
from scripts.headless.signaling import SignalingError
from tests.contract.signaling.conftest import Guest, World, until
from tests.contract.signaling.test_media import tell


def want(world: World, sender: Guest, producer_id: str, layer: int | None) -> None:
    tell(
        world,
        c.ProducerLayersWanted(
            live_session_id=str(world.live.session.id),
            participant_id=str(sender.participant.id),
            producer_id=producer_id,
            spatial_layer=layer,
        ),
    )


def rate(world: World, *rated: tuple[Guest, float]) -> None:
    """The node tells of round trips, ms."""
    people = [
        c.ParticipantQuality(participant_id=str(guest.participant.id), score=10, rtt_ms=rtt_ms, sent_bps=1_000)
        for guest, rtt_ms in rated
    ]
    tell(world, c.QualityTold(live_session_id=str(world.live.session.id), participants=people))


async def heard(guest: Guest) -> list[m.QualityView]:
    return (await guest.client.expect(m.ParticipantQuality)).participants


async def test_a_sender_hears_which_layers_are_wanted(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    camera = await host.publish("camera")

    want(world, host, camera, 1)
    want(world, host, camera, None)

    told = [await host.client.expect(m.ProducerLayersWanted) for _ in range(2)]
    assert [(one.producer_id, one.spatial_layer) for one in told] == [(camera, 1), (camera, None)]
    assert not any(isinstance(kept, m.ProducerLayersWanted) for kept in viewer.client._kept)


async def test_a_sender_who_comes_back_hears_it_again(world: World) -> None:
    host = await world.enter(Role.HOST)
    camera = await host.publish("camera")
    want(world, host, camera, 0)

    back = await world.resume(host, keep_media=True)

    assert (await back.client.expect(m.ProducerLayersWanted)).spatial_layer == 0


async def test_a_sender_who_comes_back_after_a_move_hears_nothing_of_the_old_node(world: World) -> None:
    host = await world.enter(Role.HOST)
    camera = await host.publish("camera")
    want(world, host, camera, 0)
    await host.client.expect(m.ProducerLayersWanted)
    world.add_node()
    world.drain(world.node)
    await host.client.expect(m.MediaMoving)
    recv = m.TransportCreate(id=0, transport_id=uuid4(), direction="recv")
    await host.client.request(recv, m.TransportCreated)
    await host.publish("camera", UUID(camera))

    back = await world.resume(host, keep_media=True)
    await back.say("here")

    assert back.welcome.media_kept
    assert not any(isinstance(kept, m.ProducerLayersWanted) for kept in back.client._kept)


async def test_a_priority_goes_to_the_node(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish("camera")
    viewer = await world.enter()
    consumer_id = UUID(viewer.welcome.consumers[0].id)

    await viewer.client.request(m.ConsumerSetPriority(id=0, consumer_id=consumer_id, priority=180), m.Empty)

    asked = world.node.calls[-1]
    assert isinstance(asked, c.ConsumerSetPriority)
    assert (asked.consumer_id, asked.priority) == (str(consumer_id), 180)


@pytest.mark.parametrize(("priority", "code"), [(0, "invalid_input"), (256, "invalid_input"), (1, "not_found")])
async def test_a_priority_that_makes_no_sense_is_refused(world: World, priority: int, code: str) -> None:
    host = await world.enter(Role.HOST)
    await host.publish("camera")
    viewer = await world.enter()
    consumer_id = uuid4() if code == "not_found" else UUID(viewer.welcome.consumers[0].id)

    with pytest.raises(SignalingError, match=code):
        await viewer.client.request(m.ConsumerSetPriority(id=0, consumer_id=consumer_id, priority=priority), m.Empty)


async def test_transports_carry_the_limits_of_plan_and_role(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish("camera")
    await world.enter(Role.VIEWER)

    made = [call for call in world.node.calls if isinstance(call, c.TransportCreate)]
    assert [(one.direction, one.max_incoming_bitrate_bps, one.max_outgoing_bitrate_bps) for one in made] == [
        ("recv", None, 8_000_000),
        ("send", 6_000_000, None),
        ("recv", None, 6_000_000),
    ]


async def test_everyone_hears_their_own_connection_in_full(world: World) -> None:
    viewer = await world.enter()

    rate(world, (viewer, 300.0))

    (mine,) = await heard(viewer)
    assert (mine.participant_id, mine.level, mine.rtt_ms) == (viewer.participant.id, Level.FAIR, 300.0)
    assert (mine.send_bps, mine.receive_bps) == (None, 1_000)


async def test_viewers_hear_how_good_a_publisher_is_and_no_more(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    await host.publish("camera")

    rate(world, (host, 500.0))

    (told,) = await heard(viewer)
    assert (told.participant_id, told.level, told.rtt_ms) == (host.participant.id, Level.POOR, None)


async def test_viewers_never_hear_of_viewers(world: World) -> None:
    one, other = await world.enter(), await world.enter()

    rate(world, (one, 500.0))
    rate(world, (other, 20.0))

    assert [view.participant_id for view in await heard(other)] == [other.participant.id]


async def test_moderators_hear_of_everyone_who_is_in_trouble(world: World) -> None:
    moderator, viewer = await world.enter(Role.MODERATOR), await world.enter()

    rate(world, (viewer, 500.0))

    (told,) = await heard(moderator)
    assert (told.participant_id, told.level, told.rtt_ms) == (viewer.participant.id, Level.POOR, 500.0)


async def test_a_newcomer_hears_who_is_in_trouble(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish("camera")
    rate(world, (host, 500.0))

    viewer = await world.enter()

    assert [view.level for view in await heard(viewer)] == [Level.POOR]


async def test_metrics_show_the_connections_of_the_people_here(world: World) -> None:
    one, other = await world.enter(), await world.enter()
    hub = world.processes[0].hub

    rate(world, (one, 500.0), (other, 20.0))

    await until(lambda: len(list(hub._quality_now())) == 2)
    text = hub.metrics.render().decode()
    assert 'tr_signaling_participants{level="poor"} 1.0' in text
    assert 'tr_signaling_participants{level="good"} 1.0' in text
    assert "tr_signaling_rtt_seconds_count 2.0" in text
    assert 'tr_signaling_bitrate_bps{direction="receive"} 2000.0' in text

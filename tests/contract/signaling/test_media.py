"""Tracks, offers, and what happens when the media node does not do as asked."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import msgspec
import pytest

from control_plane.domain.errors import Unavailable
from control_plane.domain.roles import Role
from control_plane.services.media import name_consumer
from control_plane.signaling import messages as m
from media_plane.contract import messages as c
from media_plane.contract.errors import LinkError, LinkErrorCode
from scripts.headless.signaling import SignalingError
from tests.contract.signaling.conftest import Guest, World, until
from tests.contract.signaling.fake_node import SEALED


def tell(world: World, notification: c.Notification) -> None:
    """The node tells something on every link."""
    for process in world.processes:
        process.hub.hear_node(world.node.id, notification)


async def test_welcome_carries_a_transport_and_a_consumer_per_track_of_others(world: World) -> None:
    host = await world.enter(Role.HOST)
    screen, voice = await host.publish("screen"), await host.publish("microphone")

    viewer = await world.enter()

    assert viewer.welcome.recv_transport is not None
    assert [consumer.producer_id for consumer in viewer.welcome.consumers] == [screen, voice]
    assert [view.id for view in viewer.welcome.participants[0].producers] == [screen, voice]


async def test_welcome_needs_one_flight_to_the_node(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    world.node.calls.clear()

    await world.enter()

    assert world.node.methods() == ["transport.create", "consumer.create"]


async def test_new_process_learns_the_tracks_from_the_node(world: World) -> None:
    host = await world.enter(Role.HOST)
    screen = await host.publish()

    viewer = await world.enter(process=await world.start_process())

    assert [consumer.producer_id for consumer in viewer.welcome.consumers] == [screen]


async def test_later_track_is_announced_and_offered_on_every_process(world: World) -> None:
    host = await world.enter(Role.HOST)
    viewers = [await world.enter(), await world.enter(process=await world.start_process())]

    screen = await host.publish()

    for viewer in viewers:
        opened = await viewer.client.expect(m.ProducerOpened)
        offered = await viewer.client.expect(m.ConsumerOffered)
        assert opened.producer.id == offered.consumer.producer_id == screen
    assert not any(isinstance(kept, m.ProducerOpened | m.ConsumerOffered) for kept in host.client._kept)


async def test_track_that_cannot_be_decoded_is_named(world: World) -> None:
    host = await world.enter(Role.HOST)
    screen = await host.publish()
    world.node.unsupported.add(screen)

    viewer = await world.enter()

    assert viewer.welcome.consumers == []
    assert viewer.welcome.refused_producer_ids == [screen]


async def test_muting_and_closing_are_told_to_the_others(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    voice = await host.publish("microphone")

    await host.client.request(m.ProducerPause(id=0, producer_id=UUID(voice)), m.Empty)
    await host.client.request(m.ProducerResume(id=0, producer_id=UUID(voice)), m.Empty)
    await host.client.request(m.ProducerClose(id=0, producer_id=UUID(voice)), m.Empty)

    assert (await viewer.client.expect(m.ProducerPausedChanged)).paused
    assert not (await viewer.client.expect(m.ProducerPausedChanged)).paused
    assert (await viewer.client.expect(m.ProducerClosed)).producer_id == voice


@pytest.mark.parametrize("kind", [m.ProducerPause, m.ProducerResume, m.ProducerClose])
async def test_someone_elses_track_is_not_found(world: World, kind: type[m.ProducerPause]) -> None:
    host, other = await world.enter(Role.HOST), await world.enter(Role.CO_HOST)
    screen = await host.publish()

    with pytest.raises(SignalingError) as refused:
        await other.client.request(kind(id=0, producer_id=UUID(screen)), m.Empty)

    assert refused.value.code == "not_found"


async def test_someone_elses_transport_is_not_found(world: World) -> None:
    host, other = await world.enter(Role.HOST), await world.enter()
    assert host.welcome.recv_transport is not None

    with pytest.raises(SignalingError) as refused:
        await other.client.request(
            m.TransportConnect(
                id=0,
                transport_id=UUID(host.welcome.recv_transport.id),
                dtls_parameters=host.welcome.recv_transport.dtls_parameters,
            ),
            m.Empty,
        )

    assert refused.value.code == "not_found"


async def test_repeated_track_id_answers_the_same_and_is_told_once(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    transport_id, producer_id = uuid4(), uuid4()
    await host.client.request(m.TransportCreate(id=0, transport_id=transport_id, direction="send"), m.TransportCreated)
    request = m.ProducerCreate(
        id=0, transport_id=transport_id, producer_id=producer_id, kind="video", source="screen", rtp_parameters=SEALED
    )

    for _ in range(3):
        assert (await host.client.request(request, m.ProducerCreated)).producer_id == str(producer_id)
    await viewer.client.expect(m.ConsumerOffered)

    assert sum(isinstance(kept, m.ProducerOpened) for kept in viewer.client._kept) == 1


@pytest.mark.parametrize(
    ("code", "answered"),
    [
        (LinkErrorCode.MALFORMED, "invalid_input"),
        (LinkErrorCode.UNSUPPORTED, "invalid_input"),
        (LinkErrorCode.NOT_FOUND, "not_found"),
        (LinkErrorCode.CONFLICT, "conflict"),
        (LinkErrorCode.OVERLOADED, "unavailable"),
        (LinkErrorCode.DRAINING, "unavailable"),
        (LinkErrorCode.WORKER_FAILED, "unavailable"),
    ],
)
async def test_refusals_of_the_node_are_answered_in_business_words(
    world: World, code: LinkErrorCode, answered: str
) -> None:
    host = await world.enter(Role.HOST)
    world.node.failure = LinkError(code, "because")

    with pytest.raises(SignalingError) as refused:
        await host.publish()

    world.node.failure = None
    assert refused.value.code == answered
    assert await host.publish()


async def test_node_that_does_not_answer_is_unavailable(world: World) -> None:
    host = await world.enter(Role.HOST)
    world.node.gate = asyncio.Event()

    with pytest.raises(SignalingError) as refused:
        await host.publish()

    assert refused.value.code == "unavailable"
    assert await host.say("chat goes on") == 1
    world.node.gate.set()


async def test_offer_is_tried_again_after_the_node_was_away_for_a_moment(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    await viewer.client.expect(m.ConsumerOffered)
    world.node.failure = Unavailable("away")
    connection = world.processes[0].hub._ready()[0].session.connections[viewer.participant.id]
    world.processes[0].hub._ready()[0].care.offer(connection, [screen])
    await asyncio.sleep(0.05)

    world.node.failure = None

    assert (await viewer.client.expect(m.ConsumerOffered)).consumer.producer_id == screen


async def test_node_away_costs_the_media_but_not_the_welcome(world: World) -> None:
    world.node.is_up = False

    guest = await world.enter()

    assert guest.welcome.recv_transport is None
    assert not guest.welcome.media_kept
    assert await guest.say("hi") == 1
    world.node.is_up = True
    assert (await guest.client.expect(m.MediaReset)).epoch >= 1


async def test_dead_worker_resets_everyone_once_at_a_higher_epoch(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter(process=await world.start_process())
    await host.publish()
    world.node.forget()

    tell(world, c.RoomLost(live_session_id=str(world.live.session.id), epoch=1, reason="worker_died"))

    for guest in (host, viewer):
        assert (await guest.client.expect(m.MediaReset)).epoch == 2
    await rebuild_media(host, viewer)
    assert not any(isinstance(kept, m.MediaReset) for guest in (host, viewer) for kept in guest.client._kept)


async def rebuild_media(host: Guest, viewer: Guest) -> None:
    """What browsers do after a reset: the host publishes again, the viewer receives it."""
    transport_id = uuid4()
    await viewer.client.request(
        m.TransportCreate(id=0, transport_id=transport_id, direction="recv"), m.TransportCreated
    )
    screen = await host.publish()
    offered = await viewer.client.expect(m.ConsumerOffered, lambda told: told.consumer.producer_id == screen)
    assert offered.consumer.id == name_consumer(str(transport_id), screen)


async def test_viewer_asks_for_what_was_published_before_its_new_transport(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    world.node.forget()
    tell(world, c.RoomLost(live_session_id=str(world.live.session.id), epoch=1, reason="worker_died"))
    await viewer.client.expect(m.MediaReset)
    await host.client.expect(m.MediaReset)
    screen, transport_id = await host.publish(), uuid4()
    await viewer.client.expect(m.ProducerOpened)

    await viewer.client.request(
        m.TransportCreate(id=0, transport_id=transport_id, direction="recv"), m.TransportCreated
    )
    made = await viewer.client.request(
        m.ConsumerCreate(id=0, transport_id=transport_id, producer_ids=[UUID(screen), uuid4()]), m.ConsumersCreated
    )

    assert [consumer.producer_id for consumer in made.consumers] == [screen]


async def test_restarted_node_is_noticed_by_the_next_request(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    world.node.forget()

    with pytest.raises(SignalingError) as refused:
        await host.publish()

    assert refused.value.code == "unavailable"
    assert (await viewer.client.expect(m.MediaReset)).epoch == 2
    await rebuild_media(host, viewer)


async def test_link_that_comes_back_to_the_same_room_resets_nobody(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    await host.publish()
    hub = world.processes[0].hub
    world.node.is_up = False
    hub.node_lost(world.node.id)
    await asyncio.sleep(0)
    world.node.is_up = True

    hub.node_up(world.node.id)
    await until(lambda: world.node.methods().count("participant.adopt") == 2)
    await asyncio.sleep(world.times.link_patience_s * 2)

    assert not any(isinstance(kept, m.MediaReset) for guest in (host, viewer) for kept in guest.client._kept)


async def test_nothing_is_kept_for_a_rebuild_that_a_node_which_came_back_made_needless(world: World) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    session = world.processes[0].hub._ready()[0].session
    world.node.is_up = False
    world.live.draining_ids.add(world.node.id)
    world.processes[0].hub.node_lost(world.node.id)
    await until(lambda: session._recording is not None)

    world.node.is_up = True
    await until(lambda: session.has_media)

    assert session._recording is None
    assert world.live.session.epoch == 1


async def test_link_that_comes_back_to_an_empty_node_resets_everyone(world: World) -> None:
    viewer = await world.enter()
    hub = world.processes[0].hub
    hub.node_lost(world.node.id)
    world.node.forget()

    hub.node_up(world.node.id)

    assert (await viewer.client.expect(m.MediaReset)).epoch == 2


async def test_silent_node_is_left_for_another_placement(world: World) -> None:
    viewer = await world.enter()
    world.node.is_up = False
    world.processes[0].hub.node_lost(world.node.id)
    await until(lambda: world.live.session.epoch > 1)

    world.node.is_up = True

    assert (await viewer.client.expect(m.MediaReset)).epoch > 1


async def test_placement_moved_by_another_process_is_found_by_the_sweep(world: World) -> None:
    viewer = await world.enter()

    await world.live.replace_placement(
        world.live.session.organization_id, world.live.session.id, from_epoch=1, avoid=None
    )

    assert (await viewer.client.expect(m.MediaReset)).epoch == 2


async def test_closed_transport_is_told_to_its_owner(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    live, assert_transport = str(world.live.session.id), viewer.welcome.recv_transport
    assert assert_transport is not None

    tell(
        world,
        c.TransportClosed(
            live_session_id=live,
            participant_id=str(viewer.participant.id),
            transport_id=assert_transport.id,
            reason="dtls failed",
        ),
    )
    tell(world, c.ProducerClosed(live_session_id=live, participant_id=str(host.participant.id), producer_id=screen))

    assert (await viewer.client.expect(m.TransportClosed)).transport_id == assert_transport.id
    assert (await viewer.client.expect(m.ProducerClosed)).producer_id == screen
    assert (await host.client.expect(m.ProducerClosed)).producer_id == screen


async def test_kept_media_survives_the_death_of_its_process(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    await viewer.client.expect(m.ConsumerOffered)
    other = await world.start_process()
    viewer.client.abort()

    back = await world.resume(viewer, other, keep_media=True)

    assert back.welcome.media_kept
    assert back.welcome.recv_transport is None
    assert back.welcome.consumers == []
    voice = await host.publish("microphone")
    assert (await back.client.expect(m.ConsumerOffered)).consumer.producer_id == voice
    consumer_id = UUID(next(iter(world.node.consumers[str(viewer.participant.id)])))
    await back.client.request(m.ConsumerResume(id=0, consumer_ids=[consumer_id]), m.Empty)
    assert screen != voice


async def test_tracks_published_during_the_absence_come_with_the_welcome(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    viewer.client.abort()
    await host.client.expect(m.ParticipantConnectionChanged)
    screen = await host.publish()

    back = await world.resume(viewer, keep_media=True)

    assert back.welcome.media_kept
    assert [consumer.producer_id for consumer in back.welcome.consumers] == [screen]


async def test_media_that_is_gone_is_not_kept(world: World) -> None:
    viewer = await world.enter()
    viewer.client.abort()
    del world.node.transports[str(viewer.participant.id)]

    back = await world.resume(viewer, keep_media=True)

    assert not back.welcome.media_kept
    assert back.welcome.recv_transport is not None


async def test_host_who_comes_back_without_media_has_no_old_tracks(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    screen = await host.publish()
    host.client.abort()

    back = await world.resume(host)

    assert (await viewer.client.expect(m.ProducerClosed)).producer_id == screen
    assert back.welcome.participants[0].producers == []
    assert screen not in world.node.producers


async def test_browser_may_build_its_transports_anew_as_often_as_it_must(world: World) -> None:
    host = await world.enter(Role.HOST)
    made = []

    for direction in ("send", "recv") * 10:
        made.append(str(transport_id := uuid4()))
        request = m.TransportCreate(id=0, transport_id=transport_id, direction=msgspec.convert(direction, c.Direction))
        await host.client.request(request, m.TransportCreated)

    assert list(world.processes[0].hub._ready()[0].session.connections[host.participant.id].transports) == made[-2:]

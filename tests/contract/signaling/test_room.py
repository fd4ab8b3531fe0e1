"""People, talk and the end of a live session, over real sockets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import msgspec
import pytest

from control_plane.domain.alerts import Side, StepKind
from control_plane.domain.errors import Unavailable
from control_plane.domain.events import FeedAppended, FeedEvent, room_topic
from control_plane.domain.ids import ParticipantId
from control_plane.domain.roles import Role
from control_plane.signaling import messages as m
from control_plane.signaling.messages import CloseCode
from scripts.headless.signaling import SignalingError
from tests.contract.signaling.conftest import Guest, World, close_code, until


def seqs(guest: Guest) -> list[int]:
    """Every feed number this browser got, welcome and pushes, in order of arrival."""
    pushed = [kept.event.seq for kept in guest.client._kept if isinstance(kept, m.FeedAppended)]
    return [event.seq for event in guest.welcome.feed] + pushed


async def test_welcome_shows_who_is_there_and_others_hear_of_it(world: World) -> None:
    host = await world.enter(Role.HOST)

    viewer = await world.enter()

    assert [view.id for view in viewer.welcome.participants] == [host.participant.id, viewer.participant.id]
    assert (await host.client.expect(m.ParticipantJoined)).participant.id == viewer.participant.id
    assert viewer.welcome.role is Role.VIEWER
    assert viewer.welcome.epoch == 1


async def test_chat_reaches_everyone_once_and_in_order(world: World) -> None:
    await world.start_process()
    guests = [await world.enter(process=process) for process in world.processes for _ in range(2)]

    await asyncio.gather(*(guest.say(f"{number}") for guest in guests for number in range(10)))
    await until(lambda: all(len(seqs(guest)) == 40 for guest in guests))

    assert all(seqs(guest) == list(range(1, 41)) for guest in guests)


@pytest.mark.parametrize("seed", range(5))
async def test_whoever_enters_while_others_talk_misses_nothing_and_gets_nothing_twice(world: World, seed: int) -> None:
    speaker = await world.enter()
    if seed % 2:
        await world.start_process()

    async def talk() -> None:
        for number in range(40):
            await speaker.say(str(number))
            await asyncio.sleep(0.001 * (seed % 3))

    talking = asyncio.create_task(talk())
    late = []
    for _ in range(6):
        late.append(await world.enter(process=world.processes[-1]))
        await asyncio.sleep(0.003)
    await talking
    await until(lambda: all(seqs(guest)[-1:] == [40] for guest in late))

    for guest in late:
        assert seqs(guest) == list(range(41 - len(seqs(guest)), 41))


async def test_repeated_message_id_answers_the_first_seq_and_is_told_once(world: World) -> None:
    guest, message_id = await world.enter(), uuid4()
    request = m.ChatPost(id=0, message_id=message_id, text="once")

    first, second = [await guest.client.request(request, m.Posted) for _ in range(2)]
    await guest.say("after")
    await until(lambda: len(seqs(guest)) == 2)

    assert first.seq == second.seq == 1
    assert seqs(guest) == [1, 2]


async def test_lost_push_is_noticed_by_the_next_one_and_filled_from_the_rows(world: World) -> None:
    guest = await world.enter()
    world.bus.is_deaf = True
    await guest.say("lost")
    world.bus.is_deaf = False

    await guest.say("heard")
    await until(lambda: len(seqs(guest)) == 2)

    assert seqs(guest) == [1, 2]


async def test_lost_last_push_is_found_by_the_sweep(world: World) -> None:
    guest = await world.enter()
    world.bus.is_deaf = True

    await guest.say("lost")
    await until(lambda: seqs(guest) == [1])

    assert (await guest.client.expect(m.Ping, lambda ping: ping.last_seq == 1)).last_seq == 1


async def test_pushes_that_cross_arrive_in_order(world: World) -> None:
    guest = await world.enter()
    world.bus.is_deaf = True
    for number in range(3):
        await guest.say(str(number))
    world.bus.is_deaf = False
    room_id, rows = world.live.session.room_id, list(world.feed.rows)

    for row in (rows[2], rows[0], rows[1], rows[0]):
        await world.bus.publish(room_topic(room_id), FeedAppended(room_id=room_id, event=row))
    await until(lambda: len(seqs(guest)) >= 3)

    assert seqs(guest) == [1, 2, 3]


async def test_resume_gets_what_came_after_without_reading_the_rows(world: World) -> None:
    guest, other = await world.enter(), await world.enter()
    await guest.say("one")
    guest.client.abort()
    await other.say("two")
    await other.say("three")
    reads = world.feed.reads

    back = await world.resume(guest, after=1)

    assert [event.seq for event in back.welcome.feed] == [2, 3]
    assert world.feed.reads == reads


async def test_welcome_carries_the_newest_fifty_and_the_rest_can_be_read(world: World) -> None:
    author = await world.enter()
    for number in range(60):
        world.feed.rows.append(_row(number + 1))
    late = await world.enter(process=await world.start_process())

    page = await late.client.request(m.FeedRead(id=0, after=0, limit=10), m.FeedPage)

    assert [event.seq for event in late.welcome.feed] == list(range(11, 61))
    assert [event.seq for event in page.events] == list(range(1, 11))
    assert page.last_seq == 60
    assert author.client.close_code is None


def _row(seq: int) -> FeedEvent:
    return FeedEvent(
        seq=seq,
        kind="chat.posted",
        subject_id=uuid4(),
        author_id=uuid4(),
        author_name="someone",
        at=datetime.now(UTC),
        body=msgspec.Raw(b"{}"),
    )


async def test_alert_is_posted_by_a_host(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()

    posted = await host.client.request(
        m.AlertPost(id=0, alert_id=uuid4(), symbol="es", side=Side.LONG, entry=Decimal("5000.25")), m.Posted
    )

    assert (await viewer.client.expect(m.FeedAppended)).event.seq == posted.seq == 1


async def test_a_step_of_an_alert_follows_it(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    alert_id = uuid4()
    await host.client.request(
        m.AlertPost(id=0, alert_id=alert_id, symbol="es", side=Side.LONG, entry=Decimal(5000)), m.Posted
    )
    step = m.AlertStep(id=0, alert_id=alert_id, step_id=uuid4(), kind=StepKind.FILLED, price=Decimal("5000.25"))

    posted = await host.client.request(step, m.Posted)

    pushed = await viewer.client.expect(m.FeedAppended, lambda one: one.event.kind == "alert.stepped")
    assert pushed.event.seq == posted.seq == 2
    assert pushed.event.subject_id == step.step_id


async def test_a_step_of_no_alert_is_not_found(world: World) -> None:
    host = await world.enter(Role.HOST)

    with pytest.raises(SignalingError) as refused:
        await host.client.request(
            m.AlertStep(id=0, alert_id=uuid4(), step_id=uuid4(), kind=StepKind.CANCELLED), m.Posted
        )

    assert refused.value.code == "not_found"


@pytest.mark.parametrize(
    "request_",
    [
        m.TransportCreate(id=0, transport_id=uuid4(), direction="send"),
        m.AlertStep(id=0, alert_id=uuid4(), step_id=uuid4(), kind=StepKind.CANCELLED),
        m.AlertPost(id=0, alert_id=uuid4(), symbol="ES", side=Side.LONG, entry=Decimal(1)),
        m.ParticipantRemove(id=0, participant_id=uuid4()),
    ],
    ids=["publish", "step", "alert", "remove"],
)
async def test_viewer_is_forbidden(world: World, request_: m.RequestBase) -> None:
    viewer = await world.enter()

    with pytest.raises(SignalingError) as refused:
        await viewer.client.request(request_, m.Empty)

    assert refused.value.code == "forbidden"


async def test_viewer_cannot_produce_on_its_receive_transport(world: World) -> None:
    viewer = await world.enter()
    assert viewer.welcome.recv_transport is not None

    with pytest.raises(SignalingError) as refused:
        await viewer.client.request(
            m.ProducerCreate(
                id=0,
                transport_id=UUID(viewer.welcome.recv_transport.id),
                producer_id=uuid4(),
                kind="audio",
                source="microphone",
                rtp_parameters=viewer.welcome.recv_transport.ice_parameters,
            ),
            m.ProducerCreated,
        )

    assert refused.value.code == "forbidden"


async def test_closed_socket_is_shown_at_once_and_given_up_after_the_grace(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()

    viewer.client.abort()
    changed = await host.client.expect(m.ParticipantConnectionChanged, timeout_s=10)
    assert (changed.participant_id, changed.is_connected) == (viewer.participant.id, False)

    left = await host.client.expect(m.ParticipantLeft)
    assert left.reason == "lost"
    assert world.live.left == [(viewer.participant.id, "lost")]


async def test_silent_socket_is_lost(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    # It no longer answers pings, as a suspended laptop.
    transport = viewer.client._open_transport().underlying_transport
    transport.pause_reading()

    changed = await host.client.expect(m.ParticipantConnectionChanged, timeout_s=6)

    assert changed.participant_id == viewer.participant.id


async def test_resume_within_the_grace_is_told_and_nobody_leaves(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    viewer.client.abort()
    await host.client.expect(m.ParticipantConnectionChanged)

    await world.resume(viewer)
    joined = await host.client.expect(
        m.ParticipantJoined, lambda told: told.participant.id == viewer.participant.id and told.participant.is_connected
    )
    await asyncio.sleep(world.times.grace_s * 1.5)

    assert joined.participant.is_connected
    assert world.live.left == []


async def test_resume_on_another_process_ends_the_grace_here(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    viewer.client.abort()
    await host.client.expect(m.ParticipantConnectionChanged)

    await world.resume(viewer, await world.start_process())
    await asyncio.sleep(world.times.grace_s * 1.5)

    assert world.live.left == []


async def test_database_away_when_the_grace_ends_is_tried_until_it_is_back(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()
    viewer.client.abort()
    await host.client.expect(m.ParticipantConnectionChanged)
    world.live.failure = Unavailable("away")
    await asyncio.sleep(world.times.grace_s * 2)

    world.live.failure = None

    assert (await host.client.expect(m.ParticipantLeft)).reason == "lost"


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_newer_socket_of_the_same_person_replaces_the_older(world: World, *, elsewhere: bool) -> None:
    guest = await world.enter()
    process = await world.start_process() if elsewhere else None

    newer = await world.resume(guest, process)

    assert await close_code(guest.client) == CloseCode.REPLACED
    assert newer.client.close_code is None
    assert world.live.left == []


async def test_removed_person_is_closed_everywhere_and_may_not_resume(world: World) -> None:
    moderator = await world.enter(Role.MODERATOR)
    viewer = await world.enter(process=await world.start_process())

    await moderator.client.request(m.ParticipantRemove(id=0, participant_id=viewer.participant.id), m.Empty)

    assert await close_code(viewer.client) == CloseCode.REMOVED
    assert (await moderator.client.expect(m.ParticipantLeft)).reason == "removed"
    assert str(viewer.participant.id) not in world.node.transports


async def test_removing_nobody_is_not_found(world: World) -> None:
    moderator = await world.enter(Role.MODERATOR)

    with pytest.raises(SignalingError) as refused:
        await moderator.client.request(m.ParticipantRemove(id=0, participant_id=uuid4()), m.Empty)

    assert refused.value.code == "not_found"


async def test_end_is_told_and_closes_everyone_and_the_room(world: World) -> None:
    guests = [await world.enter(), await world.enter(process=await world.start_process())]

    await world.live.end()

    for guest in guests:
        assert await close_code(guest.client) == CloseCode.SESSION_ENDED
        assert any(isinstance(kept, m.SessionEnded) for kept in guest.client._kept)
    await until(lambda: "room.close" in world.node.methods())


async def test_end_that_was_not_heard_is_found_by_the_sweep(world: World) -> None:
    guest = await world.enter()
    world.bus.is_deaf = True

    await world.live.end()

    assert await close_code(guest.client) == CloseCode.SESSION_ENDED


async def test_end_of_a_session_nobody_holds_closes_its_room(world: World) -> None:
    guest = await world.enter()
    await guest.client.leave()
    await until(lambda: not world.processes[0].hub._held)

    await world.live.end()

    await until(lambda: "room.close" in world.node.methods())


async def test_person_no_process_holds_is_marked_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control_plane.signaling.sweeping.MISSING_S", 0.3)
    host = await world.enter(Role.HOST)
    dead = await world.enter(process=await world.start_process())
    hub = world.processes[1].hub
    hub.is_closing = True  # As a killed process: it says and renews nothing more.
    for task in hub._tasks:
        task.cancel()
    dead.client.abort()
    world.presence.people.discard(ParticipantId(dead.participant.id))

    left = await host.client.expect(m.ParticipantLeft)

    assert (left.participant_id, left.reason) == (dead.participant.id, "lost")


async def test_gap_of_the_bus_is_repaired_from_rows_and_node(world: World) -> None:
    host = await world.enter(Role.HOST)
    viewer = await world.enter(process=await world.start_process())
    world.bus.is_deaf = True
    producer_id = await host.publish()
    third = await world.enter()
    world.bus.is_deaf = False

    for gap in world.bus.gaps:
        gap()

    opened = await viewer.client.expect(m.ProducerOpened)
    assert opened.producer.id == producer_id
    assert (await viewer.client.expect(m.ConsumerOffered)).consumer.producer_id == producer_id
    assert (await viewer.client.expect(m.ParticipantJoined)).participant.id == third.participant.id


async def test_unforeseen_fault_of_a_request_answers_unavailable_and_the_socket_stays(world: World) -> None:
    guest = await world.enter()
    world.chat.failure = RuntimeError("nobody foresaw this")

    with pytest.raises(SignalingError) as refused:
        await guest.say("hi")

    world.chat.failure = None
    assert refused.value.code == "unavailable"
    assert await guest.say("again") == 1


async def test_seats_of_viewers_are_renewed_also_through_their_grace(world: World) -> None:
    host, viewer = await world.enter(Role.HOST), await world.enter()

    await until(lambda: viewer.participant.id in world.seats.renewed)
    viewer.client.abort()
    await host.client.expect(m.ParticipantConnectionChanged)
    world.seats.renewed.clear()
    await until(lambda: viewer.participant.id in world.seats.renewed, timeout_s=1)

    assert host.participant.id not in world.seats.renewed

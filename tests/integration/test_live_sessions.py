"""Live sessions: one per room, one use per token, one socket per person, seats that are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

import msgspec
import pytest

from control_plane.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    NoMediaNode,
    NotFound,
    RoomAlreadyLive,
    RoomNotLive,
    Unauthenticated,
    Unavailable,
)
from control_plane.domain.events import Event, ParticipantLeft, ParticipantRemoved, SessionEnded, session_topic
from control_plane.domain.ids import ParticipantId
from control_plane.domain.roles import Role
from control_plane.domain.rooms import LiveSession
from control_plane.domain.seats import SeatCount
from control_plane.services.live import Admission, LiveService
from control_plane.services.platform import Platform
from tests.factories import Person, Tenant, make_enrolment, make_member, make_person, make_tenant, start_session


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    """A tenant whose room is live."""
    made = await make_tenant(platform)
    await start_session(platform, made)
    return made


async def _join(platform: Platform, tenant: Tenant, person: Person) -> str:
    return (await platform.live.join(person.caller, tenant.id, tenant.room_id)).token


async def _enter(platform: Platform, tenant: Tenant, person: Person) -> Admission:
    return await platform.live.admit(await _join(platform, tenant, person))


async def _session(platform: Platform, tenant: Tenant) -> LiveSession:
    found = (await platform.rooms.get(tenant.owner.caller, tenant.id, tenant.room_id)).live
    assert found is not None
    return found


async def _present(platform: Platform, tenant: Tenant) -> set[ParticipantId]:
    session = await _session(platform, tenant)
    return {one.id for one in await platform.live.list_present(tenant.id, session.id)}


async def _hear(platform: Platform, session: LiveSession) -> list[Event]:
    heard: list[Event] = []
    await platform.bus.subscribe(session_topic(session.id), heard.append)
    return heard


# --- starting and ending


async def test_of_ten_starts_at_once_one_wins(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    await platform.nodes.enrol(make_enrolment())

    outcomes = await asyncio.gather(
        *(platform.live.start(tenant.owner.caller, tenant.id, tenant.room_id) for _ in range(10)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, LiveSession) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, RoomAlreadyLive) for outcome in outcomes) == 9


async def test_start_and_end_stand_in_the_feed(platform: Platform, tenant: Tenant) -> None:
    await platform.live.end(tenant.owner.caller, tenant.id, tenant.room_id)

    events, _ = await platform.feed.newest(tenant.id, tenant.room_id, 10)

    assert [event.kind for event in events] == ["session.started", "session.ended"]


async def test_the_end_is_told_and_shuts_every_way_in(platform: Platform, tenant: Tenant) -> None:
    owner = await _enter(platform, tenant, tenant.owner)
    token = await _join(platform, tenant, await make_member(platform, tenant))
    heard = await _hear(platform, owner.live_session)

    ended = await platform.live.end(tenant.owner.caller, tenant.id, tenant.room_id)

    assert ended.ended_at is not None
    assert [type(event) for event in heard] == [SessionEnded]
    for way_in in (platform.live.admit(token), platform.live.resume(owner.resume_token)):
        with pytest.raises(RoomNotLive):
            await way_in
    with pytest.raises(RoomNotLive):
        await _join(platform, tenant, tenant.owner)
    with pytest.raises(RoomNotLive):
        await platform.live.end(tenant.owner.caller, tenant.id, tenant.room_id)


async def test_a_room_that_is_live_is_not_deleted(platform: Platform, tenant: Tenant) -> None:
    with pytest.raises(Conflict):
        await platform.rooms.delete(tenant.owner.caller, tenant.id, tenant.room_id)

    await platform.live.end(tenant.owner.caller, tenant.id, tenant.room_id)
    await platform.rooms.delete(tenant.owner.caller, tenant.id, tenant.room_id)

    with pytest.raises(NotFound):
        await platform.rooms.get(tenant.owner.caller, tenant.id, tenant.room_id)


async def test_without_a_media_node_nothing_starts(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    async with platform.db.platform() as tx:
        await tx.execute("update media_nodes set is_draining = true")

    with pytest.raises(NoMediaNode):
        await platform.live.start(tenant.owner.caller, tenant.id, tenant.room_id)

    assert (await platform.feed.last_seq(tenant.id, tenant.room_id)) == 0


@pytest.mark.parametrize("role", [Role.CO_HOST, Role.MODERATOR, Role.VIEWER])
async def test_who_may_not_run_sessions_neither_starts_nor_ends_one(
    platform: Platform, tenant: Tenant, role: Role
) -> None:
    person = await make_member(platform, tenant, role)

    for use_case in (platform.live.start, platform.live.end):
        with pytest.raises(Forbidden):
            await use_case(person.caller, tenant.id, tenant.room_id)


async def test_a_stranger_finds_nothing(platform: Platform, tenant: Tenant) -> None:
    stranger = await make_person(platform)

    for use_case in (platform.live.start, platform.live.end, platform.live.join):
        with pytest.raises(NotFound):
            await use_case(stranger.caller, tenant.id, tenant.room_id)


# --- coming in


async def test_a_join_token_is_good_once(platform: Platform, tenant: Tenant) -> None:
    token = await _join(platform, tenant, await make_member(platform, tenant))

    outcomes = await asyncio.gather(*(platform.live.admit(token) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(outcome, Admission) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Unauthenticated) for outcome in outcomes) == 4


async def test_an_admission_says_who_and_where(platform: Platform, tenant: Tenant) -> None:
    viewer = await make_member(platform, tenant)

    admission = await _enter(platform, tenant, viewer)

    assert admission.participant.user_id == viewer.caller.user_id
    assert admission.participant.role is Role.VIEWER
    assert admission.room_name == "Opening bell"
    assert admission.seat_limit == 50
    assert admission.claims.generation == 1
    assert await _present(platform, tenant) == {admission.participant.id}


async def test_who_only_joined_by_rest_is_not_present(platform: Platform, tenant: Tenant) -> None:
    await _join(platform, tenant, tenant.owner)

    assert await _present(platform, tenant) == set()


async def test_coming_again_keeps_the_participants_id(platform: Platform, tenant: Tenant) -> None:
    first = await _enter(platform, tenant, tenant.owner)
    again = await _enter(platform, tenant, tenant.owner)

    assert again.participant.id == first.participant.id
    assert again.claims.generation == 2
    assert await platform.live.leave(first, "left") is False
    assert await _present(platform, tenant) == {first.participant.id}


async def test_a_newer_join_voids_the_token_before_it(platform: Platform, tenant: Tenant) -> None:
    older, newer = await _join(platform, tenant, tenant.owner), await _join(platform, tenant, tenant.owner)

    with pytest.raises(Unauthenticated):
        await platform.live.admit(older)
    await platform.live.admit(newer)


async def test_a_resume_token_is_good_until_the_next_welcome(platform: Platform, tenant: Tenant) -> None:
    first = await _enter(platform, tenant, tenant.owner)

    second = await platform.live.resume(first.resume_token)

    assert second.claims.generation == first.claims.generation + 1
    with pytest.raises(Unauthenticated):
        await platform.live.resume(first.resume_token)
    assert (await platform.live.resume(second.resume_token)).claims.generation == 3


async def test_of_many_resumes_at_once_one_wins(platform: Platform, tenant: Tenant) -> None:
    first = await _enter(platform, tenant, tenant.owner)

    outcomes = await asyncio.gather(
        *(platform.live.resume(first.resume_token) for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(outcome, Admission) for outcome in outcomes) == 1


async def test_who_was_taken_for_lost_comes_back(platform: Platform, tenant: Tenant) -> None:
    viewer = await _enter(platform, tenant, await make_member(platform, tenant))
    session = viewer.live_session
    heard = await _hear(platform, session)

    lost = await platform.live.mark_lost(tenant.id, session.id, [viewer.participant.id, ParticipantId(uuid4())])
    gone = await _present(platform, tenant)
    back = await platform.live.resume(viewer.resume_token)

    assert lost == [viewer.participant.id]
    assert gone == set()
    assert [(type(event), event.reason) for event in heard if isinstance(event, ParticipantLeft)] == [
        (ParticipantLeft, "lost")
    ]
    assert await _present(platform, tenant) == {back.participant.id}
    assert await platform.seats.count(session.id) == 1


async def test_leaving_gives_the_seat_back_and_tells_the_others_once(platform: Platform, tenant: Tenant) -> None:
    viewer = await _enter(platform, tenant, await make_member(platform, tenant))
    heard = await _hear(platform, viewer.live_session)

    left = [await platform.live.leave(viewer, "left") for _ in range(2)]

    assert left == [True, False]
    assert len(heard) == 1
    assert await platform.seats.count(viewer.live_session.id) == 0
    assert await _present(platform, tenant) == set()


async def test_a_member_who_was_put_out_of_the_organization_is_not_let_in(platform: Platform, tenant: Tenant) -> None:
    person = await make_member(platform, tenant)
    token, inside = await _join(platform, tenant, person), await _enter(platform, tenant, tenant.owner)
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("delete from memberships where user_id = $1", person.caller.user_id)

    with pytest.raises(Unauthenticated):
        await platform.live.admit(token)
    assert inside.claims.generation == 1


async def test_a_new_role_counts_from_the_next_welcome(platform: Platform, tenant: Tenant) -> None:
    person = await make_member(platform, tenant)
    first = await _enter(platform, tenant, person)
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("update memberships set role = 'co_host' where user_id = $1", person.caller.user_id)

    second = await platform.live.resume(first.resume_token)

    assert (first.participant.grant.can_publish, second.participant.grant.can_publish) == (False, True)


@pytest.mark.parametrize("change", ["organization_id", "live_session_id", "participant_id"])
async def test_a_token_for_something_else_is_refused(platform: Platform, tenant: Tenant, change: str) -> None:
    claims = await platform.tokens.verify_join(await _join(platform, tenant, tenant.owner))
    forged = msgspec.structs.replace(claims, **{change: uuid4()})

    with pytest.raises((Unauthenticated, RoomNotLive)):
        await platform.live.admit(await platform.tokens.issue_join(forged))


# --- seats


async def test_the_51st_viewer_of_a_starter_room_is_refused(platform: Platform, tenant: Tenant) -> None:
    viewers = [await make_member(platform, tenant) for _ in range(60)]

    outcomes = await asyncio.gather(
        *(platform.live.join(viewer.caller, tenant.id, tenant.room_id) for viewer in viewers), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]

    assert len(refused) == 10
    assert {type(outcome) for outcome in refused} == {LimitExceeded}
    assert refused[0].facts["limit"] == "viewers_per_room"
    assert refused[0].facts["allowed"] == 50
    await platform.live.join(tenant.owner.caller, tenant.id, tenant.room_id)


async def test_one_viewer_takes_one_seat_however_often_they_join(platform: Platform, tenant: Tenant) -> None:
    viewer = await make_member(platform, tenant)

    await asyncio.gather(*(platform.live.join(viewer.caller, tenant.id, tenant.room_id) for _ in range(5)))

    assert await platform.seats.count((await _session(platform, tenant)).id) == 1


async def test_a_join_whose_row_fails_takes_no_seat(
    platform: Platform, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await make_member(platform, tenant)
    session = await _session(platform, tenant)

    async def fail(*_: object, **__: object) -> None:
        raise Unavailable("down")

    monkeypatch.setattr("control_plane.stores.participants.upsert_joining", fail)
    with pytest.raises(Unavailable):
        await platform.live.join(viewer.caller, tenant.id, tenant.room_id)

    assert await platform.seats.count(session.id) == 0


class Refusing:
    """Seats that are all taken, or away."""

    def __init__(self, error: Unavailable | None) -> None:
        self.error = error

    async def take(self, *_: object, **__: object) -> object:
        if self.error is not None:
            raise self.error
        return SeatCount(is_granted=False, taken=50)


def _with_seats(live: LiveService, seats: Refusing) -> LiveService:
    fields: dict[str, object] = {name: getattr(live, name) for name in LiveService.__slots__}
    make: Callable[..., LiveService] = LiveService
    return make(**{**fields, "seats": seats})


async def test_who_is_refused_a_seat_is_nowhere_and_comes_in_once_one_is_free(
    platform: Platform, tenant: Tenant
) -> None:
    viewer = await make_member(platform, tenant)
    session = await _session(platform, tenant)

    with pytest.raises(LimitExceeded):
        await _with_seats(platform.live, Refusing(None)).join(viewer.caller, tenant.id, tenant.room_id)
    taken, present = await platform.seats.count(session.id), await _present(platform, tenant)
    answer = await platform.live.join(viewer.caller, tenant.id, tenant.room_id)
    admission = await platform.live.admit(answer.token)

    assert (taken, present) == (0, set())
    assert admission.participant.id == answer.participant_id
    assert await platform.seats.count(session.id) == 1


async def test_a_seat_lost_since_the_join_leaves_the_token_good(platform: Platform, tenant: Tenant) -> None:
    viewer = await make_member(platform, tenant)
    token = await _join(platform, tenant, viewer)

    with pytest.raises(LimitExceeded):
        await _with_seats(platform.live, Refusing(None)).admit(token)

    assert await _present(platform, tenant) == set()
    assert (await platform.live.admit(token)).claims.generation == 1


async def test_redis_away_keeps_nobody_out_who_had_a_seat(platform: Platform, tenant: Tenant) -> None:
    live = _with_seats(platform.live, Refusing(Unavailable("away")))
    token = await _join(platform, tenant, await make_member(platform, tenant))

    first = await live.admit(token)
    second = await live.resume(first.resume_token)

    assert second.claims.generation == 2


async def test_who_was_lost_needs_a_seat_to_come_back_and_may_try_again(platform: Platform, tenant: Tenant) -> None:
    viewer = await _enter(platform, tenant, await make_member(platform, tenant))
    await platform.live.mark_lost(tenant.id, viewer.live_session.id, [viewer.participant.id])

    for seats in (Refusing(Unavailable("away")), Refusing(None)):
        with pytest.raises((Unavailable, LimitExceeded)):
            await _with_seats(platform.live, seats).resume(viewer.resume_token)

    assert await _present(platform, tenant) == set()
    assert (await platform.live.resume(viewer.resume_token)).participant.id == viewer.participant.id


# --- removing


async def test_a_moderator_puts_a_viewer_out_for_the_rest_of_the_session(platform: Platform, tenant: Tenant) -> None:
    moderator = await _enter(platform, tenant, await make_member(platform, tenant, Role.MODERATOR))
    person = await make_member(platform, tenant)
    viewer = await _enter(platform, tenant, person)
    heard = await _hear(platform, viewer.live_session)

    for _ in range(2):
        await platform.live.remove(moderator, viewer.participant.id)

    assert [type(event) for event in heard] == [ParticipantRemoved, ParticipantLeft]
    assert await _present(platform, tenant) == {moderator.participant.id}
    assert await platform.seats.count(viewer.live_session.id) == 0
    with pytest.raises(Forbidden):
        await _join(platform, tenant, person)
    with pytest.raises(Unauthenticated):
        await platform.live.resume(viewer.resume_token)
    assert await platform.live.leave(viewer, "removed") is False


async def test_removing_needs_the_right_now_and_someone_below(platform: Platform, tenant: Tenant) -> None:
    host_person = await make_member(platform, tenant, Role.HOST)
    host = await _enter(platform, tenant, host_person)
    other = await _enter(platform, tenant, await make_member(platform, tenant, Role.HOST))
    viewer = await _enter(platform, tenant, await make_member(platform, tenant))

    with pytest.raises(Forbidden):
        await platform.live.remove(viewer, host.participant.id)
    with pytest.raises(Forbidden):
        await platform.live.remove(host, other.participant.id)
    with pytest.raises(InvalidInput):
        await platform.live.remove(host, host.participant.id)
    with pytest.raises(NotFound):
        await platform.live.remove(host, ParticipantId(uuid4()))
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("update memberships set role = 'viewer' where user_id = $1", host_person.caller.user_id)
    with pytest.raises(Forbidden):
        await platform.live.remove(host, viewer.participant.id)

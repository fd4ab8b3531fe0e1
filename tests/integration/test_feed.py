"""The feed: no gaps, one order, repeats that change nothing."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import uuid4

import msgspec
import pytest

from control_plane.domain.alerts import AlertDraft, Side
from control_plane.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from control_plane.domain.events import Event, FeedAppended, room_topic
from control_plane.domain.ids import AlertId, MessageId, RoomId
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.services.feed import Author
from control_plane.services.platform import Platform
from tests.factories import Person, Tenant, make_member, make_tenant

DRAFT = AlertDraft(symbol="AAPL", side=Side.LONG, entry=Decimal("181.20"), stop=Decimal("1E+2"), targets=[Decimal(190)])


async def _author(platform: Platform, tenant: Tenant, person: Person) -> Author:
    return await platform.feed.author_for(person.caller, tenant.id, tenant.room_id)


async def test_50_posts_at_once_get_50_numbers_without_a_gap(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author = await _author(platform, tenant, tenant.owner)

    posted = await asyncio.gather(
        *(platform.chat.post(author, MessageId(uuid4()), f"message {number}") for number in range(50))
    )
    events, last_seq = await platform.feed.read(tenant.id, tenant.room_id, after=0, limit=200)

    assert sorted(event.seq for event in posted) == list(range(1, 51))
    assert [event.seq for event in events] == list(range(1, 51))
    assert last_seq == 50


async def test_a_post_that_fails_leaves_no_hole(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author = await _author(platform, tenant, tenant.owner)
    message_id = MessageId(uuid4())
    await platform.chat.post(author, message_id, "first")

    repeats = await asyncio.gather(*(platform.chat.post(author, message_id, "again") for _ in range(10)))
    after = await platform.chat.post(author, MessageId(uuid4()), "second")

    assert {repeat.seq for repeat in repeats} == {1}
    assert {bytes(repeat.body) for repeat in repeats} == {b'{"text": "first"}'}
    assert after.seq == 2


async def test_a_repeated_alert_answers_the_first(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author = await _author(platform, tenant, tenant.owner)
    alert_id = AlertId(uuid4())

    first = await platform.alerts.post(author, alert_id, DRAFT)
    again = await platform.alerts.post(author, alert_id, msgspec.structs.replace(DRAFT, note="changed"))

    assert (first.seq, again.seq) == (1, 1)
    assert msgspec.json.decode(again.body) == msgspec.json.decode(first.body)


async def test_prices_are_kept_exactly_as_strings(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    await platform.alerts.post(await _author(platform, tenant, tenant.owner), AlertId(uuid4()), DRAFT)

    events, _ = await platform.feed.newest(tenant.id, tenant.room_id, 1)
    async with platform.db.tenant(tenant.id) as tx:
        row = await tx.fetchrow("select entry, stop, targets from alerts")

    assert msgspec.json.decode(events[0].body) == {
        "symbol": "AAPL",
        "side": "long",
        "entry": "181.20",
        "stop": "100",
        "targets": ["190"],
        "note": "",
    }
    assert row is not None
    assert (row["entry"], row["stop"], row["targets"]) == (Decimal("181.2"), Decimal(100), [Decimal(190)])


async def test_an_id_of_someone_else_is_a_conflict(platform: Platform) -> None:
    tenant, other = await make_tenant(platform), await make_tenant(platform)
    author = await _author(platform, tenant, tenant.owner)
    viewer = await _author(platform, tenant, await make_member(platform, tenant))
    stranger = await _author(platform, other, other.owner)
    message_id = MessageId(uuid4())
    await platform.chat.post(author, message_id, "mine")

    for someone in (viewer, stranger):
        with pytest.raises(Conflict):
            await platform.chat.post(someone, message_id, "mine too")


async def test_one_id_may_name_a_message_only_once_in_all_rooms(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
    author = await _author(platform, tenant, tenant.owner)
    room = await platform.rooms.create(tenant.owner.caller, tenant.id, name="Two", workspace_id=None, room_id=None)
    message_id = MessageId(uuid4())
    await platform.chat.post(author, message_id, "here")

    with pytest.raises(Conflict):
        await platform.chat.post(msgspec.structs.replace(author, room_id=room.room.id), message_id, "there")


async def test_the_room_is_told_after_the_commit(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author = await _author(platform, tenant, tenant.owner)
    heard: list[Event] = []
    stop = await platform.bus.subscribe(room_topic(tenant.room_id), heard.append)

    posted = await platform.chat.post(author, MessageId(uuid4()), "hello")
    with pytest.raises(InvalidInput):
        await platform.chat.post(author, MessageId(uuid4()), "")
    await stop()

    assert [event.event for event in heard if isinstance(event, FeedAppended)] == [posted]


async def test_pages_go_forward_from_a_number(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author = await _author(platform, tenant, tenant.owner)
    for number in range(7):
        await platform.chat.post(author, MessageId(uuid4()), str(number))

    page, last_seq = await platform.feed.read(tenant.id, tenant.room_id, after=2, limit=3)
    newest, _ = await platform.feed.newest(tenant.id, tenant.room_id, 2)
    beyond, _ = await platform.feed.read(tenant.id, tenant.room_id, after=10**15, limit=3)

    assert ([event.seq for event in page], last_seq) == ([3, 4, 5], 7)
    assert [event.seq for event in newest] == [6, 7]
    assert beyond == []


async def test_an_empty_room_has_an_empty_feed(platform: Platform) -> None:
    tenant = await make_tenant(platform)

    assert await platform.feed.read(tenant.id, tenant.room_id, after=0, limit=10) == ([], 0)
    assert await platform.feed.newest(tenant.id, tenant.room_id, 10) == ([], 0)
    assert await platform.feed.last_seq(tenant.id, tenant.room_id) == 0


async def test_a_room_of_another_tenant_is_not_found(platform: Platform) -> None:
    tenant, other = await make_tenant(platform), await make_tenant(platform)
    author = msgspec.structs.replace(await _author(platform, tenant, tenant.owner), room_id=other.room_id)

    with pytest.raises(NotFound):
        await platform.chat.post(author, MessageId(uuid4()), "hello")
    with pytest.raises(NotFound):
        await platform.alerts.post(author, AlertId(uuid4()), DRAFT)
    with pytest.raises(NotFound):
        await platform.feed.read(tenant.id, other.room_id, after=0, limit=1)
    with pytest.raises(NotFound):
        await platform.feed.last_seq(tenant.id, RoomId(uuid4()))


@pytest.mark.parametrize(("role", "may"), [(Role.VIEWER, False), (Role.MODERATOR, False), (Role.CO_HOST, True)])
async def test_alerts_are_for_co_hosts_and_above(platform: Platform, role: Role, *, may: bool) -> None:
    tenant = await make_tenant(platform)
    author = await _author(platform, tenant, await make_member(platform, tenant, role))

    if may:
        assert (await platform.alerts.post(author, AlertId(uuid4()), DRAFT)).seq == 1
    else:
        with pytest.raises(Forbidden):
            await platform.alerts.post(author, AlertId(uuid4()), DRAFT)

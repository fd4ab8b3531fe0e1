"""Alert steps: one order, repeats that change nothing, and one winner."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from control_plane.domain.alerts import AlertDraft, AlertStep, Side, StepKind
from control_plane.domain.errors import AlertOver, Conflict, Forbidden, InvalidInput, NotFound
from control_plane.domain.events import Event, FeedAppended, FeedEvent, room_topic
from control_plane.domain.ids import AlertId, MessageId, StepId
from control_plane.domain.plans import PlanTier
from control_plane.services.feed import Author
from control_plane.services.platform import Platform
from tests.factories import Tenant, assert_problem, make_member, make_tenant

DRAFT = AlertDraft(
    symbol="NVDA", side=Side.LONG, entry=Decimal("100.00"), stop=Decimal(98), targets=[Decimal(103), Decimal(106)]
)
FILLED = AlertStep(kind=StepKind.FILLED)
CLOSED = AlertStep(kind=StepKind.CLOSED, price=Decimal("104.0"))


async def _posted(platform: Platform, tenant: Tenant, *steps: AlertStep) -> tuple[Author, AlertId]:
    author = await platform.feed.author_for(tenant.owner.caller, tenant.id, tenant.room_id)
    alert_id = AlertId(uuid4())
    await platform.alerts.post(author, alert_id, DRAFT)
    for step in steps:
        await platform.alerts.step(author, alert_id, StepId(uuid4()), step)
    return author, alert_id


def _body(event: FeedEvent) -> Any:
    return msgspec.json.decode(event.body)


async def test_a_step_carries_the_alert_and_where_it_stands(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author, alert_id = await _posted(platform, tenant, FILLED)
    step_id = StepId(uuid4())
    trimmed = AlertStep(kind=StepKind.TRIMMED, price=Decimal("103.10"), fraction=Decimal("0.5"))

    event = await platform.alerts.step(author, alert_id, step_id, trimmed)
    events, last_seq = await platform.feed.read(tenant.id, tenant.room_id, after=0, limit=10)

    assert [one.kind for one in events] == ["alert.posted", "alert.stepped", "alert.stepped"]
    assert (event.seq, event.subject_id, last_seq) == (3, step_id, 3)
    assert _body(events[-1]) == _body(event)
    body = _body(event)
    assert body["alertId"] == str(alert_id)
    assert body["alert"] | {"at": None} == {
        "seq": 1,
        "authorId": str(author.user_id),
        "authorName": author.display_name,
        "at": None,
        **_body(events[0]),
    }
    assert body["step"] == {"kind": "trimmed", "price": "103.10", "fraction": "0.5", "target": None, "from": None}
    state = body["state"]
    assert state.pop("filledAt") is not None
    assert state == {
        "phase": "filled",
        "fill": "100",
        "stop": "98",
        "left": "0.5",
        "targetsHit": [],
        "exits": [{"price": "103.10", "portion": "0.5"}],
        "closedAt": None,
        "resultR": None,
        "resultPercent": None,
    }


async def test_the_close_tells_the_result(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    stop_moved = AlertStep(kind=StepKind.STOP_MOVED, price=Decimal(100))
    author, alert_id = await _posted(
        platform, tenant, FILLED, stop_moved, AlertStep(kind=StepKind.TARGET_HIT, target=1)
    )

    body = _body(await platform.alerts.step(author, alert_id, StepId(uuid4()), CLOSED))

    assert body["state"]["phase"] == "closed"
    assert (body["state"]["resultR"], body["state"]["resultPercent"]) == ("2.00", "4.00")
    assert body["state"]["targetsHit"] == [1]
    assert body["state"]["closedAt"] >= body["state"]["filledAt"]


async def test_a_repeated_step_answers_the_first_even_after_the_end(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author, alert_id = await _posted(platform, tenant, FILLED)
    step_id = StepId(uuid4())

    first = await platform.alerts.step(author, alert_id, step_id, CLOSED)
    again = await asyncio.gather(*(platform.alerts.step(author, alert_id, step_id, CLOSED) for _ in range(5)))

    assert {one.seq for one in again} == {first.seq} == {3}
    assert {bytes(one.body) for one in again} == {bytes(again[0].body)}


async def test_of_two_who_close_at_once_one_wins(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author, alert_id = await _posted(platform, tenant, FILLED)

    outcomes = await asyncio.gather(
        *(platform.alerts.step(author, alert_id, StepId(uuid4()), CLOSED) for _ in range(8)), return_exceptions=True
    )
    _, last_seq = await platform.feed.newest(tenant.id, tenant.room_id, 1)

    assert sum(isinstance(one, FeedEvent) for one in outcomes) == 1
    assert sum(isinstance(one, AlertOver) for one in outcomes) == 7
    assert last_seq == 3


async def test_steps_amid_chat_stand_in_one_order_without_a_gap(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author, alert_id = await _posted(platform, tenant, FILLED)
    moves = [AlertStep(kind=StepKind.STOP_MOVED, price=Decimal(90) + number) for number in range(6)]

    await asyncio.gather(
        *(platform.alerts.step(author, alert_id, StepId(uuid4()), move) for move in moves),
        *(platform.chat.post(author, MessageId(uuid4()), "talk") for _ in range(6)),
    )
    events, _ = await platform.feed.read(tenant.id, tenant.room_id, after=0, limit=50)
    async with platform.db.tenant(tenant.id) as tx:
        rows = await tx.fetch("select id from alert_steps order by number")

    assert [one.seq for one in events] == list(range(1, 15))
    assert [one.subject_id for one in events if one.kind == "alert.stepped"] == [row["id"] for row in rows]


async def test_a_refused_step_leaves_nothing_and_tells_nobody(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author, alert_id = await _posted(platform, tenant)
    heard: list[Event] = []
    end = await platform.bus.subscribe(room_topic(tenant.room_id), heard.append)

    for step in (CLOSED, AlertStep(kind=StepKind.FILLED, price=Decimal("NaN"))):
        with pytest.raises((Conflict, InvalidInput)):
            await platform.alerts.step(author, alert_id, StepId(uuid4()), step)
    filled = await platform.alerts.step(author, alert_id, StepId(uuid4()), FILLED)
    await end()

    assert filled.seq == 2
    assert [one.event for one in heard if isinstance(one, FeedAppended)] == [filled]


async def test_an_alert_of_another_room_or_tenant_is_not_found(platform: Platform) -> None:
    tenant, other = await make_tenant(platform, PlanTier.PROFESSIONAL), await make_tenant(platform)
    author, alert_id = await _posted(platform, tenant)
    stranger, foreign_id = await _posted(platform, other)
    room = await platform.rooms.create(tenant.owner.caller, tenant.id, name="Two", workspace_id=None, room_id=None)

    for someone, whose in (
        (author, foreign_id),
        (stranger, alert_id),
        (author, AlertId(uuid4())),
        (msgspec.structs.replace(author, room_id=room.room.id), alert_id),
    ):
        with pytest.raises(NotFound):
            await platform.alerts.step(someone, whose, StepId(uuid4()), FILLED)


async def test_a_step_id_names_one_step_of_one_alert(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    author, first = await _posted(platform, tenant)
    _, second = await _posted(platform, tenant)
    step_id = StepId(uuid4())
    await platform.alerts.step(author, first, step_id, FILLED)

    with pytest.raises(Conflict):
        await platform.alerts.step(author, second, step_id, FILLED)


async def test_steps_are_for_those_who_may_post_alerts(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    _, alert_id = await _posted(platform, tenant)
    viewer = await make_member(platform, tenant)
    author = await platform.feed.author_for(viewer.caller, tenant.id, tenant.room_id)

    with pytest.raises(Forbidden):
        await platform.alerts.step(author, alert_id, StepId(uuid4()), FILLED)


async def test_the_rest_door_tells_a_life_and_names_what_it_refuses(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    _, alert_id = await _posted(platform, tenant)
    path, headers = f"{tenant.room_path}/alerts/{alert_id}/steps", tenant.owner.headers
    step_id = str(uuid4())

    early = await api.post(path, json={"kind": "closed", "price": "104"}, headers=headers)
    filled = await api.post(path, json={"kind": "filled", "id": step_id}, headers=headers)
    again = await api.post(path, json={"kind": "filled", "id": step_id}, headers=headers)
    closed = await api.post(path, json={"kind": "closed", "price": "104"}, headers=headers)
    late = await api.post(path, json={"kind": "closed", "price": "104"}, headers=headers)

    assert_problem(early, 409, "alert_not_filled")
    assert filled.status_code == again.status_code == 201
    assert filled.json()["seq"] == again.json()["seq"] == 2
    assert closed.json()["body"]["state"]["resultR"] == "2.00"
    assert_problem(late, 409, "alert_over")

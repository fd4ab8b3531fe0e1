"""A room's feed, and the two ways to add to it: chat messages and alerts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from control_plane.domain.alerts import AlertDraft, AlertStep, Side, StepKind
from control_plane.domain.events import FeedEvent, FeedKind
from control_plane.domain.ids import AlertId, MessageId, OrganizationId, RoomId, StepId
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.wire import Body, View
from control_plane.services.feed import PAGE_MAX

Price = Decimal
After = Annotated[int, QueryParameter(ge=0, le=2**53, description="Entries with a greater seq are answered.")]
Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="Entries at most.")]


class FeedEventView(View):
    """One entry.

    body: chat.posted {text}; alert.posted {symbol, side, entry, stop, targets, note}, prices as strings;
    alert.stepped {alertId, alert, step, state}: the alert as posted, what happened, and where it stands now.
    """

    seq: int
    kind: FeedKind
    subject_id: UUID
    author_id: UUID
    author_name: str
    at: datetime
    body: msgspec.Raw


class FeedPage(View):
    """Entries, oldest first. lastSeq: of the room when it was read: when it is greater than the last entry's, ask again."""

    items: list[FeedEventView]
    last_seq: int
    next_cursor: str | None = None


class NewMessage(Body):
    """id: made by the caller, so that a repeat is harmless."""

    text: str
    id: UUID | None = None


class NewAlert(Body):
    """Prices are decimals, best written as strings. id: made by the caller, so that a repeat is harmless."""

    symbol: str
    side: Side
    entry: Price
    stop: Price | None = None
    targets: list[Price] = msgspec.field(default_factory=list)
    note: str = ""
    id: UUID | None = None


class NewAlertStep(Body):
    """What happened to an alert. id: made by the caller, so that a repeat is harmless.

    price: of every kind but cancelled; left out it is the entry (filled) or the target's (target_hit).
    fraction: trimmed only: of what is left, between 0 and 1. target: target_hit only: 1 is the first.
    """

    kind: StepKind
    price: Price | None = None
    fraction: Decimal | None = None
    target: int | None = None
    id: UUID | None = None


def _view(event: FeedEvent) -> FeedEventView:
    return FeedEventView(**msgspec.structs.asdict(event))


class FeedController(Controller):
    """What was said in a room."""

    path = "/organizations/{organization_id:uuid}/rooms/{room_id:uuid}"
    tags = ("Feed",)

    @get("/events", operation_id="listEvents", summary="The room's feed")
    async def events(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        room_id: FromPath[UUID],
        after: After = 0,
        limit: Limit = 100,
    ) -> FeedPage:
        """Entries after a number, oldest first."""
        events, last_seq = await platform.feed.read_as(
            caller, OrganizationId(organization_id), RoomId(room_id), after=after, limit=limit
        )
        return FeedPage(items=[_view(event) for event in events], last_seq=last_seq)

    @post("/messages", operation_id="postMessage", summary="Say something")
    async def post_message(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        room_id: FromPath[UUID],
        data: JSONBody[NewMessage],
    ) -> FeedEventView:
        """Post a chat message. A repeat of its id answers the first one."""
        author = await platform.feed.author_for(caller, OrganizationId(organization_id), RoomId(room_id))
        message_id = MessageId(data.id or platform.ids.new())
        return _view(await platform.chat.post(author, message_id, data.text))

    @post("/alerts", operation_id="postAlert", summary="Post a trading alert")
    async def post_alert(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        room_id: FromPath[UUID],
        data: JSONBody[NewAlert],
    ) -> FeedEventView:
        """Post an alert. A repeat of its id answers the first one."""
        author = await platform.feed.author_for(caller, OrganizationId(organization_id), RoomId(room_id))
        draft = AlertDraft(
            symbol=data.symbol,
            side=data.side,
            entry=data.entry,
            stop=data.stop,
            targets=data.targets,
            note=data.note,
        )
        return _view(await platform.alerts.post(author, AlertId(data.id or platform.ids.new()), draft))

    @post("/alerts/{alert_id:uuid}/steps", operation_id="postAlertStep", summary="Say what happened to an alert")
    async def post_step(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        room_id: FromPath[UUID],
        alert_id: FromPath[UUID],
        data: JSONBody[NewAlertStep],
    ) -> FeedEventView:
        """Add a step to an alert's life. A repeat of its id answers the first one."""
        author = await platform.feed.author_for(caller, OrganizationId(organization_id), RoomId(room_id))
        step = AlertStep(kind=data.kind, price=data.price, fraction=data.fraction, target=data.target)
        step_id = StepId(data.id or platform.ids.new())
        return _view(await platform.alerts.step(author, AlertId(alert_id), step_id, step))

"""Alerts: posting a trade idea, and telling how it went (design.md, b)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import msgspec

from control_plane.domain.alerts import (
    AlertDraft,
    AlertState,
    AlertStep,
    StepKind,
    apply_step,
    begin_state,
    complete_step,
    make_alert,
)
from control_plane.domain.errors import Conflict, Forbidden, NotFound
from control_plane.domain.events import FeedEvent
from control_plane.domain.ids import AlertId, StepId
from control_plane.domain.roles import Permission
from control_plane.services.feed import AlreadyAppended, Author, FeedService
from control_plane.stores import alerts as alert_store
from control_plane.stores import feed as store
from control_plane.stores.alerts import WrittenAlert, WrittenStep
from control_plane.stores.database import Transaction


def _price(price: Decimal) -> str:
    """A price as it is shown: plain digits, never an exponent."""
    return format(price, "f")


def alert_body(alert: AlertDraft) -> bytes:
    """The alert's fields as the feed carries them: JSON, prices as strings."""
    return msgspec.json.encode(
        {
            "symbol": alert.symbol,
            "side": alert.side.value,
            "entry": _price(alert.entry),
            "stop": None if alert.stop is None else _price(alert.stop),
            "targets": [_price(target) for target in alert.targets],
            "note": alert.note,
        }
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else _price(value)


def step_body(
    alert_id: AlertId, written: WrittenAlert, last: WrittenStep, before: AlertState, state: AlertState
) -> bytes:
    """A step as the feed carries it: enough to draw the alert's card without any other entry.

    {alertId,
     alert: {seq, authorId, authorName, at, symbol, side, entry, stop, targets, note}, as it was posted,
     step: {kind, price, fraction, target, from}; from: where the stop stood before it moved,
     state: {phase, fill, filledAt, stop, left, targetsHit, exits: [{price, portion}], closedAt, resultR, resultPercent}}
    Numbers that are measured are strings; what does not apply is null.
    """
    steps = [*written.steps, last]
    moments = {one.step.kind: one.at for one in steps if one.step.kind in {StepKind.FILLED, StepKind.CLOSED}}
    posted = {"seq": written.seq, "authorId": written.author_id, "authorName": written.author_name, "at": written.at}
    step = last.step
    return msgspec.json.encode(
        {
            "alertId": alert_id,
            "alert": posted | msgspec.json.decode(written.body),
            "step": {
                "kind": step.kind.value,
                "price": _text(step.price),
                "fraction": _text(step.fraction),
                "target": step.target,
                "from": _text(before.stop) if step.kind is StepKind.STOP_MOVED else None,
            },
            "state": {
                "phase": state.phase.value,
                "fill": _text(state.fill),
                "filledAt": moments.get(StepKind.FILLED),
                "stop": _text(state.stop),
                "left": _price(state.left.normalize()),
                "targetsHit": state.targets_hit,
                "exits": [
                    {"price": _price(part.price), "portion": _price(part.portion.normalize())} for part in state.exits
                ],
                "closedAt": moments.get(StepKind.CLOSED),
                "resultR": _text(state.result_r()),
                "resultPercent": _text(state.result_percent()),
            },
        }
    )


@dataclass(frozen=True, slots=True)
class AlertService:
    """Posts alerts and their steps."""

    feed: FeedService

    async def post(self, author: Author, alert_id: AlertId, draft: AlertDraft) -> FeedEvent:
        """Post an alert; committed when this returns. A repeat of the id by its author answers the first entry.

        Raises:
            Forbidden: the author may not. InvalidInput: the draft makes no sense. Conflict: the id is someone else's.
            NotFound: no such room. Unavailable.
        """
        if not author.can_post_alert:
            raise Forbidden("You can't post alerts here.", permission=Permission.POST_ALERT.value)
        alert = make_alert(draft)

        async def append(tx: Transaction, entry: FeedEvent) -> FeedEvent | None:
            return await store.append_alert(tx, author.organization_id, author.room_id, entry, alert)

        return await self.feed.post(author, "alert.posted", alert_id, alert_body(alert), append)

    async def step(self, author: Author, alert_id: AlertId, step_id: StepId, draft: AlertStep) -> FeedEvent:
        """Add a step to an alert's life; committed when this returns. A repeat of step_id answers the first entry.

        Raises:
            Forbidden: the author may not. NotFound: no such alert in this room. InvalidInput: the step makes no sense.
            Conflict: the alert is not in a state for it (AlertOver, AlertNotFilled, AlertAlreadyFilled,
            TargetAlreadyHit), or the id is taken. Unavailable.
        """
        if not author.can_post_alert:
            raise Forbidden("You can't post alerts here.", permission=Permission.POST_ALERT.value)

        async def append(tx: Transaction, entry: FeedEvent) -> FeedEvent | None:
            written = await alert_store.lock_alert(tx, author.organization_id, author.room_id, alert_id)
            if written is None:
                raise NotFound("There is no such alert.")
            if any(one.id == step_id for one in written.steps):
                raise AlreadyAppended
            before = begin_state(written.alert)
            for one in written.steps:
                before = apply_step(before, one.step)
            last = WrittenStep(id=step_id, step=complete_step(written.alert, draft), at=entry.at)
            state = apply_step(before, last.step)
            body = msgspec.Raw(step_body(alert_id, written, last, before, state))
            return await store.append_step(
                tx,
                author.organization_id,
                author.room_id,
                msgspec.structs.replace(entry, body=body),
                last.step,
                alert_id=alert_id,
                number=state.step_count,
            )

        event = await self.feed.post(author, "alert.stepped", step_id, b"{}", append)
        if msgspec.json.decode(event.body)["alertId"] != str(alert_id):
            raise Conflict("This id is taken.", field="id")
        return event

"""Alerts and what happened to them: few rows each, folded when a step is added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from control_plane.domain.alerts import AlertDraft, AlertStep, StepKind
from control_plane.domain.ids import AlertId, OrganizationId, RoomId, StepId
from control_plane.stores.database import Rows, Transaction

# The alerts themselves are only ever added to, so nobody may lock (that is: update) their rows. The room's row is what
# every entry of its feed takes anyway, and this one is about to.
_LOCK_ROOM = "select 1 from rooms where organization_id = $1 and id = $2 for update"
_ALERT = """
    select e.seq, e.author_id, e.author_name, e.at, e.body from alerts a
    join room_events e on e.room_id = a.room_id and e.subject_id = a.id and e.kind = 'alert.posted'
    where a.organization_id = $1 and a.room_id = $2 and a.id = $3
"""
_STEPS = """
    select id, kind, price, fraction, target, at from alert_steps
    where organization_id = $1 and alert_id = $2 order by number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenStep:
    """A step as it is written down."""

    id: StepId
    step: AlertStep
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAlert:
    """An alert, its entry in the feed, and its steps, oldest first. body: of the entry, sealed."""

    alert: AlertDraft
    seq: int
    author_id: UUID
    author_name: str
    at: datetime
    body: msgspec.Raw
    steps: list[WrittenStep]


async def lock_alert(
    tx: Transaction, organization_id: OrganizationId, room_id: RoomId, alert_id: AlertId
) -> WrittenAlert | None:
    """An alert of this room with its steps, none of which can be added by others before this scope ends; None: not here."""
    if await tx.fetchval(_LOCK_ROOM, organization_id, room_id) is None:
        return None
    row = await tx.fetchrow(_ALERT, organization_id, room_id, alert_id)
    if row is None:
        return None
    steps = [_step(one) for one in await tx.fetch(_STEPS, organization_id, alert_id)]
    return WrittenAlert(
        # Not from the columns: they pad prices to eight decimals, the entry has them as they were typed.
        alert=msgspec.json.decode(row["body"], type=AlertDraft),
        seq=row["seq"],
        author_id=row["author_id"],
        author_name=row["author_name"],
        at=row["at"],
        body=msgspec.Raw(row["body"].encode()),
        steps=steps,
    )


def _step(row: Rows) -> WrittenStep:
    return WrittenStep(
        id=StepId(row["id"]),
        step=AlertStep(
            kind=StepKind(row["kind"]), price=_tidy(row["price"]), fraction=row["fraction"], target=row["target"]
        ),
        at=row["at"],
    )


def _tidy(price: Decimal | None) -> Decimal | None:
    """Without the zeros the column pads with."""
    return None if price is None else price.normalize()

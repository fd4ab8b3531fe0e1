"""The feed of a room: one number, one row, one statement.

Appended are chat messages, alerts and their steps, a session's start and end.

The room's counter rises in the same transaction as the row is written, so the numbers have no gaps and one order for all:
whoever fails gives the number back.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.alerts import AlertDraft, AlertStep
from control_plane.domain.events import FeedEvent
from control_plane.domain.ids import AlertId, OrganizationId, RoomId
from control_plane.domain.webhooks import EVENTS
from control_plane.stores import webhooks
from control_plane.stores.database import Rows, Transaction


class _AlertNamed(msgspec.Struct, rename="camel"):
    alert_id: UUID


_APPEND = """
    with room as (update rooms set last_seq = last_seq + 1
        where organization_id = $1 and id = $2 and archived_at is null returning last_seq)
    {more}
    insert into room_events (organization_id, room_id, seq, kind, subject_id, author_id, author_name, at, body)
    select $1, $2, room.last_seq, $3, $4, $5, $6, $7, $8::jsonb from room returning seq
"""
_EVENT = _APPEND.format(more="")
_CHAT = _APPEND.format(
    more=""", message as (insert into chat_messages (id, organization_id, room_id, author_id, text, created_at)
        select $4, $1, $2, $5, $9, $7 from room)"""
)
_ALERT = _APPEND.format(
    more=""", alert as (insert into alerts
            (id, organization_id, room_id, author_id, symbol, side, entry, stop, targets, note, created_at)
        select $4, $1, $2, $5, $9, $10, $11, $12, $13, $14, $7 from room)"""
)
_STEP = _APPEND.format(
    more=""", step as (insert into alert_steps
            (id, organization_id, alert_id, number, kind, price, fraction, target, author_id, at)
        select $4, $1, $9, $10, $11, $12, $13, $14, $5, $7 from room)"""
)
_COLUMNS = "e.seq, e.kind, e.subject_id, e.author_id, e.author_name, e.at, e.body"
_PAGE = """
    select r.last_seq, {columns} from rooms r left join lateral (
        select * from room_events x where x.room_id = r.id {condition} limit $3
    ) e on true where r.organization_id = $1 and r.id = $2 order by e.seq
"""
_AFTER = _PAGE.format(columns=_COLUMNS, condition="and x.seq > $4 order by x.seq")
_NEWEST = _PAGE.format(columns=_COLUMNS, condition="order by x.seq desc")


def _event(row: Rows) -> FeedEvent:
    return FeedEvent(
        seq=row["seq"],
        kind=row["kind"],
        subject_id=row["subject_id"],
        author_id=row["author_id"],
        author_name=row["author_name"],
        at=row["at"],
        body=msgspec.Raw(row["body"].encode()),
    )


def _page(rows: list[Rows]) -> tuple[list[FeedEvent], int] | None:
    if not rows:
        return None
    return [_event(row) for row in rows if row["seq"] is not None], rows[0]["last_seq"]


async def _append(
    tx: Transaction,
    statement: str,
    organization_id: OrganizationId,
    room_id: RoomId,
    draft: FeedEvent,
    *more: object,
) -> FeedEvent | None:
    seq = await tx.fetchval(
        statement,
        organization_id,
        room_id,
        draft.kind,
        draft.subject_id,
        draft.author_id,
        draft.author_name,
        draft.at,
        bytes(draft.body).decode(),
        *more,
    )
    if seq is None:
        return None
    if draft.kind in EVENTS:
        data = {"roomId": room_id, "seq": seq, "authorId": draft.author_id, "body": draft.body}
        await webhooks.tell(
            tx, organization_id, draft.kind, _object_of(draft), data, draft.at, actor_id=draft.author_id
        )
    return msgspec.structs.replace(draft, seq=seq)


def _object_of(draft: FeedEvent) -> UUID:
    """What the entry is about: an alert's steps belong to the alert, whose events arrive in order."""
    if draft.kind == "alert.stepped":
        return msgspec.json.decode(draft.body, type=_AlertNamed).alert_id
    return draft.subject_id


async def append_event(
    tx: Transaction, organization_id: OrganizationId, room_id: RoomId, draft: FeedEvent
) -> FeedEvent | None:
    """Append an entry that is only that. draft.seq is ignored. None when there is no such room, or it is archived."""
    return await _append(tx, _EVENT, organization_id, room_id, draft)


async def append_chat(
    tx: Transaction, organization_id: OrganizationId, room_id: RoomId, draft: FeedEvent, text: str
) -> FeedEvent | None:
    """Append a chat message: its row and its entry. None when there is no such room.

    Raises:
        asyncpg.UniqueViolationError: the message's id is taken.
    """
    return await _append(tx, _CHAT, organization_id, room_id, draft, text)


async def append_alert(
    tx: Transaction, organization_id: OrganizationId, room_id: RoomId, draft: FeedEvent, alert: AlertDraft
) -> FeedEvent | None:
    """Append an alert: its row and its entry. None when there is no such room.

    Raises:
        asyncpg.UniqueViolationError: the alert's id is taken.
    """
    values: list[Any] = [alert.symbol, alert.side.value, alert.entry, alert.stop, alert.targets, alert.note]
    return await _append(tx, _ALERT, organization_id, room_id, draft, *values)


async def append_step(
    tx: Transaction,
    organization_id: OrganizationId,
    room_id: RoomId,
    draft: FeedEvent,
    step: AlertStep,
    *,
    alert_id: AlertId,
    number: int,
) -> FeedEvent | None:
    """Append the number-th step of an alert: its row and its entry. None when there is no such room.

    Raises:
        asyncpg.UniqueViolationError: the step's id is taken.
    """
    values = (alert_id, number, step.kind.value, step.price, step.fraction, step.target)
    return await _append(tx, _STEP, organization_id, room_id, draft, *values)


async def find_event(
    tx: Transaction, organization_id: OrganizationId, room_id: RoomId, subject_id: UUID, kind: str
) -> FeedEvent | None:
    """The entry of one message or alert in this room; None when it is not here."""
    row = await tx.fetchrow(
        "select seq, kind, subject_id, author_id, author_name, at, body from room_events "
        "where organization_id = $1 and room_id = $2 and subject_id = $3 and kind = $4",
        organization_id,
        room_id,
        subject_id,
        kind,
    )
    return None if row is None else _event(row)


async def read_after(
    tx: Transaction, organization_id: OrganizationId, room_id: RoomId, *, after: int, limit: int
) -> tuple[list[FeedEvent], int] | None:
    """Entries with seq > after, oldest first, at most limit, and the room's last seq; None when there is no such room."""
    return _page(await tx.fetch(_AFTER, organization_id, room_id, limit, after))


async def read_newest(
    tx: Transaction, organization_id: OrganizationId, room_id: RoomId, *, limit: int
) -> tuple[list[FeedEvent], int] | None:
    """The newest entries, oldest of them first, and the room's last seq; None when there is no such room."""
    return _page(await tx.fetch(_NEWEST, organization_id, room_id, limit))


async def read_last_seq(tx: Transaction, organization_id: OrganizationId, room_id: RoomId) -> int | None:
    """The number of the newest entry, 0 when there is none; None when there is no such room."""
    seq: int | None = await tx.fetchval(
        "select last_seq from rooms where organization_id = $1 and id = $2", organization_id, room_id
    )
    return seq

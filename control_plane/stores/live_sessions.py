"""Live sessions: one run of a room, and where its media lives."""

from __future__ import annotations

from datetime import datetime

from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId, RoomId, UserId
from control_plane.domain.rooms import LiveSession
from control_plane.stores.database import Rows, Transaction

_SELECT = "select id, organization_id, room_id, node_id, epoch, started_by, started_at, ended_at from live_sessions "


def live_session(row: Rows) -> LiveSession:
    """A row with the columns of the table, as the domain's value."""
    return LiveSession(
        id=LiveSessionId(row["id"]),
        organization_id=OrganizationId(row["organization_id"]),
        room_id=RoomId(row["room_id"]),
        node_id=NodeId(row["node_id"]),
        epoch=row["epoch"],
        started_by=UserId(row["started_by"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
    )


async def insert_session(tx: Transaction, session: LiveSession) -> bool:
    """Write a run. False when another one is live in the room; then nothing is written."""
    count = await tx.execute(
        "insert into live_sessions (id, organization_id, room_id, node_id, epoch, started_by, started_at) "
        "values ($1, $2, $3, $4, $5, $6, $7) on conflict (room_id) where ended_at is null do nothing",
        session.id,
        session.organization_id,
        session.room_id,
        session.node_id,
        session.epoch,
        session.started_by,
        session.started_at,
    )
    return count == 1


async def find_session(
    tx: Transaction, organization_id: OrganizationId, live_session_id: LiveSessionId
) -> LiveSession | None:
    """A run, ended or not; None when there is none."""
    row = await tx.fetchrow(_SELECT + "where organization_id = $1 and id = $2", organization_id, live_session_id)
    return None if row is None else live_session(row)


async def end_live(
    tx: Transaction, organization_id: OrganizationId, room_id: RoomId, now: datetime
) -> LiveSession | None:
    """End the room's run and everyone's stay in it; None when nothing was live."""
    row = await tx.fetchrow(
        "update live_sessions set ended_at = $3 where organization_id = $1 and room_id = $2 and ended_at is null "
        "returning id, organization_id, room_id, node_id, epoch, started_by, started_at, ended_at",
        organization_id,
        room_id,
        now,
    )
    if row is None:
        return None
    await tx.execute(
        "update participants set left_at = $2, join_nonce = null where live_session_id = $1 and left_at is null",
        row["id"],
        now,
    )
    return live_session(row)


async def move_session(
    tx: Transaction,
    organization_id: OrganizationId,
    live_session_id: LiveSessionId,
    *,
    from_epoch: int,
    node_id: NodeId,
) -> LiveSession | None:
    """Give a live run a new placement if it still has the old one; None when somebody else was faster or it ended."""
    row = await tx.fetchrow(
        "update live_sessions set node_id = $4, epoch = epoch + 1 "
        "where organization_id = $1 and id = $2 and epoch = $3 and ended_at is null "
        "returning id, organization_id, room_id, node_id, epoch, started_by, started_at, ended_at",
        organization_id,
        live_session_id,
        from_epoch,
        node_id,
    )
    return None if row is None else live_session(row)


async def count_live(tx: Transaction) -> int:
    """Live sessions of all tenants, >= 0; platform scope only."""
    return int(await tx.fetchval("select count(id) from live_sessions where ended_at is null"))

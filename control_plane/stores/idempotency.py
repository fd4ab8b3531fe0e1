"""Requests with an Idempotency-Key: a person's own rows, in their user scope."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from control_plane.domain.idempotency import KeptRequest
from control_plane.domain.ids import UserId
from control_plane.stores.database import Transaction


async def forget_old(tx: Transaction, user_id: UserId, before: datetime) -> None:
    """Delete what the person asked before that moment."""
    await tx.execute("delete from idempotency_keys where user_id = $1 and created_at < $2", user_id, before)


async def insert(tx: Transaction, kept: KeptRequest) -> bool:
    """Write a request that begins. False when its id is there already."""
    count = await tx.execute(
        "insert into idempotency_keys (id, user_id, fingerprint, created_at, held_until) values ($1, $2, $3, $4, $5) "
        "on conflict (id) do nothing",
        kept.id,
        kept.user_id,
        kept.fingerprint,
        kept.created_at,
        kept.held_until,
    )
    return count == 1


async def find(tx: Transaction, request_id: UUID) -> KeptRequest | None:
    """A request; its row is held until commit. None when it is not there."""
    row = await tx.fetchrow(
        "select id, user_id, fingerprint, created_at, held_until, status, answer from idempotency_keys "
        "where id = $1 for update",
        request_id,
    )
    if row is None:
        return None
    return KeptRequest(
        id=row["id"],
        user_id=UserId(row["user_id"]),
        fingerprint=row["fingerprint"],
        created_at=row["created_at"],
        held_until=row["held_until"],
        status=row["status"],
        answer=row["answer"],
    )


async def hold(tx: Transaction, request_id: UUID, until: datetime) -> None:
    """Take an abandoned request over."""
    await tx.execute("update idempotency_keys set held_until = $2 where id = $1", request_id, until)


async def write_answer(tx: Transaction, request_id: UUID, held_until: datetime, status: int, answer: bytes) -> None:
    """Keep an answer, unless somebody took the request over meanwhile."""
    await tx.execute(
        "update idempotency_keys set status = $3, answer = $4 where id = $1 and held_until = $2 and status is null",
        request_id,
        held_until,
        status,
        answer,
    )


async def delete(tx: Transaction, request_id: UUID, held_until: datetime) -> None:
    """Forget a request that came to nothing, unless somebody took it over meanwhile."""
    await tx.execute(
        "delete from idempotency_keys where id = $1 and held_until = $2 and status is null", request_id, held_until
    )

"""The outbox: effects written in the transaction that caused them, claimed and settled by the jobs door.

`add` works in tenant scopes (own rows) and in the platform's; everything else is the platform's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.ids import OrganizationId
from control_plane.domain.outbox import (
    FIRST_TURN,
    LAST_ERROR_LENGTH,
    LAST_TENANT,
    LEASE,
    PLATFORM_PARTY,
    OutboxBacklog,
    OutboxMessage,
    Places,
)
from control_plane.stores.database import Rows, Transaction

EVERY_PLACE = Places()
"""Of a process that has nothing yet."""
_PARTY = f"coalesce(o.organization_id, '{PLATFORM_PARTY}')"
_OPEN = "o.done_at is null and o.dead_at is null"
_NEXT_PARTY = f"select {_PARTY} from outbox o where {_OPEN} and {_PARTY} > %s and {_PARTY} <= $6 order by 1 limit 1"  # noqa: S608 - our own words
_DUE = f"""
    select o.id from outbox o
    where {_OPEN} and {_PARTY} = p.id and o.next_attempt_at <= $2 and o.kind = any($1)
    and (o.order_key is null or not exists (
        select 1 from outbox e where e.order_key = o.order_key and e.kind = o.kind and e.id < o.id
        and e.done_at is null and e.dead_at is null))
    order by o.next_attempt_at, o.id
"""  # noqa: S608 - our own words
_TAKE = "update outbox set attempts = attempts + 1, next_attempt_at = $2::timestamptz + $4::interval"
_TAKEN = "returning id, organization_id, kind, order_key, body, attempts, created_at"
_CLAIM = f"""
    with recursive parties(id) as (
        ({_NEXT_PARTY % "$5"}) union all select ({_NEXT_PARTY % "p.id"}) from parties p where p.id is not null)
    {_TAKE}
    where id in (
        select due.id from parties p cross join lateral (
            {_DUE}
            limit case when p.id = '{PLATFORM_PARTY}' then $3::integer
                else coalesce(($8::integer[])[array_position($7::uuid[], p.id)], $9) end
            for update of o skip locked
        ) due where p.id is not null limit $3)
    {_TAKEN}
"""  # noqa: S608 - our own words
"""Party by party through the index outbox_turns: no tenant's heap of rows is read to find another's first."""
_CLAIM_SLOW = f"""
    {_TAKE}
    where id in (
        select due.id from unnest($5::uuid[], $6::integer[]) p(id, share) cross join lateral (
            {_DUE} limit p.share for update of o skip locked
        ) due limit $3)
    {_TAKEN}
"""  # noqa: S608 - our own words
"""The same for named parties, in the order they are named."""


def _message(row: Rows) -> OutboxMessage:
    organization_id = row["organization_id"]
    return OutboxMessage(
        id=row["id"],
        kind=row["kind"],
        body=msgspec.json.decode(row["body"]),
        organization_id=None if organization_id is None else OrganizationId(organization_id),
        order_key=row["order_key"],
        attempts=row["attempts"],
        created_at=row["created_at"],
    )


async def add(
    tx: Transaction,
    *,
    message_id: UUID,
    kind: str,
    body: dict[str, Any],
    now: datetime,
    organization_id: OrganizationId | None = None,
    order_key: str | None = None,
    not_before: datetime | None = None,
) -> bool:
    """Write an effect to be had after commit. False when the id was written before: a repeat is harmless.

    Args:
        tx: a tenant scope (organization_id is then its own) or the platform's.
        message_id: UUIDv7, made by the caller.
        kind: names the handler.
        body: JSON-ready; no larger than needed, it is read again for every try.
        now: when it was caused.
        organization_id: whose; None: the platform's.
        order_key: see `OutboxMessage`.
        not_before: the earliest moment to try it; None: at once.
    """
    count = await tx.execute(
        "insert into outbox (id, organization_id, kind, order_key, body, created_at, next_attempt_at) "
        "values ($1, $2, $3, $4, $5::jsonb, $6, $7) on conflict (id) do nothing",
        message_id,
        organization_id,
        kind,
        order_key,
        msgspec.json.encode(body).decode(),
        now,
        not_before or now,
    )
    if count == 1 and not_before is None:
        tx.has_effects = True
    return count == 1


async def claim(
    tx: Transaction, kinds: Iterable[str], now: datetime, limit: int, places: Places = EVERY_PLACE
) -> list[OutboxMessage]:
    """Take what is due, for one lease, by turns; rows another process holds are passed over.

    Of one order_key only the oldest that is not settled is due, so a later one waits for it.

    Args:
        tx: the platform's scope.
        kinds: of effects.
        now: the time.
        limit: most effects of those that are not slow, >= 0.
        places: for whom how many.
    """
    names, tenants = list(kinds), places.tenants
    # Who is after the platform is the lowest of all.
    last = FIRST_TURN if places.after == PLATFORM_PARTY else places.after
    rows: list[Rows] = []
    for above, up_to in ((last, LAST_TENANT), (LAST_TENANT, PLATFORM_PARTY), (FIRST_TURN, last)):
        free = min(limit - len(rows), places.platform if up_to == PLATFORM_PARTY else tenants)
        if free > 0 and above < up_to:
            shares = [list(places.shares), list(places.shares.values()), places.share]
            found = await tx.fetch(_CLAIM, names, now, free, LEASE, above, up_to, *shares)
            rows += found
            tenants -= 0 if up_to == PLATFORM_PARTY else len(found)
    if places.slow > 0 and places.slow_shares:
        turns = [list(places.slow_shares), list(places.slow_shares.values())]
        rows += await tx.fetch(_CLAIM_SLOW, names, now, places.slow, LEASE, *turns)
    return sorted(map(_message, rows), key=lambda message: message.id)


async def mark_done(tx: Transaction, message_id: UUID, now: datetime) -> None:
    """The effect was had. Its body goes: it may hold what is nobody's business any more, such as a link of a mail."""
    await tx.execute("update outbox set done_at = $2, body = '{}', last_error = null where id = $1", message_id, now)


async def mark_failed(tx: Transaction, message_id: UUID, error: str, next_attempt_at: datetime) -> None:
    """It failed and is tried again then."""
    await tx.execute(
        "update outbox set last_error = $2, next_attempt_at = $3 where id = $1 and done_at is null",
        message_id,
        error[:LAST_ERROR_LENGTH],
        next_attempt_at,
    )


async def mark_dead(tx: Transaction, message_id: UUID, error: str, now: datetime) -> None:
    """It is given up: a dead letter, kept with its body for an operator to look at, until it is forgotten."""
    await tx.execute(
        "update outbox set last_error = $2, dead_at = $3 where id = $1 and done_at is null",
        message_id,
        error[:LAST_ERROR_LENGTH],
        now,
    )


async def revive(tx: Transaction, kind: str, now: datetime) -> int:
    """Try the dead letters of a kind again, from the first attempt on. Answers how many."""
    return await tx.execute(
        "update outbox set dead_at = null, attempts = 0, next_attempt_at = $2 where kind = $1 and dead_at is not null",
        kind,
        now,
    )


async def backlog(tx: Transaction) -> OutboxBacklog:
    """How much waits and how much was given up."""
    row = await tx.fetchrow(
        "select count(*) filter (where dead_at is null) as waiting, count(dead_at) as dead, "
        "min(created_at) filter (where dead_at is null) as oldest_at from outbox where done_at is null"
    )
    assert row is not None
    return OutboxBacklog(waiting=row["waiting"], dead=row["dead"], oldest_at=row["oldest_at"])


async def forget(tx: Transaction, done_before: datetime, dead_before: datetime, limit: int) -> int:
    """Delete what was done, or given up, before those moments, at most limit rows. Answers how many."""
    return await tx.execute(
        "delete from outbox where id in (select id from outbox where done_at < $1 "
        "union all select id from outbox where dead_at < $2 limit $3)",
        done_before,
        dead_before,
        limit,
    )

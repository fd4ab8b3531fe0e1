"""The outbox as use cases: put an effect beside what causes it, and have the effects that are due.

    async with db.tenant(organization_id) as tx:
        await store.insert_room(tx, room)
        await outbox.put(tx, "webhook", {...}, organization_id=organization_id, order_key=str(room.id))

The row commits or rolls back with the rest; the bus then wakes the jobs door at once (`app.py` tells the database how, so
that rows written by stores wake it, too), and its tick finds what the bus lost.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import structlog

from control_plane.domain.events import OutboxFilled
from control_plane.domain.ids import OrganizationId
from control_plane.domain.outbox import OUTBOX_TOPIC, GiveUp, OutboxBacklog, OutboxMessage, OutboxPolicy, Places
from control_plane.services.ports import Bus, Clock, Ids
from control_plane.stores import outbox as store
from control_plane.stores.database import Database, Transaction

ATTEMPT_TIMEOUT_S = 30.0
"""How long a handler may take; half the lease, so that nobody else begins meanwhile."""
KEEP_DONE = timedelta(days=7)
"""How long rows of effects that were had are kept, emptied, for counting."""
KEEP_DEAD = timedelta(days=30)
"""How long a dead letter waits for an operator; it may hold somebody's address."""
FORGET_AT_ONCE = 5_000
"""Rows deleted in one transaction."""
Handler = Callable[[OutboxMessage], Awaitable[None]]
"""Has one effect, outside any scope. Whatever it raises is a failure; `GiveUp` the last one."""
log = structlog.get_logger(__name__)


class OutboxKind(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind is had, and how long it is tried."""

    handle: Handler
    policy: OutboxPolicy = OutboxPolicy()


@dataclass(frozen=True, slots=True)
class OutboxService:
    """Puts effects in, and has them."""

    db: Database
    bus: Bus
    clock: Clock
    ids: Ids
    spread: Callable[[], float] = field(default=random.random)

    async def put(
        self,
        tx: Transaction,
        kind: str,
        body: dict[str, Any],
        *,
        organization_id: OrganizationId | None = None,
        order_key: str | None = None,
        message_id: UUID | None = None,
        not_before: datetime | None = None,
    ) -> None:
        """Write an effect in the transaction that causes it; see `stores.outbox.add`."""
        await store.add(
            tx,
            message_id=message_id or self.ids.new(),
            kind=kind,
            body=body,
            now=self.clock.now(),
            organization_id=organization_id,
            order_key=order_key,
            not_before=not_before,
        )

    async def claim(
        self, kinds: Mapping[str, OutboxKind], limit: int, places: Places = store.EVERY_PLACE
    ) -> list[OutboxMessage]:
        """Take effects that are due, for one lease; see `stores.outbox.claim`. Raises Unavailable."""
        async with self.db.platform() as tx:
            return await store.claim(tx, kinds, self.clock.now(), limit, places)

    async def have(self, message: OutboxMessage, kind: OutboxKind) -> str:
        """Have one claimed effect and write what came of it.

        Returns:
            done, retry or dead.

        Raises:
            Unavailable: the outcome could not be written; the lease ends and it is tried again.
        """
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                await kind.handle(message)
        except GiveUp as error:
            return await self._failed(message, str(error), None)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is a failure of this one effect
            pause = kind.policy.pause(message.attempts, self.spread())
            return await self._failed(message, f"{type(error).__name__}: {error}", pause)
        async with self.db.platform() as tx:
            await store.mark_done(tx, message.id, self.clock.now())
        return "done"

    async def _failed(self, message: OutboxMessage, reason: str, pause: timedelta | None) -> str:
        log.warning("outbox_failed", id=str(message.id), kind=message.kind, attempts=message.attempts, reason=reason)
        now = self.clock.now()
        async with self.db.platform() as tx:
            if pause is None:
                await store.mark_dead(tx, message.id, reason, now)
                return "dead"
            await store.mark_failed(tx, message.id, reason, now + pause)
        return "retry"

    async def backlog(self) -> OutboxBacklog:
        """How much waits and how much was given up. Raises Unavailable."""
        async with self.db.platform() as tx:
            return await store.backlog(tx)

    async def revive(self, kind: str) -> int:
        """An operator's word: try the dead letters of a kind again. Answers how many. Raises Unavailable."""
        async with self.db.platform() as tx:
            count = await store.revive(tx, kind, self.clock.now())
            tx.after_commit(partial(self.bus.publish, OUTBOX_TOPIC, OutboxFilled()))
            return count

    async def forget(self) -> int:
        """Delete rows that were done KEEP_DONE ago or given up KEEP_DEAD ago, in batches. Answers how many.

        Raises:
            Unavailable: a batch did not commit. Those before it are gone.
        """
        now, gone = self.clock.now(), 0
        while True:
            async with self.db.platform() as tx:
                count = await store.forget(tx, now - KEEP_DONE, now - KEEP_DEAD, FORGET_AT_ONCE)
            gone += count
            if count < FORGET_AT_ONCE:
                return gone

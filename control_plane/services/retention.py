"""What is kept for a time only: chat and audit entries, for as long as their organization says, and webhooks' history.

A chore of the jobs door. It works in batches: each is one transaction of one organization, so no lock is held for long, and
whatever ends a run in its middle leaves whole batches; the next run goes on with what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import OrganizationId
from control_plane.stores import retention as store
from control_plane.stores.database import Database, Transaction

BATCH = 5_000
"""Rows one transaction takes out."""
STATEMENT_MS, LOCK_MS = 20_000, 1_000
"""A batch may take longer than a use case's statement, and gives way sooner."""
Step = Callable[[Transaction, int], Awaitable[int]]
"""Takes out at most so many rows, and answers how many it took."""
log = structlog.get_logger("retention")


async def in_batches(db: Database, organization_id: OrganizationId, what: str, step: Step, batch: int) -> int | None:
    """Repeat a step, each time in a transaction of its own, until it finds less than a batch.

    Returns:
        How many rows it took; None: another process is at this organization's rows.

    Raises:
        Unavailable: a batch did not commit. Those before it stay.
    """
    taken = 0
    while True:
        async with db.platform() as tx:
            await tx.allow(statement_ms=STATEMENT_MS, lock_ms=LOCK_MS)
            if not await store.try_hold(tx, organization_id):
                return None
            count = await step(tx, batch)
        taken += count
        if count:
            log.info("rows_taken_out", what=what, organization_id=str(organization_id), rows=count, so_far=taken)
        if count < batch:
            return taken


@dataclass(frozen=True, slots=True)
class RetentionService:
    """Applies retention. batch: see BATCH."""

    db: Database
    batch: int = BATCH

    async def apply(self) -> Counter[str]:
        """Take out what is too old. Answers how many rows of each table.

        Raises:
            Unavailable: some batch did not commit; everything else was done.
        """
        taken: Counter[str] = Counter()
        failed: Unavailable | None = None
        for table in store.KEPT_FOR_A_TIME:
            async with self.db.platform() as tx:
                await tx.allow(statement_ms=STATEMENT_MS, lock_ms=LOCK_MS)
                organizations = await store.list_having_old(tx, table)
            for organization_id in organizations:
                try:
                    taken[table] += await self._expire(table, organization_id)
                except Unavailable as error:
                    # One organization's trouble does not keep the others waiting.
                    log.warning("retention_stopped", what=table, organization_id=str(organization_id))
                    failed = error
        if taken.total():
            log.info("retention_applied", **taken)
        if failed is not None:
            raise failed
        return taken

    async def _expire(self, table: str, organization_id: OrganizationId) -> int:
        async def step(tx: Transaction, limit: int) -> int:
            return await store.expire(tx, table, organization_id, limit)

        return await in_batches(self.db, organization_id, table, step, self.batch) or 0

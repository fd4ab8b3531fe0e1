"""The audit log: every change of an organization leaves an entry in the transaction that makes it.

    async with self.db.tenant(organization_id) as tx:
        await store.insert_room(tx, room)
        await audit.note(tx, caller, organization_id, "room.created", ("room", room.id), after={"name": room.name})

Names and addresses of people stay out of `before` and `after` (domain/audit.py).
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.audit import USER_AGENT_MAX_LENGTH, ActorKind, AuditEntry, AuditFilter, csv_cell
from control_plane.domain.callers import Caller
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Permission
from control_plane.domain.webhooks import EVENTS
from control_plane.services import access
from control_plane.stores import audit as store
from control_plane.stores import webhooks
from control_plane.stores.database import Database, Transaction

EXPORT_PAGE = 500
"""Entries read at once while exporting: one short transaction each."""
_FED = ("session.", "alert.")
"""Webhook events that the room's feed tells (stores/feed.py)."""
OPERATOR, SYSTEM = ActorKind.OPERATOR, ActorKind.SYSTEM


async def note(
    tx: Transaction,
    by: Caller | ActorKind,
    organization_id: OrganizationId,
    action: str,
    subject: tuple[str, UUID | None],
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write that somebody changed something; it commits or fails with the change.

    Args:
        tx: the scope of the change: the tenant's, or the platform's for what operators and jobs do.
        by: who; an `ActorKind` when it is no person.
        organization_id: where.
        action: noun.past, such as room.created.
        subject: its kind and id.
        before: what it was, JSON-ready; None: it was not there.
        after: what it is; None: it is gone.
    """
    caller = by if isinstance(by, Caller) else None
    origin = None if caller is None else caller.origin
    token_id = None if caller is None else caller.token_id
    kind = by if isinstance(by, ActorKind) else ActorKind.USER if token_id is None else ActorKind.TOKEN
    await store.add_entry(
        tx,
        organization_id,
        actor_kind=kind,
        actor_id=None if caller is None else caller.user_id,
        token_id=token_id,
        session_id=None if caller is None else caller.session_id,
        action=action,
        subject_kind=subject[0],
        subject_id=subject[1],
        before=before,
        after=after,
        ip=None if origin is None else origin.ip,
        user_agent=None if origin is None or origin.user_agent is None else origin.user_agent[:USER_AGENT_MAX_LENGTH],
        request_id=None if origin is None else origin.request_id,
    )
    if caller is not None and subject[1] is not None and action in EVENTS and not action.startswith(_FED):
        data = {"actorId": caller.user_id, "before": before, "after": after}
        await webhooks.tell(tx, organization_id, action, subject[1], data, datetime.now(UTC), actor_id=caller.user_id)


@dataclass(frozen=True, slots=True)
class AuditService:
    """Reading the log; on every plan."""

    db: Database

    async def list_entries(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        wanted: AuditFilter,
        *,
        before_id: UUID | None,
        limit: int,
    ) -> tuple[list[AuditEntry], UUID | None]:
        """Entries newest first, from below an id on; with `wanted.words` among the next `SEARCHED_AT_ONCE` only.

        Answers them, and where a search goes on: the last entry looked at; None: no search, or the log ends there.

        Raises:
            NotFound, Forbidden, Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.READ_AUDIT)
            if wanted.words:
                return await store.find_entries(tx, organization_id, wanted, before_id=before_id, limit=limit)
            return await store.list_entries(tx, organization_id, wanted, before_id=before_id, limit=limit), None

    async def export(
        self, caller: Caller, organization_id: OrganizationId, wanted: AuditFilter, *, is_csv: bool
    ) -> AsyncIterator[bytes]:
        """All entries, newest first, as CSV (RFC 4180, with a head) or NDJSON; the export itself is an entry.

        The right is checked before the first byte, and again for every page.

        Raises:
            NotFound, Forbidden, Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.READ_AUDIT)
            form = {"format": "csv" if is_csv else "ndjson"}
            await note(tx, caller, organization_id, "audit.exported", ("organization", organization_id), after=form)
        return self._pages(caller, organization_id, wanted, is_csv=is_csv)

    async def _pages(
        self, caller: Caller, organization_id: OrganizationId, wanted: AuditFilter, *, is_csv: bool
    ) -> AsyncIterator[bytes]:
        if is_csv:
            yield _csv([list(AuditEntry.__struct_encode_fields__)])
        before_id: UUID | None = None
        while True:
            entries, _ = await self.list_entries(
                caller, organization_id, wanted, before_id=before_id, limit=EXPORT_PAGE
            )
            if not entries:
                return
            if is_csv:
                yield _csv([[csv_cell(getattr(entry, name)) for name in entry.__struct_fields__] for entry in entries])
            else:
                yield b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
            before_id = entries[-1].id


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()

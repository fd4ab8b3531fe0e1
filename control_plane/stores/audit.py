"""The audit log's rows: added in the scope of the change, and read by the tenant."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.audit import ActorKind, AuditEntry, AuditFilter
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.stores.database import Rows, Transaction
from control_plane.stores.fresh_ids import fresh_id

_COLUMNS = (
    "id, at, actor_kind, actor_id, token_id, session_id, action, subject_kind, subject_id, "
    "before, after, ip, user_agent, request_id"
)
_ADD = (
    f"insert into audit_log ({_COLUMNS}, organization_id) "  # noqa: S608 - our own columns
    "values ($1, now(), $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11, $12, $13, $14)"
)
_WANTED = """
    organization_id = $1
    and ($2::uuid is null or actor_id = $2) and ($3::text is null or action = $3 or action like $3 || '.%')
    and ($4::text is null or subject_kind = $4) and ($5::uuid is null or subject_id = $5)
    and ($6::timestamptz is null or at >= $6) and ($7::timestamptz is null or at < $7)
    and ($8::uuid is null or id < $8)
"""
_LIST = f"select {_COLUMNS} from audit_log where {_WANTED} order by id desc limit $9"  # noqa: S608 - our own columns
_SEARCHED = f"select id from audit_log where {_WANTED} order by id desc offset $9 limit 1"  # noqa: S608 - our own columns
_FIND = f"""
    select {_COLUMNS} from audit_log where {_WANTED} and ($10::uuid is null or id >= $10) and (
        strpos(action, $11) > 0 or strpos(subject_kind || ' ' || coalesce(subject_id::text, ''), $11) > 0
        or strpos(lower(before::text), $11) > 0 or strpos(lower(after::text), $11) > 0
        or actor_id in (select m.user_id from memberships m join users u on u.id = m.user_id
            where m.organization_id = $1 and (strpos(lower(u.display_name), $11) > 0 or strpos(u.email, $11) > 0))
    ) order by id desc limit $9
"""  # noqa: S608 - our own columns
SEARCHED_AT_ONCE = 5_000
"""Entries one page of a search looks at, however few of them match: it reads so many rows at most."""


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _object(text: str | None) -> dict[str, Any] | None:
    return None if text is None else msgspec.json.decode(text, type=dict[str, Any])


def _entry(row: Rows) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        actor_kind=ActorKind(row["actor_kind"]),
        actor_id=None if row["actor_id"] is None else UserId(row["actor_id"]),
        token_id=row["token_id"],
        session_id=row["session_id"],
        action=row["action"],
        subject_kind=row["subject_kind"],
        subject_id=row["subject_id"],
        before=_object(row["before"]),
        after=_object(row["after"]),
        ip=row["ip"],
        user_agent=row["user_agent"],
        request_id=row["request_id"],
    )


async def add_entry(
    tx: Transaction,
    organization_id: OrganizationId,
    *,
    actor_kind: ActorKind,
    actor_id: UserId | None,
    token_id: UUID | None,
    session_id: UUID | None,
    action: str,
    subject_kind: str,
    subject_id: UUID | None,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    ip: str | None,
    user_agent: str | None,
    request_id: str | None,
) -> None:
    """Write an entry. Its time is the transaction's: what commits together happened together."""
    # The id only orders the list; who changes something has no business choosing it.
    entry_id = fresh_id()
    await tx.execute(
        _ADD,
        entry_id,
        actor_kind.value,
        actor_id,
        token_id,
        session_id,
        action,
        subject_kind,
        subject_id,
        _json(before),
        _json(after),
        ip,
        user_agent,
        request_id,
        organization_id,
    )


async def list_entries(
    tx: Transaction, organization_id: OrganizationId, wanted: AuditFilter, *, before_id: UUID | None, limit: int
) -> list[AuditEntry]:
    """Entries newest first, from below an id on, at most limit."""
    rows = await tx.fetch(_LIST, *_values(organization_id, wanted, before_id), limit)
    return [_entry(row) for row in rows]


async def find_entries(
    tx: Transaction, organization_id: OrganizationId, wanted: AuditFilter, *, before_id: UUID | None, limit: int
) -> tuple[list[AuditEntry], UUID | None]:
    """As `list_entries`, of those that hold `wanted.words`, among the next SEARCHED_AT_ONCE.

    Answers them, and the id of the last entry that was looked at; None: the log ends there.
    """
    values = _values(organization_id, wanted, before_id)
    last: UUID | None = await tx.fetchval(_SEARCHED, *values, SEARCHED_AT_ONCE - 1)
    rows = await tx.fetch(_FIND, *values, limit, last, wanted.words.lower())
    return [_entry(row) for row in rows], last


def _values(organization_id: OrganizationId, wanted: AuditFilter, before_id: UUID | None) -> tuple[Any, ...]:
    return (
        organization_id,
        wanted.actor_id,
        wanted.action,
        wanted.subject_kind,
        wanted.subject_id,
        wanted.since,
        wanted.until,
        before_id,
    )

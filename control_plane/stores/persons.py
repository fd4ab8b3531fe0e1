"""A person's data across tenants: read for an export in scopes of their own, and erased in the platform's.

Erasing works in the platform scope with the person's id set: each policy then opens that person's rows and no others
(migration 2026-11-22T22:10:00:000002). Rows stay where others need them, so counts and ledgers stay true; names, addresses
and free text go.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.ids import OrganizationId, UserId
from control_plane.stores.database import Transaction, columns_of

REMOVED_NAME = "Former member"
REMOVED_TEXT = "[removed]"
"""Stands where free text was."""
ERASED_DOMAIN = "@erased.invalid"
"""Of a tombstone's address: no mail ever goes there (RFC 6761, 6.4)."""
_SIGN_IN = (
    "auth_sessions",
    "auth_mailed_tokens",
    "auth_flow_codes",
    "auth_factors",
    "auth_recovery_codes",
    "auth_credentials",
)
_PAGE = "and ($3::uuid is null or t.id > $3) order by t.id limit $4"
_EXPORTS = {
    "memberships": "select t.id, o.name as organization_name, t.role, t.is_host, t.created_at from memberships t "
    "join organizations o on o.id = t.organization_id where t.organization_id = $1 and t.user_id = $2 ",
    "room_roles": "select id, room_id, role, created_at from room_roles t where organization_id = $1 and user_id = $2 ",
    "chat_messages": "select id, room_id, text, created_at from chat_messages t "
    "where organization_id = $1 and author_id = $2 ",
    "alerts": "select id, room_id, symbol, side, entry, stop, targets, note, created_at from alerts t "
    "where organization_id = $1 and author_id = $2 ",
    "alert_steps": "select id, alert_id, kind, price, fraction, target, at from alert_steps t "
    "where organization_id = $1 and author_id = $2 ",
    "participations": "select id, live_session_id, display_name, role, created_at, joined_at, left_at, removed_at "
    "from participants t where organization_id = $1 and user_id = $2 ",
    "audit_entries": "select id, at, action, subject_kind, subject_id, ip, user_agent from audit_log t "
    "where organization_id = $1 and actor_id = $2 ",
}
EXPORTED = tuple(_EXPORTS)
"""Sections of an export, per organization."""


async def export_page(
    tx: Transaction,
    organization_id: OrganizationId,
    user_id: UserId,
    section: str,
    *,
    after: UUID | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Rows of a person in one organization, by id, after one of them, at most limit."""
    rows = await tx.fetch(_EXPORTS[section] + _PAGE, organization_id, user_id, after, limit)
    return [columns_of(row) for row in rows]


async def read_profile(tx: Transaction, user_id: UserId) -> dict[str, Any] | None:
    """The login; platform scope. None when it is gone."""
    row = await tx.fetchrow(
        "select u.id, u.email, u.display_name, u.created_at, u.updated_at, c.user_metadata, c.last_sign_in_at "
        "from users u left join auth_credentials c on c.user_id = u.id where u.id = $1",
        user_id,
    )
    if row is None:
        return None
    profile = columns_of(row)
    profile["user_metadata"] = msgspec.json.decode(profile["user_metadata"] or "{}")
    return profile


async def erase_content(tx: Transaction, user_id: UserId) -> None:
    """Take a person's words, names and addresses out of every tenant's rows; platform scope."""
    await tx.execute("select set_config('app.user_id', $1, true)", str(user_id))
    removed = msgspec.json.encode({"text": REMOVED_TEXT}).decode()
    await tx.execute("update chat_messages set text = $2 where author_id = $1", user_id, REMOVED_TEXT)
    await tx.execute("update alerts set note = '' where author_id = $1", user_id)
    await tx.execute(
        "update room_events set author_name = $2, body = case kind when 'chat.posted' then $3::jsonb "
        "when 'alert.posted' then body || '{\"note\": \"\"}' else body end where author_id = $1",
        user_id,
        REMOVED_NAME,
        removed,
    )
    await tx.execute("update participants set display_name = $2 where user_id = $1", user_id, REMOVED_NAME)
    await tx.execute("update audit_log set ip = null, user_agent = null where actor_id = $1", user_id)
    await tx.execute("delete from invitations where email = (select email from users where id = $1)", user_id)


async def erase_login(tx: Transaction, user_id: UserId, now: datetime) -> bool:
    """Leave a tombstone of the login that nobody can sign in to; platform scope. False when it is gone already.

    The login's row has to stay, because rows of others point at it; so the tables of its sign-in are emptied one by one.
    """
    email: str | None = await tx.fetchval("select email from users where id = $1 for update", user_id)
    if email is None or email.endswith(ERASED_DOMAIN):
        return False
    await tx.execute("delete from outbox where kind = 'mail' and body->>'to' = $1", email)
    await tx.execute("delete from dev_mailbox where to_address = $1", email)
    for table in _SIGN_IN:
        await tx.execute(f"delete from {table} where user_id = $1", user_id)  # noqa: S608 - our own list
    await tx.execute(
        "update users set email = $2, display_name = $3, updated_at = $4 where id = $1",
        user_id,
        f"{user_id}{ERASED_DOMAIN}",
        REMOVED_NAME,
        now,
    )
    return True


async def forget_answers(tx: Transaction) -> None:
    """Answers kept for repeats of a person's requests; their user scope."""
    await tx.execute("delete from idempotency_keys")


async def expire_chat(tx: Transaction) -> int:
    """Take the words out of chat that is older than its organization keeps; platform scope. Answers how many.

    The entries stay, with their numbers: a feed has no holes.
    """
    await tx.execute(
        "update chat_messages c set text = $1 from organizations o where o.id = c.organization_id and c.text <> $1 "
        "and c.created_at < now() - make_interval(days => o.chat_retention_days)",
        REMOVED_TEXT,
    )
    return await tx.execute(
        "update room_events e set body = $1::jsonb from organizations o where o.id = e.organization_id "
        "and e.kind = 'chat.posted' and e.body <> $1::jsonb "
        "and e.at < now() - make_interval(days => o.chat_retention_days)",
        msgspec.json.encode({"text": REMOVED_TEXT}).decode(),
    )

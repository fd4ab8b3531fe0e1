"""A person's data across tenants: read for an export in scopes of their own, and erased in the platform's.

Erasing works in the platform scope with the person's id set: each policy then opens that person's rows and no others
(migration 2026-11-22T22:10:00:000002). Rows stay where others need them, so counts and ledgers stay true; names, addresses
and free text go.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.ids import OrganizationId, UserId
from control_plane.stores.database import Transaction, columns_of

REMOVED_NAME = "Former member"
REMOVED_TEXT = "[removed]"
"""Stands where free text was. Partial indexes and policies say both words literally, so statements here do too."""
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


class _Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """How a person is taken out of one table.

    Attributes:
        who: the column that names them.
        left: of a row that is not done yet, in the words of a partial index.
        removal: what is written.
        at: its time, by which the index goes.
        key: its primary key.
        match: a row and its key, found before.
    """

    who: str
    left: str
    removal: str
    at: str = "created_at"
    key: str = "id"
    match: str = "t.id = found.id"


_ERASURES: Mapping[str, _Erasure] = {
    "chat_messages": _Erasure(who="author_id", left="text <> '[removed]'", removal="text = '[removed]'"),
    "alerts": _Erasure(who="author_id", left="note <> ''", removal="note = ''"),
    "room_events": _Erasure(
        who="author_id",
        left="(author_name <> 'Former member' or (kind = 'chat.posted' and body ->> 'text' <> '[removed]') "
        "or (kind = 'alert.posted' and body ->> 'note' <> ''))",
        removal="author_name = 'Former member', body = case t.kind when 'chat.posted' then '{\"text\": \"[removed]\"}' "
        "when 'alert.posted' then t.body || '{\"note\": \"\"}' else t.body end",
        at="at",
        key="room_id, seq",
        match="t.room_id = found.room_id and t.seq = found.seq",
    ),
    "participants": _Erasure(
        who="user_id", left="display_name <> 'Former member'", removal="display_name = 'Former member'"
    ),
    "audit_log": _Erasure(
        who="actor_id",
        left="(ip is not null or user_agent is not null)",
        removal="ip = null, user_agent = null",
        at="at",
    ),
    # What was sent is no ledger: only which event it was stays, and whether it arrived. A replay sends that.
    "webhook_deliveries": _Erasure(
        who="actor_id",
        # A body of ours has no space behind a name; what json_build_object writes has.
        left="body not like '%\"erased\" : true%'",
        removal="body = json_build_object('id', 'msg_' || replace(t.event_id::text, '-', ''), "
        "'type', t.event, 'timestamp', t.created_at, 'organizationId', t.organization_id, 'objectId', t.object_id, "
        "'data', json_build_object('erased', true))::text, attempts = coalesce("
        "(select jsonb_agg(a || '{\"excerpt\": \"\"}') from jsonb_array_elements(t.attempts) a), '[]')",
    ),
}
ERASED = tuple(_ERASURES)
"""Tables of tenants that hold a person's words, names or addresses, and lose them."""
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
    "single_sign_on": "select id, connection_id, subject, email, created_at, used_at from sso_identities t "
    "where organization_id = $1 and user_id = $2 ",
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


async def open_to(tx: Transaction, user_id: UserId) -> bool:
    """Open a person's rows to the platform scope. False when another process is erasing this person."""
    await tx.execute("select set_config('app.user_id', $1, true)", str(user_id))
    held: bool = await tx.fetchval("select pg_try_advisory_xact_lock(hashtext('erasure'), hashtext($1))", str(user_id))
    return held


async def erase_part(tx: Transaction, table: str, user_id: UserId, limit: int) -> int:
    """Take a person's words, names and addresses out of one table of ERASED, in one organization; after `open_to`.

    limit: rows at most. Answers how many; 0: nothing is left, in any organization.
    """
    part = _ERASURES[table]
    # In the order of the partial index, so that no other is read: those go through what is done already.
    return await tx.execute(
        f"with oldest as (select {part.key}, organization_id from {table} where {part.who} = $1 and {part.left} "  # noqa: S608 - our own list
        f"order by organization_id, {part.at} limit $2) update {table} t set {part.removal} from oldest found "
        f"where {part.match} and found.organization_id = (select organization_id from oldest limit 1)",
        user_id,
        limit,
    )


async def erase_ways_in(tx: Transaction, user_id: UserId) -> None:
    """Delete invitations to a person's address, accepted ones too, and what providers call them; after `open_to`."""
    await tx.execute("delete from sso_identities where user_id = $1", user_id)
    await tx.execute("delete from invitations where email = (select email from users where id = $1)", user_id)


async def find_address(tx: Transaction, user_id: UserId) -> str | None:
    """A login's address; platform scope. None when it is gone or was erased."""
    email: str | None = await tx.fetchval("select email from users where id = $1", user_id)
    return None if email is None or email.endswith(ERASED_DOMAIN) else email


async def erase_login(tx: Transaction, user_id: UserId, now: datetime) -> bool:
    """Leave a tombstone of the login that nobody can sign in to; platform scope. False when it is gone already.

    The login's row has to stay, because rows of others point at it; so the tables of its sign-in are emptied one by one.
    """
    email: str | None = await tx.fetchval("select email from users where id = $1 for update", user_id)
    if email is None or email.endswith(ERASED_DOMAIN):
        return False
    await _erase_letters(tx, email.lower())
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


async def _erase_letters(tx: Transaction, email: str) -> None:
    """Delete letters and wishes of a person that wait or were given up; those that were had are emptied already.

    An address they only wish for, or one that theirs is a part of, is somebody else's: what goes there stays. Only the
    letter that asks it to agree goes too, by their own address, which stands in its text between spaces.
    """
    await tx.execute(
        "delete from outbox where done_at is null and (kind = 'mail' and lower(body->>'to') = $1 "
        "or organization_id is null and (lower(body->>'email') = $1 "
        "or kind = 'mail' and position(' ' || $1 || ' ' in lower(body->>'text')) > 0))",
        email,
    )
    await tx.execute(
        "delete from dev_mailbox where lower(to_address) = $1 or position(' ' || $1 || ' ' in lower(text)) > 0", email
    )
    # A server's words about somebody else's letter: the letter stays.
    await tx.execute(
        "update outbox set last_error = null where done_at is null and position($1 in lower(last_error)) > 0", email
    )


async def forget_answers(tx: Transaction) -> None:
    """Answers kept for repeats of a person's requests; their user scope."""
    await tx.execute("delete from idempotency_keys")

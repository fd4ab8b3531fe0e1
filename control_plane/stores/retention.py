"""What is kept for a time only, and whole organizations at their end: found and taken out a batch at a time; platform scope.

Policies say which rows the platform reaches (migration 2026-11-23T01:40:00:000002); its indexes hold what is left to do.
"""

# ruff: noqa: S608 - put together from the words below

from __future__ import annotations

from collections.abc import Mapping

from control_plane.domain.ids import OrganizationId
from control_plane.stores.database import Transaction

DELIVERIES_KEPT_DAYS = 30
"""How long a settled webhook delivery is kept; the policy `platform_clears` of its table says the same."""
TOKENS_KEPT_DAYS = 90
"""How long an API token is kept after it was revoked or ended; its policies say the same. Audit entries stay."""
_IS_OLD: Mapping[str, str] = {
    "chat_messages": "t.text <> '[removed]' and t.created_at < now() - make_interval(days => o.chat_retention_days)",
    "room_events": "t.kind = 'chat.posted' and t.body ->> 'text' <> '[removed]' "
    "and t.at < now() - make_interval(days => o.chat_retention_days)",
    "audit_log": "o.audit_retention_days is not null "
    "and t.at < now() - make_interval(days => greatest(o.audit_retention_days, 365))",
    "webhook_deliveries": f"t.created_at < now() - make_interval(days => {DELIVERIES_KEPT_DAYS}) "
    "and (t.delivered_at is not null or t.failed_at is not null)",
    "api_tokens": f"least(t.revoked_at, t.expires_at) < now() - make_interval(days => {TOKENS_KEPT_DAYS})",
}
"""Of a row t and its organization o. What has no retention of its organization has one of ours, or null: kept."""
_TAKE_OUT: Mapping[str, str] = {
    "chat_messages": "update chat_messages set text = '[removed]' where (id) in",
    "room_events": 'update room_events set body = \'{"text": "[removed]"}\' where (room_id, seq) in',
    "audit_log": "delete from audit_log where (id) in",
    "webhook_deliveries": "delete from webhook_deliveries where (id) in",
    "api_tokens": "delete from api_tokens where (id) in",
}
_KEYS = {"room_events": "t.room_id, t.seq"}
"""Of tables whose key is not id."""
_TIMES = {"room_events": "t.at", "audit_log": "t.at", "api_tokens": "least(t.revoked_at, t.expires_at)"}
"""Where it is not created_at. Oldest first is the order of the indexes that hold what is left, and of no others."""
KEPT_FOR_A_TIME = tuple(_TAKE_OUT)
"""What has a retention. Of chat only the words go: entries stay, with their numbers, because a feed has no holes."""
CLEARED = (
    "alert_steps",
    "alerts",
    "chat_messages",
    "room_events",
    "participants",
    "webhook_deliveries",
    "audit_log",
    "outbox",
)
"""Tables that grow with what is said and done, in an order that leaves no row to a cascade. They are emptied before their
organization is deleted; the others grow with what is set up, and go with it."""


async def try_hold(tx: Transaction, organization_id: OrganizationId) -> bool:
    """Whether nobody else is taking this organization's rows out; nobody begins until commit."""
    held: bool = await tx.fetchval(
        "select pg_try_advisory_xact_lock(hashtext('retention'), hashtext($1))", str(organization_id)
    )
    return held


async def list_having_old(tx: Transaction, table: str) -> list[OrganizationId]:
    """The organizations with a row of this table that is kept too long."""
    rows = await tx.fetch(
        f"select o.id from organizations o where exists "
        f"(select 1 from {table} t where t.organization_id = o.id and {_IS_OLD[table]}) order by o.id"
    )
    return [OrganizationId(row["id"]) for row in rows]


async def expire(tx: Transaction, table: str, organization_id: OrganizationId, limit: int) -> int:
    """Take out what is too old of one table, at most limit rows. Answers how many."""
    key = _KEYS.get(table, "t.id")
    return await tx.execute(
        f"{_TAKE_OUT[table]} (select {key} from organizations o join {table} t on t.organization_id = o.id "
        f"where o.id = $1 and {_IS_OLD[table]} order by {_TIMES.get(table, 't.created_at')} limit $2)",
        organization_id,
        limit,
    )


# --- organizations at their end


async def list_due(tx: Transaction) -> list[OrganizationId]:
    """Organizations whose grace is over, longest first."""
    rows = await tx.fetch("select id from organizations where deletes_at <= now() order by deletes_at, id")
    return [OrganizationId(row["id"]) for row in rows]


async def clear(tx: Transaction, table: str, organization_id: OrganizationId, limit: int) -> int:
    """Delete rows of an organization whose grace is over, at most limit. Answers how many."""
    key = _KEYS.get(table, "t.id")
    return await tx.execute(
        f"delete from {table} t where ({key}) in (select {key} from {table} t where t.organization_id = $1 limit $2)",
        organization_id,
        limit,
    )


async def delete_organization(tx: Transaction, organization_id: OrganizationId) -> bool:
    """Delete an organization whose grace is over, with what is left of it. False when it is gone, or was taken back."""
    return await tx.execute("delete from organizations where id = $1 and deletes_at <= now()", organization_id) == 1

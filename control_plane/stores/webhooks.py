"""Webhook endpoints and deliveries, in their tenant's scope."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.ids import OrganizationId
from control_plane.domain.webhooks import (
    ALL,
    KIND,
    Attempt,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
    message_body,
)
from control_plane.stores import outbox
from control_plane.stores.database import Rows, Transaction
from control_plane.stores.fresh_ids import fresh_id

_ENDPOINT = (
    "id, organization_id, created_by, url, description, events, secret, old_secret, old_secret_until, created_at, "
    "updated_at, failing_since, disabled_at, disabled_reason"
)
_DELIVERY = (
    "id, organization_id, endpoint_id, event_id, event, object_id, body, created_at, delivered_at, failed_at, attempts"
)


def _endpoint(row: Rows) -> WebhookEndpoint:
    reason = row["disabled_reason"]
    return WebhookEndpoint(
        id=row["id"],
        organization_id=OrganizationId(row["organization_id"]),
        created_by=row["created_by"],
        url=row["url"],
        description=row["description"],
        events=list(row["events"]),
        secret=row["secret"],
        old_secret=row["old_secret"],
        old_secret_until=row["old_secret_until"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        failing_since=row["failing_since"],
        disabled_at=row["disabled_at"],
        disabled_reason=None if reason is None else DisabledReason(reason),
    )


def _delivery(row: Rows) -> WebhookDelivery:
    return WebhookDelivery(
        id=row["id"],
        organization_id=OrganizationId(row["organization_id"]),
        endpoint_id=row["endpoint_id"],
        event_id=row["event_id"],
        event=row["event"],
        object_id=row["object_id"],
        body=row["body"],
        created_at=row["created_at"],
        delivered_at=row["delivered_at"],
        failed_at=row["failed_at"],
        attempts=msgspec.json.decode(row["attempts"], type=list[Attempt]),
    )


# --- telling


async def tell(  # noqa: PLR0917 - the fields of one row
    tx: Transaction,
    organization_id: OrganizationId,
    event: str,
    object_id: UUID,
    data: dict[str, Any],
    now: datetime,
    *,
    actor_id: UUID | None,
) -> None:
    """Write an event for every endpoint that wants it, in the transaction that causes it; nothing when none does.

    Args:
        tx: a tenant scope.
        organization_id: its tenant.
        event: noun.past.
        object_id: what it is about: events of one object arrive in order.
        data: the event's own fields, JSON-ready.
        now: when it happened.
        actor_id: whose doing it is: when that person is erased, so is the data.
    """
    rows = await tx.fetch(
        "select id from webhook_endpoints where organization_id = $1 and disabled_at is null and events && $2::varchar[]",
        organization_id,
        [event, ALL],
    )
    if not rows:
        return
    event_id = fresh_id()
    body = message_body(event_id, event, organization_id, object_id, now, data)
    for row in rows:
        await add_delivery(tx, organization_id, row["id"], (event_id, event, object_id), body, now, actor_id=actor_id)


async def add_delivery(  # noqa: PLR0917 - the fields of one row
    tx: Transaction,
    organization_id: OrganizationId,
    endpoint_id: UUID,
    about: tuple[UUID, str, UUID],
    body: str,
    now: datetime,
    *,
    actor_id: UUID | None = None,
) -> UUID:
    """Write one delivery and its effect. about: event id, event and object id; actor_id: see `tell`. Answers its id."""
    event_id, event, object_id = about
    delivery_id = fresh_id()
    await tx.execute(
        "insert into webhook_deliveries "
        "(id, organization_id, endpoint_id, event_id, event, object_id, body, created_at, actor_id) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        delivery_id,
        organization_id,
        endpoint_id,
        event_id,
        event,
        object_id,
        body,
        now,
        actor_id,
    )
    await queue(tx, organization_id, endpoint_id, object_id, delivery_id, now)
    return delivery_id


async def queue(  # noqa: PLR0917 - the fields of one row
    tx: Transaction,
    organization_id: OrganizationId,
    endpoint_id: UUID,
    object_id: UUID,
    delivery_id: UUID,
    now: datetime,
) -> None:
    """Put a delivery in the outbox, behind those of the same object to the same endpoint."""
    await outbox.add(
        tx,
        message_id=fresh_id(),
        kind=KIND,
        body={"deliveryId": str(delivery_id)},
        now=now,
        organization_id=organization_id,
        order_key=f"{endpoint_id.hex}:{object_id.hex}",
    )


# --- endpoints


async def insert_endpoint(tx: Transaction, endpoint: WebhookEndpoint) -> bool:
    """Write an endpoint. False when its id is taken."""
    count = await tx.execute(
        "insert into webhook_endpoints "
        "(id, organization_id, created_by, url, description, events, secret, created_at, updated_at) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $8) on conflict do nothing",
        endpoint.id,
        endpoint.organization_id,
        endpoint.created_by,
        endpoint.url,
        endpoint.description,
        endpoint.events,
        endpoint.secret,
        endpoint.created_at,
    )
    return count == 1


async def count_endpoints(tx: Transaction, organization_id: OrganizationId) -> int:
    """Endpoints of the tenant, >= 0."""
    return int(await tx.fetchval("select count(*) from webhook_endpoints where organization_id = $1", organization_id))


async def list_endpoints(
    tx: Transaction, organization_id: OrganizationId, *, after: UUID | None, limit: int
) -> list[WebhookEndpoint]:
    """Endpoints, oldest first, from behind an id on."""
    rows = await tx.fetch(
        f"select {_ENDPOINT} from webhook_endpoints where organization_id = $1 "  # noqa: S608 - our own columns
        "and ($2::uuid is null or id > $2) order by id limit $3",
        organization_id,
        after,
        limit,
    )
    return [_endpoint(row) for row in rows]


async def find_endpoint(
    tx: Transaction, organization_id: OrganizationId, endpoint_id: UUID, *, lock: bool = False
) -> WebhookEndpoint | None:
    """An endpoint; None when it does not exist. lock: hold its row until commit."""
    row = await tx.fetchrow(
        f"select {_ENDPOINT} from webhook_endpoints where organization_id = $1 and id = $2 "  # noqa: S608 - our own columns
        + ("for update" if lock else ""),
        organization_id,
        endpoint_id,
    )
    return None if row is None else _endpoint(row)


async def update_endpoint(tx: Transaction, endpoint: WebhookEndpoint) -> None:
    """Write everything of an endpoint that may change."""
    await tx.execute(
        "update webhook_endpoints set url = $3, description = $4, events = $5, secret = $6, old_secret = $7, "
        "old_secret_until = $8, updated_at = $9, failing_since = $10, disabled_at = $11, disabled_reason = $12, "
        "created_by = $13 "
        "where organization_id = $1 and id = $2",
        endpoint.organization_id,
        endpoint.id,
        endpoint.url,
        endpoint.description,
        endpoint.events,
        endpoint.secret,
        endpoint.old_secret,
        endpoint.old_secret_until,
        endpoint.updated_at,
        endpoint.failing_since,
        endpoint.disabled_at,
        endpoint.disabled_reason,
        endpoint.created_by,
    )


async def delete_endpoint(tx: Transaction, organization_id: OrganizationId, endpoint_id: UUID) -> bool:
    """Delete an endpoint and what was sent to it. False when it is missing."""
    count = await tx.execute(
        "delete from webhook_endpoints where organization_id = $1 and id = $2", organization_id, endpoint_id
    )
    return count == 1


# --- deliveries


async def list_deliveries(
    tx: Transaction,
    organization_id: OrganizationId,
    endpoint_id: UUID,
    *,
    is_failed: bool | None,
    but: Collection[str],
    before: UUID | None,
    limit: int,
) -> list[WebhookDelivery]:
    """Deliveries of an endpoint, newest first, from below an id on.

    is_failed: only those given up, or only the others. but: events that are left out.
    """
    rows = await tx.fetch(
        f"select {_DELIVERY} from webhook_deliveries where organization_id = $1 and endpoint_id = $2 "  # noqa: S608 - our own columns
        "and ($3::uuid is null or id < $3) and ($4::bool is null or (failed_at is not null) = $4) "
        "and event <> all($6) order by id desc limit $5",
        organization_id,
        endpoint_id,
        before,
        is_failed,
        limit,
        list(but),
    )
    return [_delivery(row) for row in rows]


async def list_since(
    tx: Transaction, organization_id: OrganizationId, endpoint_id: UUID, since: datetime, limit: int
) -> list[WebhookDelivery]:
    """Deliveries of an endpoint that are settled, from a moment on, oldest first."""
    rows = await tx.fetch(
        f"select {_DELIVERY} from webhook_deliveries where organization_id = $1 and endpoint_id = $2 "  # noqa: S608 - our own columns
        "and created_at >= $3 and (delivered_at is not null or failed_at is not null) order by id limit $4",
        organization_id,
        endpoint_id,
        since,
        limit,
    )
    return [_delivery(row) for row in rows]


async def find_delivery(
    tx: Transaction, organization_id: OrganizationId, delivery_id: UUID, *, lock: bool = False
) -> WebhookDelivery | None:
    """A delivery; None when it does not exist, or its endpoint was deleted."""
    row = await tx.fetchrow(
        f"select {_DELIVERY} from webhook_deliveries where organization_id = $1 and id = $2 "  # noqa: S608 - our own columns
        + ("for update" if lock else ""),
        organization_id,
        delivery_id,
    )
    return None if row is None else _delivery(row)


async def write_outcome(
    tx: Transaction,
    delivery: WebhookDelivery,
    attempt: Attempt | None,
    *,
    delivered_at: datetime | None,
    failed_at: datetime | None,
) -> None:
    """Add an attempt, and say where the delivery stands."""
    attempts = delivery.attempts if attempt is None else [*delivery.attempts, attempt]
    await tx.execute(
        "update webhook_deliveries set attempts = $3::jsonb, delivered_at = $4, failed_at = $5 "
        "where organization_id = $1 and id = $2",
        delivery.organization_id,
        delivery.id,
        msgspec.json.encode(attempts).decode(),
        delivered_at,
        failed_at,
    )

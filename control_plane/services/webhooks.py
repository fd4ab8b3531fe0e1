"""Webhooks out: endpoints, their secrets, and what was sent to them. `stores.webhooks.tell` writes the events."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag

from control_plane.domain.abilities import ability_to_read, require_events
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, LimitExceeded, NotFound
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Permission
from control_plane.domain.webhooks import (
    ENDPOINTS_MAX,
    EVENTS,
    PING,
    REPLAY_MAX,
    ROTATION_OVERLAP,
    SECRET_BYTES,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
    check_events,
    check_url,
    events_of,
    message_body,
    write_secret,
)
from control_plane.services import access, audit
from control_plane.services.api_tokens import require_api_access
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.ports import Clock, Ids
from control_plane.services.sealing import seal, unseal
from control_plane.stores import webhooks as store
from control_plane.stores.database import Database, Transaction


class NewEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint and its secret as text, which is never shown again."""

    endpoint: WebhookEndpoint
    secret: str


class EndpointChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is None stays as it is."""

    url: str | None = None
    description: str | None = None
    events: list[str] | None = None
    is_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class WebhookService:
    """The use cases of webhooks.

    Attributes:
        key: seals secrets; from TR_SECRET_KEY, for this purpose alone.
        allows_private: development: endpoints may be http:// and anywhere.
    """

    db: Database
    clock: Clock
    ids: Ids
    key: bytes
    allows_private: bool

    async def create(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        *,
        url: str,
        description: str,
        events: list[str],
        endpoint_id: UUID | None,
    ) -> NewEndpoint:
        """Make an endpoint; its secret is answered this once.

        Args:
            caller: may manage the organization.
            organization_id: whose events.
            url: https.
            description: 0-200 characters.
            events: names of `domain.webhooks.EVENTS`, or `*`.
            endpoint_id: made by the caller; None: made here. A repeat is refused, because the secret can't be shown again.

        Raises:
            NotFound, Forbidden. FeatureNotInPlan. InvalidInput. LimitExceeded: ENDPOINTS_MAX. Conflict. Unavailable.
        """
        now, raw = self.clock.now(), secrets.token_bytes(SECRET_BYTES)
        new_id = endpoint_id or self.ids.new()
        endpoint = WebhookEndpoint(
            id=new_id,
            organization_id=organization_id,
            created_by=caller.user_id,
            url=check_url(url, allows_private=self.allows_private),
            description=description,
            events=check_events(events),
            secret=seal(self.key, raw, new_id.bytes),
            old_secret=None,
            old_secret_until=None,
            created_at=now,
            updated_at=now,
            failing_since=None,
            disabled_at=None,
            disabled_reason=None,
        )
        _require_readable(caller, endpoint.events)
        async with self.db.tenant(organization_id) as tx:
            await self._may(tx, caller, organization_id)
            await lock_entitlement(tx, organization_id)
            used = await store.count_endpoints(tx, organization_id)
            if used >= ENDPOINTS_MAX:
                words = f"An organization has {ENDPOINTS_MAX} webhook endpoints at most."
                raise LimitExceeded(words, limit="webhook_endpoints", allowed=ENDPOINTS_MAX, used=used)
            if not await store.insert_endpoint(tx, endpoint):
                raise Conflict("This id is taken.", field="id")
            await self._note(tx, caller, "webhook.created", endpoint, after=_facts(endpoint))
        return NewEndpoint(endpoint=endpoint, secret=write_secret(raw))

    async def list_endpoints(
        self, caller: Caller, organization_id: OrganizationId, *, after: UUID | None, limit: int
    ) -> list[WebhookEndpoint]:
        """Endpoints, oldest first. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            return await store.list_endpoints(tx, organization_id, after=after, limit=limit)

    async def get(self, caller: Caller, organization_id: OrganizationId, endpoint_id: UUID) -> WebhookEndpoint:
        """One endpoint. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            return await _require(tx, organization_id, endpoint_id)

    async def change(
        self, caller: Caller, organization_id: OrganizationId, endpoint_id: UUID, changes: EndpointChanges
    ) -> WebhookEndpoint:
        """Change an endpoint. Switching it on forgets its failures.

        Whoever switches it on or changes its address stands for it from then on. Raises as `create`.
        """
        now = self.clock.now()
        async with self.db.tenant(organization_id) as tx:
            await self._may(tx, caller, organization_id)
            before = await _require(tx, organization_id, endpoint_id, lock=True)
            new: dict[str, Any] = {"updated_at": now}
            if changes.url is not None:
                new["url"] = check_url(changes.url, allows_private=self.allows_private)
                new["created_by"] = caller.user_id
            if changes.description is not None:
                new["description"] = changes.description
            if changes.events is not None:
                new["events"] = check_events(changes.events)
            if changes.is_enabled is True and before.disabled_at is not None:
                new |= {"disabled_at": None, "disabled_reason": None, "failing_since": None}
                new["created_by"] = caller.user_id
            if changes.is_enabled is False and before.disabled_at is None:
                new |= {"disabled_at": now, "disabled_reason": DisabledReason.BY_HAND}
            after = msgspec.structs.replace(before, **new)
            if changes.url is not None or changes.events is not None or changes.is_enabled:
                # What waits for it still is of the events it had.
                _require_readable(caller, [*before.events, *after.events])
            await store.update_endpoint(tx, after)
            await self._note(tx, caller, "webhook.changed", after, before=_facts(before), after=_facts(after))
        return after

    async def rotate(self, caller: Caller, organization_id: OrganizationId, endpoint_id: UUID) -> NewEndpoint:
        """Give an endpoint a new secret; the old one signs too for ROTATION_OVERLAP. Raises as `create`."""
        now, raw = self.clock.now(), secrets.token_bytes(SECRET_BYTES)
        async with self.db.tenant(organization_id) as tx:
            await self._may(tx, caller, organization_id)
            before = await _require(tx, organization_id, endpoint_id, lock=True)
            after = msgspec.structs.replace(
                before,
                secret=seal(self.key, raw, endpoint_id.bytes),
                old_secret=before.secret,
                old_secret_until=now + ROTATION_OVERLAP,
                updated_at=now,
            )
            await store.update_endpoint(tx, after)
            await self._note(tx, caller, "webhook.secret_rotated", after)
        return NewEndpoint(endpoint=after, secret=write_secret(raw))

    async def delete(self, caller: Caller, organization_id: OrganizationId, endpoint_id: UUID) -> None:
        """Delete an endpoint with its history; what still waits is not sent. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            endpoint = await _require(tx, organization_id, endpoint_id, lock=True)
            await store.delete_endpoint(tx, organization_id, endpoint_id)
            await self._note(tx, caller, "webhook.deleted", endpoint, before=_facts(endpoint))

    async def ping(self, caller: Caller, organization_id: OrganizationId, endpoint_id: UUID) -> WebhookDelivery:
        """Send a test event. Raises as `create`; Conflict: the endpoint is off."""
        now, event_id = self.clock.now(), self.ids.new()
        async with self.db.tenant(organization_id) as tx:
            await self._may(tx, caller, organization_id)
            _require_on(await _require(tx, organization_id, endpoint_id))
            body = message_body(event_id, PING, organization_id, endpoint_id, now, {})
            delivery_id = await store.add_delivery(
                tx, organization_id, endpoint_id, (event_id, PING, endpoint_id), body, now
            )
            return await _require_delivery(tx, organization_id, endpoint_id, delivery_id)

    async def list_deliveries(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        endpoint_id: UUID,
        *,
        is_failed: bool | None,
        before: UUID | None,
        limit: int,
    ) -> list[WebhookDelivery]:
        """What was sent to an endpoint, newest first; a token is answered what it may read of it.

        Raises:
            NotFound, Forbidden, Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            await _require(tx, organization_id, endpoint_id)
            return await store.list_deliveries(
                tx,
                organization_id,
                endpoint_id,
                is_failed=is_failed,
                but=_unreadable(caller),
                before=before,
                limit=limit,
            )

    async def get_delivery(
        self, caller: Caller, organization_id: OrganizationId, endpoint_id: UUID, delivery_id: UUID
    ) -> WebhookDelivery:
        """One delivery with its attempts. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            delivery = await _require_delivery(tx, organization_id, endpoint_id, delivery_id)
            _require_readable(caller, [delivery.event])
            return delivery

    async def replay(
        self, caller: Caller, organization_id: OrganizationId, endpoint_id: UUID, delivery_id: UUID
    ) -> WebhookDelivery:
        """Send a delivery again, with the same webhook-id. Raises as `ping`; Conflict: it is still being sent."""
        async with self.db.tenant(organization_id) as tx:
            await self._may(tx, caller, organization_id)
            _require_on(await _require(tx, organization_id, endpoint_id))
            delivery = await _require_delivery(tx, organization_id, endpoint_id, delivery_id, lock=True)
            _require_readable(caller, [delivery.event])
            if delivery.delivered_at is None and delivery.failed_at is None:
                raise Conflict("This delivery is still being sent.", reason="pending")
            await self._queue_again(tx, delivery)
            return await _require_delivery(tx, organization_id, endpoint_id, delivery_id)

    async def replay_since(
        self, caller: Caller, organization_id: OrganizationId, endpoint_id: UUID, since: datetime
    ) -> int:
        """Send everything settled since a moment again, oldest first, REPLAY_MAX at most. Answers how many."""
        async with self.db.tenant(organization_id) as tx:
            await self._may(tx, caller, organization_id)
            _require_on(await _require(tx, organization_id, endpoint_id, lock=True))
            found = await store.list_since(tx, organization_id, endpoint_id, since, REPLAY_MAX)
            _require_readable(caller, [delivery.event for delivery in found])
            for delivery in found:
                await self._queue_again(tx, delivery)
            return len(found)

    async def _queue_again(self, tx: Transaction, delivery: WebhookDelivery) -> None:
        await store.write_outcome(tx, delivery, None, delivered_at=None, failed_at=None)
        await store.queue(
            tx, delivery.organization_id, delivery.endpoint_id, delivery.object_id, delivery.id, self.clock.now()
        )

    async def _may(self, tx: Transaction, caller: Caller, organization_id: OrganizationId) -> None:
        await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
        await require_api_access(tx, organization_id)

    async def _note(
        self,
        tx: Transaction,
        caller: Caller,
        action: str,
        endpoint: WebhookEndpoint,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        subject = ("webhook", endpoint.id)
        await audit.note(tx, caller, endpoint.organization_id, action, subject, before=before, after=after)

    # --- secrets

    def open_secrets(self, endpoint: WebhookEndpoint, now: datetime) -> list[bytes]:
        """What signs now, the newest first. Empty: they were sealed under another TR_SECRET_KEY."""
        sealed = [endpoint.secret]
        if (
            endpoint.old_secret is not None
            and endpoint.old_secret_until is not None
            and now < endpoint.old_secret_until
        ):
            sealed.append(endpoint.old_secret)
        try:
            return [unseal(self.key, one, endpoint.id.bytes) for one in sealed]
        except InvalidTag:
            return []


async def _require(
    tx: Transaction, organization_id: OrganizationId, endpoint_id: UUID, *, lock: bool = False
) -> WebhookEndpoint:
    found = await store.find_endpoint(tx, organization_id, endpoint_id, lock=lock)
    if found is None:
        raise NotFound("There is no such webhook endpoint.")
    return found


async def _require_delivery(
    tx: Transaction, organization_id: OrganizationId, endpoint_id: UUID, delivery_id: UUID, *, lock: bool = False
) -> WebhookDelivery:
    found = await store.find_delivery(tx, organization_id, delivery_id, lock=lock)
    if found is None or found.endpoint_id != endpoint_id:
        raise NotFound("There is no such delivery.")
    return found


def _require_readable(caller: Caller, events: Iterable[str]) -> None:
    """An endpoint is no way around the abilities: a token has sent, and reads, what it may read. Raises Forbidden."""
    if caller.token_id is not None:
        require_events(caller.abilities, events_of(events) - {PING})


def _unreadable(caller: Caller) -> set[str]:
    if caller.token_id is None:
        return set()
    return {event for event in EVENTS if ability_to_read(event) not in caller.abilities}


def _require_on(endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_at is not None:
        raise Conflict("This endpoint is switched off.", reason="disabled")


def _facts(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """What the audit log may hold of an endpoint."""
    return {"url": endpoint.url, "events": endpoint.events, "isEnabled": endpoint.disabled_at is None}

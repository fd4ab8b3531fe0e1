"""Having one webhook delivery: sign it, send it, write what came of it, and switch off an endpoint that is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from control_plane.domain.audit import ActorKind
from control_plane.domain.errors import NotFound
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.mail import Template
from control_plane.domain.outbox import GiveUp, OutboxMessage
from control_plane.domain.roles import Permission, Role, allows
from control_plane.domain.webhooks import (
    FAILING_MAX,
    POLICY,
    Attempt,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
    is_delivered,
    message_id,
    sign,
)
from control_plane.services import audit
from control_plane.services.entitlements import read_entitlement
from control_plane.services.mail import MailService
from control_plane.services.ports import Clock, WebhookSender
from control_plane.services.webhooks import WebhookService
from control_plane.stores import organizations as organization_store
from control_plane.stores import webhooks as store
from control_plane.stores.database import Database, Transaction

GONE = 410
"""What a receiver answers that wants no more (Standard Webhooks, "Operational considerations")."""
_SWITCHED_OFF = Template(
    subject="A webhook was switched off",
    lines=(
        "We could not deliver anything to {url} for a day, or it answered that it is gone. It was switched off.",
        "Events since then are not sent. Look at its deliveries, repair it, switch it on, and replay what it missed.",
    ),
    closing="",
)
_DISOWNED = Template(
    subject="A webhook was switched off",
    lines=(
        "Whoever set up {url} may no longer manage your organization, but may still read what is sent there.",
        "So it was switched off before the next event was sent.",
        "Is the address the organization's own, rotate its secret, switch it on and replay what it missed; else delete it.",
    ),
    closing="",
)
MAKER_GONE = "whoever set the endpoint up may no longer manage the organization"
log = structlog.get_logger(__name__)


class NotTaken(Exception):
    """The receiver did not take it; it is tried again."""


@dataclass(frozen=True, slots=True)
class WebhookSending:
    """The handler of the outbox's kind `webhook`."""

    db: Database
    clock: Clock
    webhooks: WebhookService
    sender: WebhookSender
    mail: MailService

    async def have(self, message: OutboxMessage) -> None:
        """Try one delivery once.

        Raises:
            GiveUp: it was the last attempt, the endpoint is off or gone, nobody stands for it any more, or the plan holds no
                API access.
            NotTaken: later again. Unavailable.
        """
        organization_id = message.organization_id
        if organization_id is None:
            raise GiveUp("a webhook belongs to an organization")
        found = await self._read(organization_id, UUID(message.body["deliveryId"]))
        if found is None:
            raise GiveUp("the endpoint was deleted")
        endpoint, delivery, refusal = found
        if refusal == MAKER_GONE:
            await self._disown(endpoint)
        if refusal is not None:
            await self._give_up(delivery, refusal)
            raise GiveUp(refusal)
        now = self.clock.now()
        attempt = await self._send(endpoint, delivery, now)
        is_last = message.attempts >= POLICY.max_attempts or attempt.status == GONE
        await self._write(endpoint, delivery, attempt, is_last=is_last)
        if not is_delivered(attempt.status):
            reason = attempt.error or f"answered {attempt.status}"
            raise GiveUp(reason) if is_last else NotTaken(reason)

    async def _read(
        self, organization_id: OrganizationId, delivery_id: UUID
    ) -> tuple[WebhookEndpoint, WebhookDelivery, str | None] | None:
        """The delivery, its endpoint, and why it is not to be sent."""
        async with self.db.tenant(organization_id) as tx:
            delivery = await store.find_delivery(tx, organization_id, delivery_id)
            endpoint = None
            if delivery is not None:
                endpoint = await store.find_endpoint(tx, organization_id, delivery.endpoint_id)
            if delivery is None or endpoint is None:
                return None
            try:
                has_access = (await read_entitlement(tx, organization_id)).has_api_access
            except NotFound:
                return None
            maker = await organization_store.find_member(tx, organization_id, UserId(endpoint.created_by))
        if endpoint.disabled_at is not None:
            return endpoint, delivery, "the endpoint is switched off"
        if maker is None or not allows(maker.role, Permission.MANAGE_ORGANIZATION):
            return endpoint, delivery, MAKER_GONE
        return endpoint, delivery, None if has_access else "the plan holds no API access"

    async def _send(self, endpoint: WebhookEndpoint, delivery: WebhookDelivery, now: datetime) -> Attempt:
        signing = self.webhooks.open_secrets(endpoint, now)
        if not signing:
            return Attempt(at=now, status=None, latency_ms=0, excerpt="", error="the secret can't be read: rotate it")
        timestamp = int(now.timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "TradingRoom-Webhooks/1",
            "webhook-id": message_id(delivery.event_id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(signing, delivery.event_id, timestamp, delivery.body),
        }
        status, latency_ms, excerpt, error = await self.sender.send(endpoint.url, headers, delivery.body.encode())
        return Attempt(at=now, status=status, latency_ms=latency_ms, excerpt=excerpt, error=error)

    async def _write(
        self, endpoint: WebhookEndpoint, delivery: WebhookDelivery, attempt: Attempt, *, is_last: bool
    ) -> None:
        """The attempt, and what it says about the endpoint, in one transaction."""
        is_taken, now = is_delivered(attempt.status), attempt.at
        async with self.db.tenant(endpoint.organization_id) as tx:
            latest = await store.find_delivery(tx, delivery.organization_id, delivery.id, lock=True)
            current = await store.find_endpoint(tx, endpoint.organization_id, endpoint.id, lock=True)
            if latest is None or current is None:
                return
            await store.write_outcome(
                tx,
                latest,
                attempt,
                delivered_at=now if is_taken else None,
                failed_at=now if is_last and not is_taken else None,
            )
            if is_taken:
                if current.failing_since is not None:
                    await store.update_endpoint(tx, msgspec.structs.replace(current, failing_since=None))
                return
            await self._note_failure(tx, current, attempt)

    async def _note_failure(self, tx: Transaction, endpoint: WebhookEndpoint, attempt: Attempt) -> None:
        since = endpoint.failing_since or attempt.at
        reason = None
        if attempt.status == GONE:
            reason = DisabledReason.GONE
        elif attempt.at - since >= FAILING_MAX:
            reason = DisabledReason.FAILING
        if reason is None or endpoint.disabled_at is not None:
            if endpoint.failing_since is None:
                await store.update_endpoint(tx, msgspec.structs.replace(endpoint, failing_since=since))
            return
        await self._switch_off(tx, msgspec.structs.replace(endpoint, failing_since=since), attempt.at, reason)

    async def _disown(self, endpoint: WebhookEndpoint) -> None:
        """Switch off what somebody set up who may not any more: their own server would go on reading along."""
        async with self.db.tenant(endpoint.organization_id) as tx:
            current = await store.find_endpoint(tx, endpoint.organization_id, endpoint.id, lock=True)
            # Meanwhile somebody may have switched it off, or taken it over.
            if current is not None and current.disabled_at is None and current.created_by == endpoint.created_by:
                await self._switch_off(tx, current, self.clock.now(), DisabledReason.MAKER_GONE)

    async def _switch_off(
        self, tx: Transaction, endpoint: WebhookEndpoint, now: datetime, reason: DisabledReason
    ) -> None:
        off = msgspec.structs.replace(endpoint, disabled_at=now, disabled_reason=reason, updated_at=now)
        await store.update_endpoint(tx, off)
        facts = {"url": off.url, "reason": reason.value}
        subject = ("webhook", off.id)
        await audit.note(tx, ActorKind.SYSTEM, off.organization_id, "webhook.disabled", subject, after=facts)
        await self._mail(tx, off)
        log.warning("webhook_disabled", endpoint=str(off.id), reason=reason.value)

    async def _mail(self, tx: Transaction, endpoint: WebhookEndpoint) -> None:
        """Tell who made the endpoint, while they are a member, and the owner."""
        if not self.mail.can_send:
            return
        members = await organization_store.list_members(tx, endpoint.organization_id)
        told = {
            member.email for member in members if member.role is Role.OWNER or member.user_id == endpoint.created_by
        }
        letter = _DISOWNED if endpoint.disabled_reason is DisabledReason.MAKER_GONE else _SWITCHED_OFF
        for address in sorted(told):
            facts = {"url": endpoint.url}
            await self.mail.put_letter(tx, address, letter, facts, organization_id=endpoint.organization_id)

    async def _give_up(self, delivery: WebhookDelivery, reason: str) -> None:
        now = self.clock.now()
        attempt = Attempt(at=now, status=None, latency_ms=0, excerpt="", error=reason)
        async with self.db.tenant(delivery.organization_id) as tx:
            latest = await store.find_delivery(tx, delivery.organization_id, delivery.id, lock=True)
            if latest is not None:
                await store.write_outcome(tx, latest, attempt, delivered_at=None, failed_at=now)

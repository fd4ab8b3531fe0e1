"""What integrators need: kept answers, API tokens, and webhooks out with what was sent to them."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Array, Bytea, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from control_plane.stores.tables.accounts import Users
from control_plane.stores.tables.organizations import Organizations


class IdempotencyKeys(Table, tablename="idempotency_keys"):
    """A request that may be sent twice. id: of the caller and key; answer: sealed with a key that the database lacks."""

    id = UUID(primary_key=True, default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None)
    fingerprint = Bytea(default=None)
    created_at = Timestamptz(default=None)
    held_until = Timestamptz(default=None)
    status = Integer(default=None, null=True)
    answer = Bytea(default=None, null=True)


class ApiTokens(Table, tablename="api_tokens"):
    """A key for programs. token_hash: SHA-256 of the whole token; hint: its last characters; created_by: whom it acts as."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    created_by = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    name = Varchar(length=80, default=None)
    token_hash = Bytea(unique=True, default=None)
    hint = Varchar(length=8, default=None)
    abilities = Array(base_column=Varchar(length=64, default=None), default=list)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None, null=True)
    last_used_at = Timestamptz(default=None, null=True)
    revoked_at = Timestamptz(default=None, null=True)


class WebhookEndpoints(Table, tablename="webhook_endpoints"):
    """Where a tenant's events are sent. Secrets are sealed with AES-256-GCM; the old one signs too until its end."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    created_by = UUID(default=None)
    url = Varchar(length=2000, default=None)
    description = Varchar(length=200, default=None)
    events = Array(base_column=Varchar(length=64, default=None), default=list)
    secret = Bytea(default=None)
    old_secret = Bytea(default=None, null=True)
    old_secret_until = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=None)
    updated_at = Timestamptz(default=None)
    failing_since = Timestamptz(default=None, null=True)
    disabled_at = Timestamptz(default=None, null=True)
    disabled_reason = Varchar(length=24, default=None, null=True)


class WebhookDeliveries(Table, tablename="webhook_deliveries"):
    """One event for one endpoint, as it is signed (text: its bytes count), and every attempt to deliver it.

    actor_id: whose doing it tells, until that person is erased.
    """

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    endpoint_id = UUID(default=None)
    event_id = UUID(default=None)
    event = Varchar(length=64, default=None)
    object_id = UUID(default=None)
    body = Text(default=None)
    created_at = Timestamptz(default=None)
    delivered_at = Timestamptz(default=None, null=True)
    failed_at = Timestamptz(default=None, null=True)
    attempts = JSONB(default="[]")
    actor_id = UUID(default=None, null=True)

"""What integrators need: kept answers, API tokens, webhooks out."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import JSONB, UUID, Array, Bytea, Column, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.table import Table

ID = "2026-11-22T22:20:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "integrations"

Columns = dict[str, tuple[type[Column], dict[str, Any]]]


class Organizations(Table, tablename="organizations", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


class Users(Table, tablename="users", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


def _to(table: type[Table], *, index: bool = False) -> tuple[type[Column], dict[str, Any]]:
    parameters = {
        "references": table,
        "on_delete": OnDelete.cascade,
        "on_update": OnUpdate.cascade,
        "target_column": None,
    }
    return ForeignKey, {**parameters, "null": False, "default": None, "index": index}


def _text(length: int, **more: object) -> tuple[type[Column], dict[str, Any]]:
    return Varchar, {"length": length, "default": None, **more}


_ID = (UUID, {"primary_key": True, "default": None})
_UUID = (UUID, {"default": None})
_AT = (Timestamptz, {"default": None})
_MAYBE_AT = (Timestamptz, {"default": None, "null": True})
_BYTES = (Bytea, {"default": None})
_MAYBE_BYTES = (Bytea, {"default": None, "null": True})
_MAYBE_COUNT = (Integer, {"default": None, "null": True})
_WORDS = (Array, {"base_column": Varchar(length=64, default=None), "default": list})
_TENANT = _to(Organizations)

TABLES: dict[tuple[str, str], Columns] = {
    ("IdempotencyKeys", "idempotency_keys"): {
        "id": _ID,
        "user_id": _to(Users),
        "fingerprint": _BYTES,
        "created_at": _AT,
        "held_until": _AT,
        "status": _MAYBE_COUNT,
        "answer": _MAYBE_BYTES,
    },
    ("ApiTokens", "api_tokens"): {
        "id": _ID,
        "organization_id": _TENANT,
        "created_by": _to(Users, index=True),
        "name": _text(80),
        "token_hash": (Bytea, {"unique": True, "default": None}),
        "hint": _text(8),
        "abilities": _WORDS,
        "created_at": _AT,
        "expires_at": _MAYBE_AT,
        "last_used_at": _MAYBE_AT,
        "revoked_at": _MAYBE_AT,
    },
    ("WebhookEndpoints", "webhook_endpoints"): {
        "id": _ID,
        "organization_id": _TENANT,
        "created_by": _UUID,
        "url": _text(2000),
        "description": _text(200),
        "events": _WORDS,
        "secret": _BYTES,
        "old_secret": _MAYBE_BYTES,
        "old_secret_until": _MAYBE_AT,
        "created_at": _AT,
        "updated_at": _AT,
        "failing_since": _MAYBE_AT,
        "disabled_at": _MAYBE_AT,
        "disabled_reason": _text(24, null=True),
    },
    ("WebhookDeliveries", "webhook_deliveries"): {
        "id": _ID,
        "organization_id": _TENANT,
        "endpoint_id": _UUID,
        "event_id": _UUID,
        "event": _text(64),
        "object_id": _UUID,
        "body": (Text, {"default": None}),
        "created_at": _AT,
        "delivered_at": _MAYBE_AT,
        "failed_at": _MAYBE_AT,
        "attempts": (JSONB, {"default": "[]"}),
    },
}


async def forwards() -> MigrationManager:
    """Make the tables."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)
    for (class_name, tablename), columns in TABLES.items():
        manager.add_table(class_name, tablename=tablename, schema=None, columns=None)
        for name, (column_class, parameters) in columns.items():
            manager.add_column(
                table_class_name=class_name,
                tablename=tablename,
                column_name=name,
                db_column_name=name,
                column_class_name=column_class.__name__,
                column_class=column_class,
                params=dict(parameters),
                schema=None,
            )
    return manager

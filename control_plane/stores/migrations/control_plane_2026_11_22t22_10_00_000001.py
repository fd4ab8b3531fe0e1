"""Tenancy grown up: settings of rooms, roles per room, invitations by e-mail, overrides of plans, the audit log."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import JSONB, UUID, Column, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

ID = "2026-11-22T22:10:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "tenancy: tables"

Columns = dict[str, tuple[type[Column], dict[str, Any]]]


class Organizations(Table, tablename="organizations", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


class Users(Table, tablename="users", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


def _to(table: type[Table], **more: object) -> tuple[type[Column], dict[str, Any]]:
    parameters = {
        "references": table,
        "on_delete": OnDelete.cascade,
        "on_update": OnUpdate.cascade,
        "target_column": None,
    }
    return ForeignKey, {**parameters, "null": False, "default": None, "index": False, **more}


def _text(length: int, **more: object) -> tuple[type[Column], dict[str, Any]]:
    return Varchar, {"length": length, "default": None, **more}


_ID = (UUID, {"primary_key": True, "default": None})
_UUID = (UUID, {"default": None})
_MAYBE_UUID = (UUID, {"default": None, "null": True})
_AT = (Timestamptz, {"default": None})
_MAYBE_AT = (Timestamptz, {"default": None, "null": True})
_MAYBE_COUNT = (Integer, {"default": None, "null": True})
_MAYBE_JSON = (JSONB, {"default": None, "null": True})

NEW_TABLES: dict[tuple[str, str], Columns] = {
    ("EntitlementOverrides", "entitlement_overrides"): {
        "id": _ID,
        "organization_id": _to(Organizations, unique=True),
        "limits": (JSONB, {"default": "{}"}),
        "note": (Text, {"default": ""}),
        "updated_at": _AT,
    },
    ("RoomRoles", "room_roles"): {
        "id": _ID,
        "organization_id": _to(Organizations),
        "room_id": _UUID,
        "user_id": _to(Users),
        "role": _text(16),
        "created_at": _AT,
    },
    ("AuditLog", "audit_log"): {
        "id": _ID,
        "organization_id": _to(Organizations),
        "at": _AT,
        "actor_kind": _text(16),
        "actor_id": _MAYBE_UUID,
        "token_id": _MAYBE_UUID,
        "session_id": _MAYBE_UUID,
        "action": _text(64),
        "subject_kind": _text(32),
        "subject_id": _MAYBE_UUID,
        "before": _MAYBE_JSON,
        "after": _MAYBE_JSON,
        "ip": _text(64, null=True),
        "user_agent": _text(300, null=True),
        "request_id": _text(64, null=True),
    },
}
NEW_COLUMNS: dict[tuple[str, str], Columns] = {
    ("Organizations", "organizations"): {
        "deletes_at": _MAYBE_AT,
        "chat_retention_days": _MAYBE_COUNT,
        "audit_retention_days": _MAYBE_COUNT,
    },
    ("Invitations", "invitations"): {"email": _text(254, null=True), "declined_at": _MAYBE_AT},
    ("Rooms", "rooms"): {
        "description": (Varchar, {"length": 500, "default": ""}),
        "waiting_text": (Varchar, {"length": 500, "default": ""}),
        "who_may_chat": (Varchar, {"length": 16, "default": "everyone"}),
        "next_session_at": _MAYBE_AT,
        "time_zone": _text(64, null=True),
        "archived_at": _MAYBE_AT,
    },
}


async def forwards() -> MigrationManager:
    """Make the tables and add the columns."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)
    for class_name, tablename in NEW_TABLES:
        manager.add_table(class_name, tablename=tablename, schema=None, columns=None)
    for (class_name, tablename), columns in (NEW_TABLES | NEW_COLUMNS).items():
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
    manager.add_constraint(
        table_class_name="RoomRoles",
        tablename="room_roles",
        constraint_name="room_roles_one_per_person",
        constraint_class=Unique,
        params={"columns": ["room_id", "user_id"], "nulls_distinct": True},
        schema=None,
    )
    return manager

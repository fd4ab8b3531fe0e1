"""Outbox: effects written with what caused them, had by the jobs door."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import JSONB, UUID, Column, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.table import Table

ID = "2026-11-22T22:05:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "outbox"

_TABLE, _CLASS = "outbox", "Outbox"


class Organizations(Table, tablename="organizations", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


_MAYBE_TENANT = {
    "references": Organizations,
    "on_delete": OnDelete.cascade,
    "on_update": OnUpdate.cascade,
    "target_column": None,
    "null": True,
    "default": None,
    "index": True,
}
_MAYBE_AT: tuple[type[Column], dict[str, Any]] = (Timestamptz, {"default": None, "null": True})
COLUMNS: dict[str, tuple[type[Column], dict[str, Any]]] = {
    "id": (UUID, {"primary_key": True, "default": None}),
    "organization_id": (ForeignKey, _MAYBE_TENANT),
    "kind": (Varchar, {"length": 48, "default": None}),
    "order_key": (Varchar, {"length": 120, "default": None, "null": True}),
    "body": (JSONB, {"default": "{}"}),
    "attempts": (Integer, {"default": 0}),
    "created_at": (Timestamptz, {"default": None}),
    "next_attempt_at": (Timestamptz, {"default": None}),
    "done_at": _MAYBE_AT,
    "dead_at": _MAYBE_AT,
    "last_error": (Text, {"default": None, "null": True}),
}


async def forwards() -> MigrationManager:
    """Make the table."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)
    manager.add_table(_CLASS, tablename=_TABLE, schema=None, columns=None)
    for name, (column_class, parameters) in COLUMNS.items():
        manager.add_column(
            table_class_name=_CLASS,
            tablename=_TABLE,
            column_name=name,
            db_column_name=name,
            column_class_name=column_class.__name__,
            column_class=column_class,
            params=dict(parameters),
            schema=None,
        )
    return manager

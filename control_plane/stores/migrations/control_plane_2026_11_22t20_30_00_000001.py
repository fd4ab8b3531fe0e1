"""Alert steps: what happened to an alert after it was posted. Only added to, as all that is said."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import UUID, Column, ForeignKey, Integer, Numeric, Timestamptz, Varchar
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.table import Table

ID = "2026-11-22T20:30:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "alert steps"

_TABLE, _CLASS = "alert_steps", "AlertSteps"


class Organizations(Table, tablename="organizations", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


_TENANT = {
    "references": Organizations,
    "on_delete": OnDelete.cascade,
    "on_update": OnUpdate.cascade,
    "target_column": None,
    "null": False,
    "default": None,
    "index": False,
}
COLUMNS: dict[str, tuple[type[Column], dict[str, Any]]] = {
    "id": (UUID, {"primary_key": True, "default": None}),
    "organization_id": (ForeignKey, _TENANT),
    "alert_id": (UUID, {"default": None}),
    "number": (Integer, {"default": None}),
    "kind": (Varchar, {"length": 16, "default": None}),
    "price": (Numeric, {"digits": (24, 8), "default": None, "null": True}),
    "fraction": (Numeric, {"digits": (5, 4), "default": None, "null": True}),
    "target": (Integer, {"default": None, "null": True}),
    "author_id": (UUID, {"default": None}),
    "at": (Timestamptz, {"default": None}),
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

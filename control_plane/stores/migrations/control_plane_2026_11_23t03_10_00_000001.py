"""Since when a proven domain's record is gone: after some days the domain is proven no more."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Timestamptz

ID = "2026-11-23T03:10:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "single sign-on: records that are gone"


async def forwards() -> MigrationManager:
    """The column; no record is known to be gone."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)
    manager.add_column(
        table_class_name="SsoDomains",
        tablename="sso_domains",
        column_name="missing_since",
        db_column_name="missing_since",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={"default": None, "null": True},
        schema=None,
    )
    return manager

"""Whose doing a webhook delivery tells: so that an erased person's words are found in it."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import UUID

ID = "2026-11-23T01:40:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "webhook deliveries: actor"


async def forwards() -> MigrationManager:
    """The column; its values for the deliveries that are there come with the next migration."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)
    manager.add_column(
        table_class_name="WebhookDeliveries",
        tablename="webhook_deliveries",
        column_name="actor_id",
        db_column_name="actor_id",
        column_class_name="UUID",
        column_class=UUID,
        params={"default": None, "null": True},
        schema=None,
    )
    return manager

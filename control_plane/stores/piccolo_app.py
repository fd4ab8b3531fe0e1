"""Tells Piccolo which tables and migrations are ours."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="control_plane",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=table_finder(
        modules=[
            f"control_plane.stores.tables.{noun}"
            for noun in (
                "accounts",
                "sign_in",
                "organizations",
                "rooms",
                "content",
                "platform",
                "outbox",
                "audit",
                "integrations",
                "sso",
            )
        ],
        # The modules import each other's tables, to point at them.
        exclude_imported=True,
    ),
    migration_dependencies=[],
)

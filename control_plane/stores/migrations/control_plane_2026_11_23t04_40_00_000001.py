"""Single sign-on: how often a connection was shut, where its metadata is read again, and which address a provider told."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Column, Integer, Timestamptz, Varchar

ID = "2026-11-23T04:40:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "single sign-on: generations, metadata that is read again, addresses of identities"

_NUMBER: dict[str, Any] = {"default": 0, "null": False}
_COLUMNS: tuple[tuple[str, str, str, type[Column], dict[str, Any]], ...] = (
    ("SsoConnections", "sso_connections", "generation", Integer, _NUMBER),
    ("SsoConnections", "sso_connections", "idp_metadata_url", Varchar, {"length": 2000, "default": None, "null": True}),
    ("SsoConnections", "sso_connections", "metadata_read_at", Timestamptz, {"default": None, "null": True}),
    ("SsoConnections", "sso_connections", "metadata_error", Varchar, {"length": 64, "default": None, "null": True}),
    ("SsoIdentities", "sso_identities", "email", Varchar, {"length": 254, "default": "", "null": False}),
    ("SsoFlows", "sso_flows", "generation", Integer, _NUMBER),
    ("AuthFlowCodes", "auth_flow_codes", "sso_generation", Integer, _NUMBER),
)


async def forwards() -> MigrationManager:
    """The columns, with values the version before need not write."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)
    for table_class, table, name, kind, params in _COLUMNS:
        manager.add_column(
            table_class_name=table_class,
            tablename=table,
            column_name=name,
            db_column_name=name,
            column_class_name=kind.__name__,
            column_class=kind,
            params=params,
            schema=None,
        )
    return manager

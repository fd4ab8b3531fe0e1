"""Single sign-on: connections, domains, identities, flows, former members, and by which connection a sign-in came."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import JSONB, UUID, Array, Boolean, Bytea, Column, ForeignKey, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

ID = "2026-11-23T01:37:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "single sign-on"

Columns = dict[str, tuple[type[Column], dict[str, Any]]]


class Organizations(Table, tablename="organizations", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


class Users(Table, tablename="users", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


class SsoConnections(Table, tablename="sso_connections", schema=None):
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
_MAYBE_UUID = (UUID, {"default": None, "null": True})
_AT = (Timestamptz, {"default": None})
_MAYBE_AT = (Timestamptz, {"default": None, "null": True})
_MAYBE_BYTES = (Bytea, {"default": None, "null": True})
_NO = (Boolean, {"default": False})
_TENANT = _to(Organizations)

NEW_TABLES: dict[tuple[str, str], Columns] = {
    ("SsoConnections", "sso_connections"): {
        "id": _ID,
        "organization_id": _TENANT,
        "kind": _text(8),
        "name": _text(80),
        "issuer": _text(2000, null=True),
        "client_id": _text(400, null=True),
        "client_secret": _MAYBE_BYTES,
        "idp_entity_id": _text(2000, null=True),
        "idp_sso_url": _text(2000, null=True),
        "idp_certificates": (Array, {"base_column": Text(default=None), "default": list}),
        "default_role": _text(16),
        "joins_members": _NO,
        "is_enabled": _NO,
        "is_enforced": _NO,
        "worked_at": _MAYBE_AT,
        "tested_by": _MAYBE_UUID,
        "last_error": _text(64, null=True),
        "created_at": _AT,
        "updated_at": _AT,
    },
    ("SsoDomains", "sso_domains"): {
        "id": _ID,
        "organization_id": _TENANT,
        "domain": _text(253),
        "token": _text(64),
        "created_at": _AT,
        "verified_at": _MAYBE_AT,
        "checked_at": _MAYBE_AT,
        "last_error": _text(24, null=True),
    },
    ("SsoIdentities", "sso_identities"): {
        "id": _ID,
        "organization_id": _TENANT,
        "connection_id": _UUID,
        "subject": _text(255),
        "user_id": _to(Users, index=True),
        "created_at": _AT,
        "used_at": _AT,
    },
    ("FormerMembers", "former_members"): {
        "id": _ID,
        "organization_id": _TENANT,
        "user_id": _to(Users, index=True),
        "since": _AT,
    },
    ("SsoFlows", "sso_flows"): {
        "id": _ID,
        "connection_id": _to(SsoConnections, index=True),
        "state_hash": (Bytea, {"default": None, "unique": True}),
        "browser_hash": _MAYBE_BYTES,
        "request_id": _text(64),
        "answer": (JSONB, {"default": None, "null": True}),
        "redirect_to": _text(2048),
        "code_challenge": _text(128, null=True),
        "code_challenge_method": _text(8, null=True),
        "tester_id": _MAYBE_UUID,
        "created_at": _AT,
        "expires_at": _AT,
    },
}
MORE_COLUMNS: dict[tuple[str, str], Columns] = {
    ("AuthSessions", "auth_sessions"): {
        "sso_connection_id": (UUID, {"default": None, "null": True, "index": True}),
    },
    ("AuthFlowCodes", "auth_flow_codes"): {"sso_connection_id": _MAYBE_UUID},
}
UNIQUE = (
    ("SsoDomains", "sso_domains", "sso_domains_once", ["organization_id", "domain"]),
    ("SsoIdentities", "sso_identities", "sso_identities_one_per_subject", ["connection_id", "subject"]),
    ("FormerMembers", "former_members", "former_members_once", ["organization_id", "user_id"]),
)


async def forwards() -> MigrationManager:
    """Make the tables and the columns."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)
    for class_name, tablename in NEW_TABLES:
        manager.add_table(class_name, tablename=tablename, schema=None, columns=None)
    for (class_name, tablename), columns in {**NEW_TABLES, **MORE_COLUMNS}.items():
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
    for class_name, tablename, constraint, names in UNIQUE:
        manager.add_constraint(
            table_class_name=class_name,
            tablename=tablename,
            constraint_name=constraint,
            constraint_class=Unique,
            params={"columns": names, "nulls_distinct": True},
            schema=None,
        )
    return manager

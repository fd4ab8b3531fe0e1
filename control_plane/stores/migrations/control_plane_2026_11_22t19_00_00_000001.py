"""The tables of the first day.

Written in Piccolo's own terms, so that `piccolo migrations new control_plane --auto` finds what changed since; shorter than
what it would have written. It is history: never edited, even when the tables move on.
"""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Bytea,
    Column,
    ForeignKey,
    Integer,
    Numeric,
    Real,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

ID = "2026-11-22T19:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "tables"

Columns = dict[str, tuple[type[Column], dict[str, Any]]]


class Users(Table, tablename="users", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


class Organizations(Table, tablename="organizations", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


class AuthSessions(Table, tablename="auth_sessions", schema=None):
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
_PRICE = {"digits": (24, 8), "default": None}
_COUNT = (Integer, {"default": 0})
_TENANT = _to(Organizations)

TABLES: dict[tuple[str, str], Columns] = {
    ("Users", "users"): {
        "id": _ID,
        "email": _text(254, unique=True),
        "display_name": _text(80),
        "created_at": _AT,
        "updated_at": _AT,
    },
    ("AuthCredentials", "auth_credentials"): {
        "user_id": _ID,
        "password_hash": (Text, {"default": None}),
        "user_metadata": (JSONB, {"default": "{}"}),
        "last_sign_in_at": _MAYBE_AT,
    },
    ("AuthSessions", "auth_sessions"): {
        "id": _ID,
        "user_id": _to(Users, index=True),
        "created_at": _AT,
        "revoked_at": _MAYBE_AT,
    },
    ("AuthRefreshTokens", "auth_refresh_tokens"): {
        "token_hash": (Bytea, {"primary_key": True, "default": None}),
        "session_id": _to(AuthSessions, index=True),
        "created_at": _AT,
        "used_at": _MAYBE_AT,
    },
    ("AuthSigningKeys", "auth_signing_keys"): {
        "kid": _text(64, primary_key=True),
        "purpose": _text(16),
        "private_key": (Bytea, {"default": None}),
        "public_jwk": (JSONB, {"default": None}),
        "created_at": _AT,
        "retired_at": _MAYBE_AT,
    },
    ("Organizations", "organizations"): {
        "id": _ID,
        "name": _text(80),
        "slug": _text(80, unique=True),
        "plan_tier": _text(16),
        "trial_ends_at": _MAYBE_AT,
        "created_at": _AT,
    },
    ("Memberships", "memberships"): {
        "id": _ID,
        "organization_id": _TENANT,
        "user_id": _to(Users, index=True),
        "role": _text(16),
        "is_host": (Boolean, {"default": False}),
        "created_at": _AT,
    },
    ("Workspaces", "workspaces"): {
        "id": _ID,
        "organization_id": _TENANT,
        "name": _text(80),
        "slug": _text(80),
        "created_at": _AT,
    },
    ("Invitations", "invitations"): {
        "id": _ID,
        "organization_id": _to(Organizations, index=True),
        "token_hash": (Bytea, {"unique": True, "default": None}),
        "role": _text(16),
        "created_by": _to(Users),
        "created_at": _AT,
        "expires_at": _AT,
        "max_uses": (Integer, {"default": None, "null": True}),
        "used_count": _COUNT,
        "revoked_at": _MAYBE_AT,
    },
    ("Rooms", "rooms"): {
        "id": _ID,
        "organization_id": _TENANT,
        "workspace_id": _UUID,
        "name": _text(80),
        "slug": _text(80),
        "last_seq": (BigInt, {"default": 0}),
        "created_at": _AT,
    },
    ("LiveSessions", "live_sessions"): {
        "id": _ID,
        "organization_id": _TENANT,
        "room_id": (UUID, {"default": None, "index": True}),
        "node_id": _UUID,
        "epoch": (Integer, {"default": 1}),
        "started_by": _UUID,
        "started_at": _AT,
        "ended_at": _MAYBE_AT,
    },
    ("Participants", "participants"): {
        "id": _ID,
        "organization_id": _TENANT,
        "live_session_id": _UUID,
        "user_id": _to(Users),
        "display_name": _text(80),
        "role": _text(16),
        "join_nonce": _text(64, null=True),
        "generation": _COUNT,
        "created_at": _AT,
        "joined_at": _MAYBE_AT,
        "left_at": _MAYBE_AT,
        "removed_at": _MAYBE_AT,
    },
    ("RoomEvents", "room_events"): {
        "room_id": _ID,
        "seq": (BigInt, {"default": None}),
        "organization_id": _TENANT,
        "kind": _text(32),
        "subject_id": _UUID,
        "author_id": _UUID,
        "author_name": _text(80),
        "at": _AT,
        "body": (JSONB, {"default": "{}"}),
    },
    ("ChatMessages", "chat_messages"): {
        "id": _ID,
        "organization_id": _TENANT,
        "room_id": _UUID,
        "author_id": _UUID,
        "text": (Text, {"default": None}),
        "created_at": _AT,
    },
    ("Alerts", "alerts"): {
        "id": _ID,
        "organization_id": _TENANT,
        "room_id": _UUID,
        "author_id": _UUID,
        "symbol": _text(24),
        "side": _text(8),
        "entry": (Numeric, _PRICE),
        "stop": (Numeric, {**_PRICE, "null": True}),
        "targets": (Array, {"base_column": Numeric(digits=(24, 8), default=None), "default": list}),
        "note": (Text, {"default": ""}),
        "created_at": _AT,
    },
    ("MediaNodes", "media_nodes"): {
        "id": _ID,
        "link_url": (Text, {"default": None}),
        "region": _text(64),
        "contract_version": (Integer, {"default": None}),
        "worker_version": _text(64),
        "rtp_capabilities": (Text, {"default": None}),
        "capacity_consumers": (Integer, {"default": None}),
        "cpu": (Real, {"default": 0.0}),
        "rooms": _COUNT,
        "transports": _COUNT,
        "producers": _COUNT,
        "consumers": _COUNT,
        "is_draining": (Boolean, {"default": False}),
        "enrolled_at": _AT,
        "last_seen_at": _AT,
    },
}

UNIQUE = {
    ("Memberships", "memberships"): {"memberships_one_per_person": ["organization_id", "user_id"]},
    ("Workspaces", "workspaces"): {
        "workspaces_own_key": ["organization_id", "id"],
        "workspaces_own_slug": ["organization_id", "slug"],
    },
    ("Rooms", "rooms"): {"rooms_own_key": ["organization_id", "id"], "rooms_own_slug": ["organization_id", "slug"]},
    ("LiveSessions", "live_sessions"): {"live_sessions_own_key": ["organization_id", "id"]},
    ("Participants", "participants"): {"participants_one_per_person": ["live_session_id", "user_id"]},
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
    for (class_name, tablename), constraints in UNIQUE.items():
        for name, columns_of in constraints.items():
            manager.add_constraint(
                table_class_name=class_name,
                tablename=tablename,
                constraint_name=name,
                constraint_class=Unique,
                params={"columns": columns_of, "nulls_distinct": True},
                schema=None,
            )
    return manager

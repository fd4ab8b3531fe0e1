"""Identity: mailed tokens, PKCE codes, second factors, what a sign-in knows of itself, the mailbox of development."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Column, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

ID = "2026-11-22T22:15:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "identity"

Columns = dict[str, tuple[type[Column], dict[str, Any]]]


class Users(Table, tablename="users", schema=None):
    """As far as a foreign key needs it."""

    id = UUID(primary_key=True, default=None)


class AuthFactors(Table, tablename="auth_factors", schema=None):
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
_AT = (Timestamptz, {"default": None})
_MAYBE_AT = (Timestamptz, {"default": None, "null": True})
_HASH = (Bytea, {"default": None})
_UNIQUE_HASH = (Bytea, {"default": None, "unique": True})
_TEXT = (Text, {"default": None})

NEW_TABLES: dict[tuple[str, str], Columns] = {
    ("AuthMailedTokens", "auth_mailed_tokens"): {
        "id": _ID,
        "user_id": _to(Users),
        "purpose": _text(24),
        "email": _text(254),
        "token_hash": _UNIQUE_HASH,
        "otp_hash": _HASH,
        "failures": (Integer, {"default": 0}),
        "code_challenge": _text(128, null=True),
        "code_challenge_method": _text(8, null=True),
        "created_at": _AT,
        "expires_at": _AT,
    },
    ("AuthFlowCodes", "auth_flow_codes"): {
        "id": _ID,
        "user_id": _to(Users, index=True),
        "code_hash": _UNIQUE_HASH,
        "code_challenge": _text(128),
        "code_challenge_method": _text(8),
        "method": _text(24),
        "expires_at": _AT,
    },
    ("AuthFactors", "auth_factors"): {
        "id": _ID,
        "user_id": _to(Users, index=True),
        "friendly_name": _text(80),
        "factor_type": _text(16),
        "status": _text(16),
        "secret": _HASH,
        "last_step": (BigInt, {"default": 0}),
        "created_at": _AT,
        "updated_at": _AT,
    },
    ("AuthChallenges", "auth_challenges"): {
        "id": _ID,
        "factor_id": _to(AuthFactors, index=True),
        "expires_at": _AT,
    },
    ("AuthRecoveryCodes", "auth_recovery_codes"): {
        "code_hash": (Bytea, {"primary_key": True, "default": None}),
        "user_id": _to(Users, index=True),
        "created_at": _AT,
        "used_at": _MAYBE_AT,
    },
    ("DevMailbox", "dev_mailbox"): {
        "id": _ID,
        "to_address": _text(254),
        "subject": _TEXT,
        "text": _TEXT,
        "html": _TEXT,
        "created_at": _AT,
    },
}

MORE_COLUMNS: dict[tuple[str, str], Columns] = {
    ("AuthCredentials", "auth_credentials"): {
        "app_metadata": (JSONB, {"default": "{}"}),
        "email_confirmed_at": _MAYBE_AT,
        "confirmation_sent_at": _MAYBE_AT,
        "recovery_sent_at": _MAYBE_AT,
        "invited_at": _MAYBE_AT,
        "banned_until": _MAYBE_AT,
        "email_change": _text(254, null=True),
        "email_change_sent_at": _MAYBE_AT,
        "email_change_halfway": (Boolean, {"default": False}),
    },
    ("AuthSessions", "auth_sessions"): {
        "refreshed_at": _MAYBE_AT,
        "aal": (Varchar, {"length": 8, "default": "aal1"}),
        "amr": (JSONB, {"default": "[]"}),
        "ip": _text(64, null=True),
        "user_agent": _text(256, null=True),
    },
}


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
    manager.add_constraint(
        table_class_name="AuthMailedTokens",
        tablename="auth_mailed_tokens",
        constraint_name="one_per_purpose",
        constraint_class=Unique,
        params={"columns": ["user_id", "purpose"], "nulls_distinct": True},
        schema=None,
    )
    return manager

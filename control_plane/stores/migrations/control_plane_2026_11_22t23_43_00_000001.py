"""Mailed proofs: a first link that confirms no password, and which mailbox has agreed to a new address."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Varchar
from piccolo.table import Table

ID = "2026-11-22T23:43:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "mailed proofs: first links, who agreed to a new address"

STATEMENTS = """
alter table auth_mailed_tokens drop constraint auth_mailed_tokens_purpose_check;
alter table auth_mailed_tokens add constraint auth_mailed_tokens_purpose_check check (purpose in
    ('confirmation', 'first_link', 'recovery', 'email_change_current', 'email_change_new', 'reauthentication'))
"""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """The column, and the wider check."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)
    manager.add_column(
        table_class_name="AuthCredentials",
        tablename="auth_credentials",
        column_name="email_change_agreed",
        db_column_name="email_change_agreed",
        column_class_name="Varchar",
        column_class=Varchar,
        params={"length": 24, "default": None, "null": True},
        schema=None,
    )

    async def run() -> None:
        for statement in STATEMENTS.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager

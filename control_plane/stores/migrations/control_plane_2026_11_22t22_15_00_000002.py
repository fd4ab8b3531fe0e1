"""Identity: checks and row-level security. All of it is the platform's: signing in comes before any tenant.

Forced row-level security binds the owner too: it is lifted while the rows that are there get their new values.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-22T22:15:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "identity: checks and row-level security"

PLATFORM_TABLES = (
    "auth_mailed_tokens",
    "auth_flow_codes",
    "auth_factors",
    "auth_challenges",
    "auth_recovery_codes",
    "dev_mailbox",
)
CHECKS = """
alter table users no force row level security;
alter table auth_credentials no force row level security;
alter table auth_sessions no force row level security;
update auth_credentials c set email_confirmed_at = u.created_at from users u where u.id = c.user_id;
update auth_sessions set refreshed_at = created_at;
alter table users force row level security;
alter table auth_credentials force row level security;
alter table auth_sessions force row level security;
alter table auth_sessions add check (aal in ('aal1', 'aal2'));
alter table auth_mailed_tokens add check (purpose in
    ('confirmation', 'recovery', 'email_change_current', 'email_change_new', 'reauthentication'));
alter table auth_factors add check (factor_type = 'totp');
alter table auth_factors add check (status in ('unverified', 'verified'));
create unique index auth_factors_name on auth_factors (user_id, friendly_name) where friendly_name <> '';
create index auth_mailed_tokens_expires_at on auth_mailed_tokens (expires_at);
grant delete on users, auth_sessions, auth_signing_keys to tradingroom_platform
"""


def _platform_table(table: str) -> str:
    return f"""
        alter table {table} enable row level security;
        alter table {table} force row level security;
        grant select, insert, update, delete on {table} to tradingroom_platform;
        create policy platform_rows on {table} to tradingroom_platform using (true) with check (true)
    """


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Checks, then the policies table by table."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)
    statements = ";".join([CHECKS, *(_platform_table(table) for table in PLATFORM_TABLES)])

    async def run() -> None:
        for statement in statements.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager

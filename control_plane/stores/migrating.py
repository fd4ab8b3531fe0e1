"""Bring a database up to date: the roles of the scopes, then Piccolo's migrations, then the app's password.

Safe to run by several processes at once and on every start: a lock makes them take turns, and what is done stays done.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import asyncpg
from piccolo.apps.migrations.commands.forwards import run_forwards

LOCK_ID = 0x7472_6D69
"""Advisory lock of migrations ("trmi")."""
SCOPE_ROLES = ("tradingroom_tenant", "tradingroom_user", "tradingroom_platform")

_MAKE_ROLE = """
do $$ begin create role {role} {options};
exception when duplicate_object or unique_violation then null; end $$
"""


class MigrationFailed(Exception):
    """The database is not as the app needs it; the message says what to do."""


async def migrate(owner_url: str, app_url: str) -> None:
    """Migrate to the newest version.

    Args:
        owner_url: DSN of the role that owns the tables; it must be allowed to create roles, or they must exist.
        app_url: DSN of the app's login: made if missing, its password set to the one in here.

    Raises:
        MigrationFailed: a migration failed, or the app's login could look past row-level security.
        asyncpg.PostgresError, OSError: the database refused or is away.
    """
    connection = await asyncpg.connect(owner_url, timeout=10)
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK_ID)
        app_role = await _make_roles(connection, app_url)
        result = await run_forwards(app_name="control_plane")
        if not result.success:
            raise MigrationFailed(result.message or "a migration failed")
        await _check_login(connection, app_role)
    finally:
        await connection.close()


async def _make_roles(connection: asyncpg.Connection[asyncpg.Record], app_url: str) -> str:
    url = urlsplit(app_url)
    app_role, password = unquote(url.username or ""), unquote(url.password or "")
    quoted = await connection.fetchval("select quote_ident($1)", app_role)
    for role in SCOPE_ROLES:
        await connection.execute(_MAKE_ROLE.format(role=role, options="nologin noinherit"))
    await connection.execute(_MAKE_ROLE.format(role=quoted, options="login noinherit"))
    await connection.execute(f"grant {', '.join(SCOPE_ROLES)} to {quoted}")
    if password:
        await connection.execute(f"alter role {quoted} password {await _literal(connection, password)}")
    return app_role


async def _literal(connection: asyncpg.Connection[asyncpg.Record], text: str) -> str:
    return str(await connection.fetchval("select quote_literal($1)", text))


async def _check_login(connection: asyncpg.Connection[asyncpg.Record], app_role: str) -> None:
    """Refuse a login that row-level security does not bind: a superuser, an owner, one that bypasses or inherits."""
    row = await connection.fetchrow(
        """
        select r.rolsuper or r.rolbypassrls or r.rolinherit as is_free,
               exists (select 1 from pg_class c where c.relowner = r.oid) as owns
        from pg_roles r where r.rolname = $1
        """,
        app_role,
    )
    if row is None or row["is_free"] or row["owns"]:
        raise MigrationFailed(
            f"The login {app_role!r} of DATABASE_URL must own nothing, inherit nothing (NOINHERIT) and not bypass "
            "row-level security; it must not be the owner of DATABASE_OWNER_URL."
        )

"""Bring a database up to date: the roles of the scopes, then Piccolo's migrations, then the app's password.

Safe to run by several processes at once and on every start: a lock makes them take turns, and what is done stays done.
Safe beside a running system, too: no change waits longer than LOCK_TIMEOUT_S for a table, since everybody who comes later
would wait behind it. It gives up, lets them pass, and tries again.
"""

from __future__ import annotations

import asyncio
from urllib.parse import unquote, urlsplit

import asyncpg
import structlog
from piccolo.apps.migrations.commands.forwards import run_forwards

LOCK_ID = 0x7472_6D69
"""Advisory lock of migrations ("trmi")."""
TURN_S = 0.5
"""How often a process asks whether it is its turn, seconds."""
LOCK_TIMEOUT_S = 1.0
"""How long one change waits for its table, and everybody else behind it, seconds."""
PAUSE_S = 2.0
"""How long the others have the table before it is tried again, seconds."""
PATIENCE_S = 600.0
"""How long is tried; whoever holds a table for longer must be looked at by people, seconds."""
SESSION = {"lock_timeout": f"{LOCK_TIMEOUT_S * 1000:.0f}", "application_name": "tradingroom-migrate"}
"""Settings of a migration's session in the database."""
SCOPE_ROLES = ("tradingroom_tenant", "tradingroom_user", "tradingroom_platform")

log = structlog.get_logger(__name__)

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
        MigrationFailed: a migration failed, a table was held for PATIENCE_S, or the app's login could look past row-level
            security.
        asyncpg.PostgresError, OSError: the database refused or is away.
    """
    connection = await asyncpg.connect(owner_url, timeout=10)
    try:
        # Asked for again and again: a statement that waits for the lock holds a snapshot, and an index that is built
        # concurrently by who has the lock would wait for that snapshot, and so both for ever.
        while not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK_ID):  # noqa: ASYNC110 - see above
            await asyncio.sleep(TURN_S)
        app_role = await _make_roles(connection, app_url)
        await _run_forwards()
        await _check_login(connection, app_role)
    finally:
        await connection.close()


async def _run_forwards() -> None:
    """Run what has not run yet. A migration whose table is held is rolled back and run again; those before it stand."""
    loop = asyncio.get_running_loop()
    give_up_at_s = loop.time() + PATIENCE_S
    while True:
        try:
            result = await run_forwards(app_name="control_plane")
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if loop.time() > give_up_at_s:
                raise MigrationFailed(
                    "Somebody's transaction held a table all the time: look for it in pg_stat_activity, and migrate again."
                ) from error
            log.info("migration_waits", reason=str(error), pause_s=PAUSE_S)
            await asyncio.sleep(PAUSE_S)
        else:
            if not result.success:
                raise MigrationFailed(result.message or "a migration failed")
            return


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

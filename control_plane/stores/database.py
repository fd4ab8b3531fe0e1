"""The only ways into PostgreSQL: `tenant(organization_id)`, `user(user_id)` and `platform()`.

Each is one transaction. Its first message begins it and sets the role and the scope's id, in one round trip; row-level
security then shows the scope's rows and no others. The login itself owns nothing, inherits nothing and sees nothing.

    async with db.tenant(organization_id) as tx:
        row = await tx.fetchrow("select …", …)
        tx.after_commit(lambda: bus.publish(topic, event))

Inside a scope: one statement at a time, no task, no call to anything but the database (design.md 3.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, cast
from uuid import UUID

import asyncpg

from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.stores.connections import Connections

ACQUIRE_TIMEOUT_S = 3.0
"""How long a use case waits for a free connection and for a new one, both together, before it answers Unavailable."""
STATEMENT_TIMEOUT_MS = 5_000
"""How long one statement may run; no use case needs a tenth of it."""
LOCK_TIMEOUT_MS = 3_000
"""How long a statement waits for a lock, such as an organization's row."""
IDLE_TIMEOUT_MS = 10_000
"""How long a transaction may do nothing: a process that hangs inside a scope must not hold its locks."""
COMMAND_TIMEOUT_S = 8.0
"""How long we wait for any answer: also when the network swallows it, which no server-side limit notices."""

UniqueViolation = asyncpg.UniqueViolationError
"""What a statement raises when an id or name is taken and it did not say what to do then."""
ForeignKeyViolation = asyncpg.ForeignKeyViolationError
"""What a statement raises when a row points at nothing, such as a login that was deleted."""

_PLATFORM, _TENANT, _USER = "tradingroom_platform", "tradingroom_tenant", "tradingroom_user"
_TRY_AGAIN = (
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,  # shutdown, crash of another session, statement timeout
    asyncpg.InsufficientResourcesError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
)


class Rows(Protocol):
    """A row of an answer: values by column name."""

    def __getitem__(self, name: str) -> Any: ...


def columns_of(row: Rows) -> dict[str, Any]:
    """A row as a dict, columns in the order of the statement."""
    return dict(cast("asyncpg.Record", row))


class Transaction:
    """An open scope. Statements use `$1`-style parameters; values come back as asyncpg makes them."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection
        self._callbacks: list[Callable[[], Awaitable[None]]] = []
        self.has_effects = False
        """Whether the outbox got something to do at once; who commits tells of it, once."""
        self._timeout_s: float | None = None

    async def allow(self, *, statement_ms: int, lock_ms: int) -> None:
        """Give the rest of this transaction deadlines of its own: a chore's statements are not a use case's.

        Args:
            statement_ms: how long one statement may run, > 0.
            lock_ms: how long it may wait for a lock, > 0.
        """
        await self._connection.execute(
            f"select set_config('statement_timeout', '{int(statement_ms)}', true), "
            f"set_config('lock_timeout', '{int(lock_ms)}', true)"
        )
        # As COMMAND_TIMEOUT_S stands to STATEMENT_TIMEOUT_MS: the server gives up first, and says why.
        self._timeout_s = statement_ms / 1000 + 3

    async def fetch(self, statement: str, *values: object) -> list[Rows]:
        """All rows of a statement."""
        return cast("list[Rows]", await self._connection.fetch(statement, *values, timeout=self._timeout_s))

    async def fetchrow(self, statement: str, *values: object) -> Rows | None:
        """The first row, or None."""
        return cast("Rows | None", await self._connection.fetchrow(statement, *values, timeout=self._timeout_s))

    async def fetchval(self, statement: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        return await self._connection.fetchval(statement, *values, timeout=self._timeout_s)

    async def execute(self, statement: str, *values: object) -> int:
        """Run a statement; answers how many rows it touched."""
        status = await self._connection.execute(statement, *values, timeout=self._timeout_s)
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Await this once the transaction is committed and its connection is back in the pool; not at all otherwise."""
        self._callbacks.append(callback)

    @property
    def callbacks(self) -> list[Callable[[], Awaitable[None]]]:
        """What waits for the commit, in order."""
        return self._callbacks


class Database:
    """The connections and the three scopes. Made by `open_database`; whoever opens it closes it."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._tell_of_effects: Callable[[], Awaitable[None]] | None = None

    def when_effects_are_due(self, tell: Callable[[], Awaitable[None]]) -> None:
        """Await this after every transaction that put effects in the outbox: it wakes who has them. Must not raise."""
        self._tell_of_effects = tell

    @asynccontextmanager
    async def tenant(self, organization_id: OrganizationId) -> AsyncIterator[Transaction]:
        """One transaction that sees and writes one organization's rows.

        Raises:
            Unavailable: PostgreSQL is away, busy beyond its deadlines, or gave up on the transaction.
        """
        async with self._scope(_TENANT, organization_id=organization_id) as transaction:
            yield transaction

    @asynccontextmanager
    async def user(self, user_id: UserId) -> AsyncIterator[Transaction]:
        """One transaction that sees one person's own rows: themselves, their memberships, their organizations.

        Raises:
            Unavailable: as `tenant`.
        """
        async with self._scope(_USER, user_id=user_id) as transaction:
            yield transaction

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[Transaction]:
        """One transaction for what has no tenant: sign-in, signing keys, media nodes.

        `scripts/lints/tenancy.py` holds the list of callers.

        Raises:
            Unavailable: as `tenant`.
        """
        async with self._scope(_PLATFORM) as transaction:
            yield transaction

    async def count_as_platform(self, query: str) -> int:
        """How many rows a query of the platform finds, in one round trip: for what is asked with every request.

        Args:
            query: one `select` without parameters, made of our own words and of ids; PostgreSQL runs it and the role's
                setting as one transaction (a simple query of two statements).

        Raises:
            Unavailable: as `tenant`.
        """
        async with self._connected() as connection:
            status = await connection.execute(f"select set_config('role', '{_PLATFORM}', true); {query}")
        return int(status.rsplit(" ", 1)[-1])

    async def call(self, statement: str, *values: object) -> Rows | None:
        """The first row of one statement that opens its own scope: a function of the migrations that sets role and id.

        One round trip; the statement's own transaction ends what it set. For the few paths where that counts.

        Raises:
            Unavailable: as `tenant`.
        """
        connection = await self._acquire()
        try:
            return cast("Rows | None", await _first_row(connection, statement, values))
        except BaseException as error:
            await self._end_badly(connection, error)
            raise
        finally:
            self._connections.release(connection)

    async def ping(self, timeout_s: float) -> None:
        """Make sure PostgreSQL answers within timeout_s. Raises Unavailable."""
        try:
            async with asyncio.timeout(timeout_s), self.platform() as transaction:
                await transaction.fetchval("select 1")
        except TimeoutError as error:
            raise _unavailable() from error

    async def close(self) -> None:
        """Close every connection; those in use are given 2 s. May be called twice."""
        try:
            async with asyncio.timeout(2):
                await self._connections.close()
        except TimeoutError:
            self._connections.terminate()

    @asynccontextmanager
    async def _scope(
        self, role: str, *, organization_id: UUID | None = None, user_id: UUID | None = None
    ) -> AsyncIterator[Transaction]:
        async with self._connected() as connection:
            transaction = Transaction(cast("asyncpg.Connection[asyncpg.Record]", connection))
            await connection.execute(_opening(role, organization_id, user_id))
            yield transaction
            await _commit(connection)
        if transaction.has_effects and self._tell_of_effects is not None:
            await self._tell_of_effects()
        for callback in transaction.callbacks:
            await callback()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        """A connection of the pool; whatever ends it, nothing of a transaction is left on it. Raises Unavailable."""
        connection = await self._acquire()
        try:
            yield connection
        except BaseException as error:
            await self._end_badly(connection, error)
            raise
        finally:
            self._connections.release(connection)

    async def _end_badly(self, connection: Any, error: BaseException) -> None:
        """Roll back. Raises Unavailable, from the error: trying again may help."""
        await _roll_back(connection)
        if isinstance(error, (*_TRY_AGAIN, TimeoutError)) or _is_broken(error, connection):
            raise _unavailable() from error

    async def _acquire(self) -> Any:
        try:
            return await self._connections.acquire(ACQUIRE_TIMEOUT_S)
        except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise _unavailable() from error


async def open_database(url: str, *, pool_size: int, statement_cache: int = 200) -> Database:
    """Make the pool. It connects on first use, so a database that is away does not keep a process from starting.

    Args:
        url: DSN of the app's login.
        pool_size: most connections, >= 1.
        statement_cache: prepared statements per connection; 0 behind a transaction pooler (design.md 3.4).
    """

    async def connect(timeout_s: float) -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(
            url,
            statement_cache_size=statement_cache,
            command_timeout=COMMAND_TIMEOUT_S,
            timeout=timeout_s,
            server_settings={"application_name": "tradingroom", "timezone": "UTC"},
        )

    return Database(Connections(connect, pool_size))


def _opening(role: str, organization_id: UUID | None, user_id: UUID | None) -> str:
    """The message that begins a scope. Its values are ours: role names of this file and UUIDs, so no parameter is needed.

    Everything is set for this transaction only, which is also right behind a transaction pooler.
    """
    values = {
        "role": role,
        "app.organization_id": str(organization_id or ""),
        "app.user_id": str(user_id or ""),
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
        "lock_timeout": str(LOCK_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
    }
    settings = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in values.items())
    return f"begin; select {settings}"


async def _first_row(connection: Any, statement: str, values: tuple[object, ...]) -> Any:
    """`connection.fetchrow`, for a statement the connection has prepared already in a fifth less of our CPU time.

    It goes past asyncpg's layers to the protocol (asyncpg is pinned; `test_connections.py` holds the two to one another).
    What they would do about a statement that was changed under its name is left to them.
    """
    prepared = connection._stmt_cache.get((statement, asyncpg.Record, False))  # noqa: SLF001 - said above
    if prepared is not None and not connection.is_closed():
        with suppress(asyncpg.InvalidCachedStatementError):
            found, _, _ = await connection._protocol.bind_execute(  # noqa: SLF001
                prepared, values, portal_name="", limit=1, return_extra=True, timeout=COMMAND_TIMEOUT_S
            )
            return found[0] if found else None
    return await connection.fetchrow(statement, *values)


async def _commit(connection: Any) -> None:
    if await connection.execute("commit") != "COMMIT":
        # PostgreSQL answers ROLLBACK, and no error, when a statement failed and somebody swallowed that.
        raise RuntimeError("a failed statement was swallowed inside a scope")


async def _roll_back(connection: Any) -> None:
    """Leave nothing open on a connection; cut it off when that can't be had, also when we are cancelled meanwhile."""
    if connection.is_closed():
        return
    is_clean = False
    try:
        with suppress(
            asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError
        ):
            await connection.execute("rollback", timeout=2)
            is_clean = True
    finally:
        if not is_clean:
            connection.terminate()


def _is_broken(error: BaseException, connection: Any) -> bool:
    """Whether asyncpg complained because the connection went away, and not because we misused it.

    A server that ends the session just as a statement is sent leaves asyncpg in a state it calls its own error.
    """
    if isinstance(error, asyncpg.InternalClientError):
        return True
    return isinstance(error, asyncpg.InterfaceError) and bool(connection.is_closed())


def _unavailable() -> Unavailable:
    return Unavailable("The database does not answer. Try again in a moment.", retry_after_s=1)

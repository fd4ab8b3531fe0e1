"""Row-level security asked of the database itself: what its catalogue says was granted is tried, row by row.

Two worlds, each an organization with a member and one row of its own in every table, made from the catalogue: types, keys
and all; a third one invites the person of the first. Then every right a scope's role was granted is used on a row of its own
world, which must work, and on the other world's, which must not. A policy that is missing makes the first fail, one that is
too wide the second.
"""

# ruff: noqa: S608 - names come from the catalogue

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg

TENANT, USER, PLATFORM = "tradingroom_tenant", "tradingroom_user", "tradingroom_platform"
ROLES = (TENANT, USER, PLATFORM)
COMMANDS = ("select", "insert", "update", "delete")
LONG_AGO = "2000-01-01T00:00:00Z"
SHARED = {"media_nodes": "machines belong to nobody, and every tenant's rooms choose among them"}
"""Tables whose rows are nobody's. An entry is a decision."""
FILLED = {("organizations", "deletes_at"), ("auth_sessions", "user_id"), ("api_tokens", "expires_at")}
"""Columns that may be null and yet are filled, because a policy looks at them."""


@dataclass(frozen=True)
class Column:
    """length: of a varchar. is_null_fine: may be null."""

    name: str
    kind: str
    length: int | None
    is_null_fine: bool
    is_made: bool


@dataclass
class Table:
    """One table as the catalogue knows it. points_at: (own columns, table, its columns)."""

    name: str
    columns: list[Column]
    key: list[str]
    points_at: list[tuple[list[str], str, list[str]]]


@dataclass
class World:
    """An organization, a person in it, and a row of each table."""

    organization_id: str = field(default_factory=lambda: str(uuid4()))
    user_id: str = field(default_factory=lambda: str(uuid4()))
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def email(self) -> str:
        return f"{self.user_id}@example.com"


class Probe:
    """Tries rights on one superuser connection; nothing it does is kept but the worlds."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.tables: dict[str, Table] = {}
        self.mine, self.other, self.inviting = World(), World(), World()

    # --- the catalogue

    async def read_catalogue(self) -> None:
        """Tables, columns and keys. Piccolo's own list of migrations belongs to the owner alone."""
        fetch = self.connection.fetch
        names = await fetch(
            "select c.relname, c.oid from pg_class c where c.relkind = 'r' "
            "and c.relnamespace = 'public'::regnamespace and c.relname <> 'migration'"
        )
        for name, oid in names:
            columns = await fetch(
                "select attname, typname, atttypmod, attnotnull, attidentity <> '' or attgenerated <> '' as is_made "
                "from pg_attribute a join pg_type t on t.oid = a.atttypid "
                "where attrelid = $1 and attnum > 0 and not attisdropped order by attnum",
                oid,
            )
            key = await fetch(
                "select a.attname from pg_index i "
                "join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) "
                "where i.indrelid = $1 and i.indisprimary",
                oid,
            )
            self.tables[name] = Table(
                name=name,
                columns=[
                    Column(
                        name=column["attname"],
                        kind=column["typname"],
                        length=column["atttypmod"] - 4 if column["typname"] == "varchar" else None,
                        is_null_fine=not column["attnotnull"],
                        is_made=column["is_made"],
                    )
                    for column in columns
                ],
                key=[row["attname"] for row in key],
                points_at=await self._keys(oid),
            )

    async def _keys(self, oid: int) -> list[tuple[list[str], str, list[str]]]:
        rows = await self.connection.fetch(
            """
            select f.relname as target,
                (select array_agg(a.attname::text order by k.n) from unnest(c.conkey) with ordinality k(num, n)
                    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.num) as own,
                (select array_agg(a.attname::text order by k.n) from unnest(c.confkey) with ordinality k(num, n)
                    join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.num) as theirs
            from pg_constraint c join pg_class f on f.oid = c.confrelid where c.conrelid = $1 and c.contype = 'f'
            """,
            oid,
        )
        return [(row["own"], row["target"], row["theirs"]) for row in rows]

    # --- the worlds

    async def make_worlds(self) -> None:
        """Fill both. Checks on values go first: they have nothing to do with who may see a row."""
        checks = await self.connection.fetch(
            "select conrelid::regclass::text as name, conname from pg_constraint "
            "where contype = 'c' and connamespace = 'public'::regnamespace"
        )
        for name, constraint in checks:
            await self.connection.execute(f'alter table {name} drop constraint "{constraint}"')
        for world in (self.mine, self.other, self.inviting):
            for table in self._in_order():
                world.rows[table.name] = row = self.make_row(world, table)
                if world is self.inviting and table.name == "invitations":
                    row |= {"email": self.mine.email, "expires_at": "2100-01-01T00:00:00Z"}
                await self.connection.execute(_insert(table, row), json.dumps(row))

    def _in_order(self) -> list[Table]:
        """Tables after those they point at."""
        done: list[Table] = []
        left = dict(self.tables)
        while left:
            ready = [
                table
                for table in left.values()
                if all(target == table.name or target not in left for _, target, _ in table.points_at)
            ]
            assert ready, f"tables point at each other in a circle: {sorted(left)}"
            done += [left.pop(table.name) for table in ready]
        return done

    def make_row(self, world: World, table: Table) -> dict[str, Any]:
        """A row of that world with a fresh key, pointing at the world's other rows."""
        row = {column.name: self._value(world, table, column) for column in table.columns if not column.is_made}
        for own, target, theirs in table.points_at:
            if target != table.name:
                row.update({name: world.rows[target][other] for name, other in zip(own, theirs, strict=True)})
        if table.name == "organizations":
            row["id"] = world.organization_id
        if table.name == "users":
            row["id"] = world.user_id
        return row

    def _value(self, world: World, table: Table, column: Column) -> Any:  # noqa: PLR0911 - one line per type
        is_pointing = any(column.name in own and target != table.name for own, target, _ in table.points_at)
        if column.name == "organization_id":
            return world.organization_id
        if column.name in {"user_id", "author_id", "actor_id"}:
            return world.user_id
        if column.name == "email":
            return world.email
        if column.kind == "timestamptz":
            return None if column.is_null_fine and (table.name, column.name) not in FILLED else LONG_AGO
        if column.is_null_fine and any(own == [column.name] and t == table.name for own, t, _ in table.points_at):
            return None
        if is_pointing:
            return None  # filled by the key
        if column.kind.startswith("_"):
            return []
        text = uuid4().hex
        made = {
            "uuid": str(uuid4()),
            "bytea": "\\x" + text,
            "jsonb": {},
            "json": {},
            "bool": False,
            "text": text,
            "inet": "127.0.0.1",
            "interval": "1 day",
        }
        if column.kind == "varchar":
            return text[: column.length]
        return made.get(column.kind, 0)

    # --- rights

    async def rights(self) -> list[tuple[str, str, str]]:
        """Every (role, table, command) the roles of scopes were granted, on the table or on some of its columns."""
        found = []
        for role in ROLES:
            for table in sorted(self.tables):
                for command in COMMANDS:
                    question = "has_table_privilege" if command == "delete" else "has_any_column_privilege"
                    if await self.connection.fetchval(f"select {question}($1, $2, $3)", role, table, command):
                        found.append((role, table, command))
        return found

    async def find_faults(self, role: str, table: str, command: str) -> list[str]:
        """Use one right on both worlds. Answers sentences about what should not be; empty is good.

        Call it inside a transaction of the connection: it leaves savepoints behind it rolled back.
        """
        where = f"{role} {command} {table}"
        faults = []
        if not await self._try(role, self.tables[table], command, self.mine):
            faults.append(f"{where}: granted, but no policy lets it reach a row of its own")
        if role == PLATFORM or table in SHARED:
            return faults
        if (role, table) == (USER, "organizations") and not await self._try(
            role, self.tables[table], command, self.inviting
        ):
            faults.append(f"{where}: an organization that invites the person is not shown")
        if await self._try(role, self.tables[table], command, self.other):
            faults.append(f"{where}: reaches another world's row")
        if command == "update" and await self._give_away(role, self.tables[table]):
            faults.append(f"{where}: gives its row to another world")
        return faults

    async def _try(self, role: str, table: Table, command: str, world: World) -> bool:
        """Whether a right, used in the scope of `mine`, reaches a row of that world."""
        row = world.rows[table.name]
        if command == "insert":
            columns = await self._allowed(role, table, "insert")
            row = self.make_row(world, table)
            return await self._count(role, _insert(table, row, columns), json.dumps(row)) == 1
        if command == "select":
            return await self._count(role, f"select {table.key[0]} from {table.name} where {_is(table, row)}") == 1
        if command == "delete":
            return await self._count(role, f"delete from {table.name} where {_is(table, row)}") == 1
        column = (await self._allowed(role, table, "update"))[-1]
        statement = (
            f"update {table.name} set {column} = (jsonb_populate_record(null::{table.name}, $1::jsonb)).{column}"
        )
        return await self._count(role, f"{statement} where {_is(table, row)}", json.dumps(row)) == 1

    async def _give_away(self, role: str, table: Table) -> bool:
        """Whether one's own row can be made the other world's."""
        owner = "id" if table.name == "organizations" else "organization_id"
        if owner not in await self._allowed(role, table, "update"):
            return False
        statement = f"update {table.name} set {owner} = '{self.other.organization_id}'"
        return await self._count(role, f"{statement} where {_is(table, self.mine.rows[table.name])}") == 1

    async def _allowed(self, role: str, table: Table, command: str) -> list[str]:
        """The columns a right was granted on, keys first."""
        columns = sorted((one.name for one in table.columns if not one.is_made), key=lambda name: name not in table.key)
        question = "select has_column_privilege($1, $2, $3, $4)"
        fetchval = self.connection.fetchval
        return [name for name in columns if await fetchval(question, role, table.name, name, command)]

    async def _count(self, role: str, statement: str, *values: object) -> int:
        """How many rows a statement touched in the scope of `mine`; refused is none.

        A key that is taken or still pointed at is found out after the policies, so then they let the row pass.
        """
        savepoint = self.connection.transaction()
        await savepoint.start()
        try:
            await self._enter(role)
            status = await self.connection.execute(statement, *values)
            return int(status.rsplit(" ", 1)[-1])
        except asyncpg.InsufficientPrivilegeError:
            return 0
        except asyncpg.IntegrityConstraintViolationError:
            return 1
        finally:
            await savepoint.rollback()

    async def _enter(self, role: str) -> None:
        organization_id = self.mine.organization_id if role == TENANT else ""
        user_id = "" if role == TENANT else self.mine.user_id
        await self.connection.execute(
            f"select set_config('app.organization_id', '{organization_id}', true), "
            f"set_config('app.user_id', '{user_id}', true), set_config('role', '{role}', true)"
        )


def _insert(table: Table, row: dict[str, Any], columns: list[str] | None = None) -> str:
    names = ", ".join(f'"{name}"' for name in (columns or row))
    return (
        f"insert into {table.name} ({names}) select {names} from jsonb_populate_record(null::{table.name}, $1::jsonb)"
    )


def _is(table: Table, row: dict[str, Any]) -> str:
    return " and ".join(f"{table.name}.{name} = '{row[name]}'" for name in table.key)

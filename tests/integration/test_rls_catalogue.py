"""Row-level security, generated from the catalogue: a new table, right or policy is covered the day it appears."""

# ruff: noqa: S608 - names come from the catalogue

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from scripts.stack.postgres import EmbeddedPostgres
from tests.conftest import TestDatabase
from tests.integration.rls_probe import ROLES, SHARED, TENANT, Probe


@dataclass(frozen=True)
class Policy:
    """A row of pg_policies. using, check: its expressions; None where it has none."""

    table: str
    name: str
    roles: tuple[str, ...]
    command: str
    using: str | None
    check: str | None


@pytest.fixture(scope="module")
def worlds(postgres: EmbeddedPostgres, database: TestDatabase) -> Probe:
    """Two worlds in this module's database; every test rolls back what it does."""

    async def make() -> Probe:
        connection = await asyncpg.connect(postgres.superuser_url(database.name))
        probe = Probe(connection)
        await probe.read_catalogue()
        await probe.make_worlds()
        await connection.close()
        return probe

    return asyncio.run(make())


@pytest.fixture
async def probe(postgres: EmbeddedPostgres, database: TestDatabase, worlds: Probe) -> AsyncIterator[Probe]:
    worlds.connection = await asyncpg.connect(postgres.superuser_url(database.name))
    yield worlds
    await worlds.connection.close()


async def _policies(probe: Probe) -> list[Policy]:
    rows = await probe.connection.fetch(
        "select tablename, policyname, roles::text[] as roles, lower(cmd) as cmd, qual, with_check from pg_policies "
        "where schemaname = 'public' order by 1, 2"
    )
    return [
        Policy(row["tablename"], row["policyname"], tuple(row["roles"]), row["cmd"], row["qual"], row["with_check"])
        for row in rows
    ]


async def _faults(probe: Probe, tables: set[str]) -> list[str]:
    found = []
    for role, table, command in await probe.rights():
        if table in tables:
            found += await probe.find_faults(role, table, command)
    return found


async def test_every_right_reaches_its_own_rows_and_nobody_elses(probe: Probe) -> None:
    async with probe.connection.transaction():
        faults = await _faults(probe, set(probe.tables))

    assert faults == []


async def test_every_table_with_an_organization_is_the_tenants_to_read(probe: Probe) -> None:
    rights = await probe.rights()
    having = {name for name, table in probe.tables.items() if any(c.name == "organization_id" for c in table.columns)}

    assert having - {table for role, table, command in rights if (role, command) == (TENANT, "select")} == set()


async def test_without_a_scope_the_login_has_no_right_at_all(database: TestDatabase, probe: Probe) -> None:
    login = await asyncpg.connect(database.app_url)
    for table in sorted(probe.tables):
        for statement in (f"select * from {table}", f"delete from {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await login.fetch(statement)
    await login.close()


async def test_a_role_without_an_id_sees_no_rows(database: TestDatabase, probe: Probe) -> None:
    login = await asyncpg.connect(database.app_url)
    for role, table, command in await probe.rights():
        if command == "select" and role != "tradingroom_platform" and table not in SHARED:
            async with login.transaction():
                await login.execute(f"set local role {role}")

                assert await login.fetchval(f"select count(*) from {table}") == 0, (role, table)
    await login.close()


async def test_every_table_is_forced_and_every_policy_names_its_roles(probe: Probe) -> None:
    loose = await probe.connection.fetch(
        "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace "
        "and relname <> 'migration' and not (relrowsecurity and relforcerowsecurity)"
    )
    views = await probe.connection.fetch(
        "select relname from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace"
    )

    assert [row["relname"] for row in loose] == []
    assert [row["relname"] for row in views] == []  # a view would read with its owner's eyes
    for policy in await _policies(probe):
        assert set(policy.roles) <= set(ROLES), policy


async def test_dropping_any_one_policy_is_noticed(probe: Probe) -> None:
    policies = await _policies(probe)
    unnoticed = []
    for policy in policies:
        transaction = probe.connection.transaction()
        await transaction.start()
        await probe.connection.execute(f"drop policy {policy.name} on {policy.table}")
        if not await _faults(probe, {policy.table}):
            unnoticed.append(f"{policy.table}.{policy.name}")
        await transaction.rollback()

    assert len(policies) >= 30
    assert unnoticed == []


async def test_opening_any_one_policy_is_noticed(probe: Probe) -> None:
    unnoticed, opened = [], 0
    for policy in await _policies(probe):
        if policy.table in SHARED or policy.roles == ("tradingroom_platform",):
            continue
        for clause in [word for word, text in (("using", policy.using), ("with check", policy.check)) if text]:
            opened += 1
            transaction = probe.connection.transaction()
            await transaction.start()
            await probe.connection.execute(f"alter policy {policy.name} on {policy.table} {clause} (true)")
            if not await _faults(probe, {policy.table}):
                unnoticed.append(f"{policy.table}.{policy.name} {clause}")
            await transaction.rollback()

    assert opened >= 30
    assert unnoticed == []


async def test_forgetting_to_force_row_level_security_opens_nothing_to_the_login(probe: Probe) -> None:
    """FORCE binds the owner; the login is bound by the policies alone, because it owns nothing."""
    owners = await probe.connection.fetch(
        "select distinct r.rolname, r.rolcanlogin from pg_class c join pg_roles r on r.oid = c.relowner "
        "where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'"
    )
    members = await probe.connection.fetch(
        "select m.member::regrole::text as name from pg_auth_members m where m.roleid = any($1::regrole[])",
        [row["rolname"] for row in owners],
    )

    assert [row["name"] for row in members] == []

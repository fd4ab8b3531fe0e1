"""Row-level security, table by table. A new table with an organization_id is covered the day it appears."""

# ruff: noqa: S608, PT012 - tables' names come from our own list, and a scope is part of what is refused

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from control_plane.app import compose
from control_plane.domain.alerts import AlertDraft, AlertStep, Side, StepKind
from control_plane.domain.ids import AlertId, MessageId, StepId
from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.stores.piccolo_app import APP_CONFIG
from scripts.stack.postgres import EmbeddedPostgres
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Tenant, make_tenant, start_session

ALL_TABLES = {table._meta.tablename: table for table in APP_CONFIG.table_classes}
TENANT_TABLES = sorted(
    name for name, table in ALL_TABLES.items() if any(c._meta.name == "organization_id" for c in table._meta.columns)
)
PLATFORM_ONLY = ["auth_credentials", "auth_refresh_tokens", "auth_sessions", "auth_signing_keys"]
OWN_KEY = {"organizations": "id"}


async def _fill(platform: Platform) -> Tenant:
    """A tenant with at least one row in every table."""
    tenant = await make_tenant(platform)
    await start_session(platform, tenant)
    await platform.live.join(tenant.owner.caller, tenant.id, tenant.room_id)
    author = await platform.feed.author_for(tenant.owner.caller, tenant.id, tenant.room_id)
    await platform.chat.post(author, MessageId(uuid4()), "hello")
    draft = AlertDraft(symbol="AAPL", side=Side.LONG, entry=Decimal(1))
    alert_id = AlertId(uuid4())
    await platform.alerts.post(author, alert_id, draft)
    await platform.alerts.step(author, alert_id, StepId(uuid4()), AlertStep(kind=StepKind.FILLED))
    await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None
    )
    async with platform.db.tenant(tenant.id) as tx:
        await platform.outbox.put(tx, "test", {}, organization_id=tenant.id)
    return tenant


@pytest.fixture(scope="module")
def tenants(database: TestDatabase, valkey: EmbeddedValkey) -> tuple[Tenant, Tenant]:
    """Two tenants; no test here changes them, because none succeeds."""

    async def fill() -> tuple[Tenant, Tenant]:
        async with compose(make_settings(database.app_url, valkey.url())) as platform:
            return await _fill(platform), await _fill(platform)

    return asyncio.run(fill())


@pytest.fixture
async def superuser(postgres: EmbeddedPostgres, database: TestDatabase) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres.superuser_url(database.name))
    yield connection
    await connection.close()


@pytest.fixture
async def login(database: TestDatabase) -> AsyncIterator[Any]:
    """The app's login without any scope."""
    connection = await asyncpg.connect(database.app_url)
    yield connection
    await connection.close()


def _key(table: str) -> str:
    return OWN_KEY.get(table, "organization_id")


@pytest.mark.parametrize("table", [*TENANT_TABLES, "organizations"])
async def test_a_tenant_reads_its_own_rows_and_no_others(
    platform: Platform, tenants: tuple[Tenant, Tenant], table: str
) -> None:
    mine, other = tenants

    async with platform.db.tenant(mine.id) as tx:
        own = await tx.fetchval(f"select count(*) from {table} where {_key(table)} = $1", mine.id)
        everything = await tx.fetchval(f"select count(*) from {table}")
        foreign = await tx.fetchval(f"select count(*) from {table} where {_key(table)} = $1", other.id)

    assert own >= 1
    assert everything == own
    assert foreign == 0


@pytest.mark.parametrize("table", [*TENANT_TABLES, "organizations"])
async def test_a_tenant_cant_insert_a_row_for_another(
    platform: Platform, tenants: tuple[Tenant, Tenant], superuser: Any, table: str
) -> None:
    mine, other = tenants
    text = await superuser.fetchval(f"select to_jsonb(t) from {table} t where {_key(table)} = $1 limit 1", other.id)
    row = json.loads(text)
    row["id"] = str(uuid4())

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with platform.db.tenant(mine.id) as tx:
            await tx.execute(
                f"insert into {table} select * from jsonb_populate_record(null::{table}, $1::jsonb)", json.dumps(row)
            )


@pytest.mark.parametrize("table", [*TENANT_TABLES, "organizations"])
async def test_a_tenant_cant_update_a_row_of_another(
    platform: Platform, tenants: tuple[Tenant, Tenant], table: str
) -> None:
    mine, other = tenants

    count = await _attempt(
        platform, mine, f"update {table} set {_key(table)} = $2 where {_key(table)} = $1", other, mine
    )

    assert count == 0


@pytest.mark.parametrize("table", [*TENANT_TABLES, "organizations"])
async def test_a_tenant_cant_give_its_rows_to_another(
    platform: Platform, tenants: tuple[Tenant, Tenant], table: str
) -> None:
    mine, other = tenants

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with platform.db.tenant(mine.id) as tx:
            await tx.execute(f"update {table} set {_key(table)} = $2 where {_key(table)} = $1", mine.id, other.id)


@pytest.mark.parametrize("table", [*TENANT_TABLES, "organizations"])
async def test_a_tenant_cant_delete_a_row_of_another(
    platform: Platform, tenants: tuple[Tenant, Tenant], superuser: Any, table: str
) -> None:
    mine, other = tenants
    question = f"select count(*) from {table} where {_key(table)} = $1"
    before = await superuser.fetchval(question, other.id)

    count = await _attempt(platform, mine, f"delete from {table} where {_key(table)} = $1", other)

    assert count == 0
    assert await superuser.fetchval(question, other.id) == before


async def _attempt(platform: Platform, scope: Tenant, statement: str, *about: Tenant) -> int:
    """How many rows a statement touched; being refused outright is none."""
    try:
        async with platform.db.tenant(scope.id) as tx:
            return await tx.execute(statement, *(tenant.id for tenant in about))
    except asyncpg.InsufficientPrivilegeError:
        return 0


@pytest.mark.parametrize("table", sorted(ALL_TABLES))
async def test_without_a_scope_the_login_reads_nothing(login: Any, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await login.fetch(f"select * from {table}")


@pytest.mark.parametrize("table", [*TENANT_TABLES, "organizations"])
async def test_a_tenant_role_without_an_organization_sees_no_rows(
    login: Any, tenants: tuple[Tenant, Tenant], table: str
) -> None:
    async with login.transaction():
        await login.execute("set local role tradingroom_tenant")

        assert await login.fetchval(f"select count(*) from {table}") == 0


async def test_a_scope_leaves_nothing_on_its_connection(login: Any, tenants: tuple[Tenant, Tenant]) -> None:
    async with login.transaction():
        await login.execute("select set_config('role', 'tradingroom_tenant', true)")
        await login.execute("select set_config('app.organization_id', $1, true)", str(tenants[0].id))
        inside = await login.fetchval("select count(*) from rooms")

    async with login.transaction():
        await login.execute("set local role tradingroom_tenant")
        after = await login.fetchval("select count(*) from rooms")

    assert (inside, after) == (1, 0)


@pytest.mark.parametrize("table", PLATFORM_ONLY)
async def test_sign_in_tables_are_closed_to_tenants_and_users(
    platform: Platform, tenants: tuple[Tenant, Tenant], table: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with platform.db.tenant(tenants[0].id) as tx:
            await tx.fetch(f"select * from {table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with platform.db.user(tenants[0].owner.caller.user_id) as tx:
            await tx.fetch(f"select * from {table}")


async def test_a_tenant_sees_its_members_as_users_and_nobody_else(
    platform: Platform, tenants: tuple[Tenant, Tenant]
) -> None:
    mine, _ = tenants

    async with platform.db.tenant(mine.id) as tx:
        seen = [row["id"] for row in await tx.fetch("select id from users")]

    assert seen == [mine.owner.caller.user_id]


async def test_a_user_scope_sees_only_that_person(platform: Platform, tenants: tuple[Tenant, Tenant]) -> None:
    mine, _ = tenants

    async with platform.db.user(mine.owner.caller.user_id) as tx:
        users = [row["id"] for row in await tx.fetch("select id from users")]
        organizations = [row["id"] for row in await tx.fetch("select id from organizations")]
        memberships = [row["organization_id"] for row in await tx.fetch("select organization_id from memberships")]

    assert users == [mine.owner.caller.user_id]
    assert organizations == memberships == [mine.id]


async def test_a_row_cant_point_at_another_tenants_row(platform: Platform, tenants: tuple[Tenant, Tenant]) -> None:
    mine, other = tenants

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with platform.db.tenant(mine.id) as tx:
            await tx.execute(
                "insert into chat_messages (id, organization_id, room_id, author_id, text, created_at) "
                "values ($1, $2, $3, $4, 'x', now())",
                uuid4(),
                mine.id,
                other.room_id,
                mine.owner.caller.user_id,
            )


async def test_every_table_with_an_organization_is_known_here(superuser: Any) -> None:
    rows = await superuser.fetch(
        "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'organization_id'"
    )

    assert sorted(row["table_name"] for row in rows) == TENANT_TABLES


async def test_every_table_forces_row_level_security(superuser: Any) -> None:
    rows = await superuser.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace "
        "and not (relrowsecurity and relforcerowsecurity)"
    )

    # Piccolo's own list of migrations: only the owner has any right to it.
    assert [row["relname"] for row in rows] == ["migration"]


async def test_the_login_owns_nothing_and_bypasses_nothing(superuser: Any, login: Any) -> None:
    name = await login.fetchval("select current_user")
    role = await superuser.fetchrow(
        "select oid, rolsuper, rolbypassrls, rolinherit, rolcreaterole, rolcreatedb from pg_roles where rolname = $1",
        name,
    )
    owned = await superuser.fetchval("select count(*) from pg_class where relowner = $1", role["oid"])
    granted = await superuser.fetchval(
        "select count(*) from information_schema.role_table_grants where grantee = $1 and table_schema = 'public'", name
    )
    scopes = await superuser.fetch(
        "select rolname, rolcanlogin or rolbypassrls or rolsuper as is_free from pg_roles "
        "where rolname in ('tradingroom_tenant', 'tradingroom_user', 'tradingroom_platform')"
    )

    assert not any(role[right] for right in ("rolsuper", "rolbypassrls", "rolinherit", "rolcreaterole", "rolcreatedb"))
    assert (owned, granted) == (0, 0)
    assert [scope["is_free"] for scope in scopes] == [False] * 3


async def test_an_organization_in_a_user_scope_opens_no_rooms(
    platform: Platform, tenants: tuple[Tenant, Tenant]
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with platform.db.user(tenants[0].owner.caller.user_id) as tx:
            await tx.execute("select set_config('app.organization_id', $1, true)", str(tenants[1].id))
            await tx.fetch("select * from rooms")

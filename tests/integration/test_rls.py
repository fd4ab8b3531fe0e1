"""Row-level security as the scopes use it; right by right and table by table stands in test_rls_catalogue.py."""

# ruff: noqa: S608, PT012 - tables' names come from our own list, and a scope is part of what is refused

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from control_plane.app import compose
from control_plane.services.platform import Platform
from control_plane.stores.piccolo_app import APP_CONFIG
from scripts.stack.postgres import EmbeddedPostgres
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Tenant, make_tenant

TABLES = [table._meta.tablename for table in APP_CONFIG.table_classes]
PLATFORM_ONLY = sorted(name for name in TABLES if name.startswith("auth_") or name == "dev_mailbox")


@pytest.fixture(scope="module")
def tenants(database: TestDatabase, valkey: EmbeddedValkey) -> tuple[Tenant, Tenant]:
    """Two tenants; no test here changes them, because none succeeds."""

    async def fill() -> tuple[Tenant, Tenant]:
        async with compose(make_settings(database.app_url, valkey.url())) as platform:
            return await make_tenant(platform), await make_tenant(platform)

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

"""Deleting a login beside a transfer of ownership to it: an organization has an owner, whoever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from control_plane.domain.errors import Conflict, DomainError, NotFound
from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from scripts.stack.postgres import EmbeddedPostgres
from tests.conftest import TestDatabase
from tests.factories import Person, Tenant, make_member, make_tenant


@pytest.fixture
async def superuser(postgres: EmbeddedPostgres, database: TestDatabase) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres.superuser_url(database.name))
    yield connection
    await connection.close()


async def _admin(platform: Platform) -> tuple[Tenant, Person]:
    tenant = await make_tenant(platform)
    return tenant, await make_member(platform, tenant, Role.ADMIN)


async def _owners(platform: Platform, tenant: Tenant) -> list[UUID]:
    async with platform.db.tenant(tenant.id) as tx:
        return [row["user_id"] for row in await tx.fetch("select user_id from memberships where role = 'owner'")]


@asynccontextmanager
async def _queue(
    database: TestDatabase, superuser: Any, postgres: EmbeddedPostgres, tenant: Tenant
) -> AsyncIterator[Any]:
    """Hold the organization's row: what is begun meanwhile waits for it, and goes on in the order of its coming."""
    holder = await asyncpg.connect(postgres.superuser_url(database.name))
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("select 1 from organizations where id = $1 for update", tenant.id)

    async def begin(work: Awaitable[None]) -> asyncio.Future[None]:
        waiting = "select count(*) from pg_locks where not granted"
        before = await superuser.fetchval(waiting)
        task = asyncio.ensure_future(work)
        async with asyncio.timeout(30):
            while not task.done() and await superuser.fetchval(waiting) == before:  # noqa: ASYNC110 - locks have no event
                await asyncio.sleep(0.005)
        return task

    yield begin
    await transaction.rollback()
    await holder.close()


async def test_a_login_that_is_made_owner_first_is_not_deleted(
    platform: Platform, postgres: EmbeddedPostgres, database: TestDatabase, superuser: Any
) -> None:
    tenant, heir = await _admin(platform)
    async with _queue(database, superuser, postgres, tenant) as begin:
        transfer = await begin(platform.memberships.transfer(tenant.owner.caller, tenant.id, heir.caller.user_id))
        deletion = await begin(platform.account_admin.delete(heir.caller.user_id))
        assert not transfer.done()
        assert not deletion.done()

    await transfer
    with pytest.raises(Conflict):
        await deletion
    assert await _owners(platform, tenant) == [heir.caller.user_id]


async def test_a_login_that_is_deleted_first_is_not_made_owner(
    platform: Platform, postgres: EmbeddedPostgres, database: TestDatabase, superuser: Any
) -> None:
    tenant, heir = await _admin(platform)
    async with _queue(database, superuser, postgres, tenant) as begin:
        deletion = await begin(platform.account_admin.delete(heir.caller.user_id))
        transfer = await begin(platform.memberships.transfer(tenant.owner.caller, tenant.id, heir.caller.user_id))
        assert not deletion.done()
        assert not transfer.done()

    await deletion
    with pytest.raises(NotFound):
        await transfer
    assert await _owners(platform, tenant) == [tenant.owner.caller.user_id]


async def test_a_login_in_many_organizations_is_deleted_beside_transfers_to_it_or_not_at_all(
    platform: Platform,
) -> None:
    for _ in range(5):
        tenants = [await make_tenant(platform) for _ in range(3)]
        heir = await make_member(platform, tenants[0], Role.ADMIN)
        for tenant in tenants[1:]:
            new = await platform.invitations.create(
                tenant.owner.caller, tenant.id, role=Role.ADMIN, max_uses=None, expires_in_s=None
            )
            await platform.invitations.accept(heir.caller, new.code)

        outcomes = await asyncio.gather(
            *(
                platform.memberships.transfer(one.owner.caller, one.id, heir.caller.user_id)
                for one in reversed(tenants)
            ),
            platform.account_admin.delete(heir.caller.user_id),
            return_exceptions=True,
        )

        assert all(outcome is None or isinstance(outcome, DomainError) for outcome in outcomes), outcomes
        for tenant in tenants:
            assert len(await _owners(platform, tenant)) == 1


async def test_a_membership_that_begins_while_a_login_is_deleted_does_not_outlive_it(
    platform: Platform, superuser: Any
) -> None:
    _, leaver = await _admin(platform)
    other = await make_tenant(platform)
    new = await platform.invitations.create(
        other.owner.caller, other.id, role=Role.ADMIN, max_uses=None, expires_in_s=None
    )

    outcomes = await asyncio.gather(
        platform.account_admin.delete(leaver.caller.user_id),
        platform.invitations.accept(leaver.caller, new.code),
        return_exceptions=True,
    )

    assert not isinstance(outcomes[0], BaseException)
    found = await superuser.fetchval("select count(*) from memberships where user_id = $1", leaver.caller.user_id)
    assert found == 0

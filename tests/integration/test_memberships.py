"""Who manages members, at the moment it is done."""

from __future__ import annotations

import asyncio

import pytest

from control_plane.domain.errors import Forbidden
from control_plane.domain.organizations import MemberChanges
from control_plane.domain.roles import Role
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.platform import Platform
from tests.factories import make_member, make_tenant


@pytest.mark.parametrize("what", ["change", "remove"])
async def test_an_admin_who_is_demoted_meanwhile_manages_nobody(platform: Platform, what: str) -> None:
    tenant = await make_tenant(platform)
    admin, member = await make_member(platform, tenant, Role.ADMIN), await make_member(platform, tenant, Role.MODERATOR)
    about = (admin.caller, tenant.id, member.caller.user_id)

    async with asyncio.timeout(15), platform.db.tenant(tenant.id) as tx:
        await lock_entitlement(tx, tenant.id)
        managing: asyncio.Future[object]
        if what == "change":
            managing = asyncio.ensure_future(platform.memberships.change(*about, MemberChanges(role=Role.VIEWER)))
        else:
            managing = asyncio.ensure_future(platform.memberships.remove(*about))
        while not await tx.fetchval("select exists (select 1 from pg_locks where not granted)"):  # noqa: ASYNC110 - a lock in the database has no event
            await asyncio.sleep(0.01)
        statement = "update memberships set role = 'viewer' where user_id = $1"
        await tx.execute(statement, admin.caller.user_id)

    with pytest.raises(Forbidden):
        await managing

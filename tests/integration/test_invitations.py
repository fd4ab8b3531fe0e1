"""Invitations stand by the word of who made them."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest

from control_plane.domain.errors import Conflict, NotFound, RateLimited
from control_plane.domain.mail import MAILS
from control_plane.domain.organizations import MemberChanges
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.services import invitations as invitations_module
from control_plane.services.platform import Platform
from tests.factories import Person, Tenant, assert_problem, make_member, make_person, make_tenant


async def _link(platform: Platform, tenant: Tenant, by: Person, role: Role) -> str:
    new = await platform.invitations.create(by.caller, tenant.id, role=role, max_uses=None, expires_in_s=None)
    return new.code


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await make_tenant(platform, PlanTier.ENTERPRISE)


async def test_a_removed_admin_does_not_come_back_by_their_own_link(platform: Platform, tenant: Tenant) -> None:
    admin = await make_member(platform, tenant, Role.ADMIN)
    code = await _link(platform, tenant, admin, Role.ADMIN)
    await platform.memberships.remove(tenant.owner.caller, tenant.id, admin.caller.user_id)

    with pytest.raises(Conflict) as refused:
        await platform.invitations.accept(admin.caller, code)

    assert refused.value.facts == {"reason": "revoked"}


@pytest.mark.parametrize("given", [Role.ADMIN, Role.VIEWER])
async def test_a_demoted_admins_link_lets_nobody_in(platform: Platform, tenant: Tenant, given: Role) -> None:
    admin, friend = await make_member(platform, tenant, Role.ADMIN), await make_person(platform)
    code = await _link(platform, tenant, admin, given)
    changes = MemberChanges(role=Role.MODERATOR)
    await platform.memberships.change(tenant.owner.caller, tenant.id, admin.caller.user_id, changes)

    with pytest.raises(Conflict) as refused:
        await platform.invitations.accept(friend.caller, code)

    assert refused.value.facts == {"reason": "revoked"}


async def _invite(platform: Platform, tenant: Tenant, by: Person, guest: Person, role: Role) -> UUID:
    new = await platform.invitations.create(
        by.caller, tenant.id, role=role, max_uses=None, expires_in_s=None, email=guest.caller.email
    )
    return new.invitation.id


async def _own(platform: Platform, guest: Person) -> list[UUID]:
    return [one.invitation.id for one in await platform.invitations.list_own(guest.caller)]


@pytest.mark.parametrize("after", ["removed", "demoted"])
async def test_an_invitation_whose_maker_may_not_give_it_is_neither_listed_nor_accepted_until_it_is_sent_again(
    platform: Platform, tenant: Tenant, after: str
) -> None:
    admin, guest = await make_member(platform, tenant, Role.ADMIN), await make_person(platform)
    invitation_id = await _invite(platform, tenant, admin, guest, Role.VIEWER)
    before = await _own(platform, guest)
    if after == "removed":
        await platform.memberships.remove(tenant.owner.caller, tenant.id, admin.caller.user_id)
    else:
        changes = MemberChanges(role=Role.MODERATOR)
        await platform.memberships.change(tenant.owner.caller, tenant.id, admin.caller.user_id, changes)

    meanwhile = await _own(platform, guest)
    with pytest.raises(Conflict) as refused:
        await platform.invitations.accept_own(guest.caller, invitation_id)
    await platform.invitations.resend(tenant.owner.caller, tenant.id, invitation_id)

    assert (before, meanwhile, await _own(platform, guest)) == ([invitation_id], [], [invitation_id])
    assert refused.value.facts == {"reason": "revoked"}
    assert (await platform.invitations.accept_own(guest.caller, invitation_id)).role is Role.VIEWER


@pytest.mark.parametrize("path", ["/api/v1/invitations/accept", "/api/v1/me/invitations/{invitation}/accept"])
async def test_an_invitation_whose_time_is_over_lets_nobody_in(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, path: str
) -> None:
    guest = await make_person(platform)
    new = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=3600, email=guest.caller.email
    )
    async with platform.db.tenant(tenant.id) as tx:
        statement = "update invitations set expires_at = now() where id = $1"
        await tx.execute(statement, new.invitation.id)

    answer = await api.post(path.format(invitation=new.invitation.id), headers=guest.headers, json={"code": new.code})

    assert assert_problem(answer, 409, "conflict")["reason"] == "expired"
    assert_problem(await api.get(tenant.path, headers=guest.headers), 404, "not_found")


async def test_an_organization_that_is_being_deleted_invites_nobody(platform: Platform, tenant: Tenant) -> None:
    guest = await make_person(platform)
    invitation_id = await _invite(platform, tenant, tenant.owner, guest, Role.VIEWER)
    await platform.closing.close(tenant.owner.caller, tenant.id, "Acme Traders")

    meanwhile = await _own(platform, guest)
    with pytest.raises(Conflict) as refused:
        await platform.invitations.accept_own(guest.caller, invitation_id)
    await platform.closing.reopen(tenant.owner.caller, tenant.id)

    assert refused.value.facts == {"reason": "closing"}
    assert (meanwhile, await _own(platform, guest)) == ([], [invitation_id])


async def test_an_invitation_sent_again_stands_by_who_sent_it_again(platform: Platform, tenant: Tenant) -> None:
    admin, guest = await make_member(platform, tenant, Role.ADMIN), await make_person(platform)
    first = await platform.invitations.create(
        admin.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=guest.caller.email
    )
    await platform.memberships.remove(tenant.owner.caller, tenant.id, admin.caller.user_id)

    again = await platform.invitations.resend(tenant.owner.caller, tenant.id, first.invitation.id)

    assert (await platform.invitations.accept(guest.caller, again.code)).role is Role.VIEWER


async def test_an_address_gets_no_more_mail_than_its_share_by_invitations(platform: Platform, tenant: Tenant) -> None:
    guest, other = await make_person(platform), await make_tenant(platform)
    first = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=guest.caller.email
    )
    for _ in range(MAILS - 1):
        await platform.invitations.resend(tenant.owner.caller, tenant.id, first.invitation.id)

    with pytest.raises(RateLimited):
        await platform.invitations.resend(tenant.owner.caller, tenant.id, first.invitation.id)
    with pytest.raises(RateLimited):
        await platform.invitations.create(
            other.owner.caller, other.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=guest.caller.email
        )


async def test_of_many_invitations_a_person_sees_the_newest(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations_module, "OWN_LISTED", 2)
    guest, tenants = await make_person(platform), [await make_tenant(platform) for _ in range(3)]

    made = [await _invite(platform, one, one.owner, guest, Role.VIEWER) for one in tenants]

    assert await _own(platform, guest) == [made[2], made[1]]


async def test_an_address_that_was_given_up_takes_no_invitation_whatever_the_token_still_says(
    platform: Platform, tenant: Tenant
) -> None:
    guest, moved = await make_person(platform), f"{uuid4().hex}@example.com"
    left = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.ADMIN, max_uses=None, expires_in_s=None, email=guest.caller.email
    )
    async with platform.db.platform() as tx:
        await tx.execute("update users set email = $2 where id = $1", guest.caller.user_id, moved)

    with pytest.raises(NotFound):
        await platform.invitations.accept(guest.caller, left.code)

    own = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=moved
    )
    assert (await platform.invitations.accept(guest.caller, own.code)).role is Role.VIEWER

"""Plan limits hold at the door when many come at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from uuid import uuid4

import pytest

from control_plane.domain.errors import Conflict, DomainError, Forbidden, LimitExceeded, NotFound
from control_plane.domain.ids import RoomId, WorkspaceId
from control_plane.domain.organizations import MemberChanges
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.domain.webhooks import ENDPOINTS_MAX
from control_plane.services.platform import Platform
from tests.factories import Tenant, make_member, make_person, make_tenant


async def _count_rooms(platform: Platform, tenant: Tenant) -> int:
    return len(await platform.rooms.list_rooms(tenant.owner.caller, tenant.id))


async def test_of_20_rooms_made_at_once_exactly_the_plans_three_stand(platform: Platform) -> None:
    tenant = await make_tenant(platform)  # has one room already

    async def make(number: int) -> str:
        try:
            await platform.rooms.create(
                tenant.owner.caller, tenant.id, name=f"Room {number}", workspace_id=None, room_id=None
            )
        except LimitExceeded as error:
            return f"{error.facts['limit']} {error.facts['allowed']} {error.facts['used']}"
        return "made"

    outcomes = await asyncio.gather(*(make(number) for number in range(20)))

    assert outcomes.count("made") == 2
    assert outcomes.count("rooms 3 3") == 18
    assert await _count_rooms(platform, tenant) == 3


async def test_a_second_workspace_needs_a_bigger_plan(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    with pytest.raises(LimitExceeded):
        await platform.workspaces.create(tenant.owner.caller, tenant.id, "Two", None)

    await platform.organizations.set_plan(str(tenant.id), PlanTier.PROFESSIONAL)

    for name in ("Two", "Three"):
        await platform.workspaces.create(tenant.owner.caller, tenant.id, name, None)
    with pytest.raises(LimitExceeded):
        await platform.workspaces.create(tenant.owner.caller, tenant.id, "Four", None)


async def test_enterprise_has_no_limit(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.ENTERPRISE)

    for number in range(12):
        await platform.rooms.create(
            tenant.owner.caller, tenant.id, name=f"Room {number}", workspace_id=None, room_id=None
        )

    assert await _count_rooms(platform, tenant) == 13


async def test_a_smaller_plan_deletes_nothing_and_adds_nothing(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
    for number in range(4):
        await platform.rooms.create(
            tenant.owner.caller, tenant.id, name=f"Room {number}", workspace_id=None, room_id=None
        )

    await platform.organizations.set_plan(str(tenant.id), PlanTier.STARTER)

    assert await _count_rooms(platform, tenant) == 5
    with pytest.raises(LimitExceeded) as refused:
        await platform.rooms.create(tenant.owner.caller, tenant.id, name="More", workspace_id=None, room_id=None)
    assert refused.value.facts == {"limit": "rooms", "allowed": 3, "used": 5}


async def test_making_the_same_room_again_at_the_limit_answers_the_first(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    room_id = RoomId(uuid4())
    await platform.rooms.create(tenant.owner.caller, tenant.id, name="Two", workspace_id=None, room_id=room_id)
    await platform.rooms.create(tenant.owner.caller, tenant.id, name="Three", workspace_id=None, room_id=None)

    again = await platform.rooms.create(
        tenant.owner.caller, tenant.id, name="Other name", workspace_id=None, room_id=room_id
    )

    assert (again.room.id, again.room.name) == (room_id, "Two")


async def test_an_id_another_tenant_uses_is_taken(platform: Platform) -> None:
    mine, other = await make_tenant(platform), await make_tenant(platform, PlanTier.PROFESSIONAL)
    caller = other.owner.caller

    with pytest.raises(Conflict):
        await platform.rooms.create(caller, other.id, name="Mine?", workspace_id=None, room_id=mine.room_id)
    with pytest.raises(Conflict):
        await platform.organizations.create(caller, "Mine?", mine.id)
    workspace = (await platform.workspaces.list_workspaces(mine.owner.caller, mine.id))[0]
    with pytest.raises(Conflict):
        await platform.workspaces.create(caller, other.id, "Mine?", workspace.id)
    with pytest.raises(NotFound):
        await platform.rooms.create(caller, other.id, name="In", workspace_id=workspace.id, room_id=None)


async def test_making_the_same_organization_again_answers_the_first(platform: Platform) -> None:
    tenant = await make_tenant(platform)

    again = await platform.organizations.create(tenant.owner.caller, "Other name", tenant.id)

    assert (again.organization.name, again.role) == ("Acme Traders", Role.OWNER)


async def test_two_organizations_of_one_name_get_two_slugs(platform: Platform) -> None:
    first, second = await make_person(platform), await make_person(platform)
    name = f"Twins {uuid4().hex}"

    made = [await platform.organizations.create(one.caller, name, None) for one in (first, second)]

    slugs = [own.organization.slug for own in made]
    assert slugs[1].startswith(slugs[0] + "-")


async def _invite(platform: Platform, tenant: Tenant, role: Role, max_uses: int | None = None) -> str:
    new = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=role, max_uses=max_uses, expires_in_s=None
    )
    return new.code


async def test_starters_one_host_is_the_owner(platform: Platform) -> None:
    tenant = await make_tenant(platform)

    with pytest.raises(LimitExceeded) as refused:
        await _invite(platform, tenant, Role.HOST)

    assert refused.value.facts == {"limit": "hosts", "allowed": 1, "used": 1}


async def test_of_ten_hosts_who_accept_at_once_the_plans_limit_come_in(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)  # three hosts, the owner is one
    code = await _invite(platform, tenant, Role.HOST)
    people = [await make_person(platform) for _ in range(10)]

    async def accept(number: int) -> str:
        try:
            return (await platform.invitations.accept(people[number].caller, code)).role.value
        except LimitExceeded as error:
            return str(error.facts["limit"])

    outcomes = await asyncio.gather(*(accept(number) for number in range(10)))

    assert (outcomes.count("host"), outcomes.count("hosts")) == (2, 8)


async def test_of_ten_who_use_a_code_for_three_exactly_three_come_in(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    code = await _invite(platform, tenant, Role.VIEWER, max_uses=3)
    people = [await make_person(platform) for _ in range(10)]

    outcomes = await asyncio.gather(
        *(platform.invitations.accept(person.caller, code) for person in people), return_exceptions=True
    )

    assert sum(not isinstance(outcome, DomainError) for outcome in outcomes) == 3
    assert {outcome.facts["reason"] for outcome in outcomes if isinstance(outcome, Conflict)} == {"used_up"}


async def test_who_is_a_member_already_stays_what_they_are(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    code = await _invite(platform, tenant, Role.VIEWER, max_uses=1)

    own = await platform.invitations.accept(tenant.owner.caller, code)
    newcomer = await platform.invitations.accept((await make_person(platform)).caller, code)

    assert (own.role, newcomer.role) == (Role.OWNER, Role.VIEWER)


async def test_a_revoked_code_lets_nobody_in(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    new = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None
    )
    await platform.invitations.revoke(tenant.owner.caller, tenant.id, new.invitation.id)

    with pytest.raises(Conflict) as refused:
        await platform.invitations.accept((await make_person(platform)).caller, new.code)

    assert refused.value.facts == {"reason": "revoked"}


@pytest.mark.parametrize("code", ["", "x", "é" * 46, "A" * 46, "A" * 47, "=" * 46, "../../../etc"])
async def test_a_code_nobody_made_is_not_found(platform: Platform, code: str) -> None:
    person = await make_person(platform)

    with pytest.raises(NotFound):
        await platform.invitations.accept(person.caller, code)


async def test_a_moderator_invites_nobody(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    moderator = await make_member(platform, tenant, Role.MODERATOR)

    with pytest.raises(Forbidden):
        await platform.invitations.create(
            moderator.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None
        )


async def test_workspaces_made_again_by_id_answer_the_first(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
    workspace_id = WorkspaceId(uuid4())

    first = await platform.workspaces.create(tenant.owner.caller, tenant.id, "Two", workspace_id)
    again = await platform.workspaces.create(tenant.owner.caller, tenant.id, "Else", workspace_id)

    assert again == first


async def _outcomes(doings: Iterable[Awaitable[object]]) -> Counter[str]:
    """Do all of them at once. How many were done, and how many a limit refused, by its name."""
    outcomes = await asyncio.gather(*doings, return_exceptions=True)
    strange = [one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, LimitExceeded)]
    assert strange == []
    return Counter(str(one.facts["limit"]) if isinstance(one, LimitExceeded) else "done" for one in outcomes)


async def test_of_ten_workspaces_made_at_once_the_plans_three_stand(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)  # has one workspace already
    create = platform.workspaces.create

    outcomes = await _outcomes(create(tenant.owner.caller, tenant.id, f"Workspace {n}", None) for n in range(10))

    assert outcomes == {"done": 2, "workspaces": 8}
    assert len(await platform.workspaces.list_workspaces(tenant.owner.caller, tenant.id)) == 3


async def test_rooms_restored_and_made_at_once_stay_within_the_plan(platform: Platform) -> None:
    tenant = await make_tenant(platform)  # three rooms
    caller, rooms = tenant.owner.caller, platform.rooms
    for round_of_two in range(2):
        for number in range(2):
            name = f"Room {round_of_two} {number}"
            made = await rooms.create(caller, tenant.id, name=name, workspace_id=None, room_id=None)
            await rooms.archive(caller, tenant.id, made.room.id)
    archived = [one.room.id for one in await rooms.list_rooms(caller, tenant.id, is_archived=True)]

    outcomes = await _outcomes(
        [
            *(rooms.restore(caller, tenant.id, room_id) for room_id in archived),
            *(rooms.create(caller, tenant.id, name=f"New {n}", workspace_id=None, room_id=None) for n in range(4)),
        ]
    )

    assert outcomes == {"done": 2, "rooms": 6}
    assert await _count_rooms(platform, tenant) == 3


async def test_hosts_who_come_by_every_door_at_once_stay_within_the_plan(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)  # three hosts, the owner is one
    caller = tenant.owner.caller
    code = await _invite(platform, tenant, Role.HOST)
    newcomers = [await make_person(platform) for _ in range(4)]
    members = [await make_member(platform, tenant) for _ in range(4)]
    admins = [await make_member(platform, tenant, Role.ADMIN) for _ in range(4)]
    to_host, to_hosting = MemberChanges(role=Role.HOST), MemberChanges(is_host=True)
    change = platform.memberships.change

    outcomes = await _outcomes(
        [
            *(platform.invitations.accept(person.caller, code) for person in newcomers),
            *(change(caller, tenant.id, person.caller.user_id, to_host) for person in members),
            *(change(caller, tenant.id, person.caller.user_id, to_hosting) for person in admins),
        ]
    )

    assert outcomes == {"done": 2, "hosts": 10}


async def test_webhook_endpoints_made_at_once_stop_at_their_number(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
    create = platform.webhooks.create

    outcomes = await _outcomes(
        create(
            tenant.owner.caller, tenant.id, url="https://example.com/", events=["*"], description="", endpoint_id=None
        )
        for _ in range(ENDPOINTS_MAX + 10)
    )

    assert outcomes == {"done": ENDPOINTS_MAX, "webhook_endpoints": 10}


async def test_usage_counts_what_the_doors_count(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
    caller = tenant.owner.caller
    await _outcomes(
        [
            *(platform.workspaces.create(caller, tenant.id, f"Workspace {n}", None) for n in range(5)),
            *(
                platform.rooms.create(caller, tenant.id, name=f"Room {n}", workspace_id=None, room_id=None)
                for n in range(12)
            ),
        ]
    )

    usage = await platform.entitlements.usage(caller, tenant.id)

    assert (usage.used.workspaces, usage.used.rooms, usage.used.hosts) == (3, 10, 1)

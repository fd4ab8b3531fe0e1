"""Members, ownership, rooms' settings, roles per room and invitations by e-mail, through the REST door."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.domain.errors import Conflict, DomainError, Forbidden
from control_plane.domain.ids import UserId
from control_plane.domain.organizations import MemberChanges
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from tests.factories import Person, Tenant, assert_problem, make_member, make_person, make_tenant, start_session


async def _owners(platform: Platform, tenant: Tenant) -> list[UserId]:
    async with platform.db.tenant(tenant.id) as tx:
        rows = await tx.fetch("select user_id from memberships where role = 'owner'")
    return [UserId(row["user_id"]) for row in rows]


async def _mails(platform: Platform, tenant: Tenant) -> list[dict[str, Any]]:
    async with platform.db.tenant(tenant.id) as tx:
        rows = await tx.fetch(
            "select body->>'to' as to, body->>'text' as text from outbox where kind = 'mail' order by id"
        )
    return [{"to": row["to"], "text": row["text"]} for row in rows]


# --- members


async def test_members_are_found_by_name_role_and_page(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    people = [await make_member(platform, tenant, role) for role in (Role.VIEWER, Role.VIEWER, Role.MODERATOR)]
    path, headers = f"{tenant.path}/members", tenant.owner.headers

    first = (await api.get(path, headers=headers, params={"limit": 3})).json()
    second = (await api.get(path, headers=headers, params={"limit": 3, "cursor": first["nextCursor"]})).json()
    viewers = (await api.get(path, headers=headers, params={"role": "viewer"})).json()
    wild = (await api.get(path, headers=headers, params={"q": "%"})).json()
    named = (await api.get(path, headers=headers, params={"q": people[2].caller.email[:20].upper()})).json()

    ids = [item["userId"] for item in first["items"] + second["items"]]
    assert ids == [str(tenant.owner.caller.user_id), *(str(person.caller.user_id) for person in people)]
    assert second["nextCursor"] is None
    assert [item["userId"] for item in viewers["items"]] == ids[1:3]
    assert wild["items"] == []
    assert [item["userId"] for item in named["items"]] == ids[3:]


@pytest.mark.parametrize(
    ("manager", "target", "is_allowed"),
    [
        (Role.OWNER, Role.ADMIN, True),
        (Role.ADMIN, Role.HOST, True),
        (Role.ADMIN, Role.ADMIN, False),
        (Role.ADMIN, Role.OWNER, False),
        (Role.HOST, Role.VIEWER, False),
    ],
)
async def test_only_those_below_are_changed_and_removed(
    api: httpx.AsyncClient,
    platform: Platform,
    manager: Role,
    target: Role,
    is_allowed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
    by = tenant.owner if manager is Role.OWNER else await make_member(platform, tenant, manager)
    of = tenant.owner if target is Role.OWNER else await make_member(platform, tenant, target)
    path = f"{tenant.path}/members/{of.caller.user_id}"

    changed = await api.patch(path, headers=by.headers, json={"role": "viewer"})
    removed = await api.delete(path, headers=by.headers)

    assert (changed.status_code, removed.status_code) == (200, 204) if is_allowed else changed.status_code in {403, 409}
    assert (removed.status_code == 204) is is_allowed


async def test_a_role_becomes_host_only_within_the_plan(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)  # Starter: one host, and the owner is it
    person = await make_member(platform, tenant)
    path = f"{tenant.path}/members/{person.caller.user_id}"

    full = await api.patch(path, headers=tenant.owner.headers, json={"role": "host"})
    owner_path = f"{tenant.path}/members/{tenant.owner.caller.user_id}"
    freed = await api.patch(owner_path, headers=tenant.owner.headers, json={"isHost": False})
    fits = await api.patch(path, headers=tenant.owner.headers, json={"role": "host"})

    assert assert_problem(full, 402, "plan_limit_reached") == {"limit": "hosts", "allowed": 1, "used": 1}
    assert freed.json()["isHost"] is False
    assert (fits.json()["role"], fits.json()["isHost"]) == ("host", True)


async def test_of_ten_made_hosts_at_once_as_many_stand_as_the_plan_has(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)  # three hosts, the owner is one
    people = [await make_member(platform, tenant) for _ in range(10)]

    async def promote(person: Person) -> bool:
        try:
            await platform.memberships.change(
                tenant.owner.caller, tenant.id, person.caller.user_id, MemberChanges(role=Role.HOST)
            )
        except DomainError:
            return False
        return True

    outcomes = await asyncio.gather(*(promote(person) for person in people))

    assert sum(outcomes) == 2


async def test_the_owner_can_neither_leave_nor_be_demoted(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    path = f"{tenant.path}/members/{tenant.owner.caller.user_id}"

    left = await api.post(f"{tenant.path}/leave", headers=tenant.owner.headers)
    demoted = await api.patch(path, headers=tenant.owner.headers, json={"role": "admin"})
    removed = await api.delete(path, headers=tenant.owner.headers)

    for answer in (left, demoted, removed):
        assert assert_problem(answer, 409, "conflict")["reason"] == "owner"
    assert await _owners(platform, tenant) == [tenant.owner.caller.user_id]


async def test_ownership_goes_to_an_admin_and_the_owner_becomes_one(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    heir, viewer = await make_member(platform, tenant, Role.ADMIN), await make_member(platform, tenant)
    path, headers = f"{tenant.path}/transfer", tenant.owner.headers

    refused = await api.post(path, headers=headers, json={"userId": str(viewer.caller.user_id)})
    given = await api.post(path, headers=headers, json={"userId": str(heir.caller.user_id)})
    again = await api.post(path, headers=headers, json={"userId": str(heir.caller.user_id)})

    assert assert_problem(refused, 409, "conflict")["reason"] == "not_admin"
    assert given.json()["role"] == "admin"
    assert_problem(again, 403, "forbidden")
    assert await _owners(platform, tenant) == [heir.caller.user_id]


async def test_of_many_transfers_at_once_one_owner_comes_out(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
    people = [tenant.owner, *[await make_member(platform, tenant, Role.ADMIN) for _ in range(4)]]

    async def give(giver: Person, taker: Person) -> None:
        with suppress(Forbidden, Conflict):
            await platform.memberships.transfer(giver.caller, tenant.id, taker.caller.user_id)
        assert len(await _owners(platform, tenant)) == 1

    await asyncio.gather(*(give(giver, taker) for giver in people for taker in people if giver is not taker))

    assert len(await _owners(platform, tenant)) == 1


# --- rooms


async def test_a_rooms_settings_are_kept_and_refused_by_field(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    settings = {
        "slug": "opening-bell",
        "description": "We trade the open.",
        "waitingText": "Back at nine.",
        "whoMayChat": "speakers",
        "nextSessionAt": "2027-01-04T14:30:00Z",
        "timeZone": "America/New_York",
    }

    changed = await api.patch(tenant.room_path, headers=tenant.owner.headers, json=settings)

    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in settings} == settings
    for field, wrong in {
        "slug": "Opening Bell",
        "timeZone": "../etc/passwd",
        "nextSessionAt": "2027-01-04T14:30:00",
    }.items():
        refused = await api.patch(tenant.room_path, headers=tenant.owner.headers, json={field: wrong})
        assert assert_problem(refused, 422, "invalid_input")["field"] == field


async def test_two_rooms_of_an_organization_have_two_slugs(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    await api.post(f"{tenant.path}/rooms", headers=tenant.owner.headers, json={"name": "Two", "slug": "two"})

    taken = await api.patch(tenant.room_path, headers=tenant.owner.headers, json={"slug": "two"})

    assert assert_problem(taken, 409, "conflict")["field"] == "slug"


async def test_an_archived_room_frees_its_place_and_needs_one_to_come_back(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform)  # three rooms, has one
    headers = tenant.owner.headers
    archived = await api.post(f"{tenant.room_path}/archive", headers=headers)
    made = [await api.post(f"{tenant.path}/rooms", headers=headers, json={"name": f"R{n}"}) for n in range(3)]

    full = await api.post(f"{tenant.room_path}/restore", headers=headers)
    started = await api.post(f"{tenant.room_path}/start", headers=headers)
    said = await api.post(f"{tenant.room_path}/messages", headers=headers, json={"text": "hello"})
    listed = (await api.get(f"{tenant.path}/rooms", headers=headers)).json()["items"]

    assert archived.json()["archivedAt"] is not None
    assert [answer.status_code for answer in made] == [201] * 3
    assert_problem(full, 402, "plan_limit_reached")
    assert assert_problem(started, 409, "conflict")["reason"] == "archived"
    assert assert_problem(said, 409, "conflict")["reason"] == "archived"
    assert str(tenant.room_id) not in {room["id"] for room in listed}


async def test_in_a_room_for_speakers_a_viewer_reads_and_a_co_host_writes(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform)
    viewer, speaker = await make_member(platform, tenant), await make_member(platform, tenant, Role.CO_HOST)
    await api.patch(tenant.room_path, headers=tenant.owner.headers, json={"whoMayChat": "speakers"})

    refused = await api.post(f"{tenant.room_path}/messages", headers=viewer.headers, json={"text": "hello"})
    said = await api.post(f"{tenant.room_path}/messages", headers=speaker.headers, json={"text": "hello"})

    assert_problem(refused, 403, "forbidden")
    assert said.status_code == 201


async def test_a_viewer_is_co_host_in_one_room_and_viewer_in_the_other(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform)
    viewer = await make_member(platform, tenant)
    other = (await api.post(f"{tenant.path}/rooms", headers=tenant.owner.headers, json={"name": "Other"})).json()
    alert = {"symbol": "AAPL", "side": "long", "entry": "1"}
    path = f"{tenant.room_path}/roles/{viewer.caller.user_id}"

    before = await api.post(f"{tenant.room_path}/alerts", headers=viewer.headers, json=alert)
    given = await api.put(path, headers=tenant.owner.headers, json={"role": "co_host"})
    here = await api.post(f"{tenant.room_path}/alerts", headers=viewer.headers, json=alert)
    there = await api.post(f"{tenant.path}/rooms/{other['id']}/alerts", headers=viewer.headers, json=alert)
    await api.delete(path, headers=tenant.owner.headers)
    after = await api.post(f"{tenant.room_path}/alerts", headers=viewer.headers, json=alert)

    assert given.json()["organizationRole"] == "viewer"
    assert [answer.status_code for answer in (before, here, there, after)] == [403, 201, 403, 403]


async def test_a_role_in_a_room_makes_no_hosts_beyond_the_plan_and_no_lesser_admins(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform)
    viewer, admin = await make_member(platform, tenant), await make_member(platform, tenant, Role.ADMIN)
    roles = f"{tenant.room_path}/roles"

    host = await api.put(f"{roles}/{viewer.caller.user_id}", headers=tenant.owner.headers, json={"role": "host"})
    lesser = await api.put(f"{roles}/{admin.caller.user_id}", headers=tenant.owner.headers, json={"role": "viewer"})

    assert_problem(host, 422, "invalid_input")
    assert_problem(lesser, 409, "conflict")


async def test_joining_gives_the_role_of_the_room(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    viewer = await make_member(platform, tenant)
    await start_session(platform, tenant)
    await platform.room_roles.put(tenant.owner.caller, tenant.id, tenant.room_id, viewer.caller.user_id, Role.CO_HOST)

    answer = await platform.live.join(viewer.caller, tenant.id, tenant.room_id)
    admission = await platform.live.admit(answer.token)

    assert admission.participant.role is Role.CO_HOST
    assert admission.participant.grant.can_publish


# --- invitations by e-mail


async def test_an_invitation_by_mail_lets_in_its_address_and_nobody_else(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform)
    guest, thief = await make_person(platform, "Guest"), await make_person(platform, "Thief")
    body = {"role": "moderator", "email": guest.caller.email.upper()}
    made = (await api.post(f"{tenant.path}/invitations", headers=tenant.owner.headers, json=body)).json()

    stolen = await api.post("/api/v1/invitations/accept", headers=thief.headers, json={"code": made["code"]})
    shown = (await api.get("/api/v1/me/invitations", headers=guest.headers)).json()["items"]
    unseen = (await api.get("/api/v1/me/invitations", headers=thief.headers)).json()["items"]
    taken = await api.post(f"/api/v1/me/invitations/{made['id']}/accept", headers=guest.headers)

    assert_problem(stolen, 404, "not_found")
    assert [(one["id"], one["organizationName"]) for one in shown] == [(made["id"], "Acme Traders")]
    assert unseen == []
    assert taken.json()["role"] == "moderator"
    assert (await api.get("/api/v1/me/invitations", headers=guest.headers)).json()["items"] == []
    mails = await _mails(platform, tenant)
    assert [mail["to"] for mail in mails] == [guest.caller.email]
    assert f"/invite/{made['code']}" in mails[0]["text"]


async def test_an_invitation_sent_again_has_a_new_code_and_the_old_one_is_void(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant, guest = await make_tenant(platform), await make_person(platform)
    path = f"{tenant.path}/invitations"
    body = {"role": "viewer", "email": guest.caller.email}
    first = (await api.post(path, headers=tenant.owner.headers, json=body)).json()

    twice = await api.post(path, headers=tenant.owner.headers, json=body)
    second = (await api.post(f"{path}/{first['id']}/resend", headers=tenant.owner.headers)).json()
    old = await api.post("/api/v1/invitations/accept", headers=guest.headers, json={"code": first["code"]})
    new = await api.post("/api/v1/invitations/accept", headers=guest.headers, json={"code": second["code"]})

    assert assert_problem(twice, 409, "conflict")["reason"] == "invited"
    assert_problem(old, 404, "not_found")
    assert new.status_code == 200
    assert len(await _mails(platform, tenant)) == 2


async def test_a_declined_invitation_is_over_and_the_address_can_be_invited_again(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant, guest = await make_tenant(platform), await make_person(platform)
    path, body = f"{tenant.path}/invitations", {"role": "viewer", "email": guest.caller.email}
    first = (await api.post(path, headers=tenant.owner.headers, json=body)).json()

    declined = await api.post(f"/api/v1/me/invitations/{first['id']}/decline", headers=guest.headers)
    late = await api.post("/api/v1/invitations/accept", headers=guest.headers, json={"code": first["code"]})
    again = await api.post(path, headers=tenant.owner.headers, json=body)

    assert declined.status_code == 204
    assert assert_problem(late, 409, "conflict")["reason"] == "declined"
    assert again.status_code == 201


async def test_a_member_is_not_invited_again(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    member = await make_member(platform, tenant)

    body = {"role": "viewer", "email": member.caller.email}
    answer = await api.post(f"{tenant.path}/invitations", headers=tenant.owner.headers, json=body)

    assert assert_problem(answer, 409, "conflict")["reason"] == "member"


# --- limits and usage


async def test_usage_shows_what_is_used_and_allowed(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)

    usage = (await api.get(f"{tenant.path}/usage", headers=tenant.owner.headers)).json()

    limits = {item["limit"]: (item["used"], item["allowed"]) for item in usage["limits"]}
    assert limits == {
        "workspaces": (1, 1),
        "rooms": (1, 3),
        "hosts": (1, 1),
        "viewers_per_room": (0, 50),
        "storage_bytes": (None, 5_000_000_000),
    }
    assert usage["features"] == []


async def test_what_was_agreed_beside_the_plan_counts_at_the_door(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    headers = tenant.owner.headers

    await platform.entitlements.override(tenant.id, {"max_rooms": None, "has_sso": True}, "by contract")

    made = [await api.post(f"{tenant.path}/rooms", headers=headers, json={"name": f"R{n}"}) for n in range(4)]
    usage = (await api.get(f"{tenant.path}/usage", headers=headers)).json()
    assert {answer.status_code for answer in made} == {201}
    assert next(item["allowed"] for item in usage["limits"] if item["limit"] == "rooms") is None
    assert usage["features"] == ["sso"]
    with pytest.raises(DomainError):
        await platform.entitlements.override(tenant.id, {"max_rooms": -1}, "")
    with pytest.raises(DomainError):
        await platform.entitlements.override(uuid4(), {}, "")  # type: ignore[arg-type]  # any id

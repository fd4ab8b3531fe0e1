"""API tokens: made by who may, good for what they say, nowhere else, and not for longer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from tests.conftest import TestDatabase
from tests.factories import Person, Tenant, assert_problem, make_member, make_tenant


async def _make(
    api: httpx.AsyncClient, tenant: Tenant, *abilities: str, by: Person | None = None, **more: Any
) -> dict[str, Any]:
    body = {"name": "Robot", "abilities": list(abilities), **more}
    answer = await api.post(f"{tenant.path}/api-tokens", json=body, headers=(by or tenant.owner).headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _headers(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['token']}"}


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await make_tenant(platform, PlanTier.PROFESSIONAL)


async def test_a_token_does_what_it_holds_and_nothing_else(api: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = _headers(await _make(api, tenant, "rooms:read"))

    rooms = await api.get(f"{tenant.path}/rooms", headers=headers)
    made = await api.post(f"{tenant.path}/rooms", json={"name": "X"}, headers=headers)

    assert [room["name"] for room in rooms.json()["items"]] == ["Opening bell"]
    assert assert_problem(made, 403, "forbidden")["ability"] == "rooms:write"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/me"), ("GET", "/api/v1/organizations"), ("POST", "/api/v1/organizations"), ("GET", "{tokens}")],
)
async def test_a_token_is_no_person(api: httpx.AsyncClient, tenant: Tenant, method: str, path: str) -> None:
    headers = _headers(await _make(api, tenant, "rooms:read", "organization:write"))

    answer = await api.request(
        method, path.format(tokens=f"{tenant.path}/api-tokens"), json={"name": "X"}, headers=headers
    )

    assert assert_problem(answer, 403, "forbidden")["ability"] is None


async def test_a_token_opens_no_other_organization_of_its_maker(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    own = await platform.organizations.create(tenant.owner.caller, "Second", None)
    headers = _headers(await _make(api, tenant, "rooms:read"))

    answer = await api.get(f"/api/v1/organizations/{own.organization.id}/rooms", headers=headers)

    assert_problem(answer, 404, "not_found")


async def test_a_token_may_no_more_than_its_makers_role_at_that_moment(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, database: TestDatabase
) -> None:
    admin = await make_member(platform, tenant, Role.ADMIN)
    headers = _headers(await _make(api, tenant, "rooms:write", "rooms:read", by=admin))
    before = await api.post(f"{tenant.path}/rooms", json={"name": "X"}, headers=headers)
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("update memberships set role = 'viewer' where user_id = $1", admin.caller.user_id)

    demoted = await api.post(f"{tenant.path}/rooms", json={"name": "Y"}, headers=headers)
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("delete from memberships where user_id = $1", admin.caller.user_id)
    removed = await api.get(f"{tenant.path}/rooms", headers=headers)

    assert before.status_code == 201
    assert_problem(demoted, 403, "forbidden")
    assert_problem(removed, 401, "unauthenticated")


async def test_a_revoked_token_opens_nothing_from_the_next_request_on(api: httpx.AsyncClient, tenant: Tenant) -> None:
    made = await _make(api, tenant, "rooms:read")
    first = await api.get(f"{tenant.path}/rooms", headers=_headers(made))

    revoked = await api.delete(f"{tenant.path}/api-tokens/{made['id']}", headers=tenant.owner.headers)

    assert (first.status_code, revoked.status_code) == (200, 204)
    assert_problem(await api.get(f"{tenant.path}/rooms", headers=_headers(made)), 401, "unauthenticated")
    listed = await api.get(f"{tenant.path}/api-tokens", headers=tenant.owner.headers)
    assert listed.json()["items"] == []


async def test_an_expired_token_opens_nothing(api: httpx.AsyncClient, platform: Platform, tenant: Tenant) -> None:
    soon = (platform.clock.now() + timedelta(hours=1)).isoformat()
    made = await _make(api, tenant, "rooms:read", expiresAt=soon)
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("update api_tokens set expires_at = now() - interval '1 second'")

    assert_problem(await api.get(f"{tenant.path}/rooms", headers=_headers(made)), 401, "unauthenticated")


async def test_a_token_with_a_changed_character_opens_nothing(api: httpx.AsyncClient, tenant: Tenant) -> None:
    text = (await _make(api, tenant, "rooms:read"))["token"]

    for place in (4, 30, len(text) - 1):
        wrong = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        answer = await api.get(f"{tenant.path}/rooms", headers={"Authorization": f"Bearer {wrong}"})
        assert_problem(answer, 401, "unauthenticated")


async def test_the_text_of_a_token_is_shown_once_and_kept_nowhere(
    api: httpx.AsyncClient, tenant: Tenant, database: TestDatabase, platform: Platform
) -> None:
    made = await _make(api, tenant, "rooms:read")

    one = await api.get(f"{tenant.path}/api-tokens/{made['id']}", headers=tenant.owner.headers)
    async with platform.db.tenant(tenant.id) as tx:
        row = await tx.fetchval("select to_jsonb(t)::text from api_tokens t where id = $1", one.json()["id"])

    assert "token" not in one.json()
    assert made["token"] not in row
    assert made["token"].endswith(one.json()["hint"])


async def test_a_plan_without_api_access_refuses_making_and_using(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    headers = _headers(await _make(api, tenant, "rooms:read"))
    await platform.organizations.set_plan(str(tenant.id), PlanTier.STARTER)

    used = await api.get(f"{tenant.path}/rooms", headers=headers)
    body = {"name": "Robot", "abilities": ["rooms:read"]}
    made = await api.post(f"{tenant.path}/api-tokens", json=body, headers=tenant.owner.headers)

    for answer in (used, made):
        assert assert_problem(answer, 402, "feature_not_in_plan")["feature"] == "api_access"


@pytest.mark.parametrize("role", [Role.HOST, Role.CO_HOST, Role.MODERATOR, Role.VIEWER])
async def test_only_admins_and_owners_make_tokens(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, role: Role
) -> None:
    person = await make_member(platform, tenant, role)
    body = {"name": "Robot", "abilities": ["rooms:read"]}

    answer = await api.post(f"{tenant.path}/api-tokens", json=body, headers=person.headers)

    assert_problem(answer, 403, "forbidden")


@pytest.mark.parametrize("abilities", [[], ["rooms:fly"], ["*"], ["rooms:read", ""]])
async def test_unknown_or_no_abilities_are_refused(
    api: httpx.AsyncClient, tenant: Tenant, abilities: list[str]
) -> None:
    body = {"name": "Robot", "abilities": abilities}

    answer = await api.post(f"{tenant.path}/api-tokens", json=body, headers=tenant.owner.headers)

    assert_problem(answer, 422, "invalid_input")


async def test_use_is_noted(api: httpx.AsyncClient, tenant: Tenant) -> None:
    made = await _make(api, tenant, "rooms:read")
    before = await api.get(f"{tenant.path}/api-tokens/{made['id']}", headers=tenant.owner.headers)

    await api.get(f"{tenant.path}/rooms", headers=_headers(made))

    after = await api.get(f"{tenant.path}/api-tokens/{made['id']}", headers=tenant.owner.headers)
    assert before.json()["lastUsedAt"] is None
    assert after.json()["lastUsedAt"] is not None


async def test_tokens_come_in_pages(api: httpx.AsyncClient, tenant: Tenant) -> None:
    made = [(await _make(api, tenant, "rooms:read"))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = None

    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.get(f"{tenant.path}/api-tokens", params=query, headers=tenant.owner.headers)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break

    assert seen == made


async def test_a_token_of_a_banned_person_is_no_good_until_the_ban_ends(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    headers = _headers(await _make(api, tenant, "rooms:read"))

    async def ask_when_banned_for(length: timedelta) -> httpx.Response:
        async with platform.db.platform() as tx:
            until = platform.clock.now() + length
            statement = "update auth_credentials set banned_until = $2 where user_id = $1"
            await tx.execute(statement, tenant.owner.caller.user_id, until)
        return await api.get(f"{tenant.path}/rooms", headers=headers)

    banned = await ask_when_banned_for(timedelta(hours=1))
    over = await ask_when_banned_for(timedelta(hours=-1))

    assert_problem(banned, 401, "unauthenticated")
    assert over.status_code == 200


async def test_a_token_is_deleted_ninety_days_after_it_was_revoked_or_ended(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    ages = {
        "revoked": (91, None),
        "ended": (None, 91),
        "revoked lately": (89, None),
        "ended lately": (None, 89),
        "good": (None, None),
    }
    for name, (revoked_days, ended_days) in ages.items():
        made = await platform.api_tokens.create(
            tenant.owner.caller, tenant.id, name=name, abilities=["rooms:read"], expires_at=None, token_id=None
        )
        async with platform.db.tenant(tenant.id) as tx:
            await tx.execute(
                "update api_tokens set revoked_at = now() - make_interval(days => $2), "
                "expires_at = now() - make_interval(days => $3) where id = $1",
                made.token.id,
                revoked_days,
                ended_days,
            )

    await platform.retention.apply()

    async with platform.db.tenant(tenant.id) as tx:
        left = {row["name"] for row in await tx.fetch("select name from api_tokens")}
    assert left == {"revoked lately", "ended lately", "good"}


@pytest.mark.parametrize(
    ("events", "ability"),
    [(["alert.posted"], "feed:read"), (["room.created", "member.joined"], "members:read"), (["*"], "feed:read")],
)
async def test_a_token_has_no_events_sent_whose_things_it_may_not_read(
    api: httpx.AsyncClient, tenant: Tenant, events: list[str], ability: str
) -> None:
    headers = _headers(await _make(api, tenant, "webhooks:read", "webhooks:write", "rooms:read"))
    body = {"url": "https://hooks.example.com/in", "events": events}

    refused = await api.post(f"{tenant.path}/webhooks", json=body, headers=headers)
    allowed = await api.post(f"{tenant.path}/webhooks", json={**body, "events": ["room.created"]}, headers=headers)

    assert assert_problem(refused, 403, "forbidden")["ability"] == ability
    assert allowed.status_code == 201, allowed.text


@pytest.mark.parametrize("change", [{"url": "https://thief.example.com/"}, {"events": ["*"]}, {"isEnabled": True}])
async def test_a_token_turns_no_endpoint_to_itself_whose_events_it_may_not_read(
    api: httpx.AsyncClient, tenant: Tenant, change: dict[str, Any]
) -> None:
    headers = _headers(await _make(api, tenant, "webhooks:write", "rooms:read"))
    body = {"url": "https://hooks.example.com/in", "events": ["alert.posted"]}
    webhook = (await api.post(f"{tenant.path}/webhooks", json=body, headers=tenant.owner.headers)).json()
    path = f"{tenant.path}/webhooks/{webhook['id']}"

    refused = await api.patch(path, json=change, headers=headers)
    off = await api.patch(path, json={"isEnabled": False}, headers=headers)

    assert assert_problem(refused, 403, "forbidden")["ability"] == "feed:read"
    assert off.status_code == 200, off.text


async def test_a_token_reads_and_replays_no_deliveries_of_what_it_may_not_read(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    headers = _headers(await _make(api, tenant, "webhooks:read", "webhooks:write", "rooms:read"))
    body = {"url": "https://hooks.example.com/in", "events": ["*"]}
    webhook = (await api.post(f"{tenant.path}/webhooks", json=body, headers=tenant.owner.headers)).json()
    path = f"{tenant.path}/webhooks/{webhook['id']}/deliveries"
    await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=tenant.owner.headers)
    await api.post(f"{tenant.path}/invitations", json={"role": "viewer"}, headers=tenant.owner.headers)
    everything = (await api.get(path, headers=tenant.owner.headers)).json()["items"]
    hidden = next(one for one in everything if one["event"] == "invitation.created")

    listed = (await api.get(path, headers=headers)).json()["items"]
    one = await api.get(f"{path}/{hidden['id']}", headers=headers)
    replayed = await api.post(f"{path}/{hidden['id']}/replay", headers=headers)

    assert sorted(delivery["event"] for delivery in everything) == ["invitation.created", "room.created"]
    assert [delivery["event"] for delivery in listed] == ["room.created"]
    for answer in (one, replayed):
        assert assert_problem(answer, 403, "forbidden")["ability"] == "members:read"


async def test_a_token_makes_no_admins_but_others(api: httpx.AsyncClient, platform: Platform, tenant: Tenant) -> None:
    headers = _headers(await _make(api, tenant, "members:read", "members:write"))
    path, email = f"{tenant.path}/invitations", "boss@example.com"
    person = await make_member(platform, tenant)
    admins = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.ADMIN, max_uses=None, expires_in_s=None, email=email
    )

    refused = [
        await api.post(path, json={"role": "admin"}, headers=headers),
        await api.post(f"{path}/{admins.invitation.id}/resend", headers=headers),
        await api.patch(f"{tenant.path}/members/{person.caller.user_id}", json={"role": "admin"}, headers=headers),
    ]
    allowed = [
        await api.post(path, json={"role": "moderator"}, headers=headers),
        await api.patch(f"{tenant.path}/members/{person.caller.user_id}", json={"role": "moderator"}, headers=headers),
    ]

    for answer in refused:
        assert assert_problem(answer, 403, "forbidden")["ability"] is None
    assert [answer.status_code for answer in allowed] == [201, 200]

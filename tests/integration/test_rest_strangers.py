"""Generated from the OpenAPI document: what a stranger, nobody, and each role get from every operation of a tenant."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from control_plane.app import compose
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import ROLE_PERMISSIONS, Permission, Role
from control_plane.rest.observing import Metrics
from control_plane.rest.server import create_api
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Person, Tenant, assert_problem, make_member, make_tenant, start_session
from tests.integration.test_rest_bad_input import BODIES

O = "/api/v1/organizations/{organization_id}"  # noqa: E741 - every line below begins with it
R = O + "/rooms/{room_id}"
NEEDS: dict[tuple[str, str], Permission | None] = {
    ("get", O): None,
    ("get", O + "/members"): Permission.MANAGE_MEMBERS,
    ("get", O + "/workspaces"): Permission.VIEW_ROOMS,
    ("post", O + "/workspaces"): Permission.MANAGE_ROOMS,
    ("get", O + "/invitations"): Permission.MANAGE_MEMBERS,
    ("post", O + "/invitations"): Permission.MANAGE_MEMBERS,
    ("delete", O + "/invitations/{invitation_id}"): Permission.MANAGE_MEMBERS,
    ("get", O + "/api-tokens"): Permission.MANAGE_ORGANIZATION,
    ("post", O + "/api-tokens"): Permission.MANAGE_ORGANIZATION,
    ("get", O + "/api-tokens/{token_id}"): Permission.MANAGE_ORGANIZATION,
    ("delete", O + "/api-tokens/{token_id}"): Permission.MANAGE_ORGANIZATION,
    ("get", O + "/webhooks"): Permission.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks"): Permission.MANAGE_ORGANIZATION,
    ("get", O + "/webhooks/{webhook_id}"): Permission.MANAGE_ORGANIZATION,
    ("patch", O + "/webhooks/{webhook_id}"): Permission.MANAGE_ORGANIZATION,
    ("delete", O + "/webhooks/{webhook_id}"): Permission.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks/{webhook_id}/rotate-secret"): Permission.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks/{webhook_id}/ping"): Permission.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks/{webhook_id}/replay"): Permission.MANAGE_ORGANIZATION,
    ("get", O + "/webhooks/{webhook_id}/deliveries"): Permission.MANAGE_ORGANIZATION,
    ("get", O + "/webhooks/{webhook_id}/deliveries/{delivery_id}"): Permission.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"): Permission.MANAGE_ORGANIZATION,
    ("get", O + "/rooms"): Permission.VIEW_ROOMS,
    ("post", O + "/rooms"): Permission.MANAGE_ROOMS,
    ("get", R): Permission.VIEW_ROOMS,
    ("patch", R): Permission.MANAGE_ROOMS,
    ("delete", R): Permission.MANAGE_ROOMS,
    ("post", R + "/start"): Permission.RUN_SESSION,
    ("post", R + "/join"): Permission.JOIN_SESSION,
    ("post", R + "/end"): Permission.RUN_SESSION,
    ("get", R + "/events"): Permission.VIEW_ROOMS,
    ("post", R + "/messages"): Permission.POST_CHAT,
    ("post", R + "/alerts"): Permission.POST_ALERT,
    ("post", R + "/alerts/{alert_id}/steps"): Permission.POST_ALERT,
}
"""What each operation of a tenant needs; None: to be a member. An operation without a row fails."""
PUBLIC = {"/api/v1/subscriptions/plans", "/api/v1/catalogue"}
OPERATIONS = sorted(NEEDS)


@dataclass(frozen=True)
class Cast:
    """Who appears: a live tenant with a member of each role, and an owner of another."""

    tenant: Tenant
    members: dict[Role, Person]
    stranger: Tenant


@pytest.fixture(scope="module")
def cast(database: TestDatabase, valkey: EmbeddedValkey) -> Cast:
    async def make() -> Cast:
        async with compose(make_settings(database.app_url, valkey.url())) as platform:
            tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
            await start_session(platform, tenant)
            members: dict[Role, Person] = {Role.OWNER: tenant.owner}
            for role in list(Role)[1:]:
                members[role] = await make_member(platform, tenant, role)
            return Cast(tenant=tenant, members=members, stranger=await make_tenant(platform))

    return asyncio.run(make())


def _body(operation: tuple[str, str]) -> bytes | None:
    method, template = operation
    plain = template.replace("_id}", "}")
    body = BODIES.get((method.upper(), plain))
    return None if body is None else msgspec.json.encode(body)


async def _call(
    api: httpx.AsyncClient, operation: tuple[str, str], headers: dict[str, str], **ids: object
) -> httpx.Response:
    method, template = operation
    made_up = {name: uuid4() for name in ("invitation_id", "alert_id", "token_id", "webhook_id", "delivery_id")}
    path = template.format(**{**made_up, **ids})
    return await api.request(method, path, content=_body(operation), headers=headers)


def _without_request_id(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "requestId"}


async def test_every_operation_of_a_tenant_stands_in_the_table(platform: Platform, settings: Settings) -> None:
    document = create_api(platform, settings, Metrics()).openapi_schema.to_schema()
    paths: dict[str, dict[str, Any]] = document["paths"]
    operations = {(method, path) for path, item in paths.items() for method in item}

    assert {one for one in operations if "{organization_id}" in one[1]} == set(NEEDS)
    assert {one[1] for one in operations if "{organization_id}" not in one[1]} == {
        "/api/v1/demo",  # 404 but on a demo; test_rest_demo.py
        "/api/v1/me",
        "/api/v1/organizations",
        "/api/v1/invitations/accept",
        *PUBLIC,
    }


async def test_every_operation_has_an_id_a_summary_and_a_way_to_refuse(platform: Platform, settings: Settings) -> None:
    document = create_api(platform, settings, Metrics()).openapi_schema.to_schema()
    operations = [operation for item in document["paths"].values() for operation in item.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["operationId"][0].islower()
        assert operation["summary"]
        assert "400" not in operation["responses"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
async def test_a_strangers_organization_answers_exactly_as_one_that_does_not_exist(
    api: httpx.AsyncClient, cast: Cast, operation: tuple[str, str]
) -> None:
    headers = cast.stranger.owner.headers

    existing = await _call(api, operation, headers, organization_id=cast.tenant.id, room_id=cast.tenant.room_id)
    missing = await _call(api, operation, headers, organization_id=uuid4(), room_id=uuid4())

    assert_problem(existing, 404, "not_found")
    assert _without_request_id(existing) == _without_request_id(missing)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if "{room_id}" in one[1]], ids=" ".join)
async def test_a_strangers_room_in_ones_own_organization_is_not_found(
    api: httpx.AsyncClient, cast: Cast, operation: tuple[str, str]
) -> None:
    own = cast.stranger

    foreign = await _call(api, operation, own.owner.headers, organization_id=own.id, room_id=cast.tenant.room_id)
    missing = await _call(api, operation, own.owner.headers, organization_id=own.id, room_id=uuid4())

    assert_problem(foreign, 404, "not_found")
    assert _without_request_id(foreign) == _without_request_id(missing)


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
async def test_nobody_gets_in_without_a_token(api: httpx.AsyncClient, cast: Cast, operation: tuple[str, str]) -> None:
    answer = await _call(api, operation, {}, organization_id=cast.tenant.id, room_id=cast.tenant.room_id)

    assert_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
async def test_each_role_gets_what_its_permissions_say(
    api: httpx.AsyncClient, cast: Cast, operation: tuple[str, str]
) -> None:
    needed = NEEDS[operation]
    for role, person in cast.members.items():
        if operation in {("post", R + "/end"), ("delete", R)} and role in {Role.OWNER, Role.ADMIN, Role.HOST}:
            continue  # it would end what the other cases need

        answer = await _call(
            api, operation, person.headers, organization_id=cast.tenant.id, room_id=cast.tenant.room_id
        )

        is_allowed = needed is None or needed in ROLE_PERMISSIONS[role]
        assert (answer.status_code == 403) is not is_allowed, (role, answer.text)
        assert answer.status_code < 500


async def test_a_member_who_was_put_out_is_a_stranger_at_once(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    person = await make_member(platform, tenant)
    before = await api.get(tenant.room_path, headers=person.headers)
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("delete from memberships where user_id = $1", person.caller.user_id)

    after = await api.get(tenant.room_path, headers=person.headers)

    assert before.status_code == 200
    assert_problem(after, 404, "not_found")

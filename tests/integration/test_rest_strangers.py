"""Generated from the served OpenAPI document: what each role, a stranger, a removed member and nobody get from everything.

Ids are swapped in path, query and body. A new operation without a row in NEEDS fails; so does a new kind of id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.app import compose
from control_plane.domain.ids import UserId
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import ROLE_PERMISSIONS, Permission, Role
from control_plane.gateways.tokens import EcTokens
from control_plane.rest.observing import Metrics
from control_plane.rest.server import create_api
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from control_plane.stores import sso as sso_store
from control_plane.stores import sso_identities
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import (
    Person,
    Tenant,
    assert_problem,
    make_connection,
    make_member,
    make_person,
    make_tenant,
    start_session,
)
from tests.integration.api_matrix import O, Operation, call, drop_filters, read_operations, told

P = Permission
R = O + "/rooms/{room_id}"
NEEDS: dict[tuple[str, str], Permission | None] = {
    ("get", O): None,
    ("patch", O): P.MANAGE_ORGANIZATION,
    ("post", O + "/deletion"): P.OWN_ORGANIZATION,
    ("delete", O + "/deletion"): P.OWN_ORGANIZATION,
    ("post", O + "/transfer"): P.OWN_ORGANIZATION,
    ("post", O + "/leave"): None,
    ("get", O + "/usage"): None,
    ("get", O + "/audit-log"): P.READ_AUDIT,
    ("get", O + "/audit-log/export"): P.READ_AUDIT,
    ("get", O + "/members"): P.MANAGE_MEMBERS,
    ("get", O + "/members/{user_id}"): P.MANAGE_MEMBERS,
    ("patch", O + "/members/{user_id}"): P.MANAGE_MEMBERS,
    ("delete", O + "/members/{user_id}"): P.MANAGE_MEMBERS,
    ("get", O + "/workspaces"): P.VIEW_ROOMS,
    ("post", O + "/workspaces"): P.MANAGE_ROOMS,
    ("get", O + "/workspaces/{workspace_id}"): P.VIEW_ROOMS,
    ("patch", O + "/workspaces/{workspace_id}"): P.MANAGE_ROOMS,
    ("delete", O + "/workspaces/{workspace_id}"): P.MANAGE_ROOMS,
    ("get", O + "/invitations"): P.MANAGE_MEMBERS,
    ("post", O + "/invitations"): P.MANAGE_MEMBERS,
    ("post", O + "/invitations/{invitation_id}/resend"): P.MANAGE_MEMBERS,
    ("delete", O + "/invitations/{invitation_id}"): P.MANAGE_MEMBERS,
    ("get", O + "/api-tokens"): P.MANAGE_ORGANIZATION,
    ("post", O + "/api-tokens"): P.MANAGE_ORGANIZATION,
    ("get", O + "/api-tokens/{token_id}"): P.MANAGE_ORGANIZATION,
    ("delete", O + "/api-tokens/{token_id}"): P.MANAGE_ORGANIZATION,
    ("get", O + "/webhooks"): P.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks"): P.MANAGE_ORGANIZATION,
    ("get", O + "/webhooks/{webhook_id}"): P.MANAGE_ORGANIZATION,
    ("patch", O + "/webhooks/{webhook_id}"): P.MANAGE_ORGANIZATION,
    ("delete", O + "/webhooks/{webhook_id}"): P.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks/{webhook_id}/rotate-secret"): P.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks/{webhook_id}/ping"): P.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks/{webhook_id}/replay"): P.MANAGE_ORGANIZATION,
    ("get", O + "/webhooks/{webhook_id}/deliveries"): P.MANAGE_ORGANIZATION,
    ("get", O + "/webhooks/{webhook_id}/deliveries/{delivery_id}"): P.MANAGE_ORGANIZATION,
    ("post", O + "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"): P.MANAGE_ORGANIZATION,
    ("get", O + "/sso/connections"): P.MANAGE_ORGANIZATION,
    ("post", O + "/sso/connections"): P.OWN_ORGANIZATION,
    ("get", O + "/sso/connections/{connection_id}"): P.MANAGE_ORGANIZATION,
    ("patch", O + "/sso/connections/{connection_id}"): P.OWN_ORGANIZATION,
    ("delete", O + "/sso/connections/{connection_id}"): P.OWN_ORGANIZATION,
    ("post", O + "/sso/connections/{connection_id}/test"): P.OWN_ORGANIZATION,
    ("post", O + "/sso/connections/{connection_id}/read-metadata"): P.OWN_ORGANIZATION,
    ("get", O + "/sso/connections/{connection_id}/people"): P.MANAGE_ORGANIZATION,
    ("delete", O + "/sso/connections/{connection_id}/people/{identity_id}"): P.OWN_ORGANIZATION,
    ("get", O + "/sso/domains"): P.MANAGE_ORGANIZATION,
    ("post", O + "/sso/domains"): P.OWN_ORGANIZATION,
    ("post", O + "/sso/domains/{domain_id}/verify"): P.OWN_ORGANIZATION,
    ("delete", O + "/sso/domains/{domain_id}"): P.OWN_ORGANIZATION,
    ("get", O + "/rooms"): P.VIEW_ROOMS,
    ("post", O + "/rooms"): P.MANAGE_ROOMS,
    ("get", R): P.VIEW_ROOMS,
    ("patch", R): P.MANAGE_ROOMS,
    ("delete", R): P.MANAGE_ROOMS,
    ("post", R + "/archive"): P.MANAGE_ROOMS,
    ("post", R + "/restore"): P.MANAGE_ROOMS,
    ("get", R + "/roles"): P.MANAGE_MEMBERS,
    ("put", R + "/roles/{user_id}"): P.MANAGE_MEMBERS,
    ("delete", R + "/roles/{user_id}"): P.MANAGE_MEMBERS,
    ("post", R + "/start"): P.RUN_SESSION,
    ("post", R + "/join"): P.JOIN_SESSION,
    ("post", R + "/end"): P.RUN_SESSION,
    ("get", R + "/events"): P.VIEW_ROOMS,
    ("post", R + "/messages"): P.POST_CHAT,
    ("post", R + "/alerts"): P.POST_ALERT,
    ("post", R + "/alerts/{alert_id}/steps"): P.POST_ALERT,
}
"""What each operation of a tenant needs; None: to be a member. An operation without a row fails."""
OWN = {
    ("get", "/me"),
    ("get", "/me/export"),
    ("post", "/me/erasure"),
    ("get", "/me/invitations"),
    ("post", "/me/invitations/{invitation_id}/accept"),
    ("post", "/me/invitations/{invitation_id}/decline"),
    ("get", "/organizations"),
    ("post", "/organizations"),
    ("post", "/invitations/accept"),
}
"""Operations of no tenant that need a sign-in: the caller's own things."""
PUBLIC = {
    ("get", "/subscriptions/plans"): "the price list",
    ("get", "/permissions"): "the table of the documentation",
    ("get", "/catalogue"): "names of events and abilities",
    ("get", "/demo"): "404 but on a demo; test_rest_demo.py",
}
GOES = {("post", O + "/leave")}
"""What a member may do only once: each role's own test elsewhere."""
OPERATIONS = sorted(NEEDS)
NAMES = {"workspaceId": "workspace_id", "userId": "user_id", "actorId": "user_id", "subjectId": "room_id"}
"""Field of a body or query -> the id in a path that names the same kind of thing."""
Operations = dict[tuple[str, str], Operation]


@dataclass(frozen=True)
class Cast:
    """Who appears: a live tenant with a member of each role and one thing of each kind, and an owner of another tenant."""

    tenant: Tenant
    members: dict[Role, Person]
    stranger: Tenant
    removed: Person
    expired: str
    ids: dict[str, Any]


@pytest.fixture(scope="module")
def cast(database: TestDatabase, valkey: EmbeddedValkey) -> Cast:
    async def make() -> Cast:
        settings = make_settings(database.app_url, valkey.url())
        async with compose(settings) as platform:
            tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
            await start_session(platform, tenant)
            members: dict[Role, Person] = {Role.OWNER: tenant.owner}
            for role in list(Role)[1:]:
                members[role] = await make_member(platform, tenant, role)
            removed = await make_member(platform, tenant, Role.ADMIN)
            await platform.memberships.remove(tenant.owner.caller, tenant.id, removed.caller.user_id)
            return Cast(
                tenant=tenant,
                members=members,
                stranger=await make_tenant(platform, PlanTier.ENTERPRISE),
                removed=removed,
                expired=await _expired_token(platform, settings, tenant.owner),
                ids=await _make_things(platform, tenant, members),
            )

    return asyncio.run(make())


async def _expired_token(platform: Platform, settings: Settings, person: Person) -> str:
    """A token of ours that was good until an hour ago."""
    issuer = f"{settings.public_url}/auth/v1"
    then = EcTokens(platform.keys, issuer, lambda: platform.clock.now() - timedelta(hours=2))
    caller = person.caller
    claims = {"sub": str(caller.user_id), "email": caller.email, "session_id": str(caller.session_id)}
    return (await then.issue_access(claims))[0]


async def _make_things(platform: Platform, tenant: Tenant, members: dict[Role, Person]) -> dict[str, Any]:
    """One thing of the tenant's for every kind of id that stands in a path."""
    caller, organization_id = tenant.owner.caller, tenant.id
    workspace = await platform.workspaces.create(caller, organization_id, "Second", None)
    invitation = await platform.invitations.create(
        caller, organization_id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email="guest@example.com"
    )
    token = await platform.api_tokens.create(
        caller, organization_id, name="Robot", abilities=["rooms:read"], expires_at=None, token_id=None
    )
    viewer = UserId(members[Role.VIEWER].caller.user_id)
    webhook = await platform.webhooks.create(
        caller, organization_id, url="https://example.com/x", description="", events=["*"], endpoint_id=None
    )
    delivery = await platform.webhooks.ping(caller, organization_id, webhook.endpoint.id)
    domain = await platform.sso_domains.add(caller, organization_id, "example.com")
    connection = make_connection(organization_id)
    async with platform.db.tenant(organization_id) as tx:
        await sso_store.insert_connection(tx, connection)
        await sso_identities.put_identity(
            tx,
            identity_id=(identity_id := platform.ids.new()),
            organization_id=organization_id,
            connection_id=connection.id,
            subject="subject",
            email="subject@example.com",
            user_id=viewer,
            now=platform.clock.now(),
        )
    return {
        "organization_id": organization_id,
        "room_id": tenant.room_id,
        "workspace_id": workspace.id,
        "user_id": viewer,
        "invitation_id": invitation.invitation.id,
        "token_id": token.token.id,
        "webhook_id": webhook.endpoint.id,
        "delivery_id": delivery.id,
        "connection_id": connection.id,
        "identity_id": identity_id,
        "domain_id": domain.id,
        "alert_id": uuid4(),  # steps answer alike for any alert that is not in the room
    }


@pytest.fixture(scope="module")
def operations(database: TestDatabase, valkey: EmbeddedValkey) -> Operations:
    """Read once: making the document takes longer than asking."""

    async def read() -> dict[str, Any]:
        settings = make_settings(database.app_url, valkey.url())
        async with compose(settings) as platform:
            return create_api(platform, settings, Metrics()).openapi_schema.to_schema()

    return {operation.key: operation for operation in read_operations(asyncio.run(read()))}


def _nothing(operation: Operation, **given: Any) -> dict[str, Any]:
    """Ids of things that are nowhere."""
    return {name: given.get(name, uuid4()) for name in operation.ids}


async def test_every_operation_stands_in_a_table(operations: Operations, cast: Cast) -> None:
    assert {key for key, one in operations.items() if one.is_tenants} == set(NEEDS)
    assert {key for key, one in operations.items() if not one.is_tenants} == OWN | set(PUBLIC)
    assert {name for one in operations.values() for name in one.ids} <= set(cast.ids)


@pytest.mark.parametrize("who", ["a stranger", "a removed member"])
async def test_anothers_organization_answers_exactly_as_one_that_does_not_exist(
    api: httpx.AsyncClient, cast: Cast, operations: Operations, who: str
) -> None:
    headers = (cast.removed if who == "a removed member" else cast.stranger.owner).headers
    for key in OPERATIONS:
        existing = await call(api, operations[key], headers, cast.ids)
        missing = await call(api, operations[key], headers, _nothing(operations[key]))

        assert existing.status_code == 404, (key, existing.text)
        assert told(existing) == told(missing), key


@pytest.fixture(params=["as it is", "by row-level security alone"])
def filters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With the tenant's condition in our statements, and without it (A2 of targets.md)."""
    if request.param == "as it is":
        yield
        return
    changed = drop_filters(monkeypatch)
    yield
    assert len(set(changed)) > 3


@pytest.mark.usefixtures("filters")
async def test_a_strangers_thing_in_ones_own_organization_is_none(
    api: httpx.AsyncClient, cast: Cast, operations: Operations
) -> None:
    own = cast.stranger
    mine = {"organization_id": own.id, "room_id": own.room_id}
    for key in OPERATIONS:
        operation = operations[key]
        for name in operation.ids[1:]:
            foreign = await call(api, operation, own.owner.headers, {**cast.ids, **mine, name: cast.ids[name]})
            missing = await call(api, operation, own.owner.headers, {**_nothing(operation), **mine, name: uuid4()})

            assert told(foreign) == told(missing), (key, name)
            assert foreign.status_code in {204, 404}, (key, name, foreign.text)  # 204: taking back what is not there


@pytest.mark.usefixtures("filters")
async def test_a_strangers_id_in_body_or_query_is_none(
    api: httpx.AsyncClient, cast: Cast, operations: Operations
) -> None:
    own, swapped = cast.stranger, 0
    for key in OPERATIONS:
        operation = operations[key]
        mine = {**_nothing(operation), "organization_id": own.id, "room_id": own.room_id}
        for name in operation.body_ids():
            theirs, none = (operation.make_body({name: str(one)}) for one in (cast.ids[_kind_of(name)], uuid4()))
            foreign = await call(api, operation, own.owner.headers, mine, body=theirs)
            missing = await call(api, operation, own.owner.headers, mine, body=none)
            swapped += 1

            assert foreign.status_code == 404, (key, name, foreign.text)
            assert told(foreign) == told(missing), (key, name)
        for name in operation.query_ids():
            foreign = await call(api, operation, own.owner.headers, mine, query={name: str(cast.ids[_kind_of(name)])})
            missing = await call(api, operation, own.owner.headers, mine, query={name: str(uuid4())})
            swapped += 1

            assert told(foreign) == told(missing), (key, name)
    assert swapped >= 5


def _kind_of(field: str) -> str:
    """The id of `ids` that a field of a body or query names."""
    assert field in NAMES, f"what does {field} name?"
    return NAMES[field]


@pytest.mark.parametrize("who", ["nobody", "expired", "forged"])
async def test_without_a_good_token_nobody_gets_in(
    api: httpx.AsyncClient, cast: Cast, operations: Operations, who: str
) -> None:
    tokens = {"expired": cast.expired, "forged": cast.tenant.owner.token[:-8] + "AAAAAAAA"}
    headers = {"Authorization": f"Bearer {tokens[who]}"} if who in tokens else {}
    for key in [*OPERATIONS, *sorted(OWN)]:
        answer = await call(api, operations[key], headers, cast.ids)

        assert answer.status_code == 401, (key, answer.text)
        assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_what_its_permissions_say(
    api: httpx.AsyncClient, cast: Cast, operations: Operations, role: Role
) -> None:
    for key in OPERATIONS:
        operation, needed = operations[key], NEEDS[key]
        is_allowed = needed is None or needed in ROLE_PERMISSIONS[role]
        if key in GOES and is_allowed:
            continue
        # Who may, tries it on what is not there, so that it is there for the others.
        ids = {**_nothing(operation), "organization_id": cast.tenant.id} if is_allowed else cast.ids

        answer = await call(api, operation, cast.members[role].headers, ids)

        assert (answer.status_code == 403) is not is_allowed, (key, answer.text)
        assert answer.status_code < 500, (key, answer.text)


async def test_an_invitation_to_somebody_else_is_none(
    api: httpx.AsyncClient, platform: Platform, cast: Cast, operations: Operations
) -> None:
    person = await make_person(platform)
    for key in (
        ("post", "/me/invitations/{invitation_id}/accept"),
        ("post", "/me/invitations/{invitation_id}/decline"),
    ):
        existing = await call(api, operations[key], person.headers, cast.ids)
        missing = await call(api, operations[key], person.headers, {"invitation_id": uuid4()})

        assert_problem(existing, 404, "not_found")
        assert told(existing) == told(missing)


async def test_every_operation_has_an_id_a_summary_and_a_way_to_refuse(platform: Platform, settings: Settings) -> None:
    document = create_api(platform, settings, Metrics()).openapi_schema.to_schema()
    operations = [operation for item in document["paths"].values() for operation in item.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["operationId"][0].islower()
        assert operation["summary"]
        assert "400" not in operation["responses"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]


async def test_a_member_who_was_put_out_is_a_stranger_at_once(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    person = await make_member(platform, tenant)
    before = await api.get(tenant.room_path, headers=person.headers)

    await api.delete(f"{tenant.path}/members/{person.caller.user_id}", headers=tenant.owner.headers)

    assert before.status_code == 200
    assert_problem(await api.get(tenant.room_path, headers=person.headers), 404, "not_found")

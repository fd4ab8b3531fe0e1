"""Bad input at every REST endpoint: a 4xx problem with a code, never a 5xx, and nothing half done."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from control_plane.app import compose
from control_plane.services.platform import Platform
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import ENROLMENT_TOKEN, TestDatabase, make_settings
from tests.factories import Tenant, assert_problem, make_enrolment, make_tenant

ORGANIZATION = "/api/v1/organizations/{organization}"
ROOM = ORGANIZATION + "/rooms/{room}"
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/organizations"): {"name": "Acme"},
    ("POST", ORGANIZATION + "/workspaces"): {"name": "Two"},
    ("POST", ORGANIZATION + "/invitations"): {"role": "viewer", "maxUses": 3, "expiresInS": 60},
    ("POST", "/api/v1/invitations/accept"): {"code": "A" * 46},
    ("POST", ORGANIZATION + "/rooms"): {"name": "Two"},
    ("PATCH", ORGANIZATION): {"name": "A", "slug": "a-b", "chatRetentionDays": 30, "auditRetentionDays": 400},
    ("POST", ORGANIZATION + "/deletion"): {"name": "Not its name"},
    ("POST", ORGANIZATION + "/transfer"): {"userId": "018f0000-0000-7000-8000-000000000000"},
    ("PATCH", ORGANIZATION + "/members/{user}"): {"role": "viewer", "isHost": True},
    ("PATCH", ORGANIZATION + "/workspaces/{workspace}"): {"name": "Renamed"},
    ("PATCH", ROOM): {
        "name": "Renamed",
        "slug": "re-named",
        "description": "About",
        "waitingText": "Soon",
        "whoMayChat": "speakers",
        "nextSessionAt": "2027-01-01T09:30:00Z",
        "timeZone": "Europe/Berlin",
    },
    ("PUT", ROOM + "/roles/{user}"): {"role": "viewer"},
    ("POST", "/api/v1/me/erasure"): {"email": "not@example.com"},
    ("POST", ORGANIZATION + "/api-tokens"): {"name": "Robot", "abilities": ["rooms:read"]},
    ("POST", ORGANIZATION + "/webhooks"): {"url": "https://example.com/x", "events": ["*"], "description": "d"},
    ("PATCH", ORGANIZATION + "/webhooks/{webhook}"): {"url": "https://example.com/x", "isEnabled": True},
    ("POST", ORGANIZATION + "/webhooks/{webhook}/replay"): {"since": "2026-01-01T00:00:00Z"},
    ("POST", ROOM + "/messages"): {"text": "hello"},
    ("POST", ROOM + "/alerts"): {"symbol": "AAPL", "side": "long", "entry": "181.20", "targets": ["190"], "note": ""},
    ("POST", ROOM + "/alerts/{alert}/steps"): {"kind": "trimmed", "price": "186.4", "fraction": "0.5"},
}
"""Every operation with a body, and a good one."""
OPTIONAL = {
    ("PATCH", ORGANIZATION): {"name", "slug", "chatRetentionDays", "auditRetentionDays"},
    ("PATCH", ORGANIZATION + "/members/{user}"): {"role", "isHost"},
    ("PATCH", ROOM): {"name", "slug", "description", "waitingText", "whoMayChat", "nextSessionAt", "timeZone"},
    ("POST", ORGANIZATION + "/webhooks"): {"description"},
    ("PATCH", ORGANIZATION + "/webhooks/{webhook}"): {"url", "isEnabled"},
    ("POST", ORGANIZATION + "/invitations"): {"maxUses", "expiresInS"},
    ("POST", ROOM + "/alerts/{alert}/steps"): {"price", "fraction"},
}
MAY_MISS = {"targets", "note"}
WRONG: list[Any] = [None, 5, True, [], {}, "", "\x00", "x" * 5000, "\x1b[31m", "NaN", -1, 10**400, 1.5, ["x"], {"a": 1}]
RAW = [b"", b"{", b"\xff\xfe", b"null", b"[]", b'"text"', b"5", b"[" * 20_000, b'{"a":' * 9000, b"{} {}"]


@pytest.fixture(scope="module")
def tenant(database: TestDatabase, valkey: EmbeddedValkey) -> Tenant:
    """One tenant; bad input does not change it."""

    async def make() -> Tenant:
        async with compose(make_settings(database.app_url, valkey.url())) as platform:
            return await make_tenant(platform)

    return asyncio.run(make())


@pytest.fixture
async def owner(api: httpx.AsyncClient, tenant: Tenant) -> httpx.AsyncClient:
    """The door, with the owner's token."""
    api.headers.update(tenant.owner.headers)
    return api


def _path(template: str, tenant: Tenant) -> str:
    somewhere = {name: uuid4() for name in ("alert", "webhook", "workspace")}
    user_id = tenant.owner.caller.user_id
    return template.format(organization=tenant.id, room=tenant.room_id, user=user_id, **somewhere)


def _assert_refused(answer: httpx.Response, about: object) -> None:
    assert 400 <= answer.status_code < 500, (about, answer.status_code, answer.text)
    problem = answer.json()
    assert problem["code"], (about, problem)
    assert "Traceback" not in answer.text
    assert "select" not in answer.text


@pytest.mark.parametrize("operation", BODIES, ids=" ".join)
async def test_a_body_that_is_no_object_is_refused(
    owner: httpx.AsyncClient, tenant: Tenant, operation: tuple[str, str]
) -> None:
    method, template = operation
    for raw in RAW:
        answer = await owner.request(
            method, _path(template, tenant), content=raw, headers={"content-type": "application/json"}
        )

        assert_problem(answer, 422, "invalid_input")


@pytest.mark.parametrize("operation", BODIES, ids=" ".join)
async def test_a_field_of_a_wrong_kind_is_refused(
    owner: httpx.AsyncClient, tenant: Tenant, operation: tuple[str, str]
) -> None:
    method, template = operation
    good = BODIES[operation]
    for field in good:
        for wrong in WRONG:
            if _may_be(field, wrong):
                continue
            answer = await owner.request(method, _path(template, tenant), json={**good, field: wrong})

            _assert_refused(answer, (field, wrong))


GOOD_BY_CHANCE: dict[str, list[Any]] = {
    "chatRetentionDays": [None, 5],
    "auditRetentionDays": [None],
    "waitingText": ["", "NaN"],
    "nextSessionAt": [None],
    "timeZone": [None, "NaN"],  # by its form it is one
    "isHost": [True],
    "maxUses": [None, 5],
    "expiresInS": [None, 5],
    "note": ["", "NaN"],
    "description": ["", "NaN"],
    "isEnabled": [True],
    "targets": [[]],
    "entry": [5, 1.5],
    "name": ["NaN"],
    "text": ["NaN"],
    "symbol": ["NaN"],
}


def _may_be(field: str, value: Any) -> bool:
    """Whether this value happens to be good for this field."""
    return any(type(value) is type(good) and value == good for good in GOOD_BY_CHANCE.get(field, []))


@pytest.mark.parametrize("operation", BODIES, ids=" ".join)
async def test_a_missing_or_unknown_field_is_refused_by_name(
    owner: httpx.AsyncClient, tenant: Tenant, operation: tuple[str, str]
) -> None:
    method, template = operation
    good = BODIES[operation]

    unknown = await owner.request(method, _path(template, tenant), json={**good, "isAdmin": True})
    facts = assert_problem(unknown, 422, "invalid_input")
    for field in good.keys() - MAY_MISS - OPTIONAL.get(operation, set()):
        missing = await owner.request(
            method, _path(template, tenant), json={name: value for name, value in good.items() if name != field}
        )
        assert_problem(missing, 422, "invalid_input")
        assert field in missing.text

    assert "isAdmin" in str(facts)


@pytest.mark.parametrize("operation", BODIES, ids=" ".join)
async def test_a_body_too_large_is_refused(
    owner: httpx.AsyncClient, tenant: Tenant, operation: tuple[str, str]
) -> None:
    method, template = operation

    answer = await owner.request(method, _path(template, tenant), content=b" " * 70_000)

    assert_problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    "bad", ["5", "not-a-uuid", "00000000-0000-0000-0000-00000000000g", "%00", "..%2f..", "a" * 5000]
)
async def test_an_id_that_is_none_is_not_found(owner: httpx.AsyncClient, tenant: Tenant, bad: str) -> None:
    for path in (f"/api/v1/organizations/{bad}", f"{tenant.path}/rooms/{bad}", f"{tenant.path}/invitations/{bad}/x"):
        assert_problem(await owner.get(path), 404, "not_found")


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=x", f"after={10**30}", "limit=0", "limit=201", "limit=", "after=1&limit=x", "after=%00"],
)
async def test_a_bad_query_is_refused(owner: httpx.AsyncClient, tenant: Tenant, query: str) -> None:
    assert_problem(await owner.get(f"{tenant.room_path}/events?{query}"), 422, "invalid_input")


@pytest.mark.parametrize("id_value", [5, "x", "", {}, [], True])
async def test_a_callers_own_id_must_be_a_uuid(owner: httpx.AsyncClient, tenant: Tenant, id_value: object) -> None:
    for path, body in (
        ("/api/v1/organizations", {"name": "Acme"}),
        (f"{tenant.path}/rooms", {"name": "Two"}),
        (f"{tenant.room_path}/messages", {"text": "hello"}),
    ):
        assert_problem(await owner.post(path, json={**body, "id": id_value}), 422, "invalid_input")


async def test_an_unknown_route_is_a_problem(owner: httpx.AsyncClient) -> None:
    for path in ("/nope", "/api", "/api/v1/nope", "/api/v2/me", "/internal", "//", "/api/v1/me/../../x"):
        assert_problem(await owner.get(path), 404, "not_found")


async def test_a_wrong_method_is_a_problem(owner: httpx.AsyncClient, tenant: Tenant) -> None:
    for method, path in (("DELETE", "/api/v1/me"), ("PUT", tenant.room_path), ("GET", f"{tenant.room_path}/join")):
        answer = await owner.request(method, path)

        assert_problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer x.y.z", "Bearer " + "a" * 9000, "bearer null"]
)
async def test_without_a_good_token_nobody_is_let_in(api: httpx.AsyncClient, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}

    answer = await api.get("/api/v1/me", headers=headers)

    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_login_that_is_gone_is_unauthenticated(api: httpx.AsyncClient, platform: Platform) -> None:
    token, _ = await platform.tokens.issue_access({"sub": str(uuid4()), "email": "gone@example.com"})
    headers = {"Authorization": f"Bearer {token}"}

    assert_problem(await api.get("/api/v1/me", headers=headers), 401, "unauthenticated")
    assert_problem(await api.post("/api/v1/organizations", json={"name": "X"}, headers=headers), 401, "unauthenticated")


async def test_nothing_bad_left_a_trace(owner: httpx.AsyncClient, tenant: Tenant) -> None:
    me = (await owner.get("/api/v1/me")).json()
    rooms = (await owner.get(f"{tenant.path}/rooms")).json()["items"]

    assert [one["id"] for one in me["organizations"]] == [str(tenant.id)]
    assert [room["name"] for room in rooms] == ["Opening bell"]


# --- enrolment


async def test_a_node_enrols_and_is_told_the_keys(api: httpx.AsyncClient, platform: Platform) -> None:
    enrolment = make_enrolment()
    answer = await api.post(
        "/internal/media-nodes",
        content=msgspec.json.encode(enrolment),
        headers={"Authorization": f"Bearer {ENROLMENT_TOKEN}"},
    )

    assert answer.status_code == 200
    assert answer.json()["linkJwks"]["keys"][0]["alg"] == "ES256"
    assert enrolment.node_id in {str(node.id) for node in await platform.nodes.list_nodes()}


@pytest.mark.parametrize("token", ["", "wrong", ENROLMENT_TOKEN + "x", ENROLMENT_TOKEN[:-1]])
async def test_a_wrong_enrolment_token_is_refused(api: httpx.AsyncClient, token: str) -> None:
    answer = await api.post(
        "/internal/media-nodes",
        content=msgspec.json.encode(make_enrolment()),
        headers={"Authorization": f"Bearer {token}"},
    )

    assert_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    "changes",
    [
        {"node_id": "x"},
        {"link_url": "http://x"},
        {"link_url": "ws://x\x00"},
        {"region": ""},
        {"region": "\x00"},
        {"contract_version": 999},
        {"worker_version": "w" * 65},
        {"capacity_consumers": 0},
        {"capacity_consumers": 2**40},
    ],
)
async def test_a_malformed_enrolment_is_refused(api: httpx.AsyncClient, changes: dict[str, Any]) -> None:
    answer = await api.post(
        "/internal/media-nodes",
        content=msgspec.json.encode(make_enrolment(**changes)),
        headers={"Authorization": f"Bearer {ENROLMENT_TOKEN}"},
    )

    assert_problem(answer, 422, "invalid_input")


async def test_an_enrolment_that_does_not_decode_is_refused(api: httpx.AsyncClient) -> None:
    for raw in RAW:
        answer = await api.post(
            "/internal/media-nodes", content=raw, headers={"Authorization": f"Bearer {ENROLMENT_TOKEN}"}
        )

        assert_problem(answer, 422, "invalid_input")

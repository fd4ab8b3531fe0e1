"""What stands in front of the API: limits, proxies, hosts, origins, and forms of bodies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.app import compose
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from scripts.stack.ports import free_port
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Tenant, assert_problem, make_member, make_tenant

Open = Callable[..., AbstractAsyncContextManager[tuple[Platform, httpx.AsyncClient]]]


@pytest.fixture
def door(database: TestDatabase, valkey: EmbeddedValkey) -> Open:
    """Opens a door with settings of the test's own; `client` is the address that calls."""

    @asynccontextmanager
    async def open_door(
        client: str = "127.0.0.1", redis_url: str = "", **more: str
    ) -> AsyncIterator[tuple[Platform, httpx.AsyncClient]]:
        settings = make_settings(database.app_url, redis_url or valkey.url(), **more)
        async with compose(settings) as platform:
            transport = httpx.ASGITransport(app=create_app(platform, settings), client=(client, 1))  # type: ignore[arg-type]  # Litestar's ASGI types
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as http:
                yield platform, http

    return open_door


async def _statuses(client: httpx.AsyncClient, count: int, path: str, headers: dict[str, str]) -> list[int]:
    return [(await client.get(path, headers=headers)).status_code for _ in range(count)]


async def test_a_person_who_asks_too_fast_is_told_when_to_come_back(door: Open) -> None:
    async with door(TR_RATE_LIMIT_USER="5/0.1") as (platform, client):
        tenant = await make_tenant(platform)
        other = await make_tenant(platform)
        first = await client.get(tenant.path, headers=tenant.owner.headers)
        statuses = await _statuses(client, 9, tenant.path, tenant.owner.headers)
        refused = await client.get(tenant.path, headers=tenant.owner.headers)
        unharmed = await client.get(other.path, headers=other.owner.headers)

    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("5", "4")
    assert statuses == [200] * 4 + [429] * 5
    facts = assert_problem(refused, 429, "rate_limited")
    assert facts["limit"] == "user"
    assert int(refused.headers["retry-after"]) >= 1
    assert unharmed.status_code == 200


async def test_an_api_token_that_asks_too_fast_is_refused_and_its_maker_is_not(door: Open) -> None:
    async with door(TR_RATE_LIMIT_TOKEN="5/0.1") as (platform, client):
        tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
        first, second = [
            await platform.api_tokens.create(
                tenant.owner.caller, tenant.id, name=name, abilities=["rooms:read"], expires_at=None, token_id=None
            )
            for name in ("First", "Second")
        ]
        path, headers = f"{tenant.path}/rooms", {"Authorization": f"Bearer {first.text}"}
        statuses = await _statuses(client, 9, path, headers)
        refused = await client.get(path, headers=headers)
        others = [await client.get(path, headers={"Authorization": f"Bearer {second.text}"})]
        others.append(await client.get(path, headers=tenant.owner.headers))

    assert statuses == [200] * 5 + [429] * 4
    assert assert_problem(refused, 429, "rate_limited")["limit"] == "token"
    assert [answer.status_code for answer in others] == [200, 200]


async def test_members_share_their_organizations_bucket_and_strangers_cant_empty_it(door: Open) -> None:
    async with door(TR_RATE_LIMIT_TENANT="6/0.1") as (platform, client):
        tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
        member = await make_member(platform, tenant, Role.VIEWER)
        stranger = await make_tenant(platform)
        foreign = await _statuses(client, 20, tenant.path, stranger.owner.headers)
        # The first answer of each makes known that they are members; it is not charged.
        mine = await _statuses(client, 5, tenant.path, tenant.owner.headers)
        theirs = await _statuses(client, 5, tenant.path, member.headers)
        refused = await client.get(tenant.path, headers=tenant.owner.headers)
        elsewhere = await client.get("/api/v1/me", headers=tenant.owner.headers)

    assert foreign == [404] * 20
    assert mine + theirs == [200] * 8 + [429] * 2
    assert assert_problem(refused, 429, "rate_limited")["limit"] == "tenant"
    assert elsewhere.status_code == 200


async def test_one_tenant_in_a_flood_is_limited_and_another_is_not(door: Open) -> None:
    async with door(TR_RATE_LIMIT_USER="100/20", TR_RATE_LIMIT_TENANT="100/20") as (platform, client):
        tenant, other = await make_tenant(platform), await make_tenant(platform)
        done = asyncio.Event()

        async def flood() -> list[int]:
            found: list[int] = []
            while not done.is_set():
                found += await asyncio.gather(*(_one(client, tenant) for _ in range(20)))
            return found

        async def _one(client: httpx.AsyncClient, of: Tenant) -> int:
            return (await client.get(of.path, headers=of.owner.headers)).status_code

        flooding = [asyncio.create_task(flood()) for _ in range(2)]
        calm = [await _one(client, other) for _ in range(40)]
        done.set()
        flooded = [status for task in flooding for status in await task]

    assert calm == [200] * 40
    assert 429 in flooded
    assert set(flooded) == {200, 429}


async def test_an_address_without_a_token_is_limited_and_its_own_word_does_not_help(door: Open) -> None:
    async with door(client="198.51.100.7", TR_RATE_LIMIT_ADDRESS="3/0.1") as (_, client):
        statuses = [
            (await client.get("/api/v1/me", headers={"X-Forwarded-For": f"203.0.113.{n}"})).status_code
            for n in range(6)
        ]

    assert statuses == [401] * 3 + [429] * 3


async def test_behind_a_trusted_proxy_the_rightmost_stranger_counts(door: Open) -> None:
    more = {"TR_TRUSTED_PROXIES": "10.0.0.0/8", "TR_RATE_LIMIT_ADDRESS": "3/0.1"}
    async with door(client="10.1.2.3", **more) as (_, client):

        async def ask(forwarded: str) -> int:
            return (await client.get("/api/v1/me", headers={"X-Forwarded-For": forwarded})).status_code

        spoofed = [await ask(f"192.0.2.{n}, 203.0.113.1, 10.9.9.9") for n in range(5)]
        other = await ask("192.0.2.1, 203.0.113.2")

    assert spoofed == [401] * 3 + [429] * 2
    assert other == 401


async def test_without_redis_requests_pass_and_guessing_waits(door: Open) -> None:
    async with door() as (platform, _):
        tenant = await make_tenant(platform)
    async with door(redis_url=f"redis://127.0.0.1:{free_port()}/0") as (_, client):
        read = await client.get(tenant.path, headers=tenant.owner.headers)
        body = {"email": "a@example.com", "password": "12345678"}
        guessed = await client.post("/auth/v1/token?grant_type=password", json=body)
        stay = await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": "x"})

    assert read.status_code == 200
    assert guessed.status_code == 503
    assert stay.status_code != 503


async def test_without_redis_every_way_to_guess_waits(door: Open) -> None:
    async with door(redis_url=f"redis://127.0.0.1:{free_port()}/0") as (_, client):
        answers = [
            await client.post("/auth/v1/token?x=grant_type=refresh_token&grant_type=password", json={}),
            await client.post("/auth/v1/token?grant_type=refresh_token&grant_type=password", json={}),
            await client.post("/auth/v1/verify?grant_type=refresh_token", json={}),
            await client.post(f"/auth/v1/factors/{uuid4()}/verify", json={}),
            await client.put("/auth/v1/user", json={}),
        ]

    assert [answer.status_code for answer in answers] == [503] * 5


@pytest.mark.parametrize("path", ["//api/v1/me", "/api//v1/me", "/auth//v1/settings", "/api/v1%2F/me"])
async def test_a_doubled_slash_leads_nowhere(door: Open, path: str) -> None:
    async with door() as (platform, client):
        tenant = await make_tenant(platform)
        answer = await client.get("http://localhost:8000" + path, headers=tenant.owner.headers)

    assert answer.status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "localhost:9999", "localhost", ""])
async def test_another_host_than_ours_is_refused(door: Open, host: str) -> None:
    async with door() as (_, client):
        answer = await client.get("/api/v1/me", headers={"Host": host, "X-Forwarded-Host": "localhost:8000"})
        health = await client.get("/health", headers={"Host": host})

    assert_problem(answer, 421, "wrong_host")
    assert health.status_code == 200


async def test_another_sites_page_changes_nothing(door: Open) -> None:
    async with door() as (platform, client):
        tenant = await make_tenant(platform)
        headers = {**tenant.owner.headers, "Origin": "https://evil.example"}
        refused = await client.patch(tenant.room_path, json={"name": "X"}, headers=headers)
        ours = await client.patch(
            tenant.room_path, json={"name": "Y"}, headers={**tenant.owner.headers, "Origin": "http://localhost:8000"}
        )

    assert_problem(refused, 403, "forbidden")
    assert ours.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/api/v1/me", {"Accept": "text/html"}, 406, "not_acceptable"),
        ("GET", "/api/v1/me", {"Accept": "application/json;q=0"}, 406, "not_acceptable"),
        ("POST", "/api/v1/organizations", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("POST", "/api/v1/organizations", {"Content-Type": "text/xml"}, 415, "unsupported_media_type"),
        ("TRACE", "/api/v1/me", {}, 405, "method_not_allowed"),
        ("PUT", "/api/v1/organizations", {"If-Match": '"x"'}, 405, "method_not_allowed"),
        ("POST", "/api/v1/openapi.json", {}, 405, "method_not_allowed"),
        ("GET", "/api/v1/openapi.json/x", {}, 404, "not_found"),
        ("GET", "/api/nothing", {}, 404, "not_found"),
        ("GET", "/docs/nothing", {}, 404, "not_found"),
    ],
)  # fmt: skip
async def test_every_refusal_is_a_problem(  # noqa: PLR0917 - one row of the table
    api: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    assert_problem(
        await api.request(method, path, content=b"{}" if method == "POST" else None, headers=headers), status, code
    )


async def test_numbers_in_quotes_are_no_numbers_and_prices_stay_exact(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform)
    alerts = f"{tenant.room_path}/alerts"

    async def post(entry: str) -> Any:
        body = f'{{"symbol": "AAPL", "side": "long", "entry": {entry}, "id": "{uuid4()}"}}'
        return (await api.post(alerts, content=body, headers=tenant.owner.headers)).json()

    exact = await post("1181.12345679")
    quoted = await api.post(
        f"{tenant.path}/invitations", json={"role": "viewer", "maxUses": "5"}, headers=tenant.owner.headers
    )

    assert exact["body"]["entry"] == "1181.12345679"
    assert assert_problem(quoted, 422, "invalid_input")["field"] == "maxUses"


async def test_the_docs_page_names_every_operation_and_loads_nothing_foreign(api: httpx.AsyncClient) -> None:
    page = await api.get("/docs")
    document = (await api.get("/api/v1/openapi.json")).json()

    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert all(f'id="{name}"' in page.text for name in names)
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "Idempotency-Key" in page.text
    assert (await api.get("/docs/style.css")).headers["content-type"].startswith("text/css")


async def test_the_document_says_how_every_operation_refuses_and_who_may_ask(api: httpx.AsyncClient) -> None:
    document = (await api.get("/api/v1/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert "code" in document["components"]["schemas"]["Problem"]["properties"]
    assert set(document["components"]["securitySchemes"]) == {"user", "apiToken"}
    assert all(tag["description"] for tag in document["tags"])
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"]
            assert operation["description"]
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Refused"}
            assert "429" in operation["responses"]
            if operation.get("security") == []:
                assert "401" not in operation["responses"]
            elif "x-ability" not in operation:
                assert operation["security"] == [{"user": []}]

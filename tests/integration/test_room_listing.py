"""The rooms page by the short way answers what the ordinary way answers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.domain.ids import RoomId
from control_plane.domain.plans import PlanTier
from control_plane.logs import configure_logs
from control_plane.rest.http1 import HttpServer, listen
from control_plane.rest.server import create_door
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from tests.factories import Tenant, assert_problem, make_tenant, start_session


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
    await start_session(platform, tenant)
    for number in range(4):
        await platform.rooms.create(
            tenant.owner.caller, tenant.id, name=f'Röom "{number}" \\ 😀', workspace_id=None, room_id=RoomId(uuid4())
        )
    return tenant


def _plain(page: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL writes +00:00 where msgspec writes Z, and no zeros at the end of a fraction."""
    text = re.sub(r"(:\d\d\.\d*?)0*(\+00:00|Z)", r"\1Z", httpx.Response(200, json=page).text)
    found: dict[str, Any] = httpx.Response(200, text=text).json()
    return found


async def test_both_ways_answer_the_same(api: httpx.AsyncClient, tenant: Tenant) -> None:
    path, headers = f"{tenant.path}/rooms", tenant.owner.headers

    short = await api.get(path, headers=headers)
    ordinary = await api.get(path, params={"isArchived": "false"}, headers=headers)

    assert len(short.json()["items"]) == 5
    assert _plain(short.json()) == _plain(ordinary.json())


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 6])
async def test_pages_follow_each_other_by_either_way(api: httpx.AsyncClient, tenant: Tenant, limit: int) -> None:
    path, headers = f"{tenant.path}/rooms", tenant.owner.headers
    seen: dict[str, list[str]] = {"short": [], "ordinary": []}
    for way, more in (("short", {}), ("ordinary", {"isArchived": "false"})):
        cursor = None
        while True:
            query = {"limit": str(limit), **more, **({"cursor": cursor} if cursor else {})}
            page = (await api.get(path, params=query, headers=headers)).json()
            seen[way] += [room["id"] for room in page["items"]]
            cursor = page["nextCursor"]
            if cursor is None:
                break

    assert seen["short"] == seen["ordinary"]
    assert len(seen["short"]) == 5


async def test_the_short_way_refuses_as_the_ordinary_one(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    stranger = await make_tenant(platform)
    for query in ("", "?isArchived=false"):
        path = f"{tenant.path}/rooms{query}"
        assert_problem(await api.get(path, headers=stranger.owner.headers), 404, "not_found")
        assert_problem(await api.get(path), 401, "unauthenticated")
    for query in ("?limit=0", "?limit=201", "?limit=x", "?cursor=x", "?limit=1&limit=2"):
        answer = await api.get(f"{tenant.path}/rooms{query}", headers=tenant.owner.headers)
        assert answer.status_code in {200, 422}, query


async def test_the_statement_leaves_no_scope_behind(platform: Platform, tenant: Tenant) -> None:
    await platform.room_listing.page(tenant.owner.caller, tenant.id, after=None, limit=10)

    row = await platform.db.call(
        "select current_user::text as who, current_setting('app.organization_id', true) as scope"
    )

    assert row is not None
    assert row["who"] == "tradingroom_app"
    assert not row["scope"]


async def test_a_sign_in_that_ended_gets_no_page(api: httpx.AsyncClient, platform: Platform, tenant: Tenant) -> None:
    before = await api.get(f"{tenant.path}/rooms", headers=tenant.owner.headers)
    await platform.sessions.sign_out(tenant.owner.caller, "local")

    for query in ("", "?isArchived=false"):
        answer = await api.get(f"{tenant.path}/rooms{query}", headers=tenant.owner.headers)
        assert_problem(answer, 401, "unauthenticated")
    assert before.status_code == 200


@pytest.fixture
async def socket(platform: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The same door behind its own server, which answers the page past ASGI."""
    door = create_door(platform, settings)
    server, listener = HttpServer(door.app, door.straight), listen("127.0.0.1", 0)
    task = asyncio.create_task(server.serve([listener]))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=address, headers={"Host": "localhost:8000"}, timeout=30) as client:
        yield client
    server.stop()
    await asyncio.wait_for(task, 30)


_OF_ITS_OWN = {"x-request-id", "date", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy"}
"""What two answers to the same question differ in; the policy names the bucket that is nearer its end."""


def _told(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_ITS_OWN}
    return answer.status_code, headers, re.sub(r'"requestId":"[0-9a-f]{32}"', "", answer.text)


async def test_the_straight_way_answers_and_refuses_as_asgi_does(
    socket: httpx.AsyncClient, api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    path, headers = f"{tenant.path}/rooms", tenant.owner.headers
    stranger = (await make_tenant(platform)).owner.headers
    tag = (await api.get(path, headers=headers)).headers["etag"]
    asked: list[tuple[str, dict[str, str]]] = [
        (path, headers),
        (f"{path}?limit=2", headers),
        (f"{path}?limit=0", headers),
        (f"{path}?cursor=x", headers),
        (path, {**headers, "If-None-Match": tag}),
        (path, {**headers, "Accept": "image/png"}),
        (path, {**headers, "Host": "evil.example"}),
        (path, {**headers, "Origin": "http://localhost:8000"}),
        (path, stranger),
        (path, {}),
        (path, {"Authorization": "Bearer a.b.c"}),
    ]

    by_socket = [_told(await socket.get(where, headers=who)) for where, who in asked]
    by_asgi = [_told(await api.get(where, headers=who)) for where, who in asked]

    assert by_socket == by_asgi
    assert [status for status, _, _ in by_socket] == [200, 200, 422, 422, 304, 406, 421, 200, 404, 401, 401]


async def test_the_straight_way_is_counted_and_logged_under_the_id_it_answered_with(
    socket: httpx.AsyncClient, tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("json")
    path = f"{tenant.path}/rooms"

    answers = [await socket.get(path, headers=headers) for headers in (tenant.owner.headers, tenant.owner.headers, {})]
    figures = (await socket.get("/metrics")).text

    route = "/api/v1/organizations/{organization_id}/rooms"
    assert f'tr_http_requests_total{{method="GET",route="{route}",status="200"}} 2.0' in figures
    assert f'tr_http_requests_total{{method="GET",route="{route}",status="401"}} 1.0' in figures
    assert f'tr_http_request_duration_seconds_count{{method="GET",route="{route}"}} 3.0' in figures
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"event":"request"' in line]
    told = [(line["request_id"], line["method"], line["path"], line["status"]) for line in lines]
    assert told == [(one.headers["x-request-id"], "GET", path, one.status_code) for one in answers]


async def test_a_fault_on_the_straight_way_is_a_problem_without_detail(
    socket: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("select secret")

    monkeypatch.setattr("control_plane.services.room_listing.RoomListing.page", fail)

    answer = await socket.get(f"{tenant.path}/rooms", headers=tenant.owner.headers)

    assert_problem(answer, 500, "internal")
    assert "secret" not in answer.text

"""The rooms page by the short way answers what the ordinary way answers."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.domain.ids import RoomId
from control_plane.domain.plans import PlanTier
from control_plane.services.platform import Platform
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

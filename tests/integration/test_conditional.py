"""ETag, `If-None-Match` and `If-Match`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from tests.factories import Tenant, assert_problem, make_member, make_tenant


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await make_tenant(platform)


async def test_what_is_known_is_not_sent_again(api: httpx.AsyncClient, tenant: Tenant) -> None:
    first = await api.get(tenant.room_path, headers=tenant.owner.headers)

    same = await api.get(tenant.room_path, headers={**tenant.owner.headers, "If-None-Match": first.headers["etag"]})
    other = await api.get(tenant.room_path, headers={**tenant.owner.headers, "If-None-Match": '"other"'})

    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == first.headers["etag"]
    assert (other.status_code, other.content) == (200, first.content)


async def test_what_changed_since_it_was_read_is_not_overwritten(api: httpx.AsyncClient, tenant: Tenant) -> None:
    seen = (await api.get(tenant.room_path, headers=tenant.owner.headers)).headers["etag"]
    headers = {**tenant.owner.headers, "If-Match": seen}
    first = await api.patch(tenant.room_path, json={"name": "First"}, headers=headers)

    second = await api.patch(tenant.room_path, json={"name": "Second"}, headers=headers)
    deleted = await api.delete(tenant.room_path, headers=headers)

    assert first.status_code == 200
    assert_problem(second, 412, "precondition_failed")
    assert_problem(deleted, 412, "precondition_failed")
    assert (await api.get(tenant.room_path, headers=tenant.owner.headers)).json()["name"] == "First"


async def test_of_twenty_who_saw_the_same_one_writes(api: httpx.AsyncClient, tenant: Tenant) -> None:
    seen = (await api.get(tenant.room_path, headers=tenant.owner.headers)).headers["etag"]
    headers = {**tenant.owner.headers, "If-Match": seen}

    answers = await asyncio.gather(
        *(api.patch(tenant.room_path, json={"name": f"Name {n}"}, headers=headers) for n in range(20))
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19


async def test_a_stranger_learns_nothing_by_a_condition(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    stranger = await make_tenant(platform)

    answer = await api.patch(
        tenant.room_path, json={"name": "X"}, headers={**stranger.owner.headers, "If-Match": '"anything"'}
    )

    assert_problem(answer, 404, "not_found")


async def test_a_star_matches_what_is_there(api: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await api.patch(tenant.room_path, json={"name": "X"}, headers={**tenant.owner.headers, "If-Match": "*"})

    assert answer.status_code == 200


async def test_a_condition_on_what_nobody_can_read_is_refused_and_changes_nothing(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    member = await make_member(platform, tenant, Role.VIEWER)
    path = f"{tenant.room_path}/roles/{member.caller.user_id}"

    answer = await api.put(path, json={"role": "moderator"}, headers={**tenant.owner.headers, "If-Match": '"x"'})
    roles = await api.get(f"{tenant.room_path}/roles", headers=tenant.owner.headers)

    assert assert_problem(answer, 422, "invalid_input")["field"] == "If-Match"
    assert roles.json()["items"] == []


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_stranger_with_a_slow_body_keeps_nobody_from_writing(
    api: httpx.AsyncClient,
    platform: Platform,
    tenant: Tenant,
    is_known: bool,  # noqa: FBT001 - a column of the table
) -> None:
    stranger = (await make_tenant(platform)).owner.headers if is_known else {"Authorization": "Bearer x"}
    begun, end = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        begun.set()
        yield b"{"
        await end.wait()
        yield b"}"

    headers = {**stranger, "Content-Type": "application/json"}
    writing = asyncio.create_task(api.patch(tenant.room_path, content=slow(), headers=headers))
    reached = asyncio.create_task(begun.wait())
    await asyncio.wait({writing, reached}, return_when=asyncio.FIRST_COMPLETED)
    mine = await api.patch(tenant.room_path, json={"name": "X"}, headers={**tenant.owner.headers, "If-Match": "*"})
    end.set()
    await writing
    reached.cancel()

    assert mine.status_code == 200

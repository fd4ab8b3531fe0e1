"""`Idempotency-Key`: one request, however often it is sent."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest

from control_plane.domain.idempotency import request_key
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from tests.conftest import TestDatabase
from tests.factories import Tenant, assert_problem, make_enrolment, make_member, make_tenant


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await make_tenant(platform)


def _with_key(tenant: Tenant, key: str) -> dict[str, str]:
    return {**tenant.owner.headers, "Idempotency-Key": key}


async def _names(api: httpx.AsyncClient, tenant: Tenant) -> list[str]:
    rooms = (await api.get(f"{tenant.path}/rooms", headers=tenant.owner.headers)).json()["items"]
    return sorted(room["name"] for room in rooms)


async def test_a_repeat_is_answered_with_the_first_answer(api: httpx.AsyncClient, tenant: Tenant) -> None:
    key = uuid4().hex
    first = await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, key))

    second = await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, key))

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert await _names(api, tenant) == ["Opening bell", "Two"]


async def test_another_body_under_the_same_key_is_refused(api: httpx.AsyncClient, tenant: Tenant) -> None:
    key = uuid4().hex
    await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, key))

    other = await api.post(f"{tenant.path}/rooms", json={"name": "Three"}, headers=_with_key(tenant, key))

    assert_problem(other, 422, "idempotency_key_reused")
    assert await _names(api, tenant) == ["Opening bell", "Two"]


async def test_keys_of_two_people_are_two_keys(api: httpx.AsyncClient, platform: Platform, tenant: Tenant) -> None:
    key = uuid4().hex
    admin = await make_member(platform, tenant, Role.ADMIN)
    await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, key))

    other = await api.post(
        f"{tenant.path}/rooms", json={"name": "Three"}, headers={**admin.headers, "Idempotency-Key": key}
    )

    assert other.status_code == 201


async def test_twenty_at_once_make_one_room(api: httpx.AsyncClient, tenant: Tenant) -> None:
    key = uuid4().hex

    answers = await asyncio.gather(
        *(api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, key)) for _ in range(20))
    )

    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.json()["id"] for answer in made}) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert_problem(answer, 409, "request_in_flight")
    assert await _names(api, tenant) == ["Opening bell", "Two"]


async def test_who_died_before_keeping_the_answer_leaves_one_room(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, database: TestDatabase
) -> None:
    key = uuid4().hex
    first = await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, key))
    # As a crash after the commit leaves it: the room is there, the answer is not, and the claim stands.
    row = request_key(tenant.owner.caller.user_id, None, key)
    statement = "update idempotency_keys set status = null, answer = null where id = $1"
    async with platform.db.user(tenant.owner.caller.user_id) as tx:
        await tx.execute(statement, row)
    held = await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, key))
    async with platform.db.user(tenant.owner.caller.user_id) as tx:
        await tx.execute("update idempotency_keys set held_until = now() where id = $1", row)

    second = await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, key))

    assert_problem(held, 409, "request_in_flight")
    assert second.status_code == 201
    assert second.json()["id"] == first.json()["id"]
    assert await _names(api, tenant) == ["Opening bell", "Two"]


async def test_a_limit_of_the_plan_is_not_kept(api: httpx.AsyncClient, platform: Platform, tenant: Tenant) -> None:
    key = uuid4().hex
    for name in ("Two", "Three"):
        await api.post(f"{tenant.path}/rooms", json={"name": name}, headers=tenant.owner.headers)
    refused = await api.post(f"{tenant.path}/rooms", json={"name": "Four"}, headers=_with_key(tenant, key))
    rooms = (await api.get(f"{tenant.path}/rooms", headers=tenant.owner.headers)).json()["items"]
    await api.delete(f"{tenant.path}/rooms/{rooms[-1]['id']}", headers=tenant.owner.headers)

    again = await api.post(f"{tenant.path}/rooms", json={"name": "Four"}, headers=_with_key(tenant, key))

    assert_problem(refused, 402, "plan_limit_reached")
    assert again.status_code == 201


async def test_a_refused_body_is_refused_again_in_the_same_words(api: httpx.AsyncClient, tenant: Tenant) -> None:
    key = uuid4().hex

    answers = [
        await api.post(f"{tenant.path}/rooms", json={"nom": "Two"}, headers=_with_key(tenant, key)) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].content == answers[1].content


async def test_after_a_day_the_key_is_new(api: httpx.AsyncClient, platform: Platform, tenant: Tenant) -> None:
    key = uuid4().hex
    await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, key))
    async with platform.db.user(tenant.owner.caller.user_id) as tx:
        await tx.execute("update idempotency_keys set created_at = created_at - $1::interval", timedelta(hours=25))

    again = await api.post(f"{tenant.path}/rooms", json={"name": "Three"}, headers=_with_key(tenant, key))

    assert again.json()["name"] == "Three"


async def test_a_kept_answer_is_sealed(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, database: TestDatabase
) -> None:
    key = uuid4().hex
    await api.post(f"{tenant.path}/rooms", json={"name": "Very secret"}, headers=_with_key(tenant, key))

    async with platform.db.user(tenant.owner.caller.user_id) as tx:
        answer = await tx.fetchval("select answer from idempotency_keys")

    assert answer
    assert b"Very secret" not in answer


async def test_nobody_sees_anothers_keys(api: httpx.AsyncClient, platform: Platform, tenant: Tenant) -> None:
    other = await make_tenant(platform)
    await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=_with_key(tenant, uuid4().hex))

    async with platform.db.user(other.owner.caller.user_id) as tx:
        seen = await tx.fetchval("select count(*) from idempotency_keys")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with platform.db.tenant(tenant.id) as tx:
            await tx.fetch("select * from idempotency_keys")

    assert seen == 0


@pytest.mark.parametrize("key", ["", "with space", "é", "x" * 256])
async def test_a_key_that_is_none_is_refused(api: httpx.AsyncClient, tenant: Tenant, key: str) -> None:
    headers = {**tenant.owner.headers, "Idempotency-Key": key.encode("latin-1")}

    answer = await api.post(f"{tenant.path}/rooms", json={"name": "Two"}, headers=headers)  # type: ignore[arg-type]  # bytes, as a socket sends them

    assert assert_problem(answer, 422, "invalid_input")["field"] == "Idempotency-Key"


async def _mint(api: httpx.AsyncClient, tenant: Tenant, headers: dict[str, str]) -> httpx.Response:
    body = {"name": "Robot", "abilities": ["rooms:read"]}
    return await api.post(f"{tenant.path}/api-tokens", json=body, headers=headers)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ("delete from memberships where user_id = $1", 404, "not_found"),
        ("update memberships set role = 'moderator' where user_id = $1", 403, "forbidden"),
    ],
)
async def test_a_secret_is_not_given_again_to_who_was_removed_or_demoted(
    api: httpx.AsyncClient, platform: Platform, change: str, status: int, code: str
) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
    admin = await make_member(platform, tenant, Role.ADMIN)
    headers = {**admin.headers, "Idempotency-Key": uuid4().hex}
    first, again = await _mint(api, tenant, headers), await _mint(api, tenant, headers)
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute(change, admin.caller.user_id)

    after = await _mint(api, tenant, headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["token"] == first.json()["token"]
    assert_problem(after, status, code)
    assert first.json()["token"] not in after.text


async def test_who_was_promoted_since_gets_the_first_answer_again(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    await platform.nodes.enrol(make_enrolment(str(platform.ids.new())))
    host = await make_member(platform, tenant, Role.HOST)
    headers = {**host.headers, "Idempotency-Key": uuid4().hex}
    first = await api.post(f"{tenant.room_path}/start", headers=headers)
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("update memberships set role = 'admin' where user_id = $1", host.caller.user_id)

    again = await api.post(f"{tenant.room_path}/start", headers=headers)

    assert (first.status_code, again.content) == (201, first.content)

"""`GET /api/v1/demo`: there where a demo's file is named, nowhere else."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from scripts.stack.seed import Demo, Person, save
from tests.conftest import TestDatabase, make_settings
from tests.factories import assert_problem

ORGANIZATION = "0199a000-0000-7000-8000-000000000001"
ROOM = "0199a000-0000-7000-8000-000000000002"


def client_with(platform: Platform, database: TestDatabase, demo_file: Path) -> httpx.AsyncClient:
    settings = make_settings(database.app_url, "redis://127.0.0.1:1/0", TR_DEMO_FILE=str(demo_file))
    transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's own ASGI types
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")


def person(name: str, role: str, *, is_for_visitors: bool) -> Person:
    return Person(name=name, role=role, email="a@b.example", password="secret", is_for_visitors=is_for_visitors)


async def test_without_a_demo_it_answers_as_a_route_that_does_not_exist(api: httpx.AsyncClient) -> None:
    demo, nothing = await api.get("/api/v1/demo"), await api.get("/api/v1/nothing")

    assert_problem(demo, 404, "not_found")
    assert {**demo.json(), "requestId": ""} == {**nothing.json(), "requestId": ""}


async def test_a_demo_names_the_people_left_for_visitors(
    platform: Platform, database: TestDatabase, tmp_path: Path
) -> None:
    people = [
        person("Olivia Grant", "owner", is_for_visitors=True),
        person("Hugo Marsh", "co_host", is_for_visitors=False),
    ]
    save(Demo(people=people, organization_id=ORGANIZATION, room_id=ROOM), tmp_path / "demo.json")
    async with client_with(platform, database, tmp_path / "demo.json") as client:
        answer = await client.get("/api/v1/demo")

    assert answer.json() == {
        "people": [{"displayName": "Olivia Grant", "role": "owner", "email": "a@b.example", "password": "secret"}],
        "organizationId": ORGANIZATION,
        "roomId": ROOM,
    }


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_demo_that_is_not_put_in_yet_is_not_there(
    platform: Platform, database: TestDatabase, tmp_path: Path, *, is_there: bool
) -> None:
    if is_there:
        save(Demo(people=[], organization_id=ORGANIZATION), tmp_path / "demo.json")
    async with client_with(platform, database, tmp_path / "demo.json") as client:
        answer = await client.get("/api/v1/demo")

    assert_problem(answer, 404, "not_found")

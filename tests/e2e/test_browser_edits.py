"""Two people change one thing, and an answer gets lost: nothing is overwritten unseen, nothing is made twice."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from scripts.browser.pages import by_id
from scripts.browser.probes import until
from tests.e2e.desk import Desk

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]


async def _room(desk: Desk, room_id: str) -> dict[str, Any]:
    return await desk.owner.call("GET", f"/api/v1/organizations/{desk.organization.id}/rooms/{room_id}", dict)


async def reread(page: Page, name: str) -> None:
    """Come back to the page until it has read the organization's name anew: it does when what it has is 2 s old."""
    menu = by_id(page, "organization-menu")

    async def is_read() -> bool:
        await page.evaluate("window.dispatchEvent(new Event('visibilitychange'))")
        return name in await menu.inner_text()

    await until("the new name", is_read, timeout_s=30)


async def test_an_edit_over_anothers_is_refused_shown_and_then_meant(desk: Desk) -> None:
    room = await desk.owner.create_room(desk.organization.id, "Opening Bell")
    path = f"/api/v1/organizations/{desk.organization.id}/rooms/{room.id}"
    page = await desk.open("settings/workspaces")
    await page.get_by_test_id("settings-room").filter(has_text="Opening Bell").get_by_test_id("room-edit").click()
    await by_id(page, "room-name").fill("Mine")
    await desk.owner.call("PATCH", path, dict, {"name": "Theirs", "description": "Theirs alone"})

    await by_id(page, "room-save").click()

    problem = by_id(page, "edit-problem")
    await expect(problem).to_contain_text("Somebody else changed this")
    await expect(problem).to_contain_text("Theirs")
    await expect(by_id(page, "room-name")).to_have_value("Mine")
    assert (await _room(desk, str(room.id)))["name"] == "Theirs"
    await by_id(page, "room-save").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    now = await _room(desk, str(room.id))
    assert (now["name"], now["description"]) == ("Mine", "Theirs alone")


async def test_an_organization_name_follows_until_it_is_typed_over_and_is_then_not_overwritten_unseen(
    desk: Desk,
) -> None:
    path = f"/api/v1/organizations/{desk.organization.id}"
    page = await desk.open("settings")
    name = by_id(page, "organization-name")
    await expect(name).to_have_value(desk.organization.name)
    await desk.owner.call("PATCH", path, dict, {"name": "Theirs"})
    await reread(page, "Theirs")
    await expect(name).to_have_value("Theirs")
    await name.fill("Mine")
    await desk.owner.call("PATCH", path, dict, {"name": "Theirs again"})
    await reread(page, "Theirs again")
    await expect(name).to_have_value("Mine")

    await by_id(page, "organization-name-save").click()

    await expect(by_id(page, "edit-problem")).to_contain_text("Theirs again")
    assert (await desk.owner.call("GET", path, dict))["name"] == "Theirs again"
    await by_id(page, "organization-name-save").click()
    await expect(by_id(page, "organization-name-save")).to_have_text("Saved")
    assert (await desk.owner.call("GET", path, dict))["name"] == "Mine"


async def test_a_room_whose_answer_was_lost_is_not_made_again(desk: Desk) -> None:
    page = await desk.open("")
    lost: list[str] = []

    async def lose_the_first(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.request.url)
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route(re.compile(r"/rooms$"), lose_the_first)
    await by_id(page, "create-room").click()
    await by_id(page, "create-room-name").fill("Made once")
    await by_id(page, "create-room-submit").click()
    await expect(page.get_by_role("dialog")).to_contain_text("be reached")

    await by_id(page, "create-room-submit").click()

    await expect(page.get_by_role("dialog")).to_have_count(0)
    answer = await desk.owner.call("GET", f"/api/v1/organizations/{desk.organization.id}/rooms", dict)
    assert [room["name"] for room in answer["items"]].count("Made once") == 1

"""The door while a room is joined, in a real browser: what is off there is off inside, and a refusal leaves what was on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Route, expect

from scripts.browser.launch import chromium
from scripts.browser.pages import RoomPage, by_id, new_context
from scripts.headless.scene import open_scene
from tests.e2e.running_stack import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(300)]

HELD_S = 120
"""How long a join is held at most; a test lets go of it long before."""


@pytest.fixture
async def host(stack: RunningStack) -> AsyncIterator[RoomPage]:
    """The host at the door of a room that is live."""
    async with chromium() as browser, open_scene(stack.base_url, viewers=0) as scene:
        context = await new_context(browser, scene.host)
        yield await RoomPage.open(context, stack.base_url, scene.organization_id, scene.room_id)


async def switch(page: Page, source: str, *, on: bool) -> None:
    """Press a device at the door and wait until it is so."""
    await by_id(page, f"preview-{source}").click()
    await expect(by_id(page, f"preview-{source}")).to_have_attribute("aria-pressed", "true" if on else "false")


async def hold_joins(page: Page) -> asyncio.Event:
    """Keep joins from the server until the event is set."""
    let_go = asyncio.Event()

    async def hold(route: Route) -> None:
        await asyncio.wait_for(let_go.wait(), HELD_S)
        await route.continue_()

    await page.route("**/join", hold)
    return let_go


async def refuse(route: Route) -> None:
    """Answer as for a full room."""
    problem = '{"code": "plan_limit_reached", "detail": "Full.", "facts": {}}'
    await route.fulfill(status=402, content_type="application/problem+json", body=problem)


async def test_what_is_switched_while_joining_is_so_inside(host: RoomPage) -> None:
    page = host.page
    await switch(page, "mic", on=True)
    let_go = await hold_joins(page)
    await by_id(page, "join-session").click()
    await switch(page, "mic", on=False)
    await switch(page, "camera", on=True)

    let_go.set()

    await host.expect_state("live")
    await expect(by_id(page, "toggle-camera")).to_have_attribute("data-state", "on")
    await expect(by_id(page, "toggle-mic")).to_have_attribute("data-state", "off")


async def test_a_refused_join_leaves_the_devices_on_and_the_next_takes_them_along(host: RoomPage) -> None:
    page = host.page
    await switch(page, "mic", on=True)
    await switch(page, "camera", on=True)
    await page.route("**/join", refuse)
    await by_id(page, "join-session").click()
    await expect(by_id(page, "join-problem")).to_be_visible()

    video = by_id(page, "preview-video")
    assert await video.evaluate("video => video.srcObject.getTracks().map(track => track.readyState)") == ["live"]
    await page.unroute("**/join")
    await host.enter()

    for source in ("mic", "camera"):
        await expect(by_id(page, f"toggle-{source}")).to_have_attribute("data-state", "on")


async def test_coming_back_to_this_device_shows_that_it_is_under_way(host: RoomPage) -> None:
    await host.enter()
    other = await host.page.context.new_page()
    await other.goto(host.page.url)
    await RoomPage(other).enter()
    again = by_id(host.page, "come-back")
    let_go = await hold_joins(host.page)

    await again.click()

    await expect(again).to_have_attribute("aria-busy", "true")
    let_go.set()
    await host.expect_state("live")

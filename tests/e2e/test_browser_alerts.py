"""An alert's life in real browsers: one card, changed in place, for everyone and for those who come late."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from scripts.browser.launch import chromium
from scripts.browser.pages import RoomPage, by_id, new_context
from scripts.headless.scene import open_scene
from tests.e2e.running_stack import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]


def card(page: Page, symbol: str) -> Locator:
    """The card of a symbol."""
    return by_id(page, "alert-card").filter(has_text=symbol)


async def post(host: RoomPage, line: str) -> None:
    """Write a line and press Enter; it is empty again once it is posted."""
    await by_id(host.page, "alert-input").fill(line)
    await by_id(host.page, "alert-input").press("Enter")
    await expect(by_id(host.page, "alert-input")).to_have_value("")


async def confirm(host: RoomPage, opened: str, more: str = "") -> None:
    """See the line a button opened, complete it, and confirm with Enter."""
    box = by_id(host.page, "alert-input")
    await expect(box).to_have_value(opened)
    await expect(box).to_be_focused()
    await box.press_sequentially(more)
    await box.press("Enter")
    await expect(box).to_have_value("")


async def test_a_card_goes_through_its_life_in_place(stack: RunningStack) -> None:
    async with chromium() as browser, open_scene(stack.base_url, viewers=2) as scene:
        host, viewer = [
            await RoomPage.open(
                await new_context(browser, person), stack.base_url, scene.organization_id, scene.room_id
            )
            for person in (scene.host, scene.viewers[0])
        ]
        await host.enter()
        await viewer.enter()
        for page in (host, viewer):
            await page.show("alerts")
        await post(host, "long NVDA 100.00 stop 98 tp 103 106 at the open")
        await post(host, "short TSLA 400 stop 405 tp 390")
        await expect(by_id(viewer.page, "alert-card")).to_have_count(2)
        mine, theirs = card(host.page, "NVDA"), card(viewer.page, "NVDA")
        await mine.click()

        await mine.get_by_test_id("step-filled").click()
        await confirm(host, "filled nvda 100.00")
        await expect(theirs).to_have_attribute("data-phase", "filled")
        await expect(theirs.get_by_test_id("alert-state")).to_have_text("Filled")
        await mine.get_by_test_id("step-target").click()
        await confirm(host, "target nvda 1 103.00")
        await expect(theirs.get_by_test_id("alert-state")).to_have_text("Target 1 hit")
        await mine.get_by_test_id("step-trim").click()
        await confirm(host, "trim nvda half 103.00")
        await expect(theirs.get_by_test_id("alert-last")).to_have_text("50 % off at 103.00, 50 % left")
        await mine.focus()
        await host.page.keyboard.press("b")
        await confirm(host, "stop nvda 100.00")
        await expect(theirs.get_by_test_id("alert-state")).to_have_text("Stop moved")
        await mine.focus()
        await host.page.keyboard.press("x")
        await confirm(host, "close nvda ", "106")

        late = await RoomPage.open(
            await new_context(browser, scene.viewers[1]), stack.base_url, scene.organization_id, scene.room_id
        )
        await late.enter()
        await late.show("alerts")
        for browsed in (host.page, viewer.page, late.page):
            await expect(card(browsed, "NVDA").get_by_test_id("alert-result")).to_have_text("+2.25R")
            await expect(by_id(browsed, "alert-card")).to_have_count(2)
            await expect(by_id(browsed, "alert-card").nth(1)).to_contain_text("NVDA")
            await expect(card(browsed, "TSLA")).to_have_attribute("data-phase", "posted")
        await expect(by_id(viewer.page, "step-filled")).to_have_count(0)


async def test_a_refused_step_says_why_and_keeps_the_line(stack: RunningStack) -> None:
    async with chromium() as browser, open_scene(stack.base_url, viewers=0) as scene:
        context = await new_context(browser, scene.host)
        host = await RoomPage.open(context, stack.base_url, scene.organization_id, scene.room_id)
        await host.enter()
        await host.show("alerts")
        await post(host, "long NVDA 100 stop 98")

        await by_id(host.page, "alert-input").fill("close nvda 104")
        await by_id(host.page, "alert-input").press("Enter")
        await expect(by_id(host.page, "alert-problem")).to_have_text("NVDA is not filled yet.")
        await post(host, "filled nvda")
        await by_id(host.page, "alert-input").fill("stop nvda 98")
        await by_id(host.page, "alert-input").press("Enter")

        await expect(by_id(host.page, "alert-problem")).to_have_text("The stop stands there already.")
        await expect(by_id(host.page, "alert-input")).to_have_value("stop nvda 98")

"""What a stranger does with the demo: one click to the moving chart, whose labels can be read."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Browser, Page, expect

from scripts.browser.launch import chromium
from scripts.browser.pages import RoomPage, by_id, new_context
from scripts.browser.probes import frame_png, until, wait_moving
from scripts.demo.desk import INSTRUMENTS
from scripts.demo.reading import Luma, read_symbol
from tests.e2e.running_stack import RunningStack, running_stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]

SURE = 0.95
"""A symbol at the chart's head reaches it after VP8; the others stay below."""
STAGE = '[data-testid="stage-video"]'


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("demo") / "data", "--demo", is_seeded=True) as running:
        running.wait_told("Ctrl-C stops everything.")
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def luma_of_stage(page: Page) -> Luma:
    """The decoded frame's brightness, in the stream's own size."""
    picture = Image.open(io.BytesIO(base64.b64decode(await frame_png(page, STAGE))))
    return np.asarray(picture.convert("L"))


async def test_one_click_leads_to_the_moving_chart_within_ten_seconds(demo: RunningStack, browser: Browser) -> None:
    page = await (await new_context(browser)).new_page()
    await page.goto(demo.base_url)
    await by_id(page, "demo-viewer").click()

    picture = await wait_moving(page, STAGE, timeout_s=10.0)

    assert (picture.width, picture.height) == (1280, 720)
    await expect(by_id(page, "chat-message").first.or_(by_id(page, "alert-card").first)).to_be_visible()


async def test_a_label_of_the_chart_is_read_back_from_the_viewers_picture(demo: RunningStack, browser: Browser) -> None:
    page = await (await new_context(browser)).new_page()
    await page.goto(demo.base_url)
    await by_id(page, "demo-viewer").click()
    await wait_moving(page, STAGE)
    symbols = [instrument.symbol for instrument in INSTRUMENTS]

    async def is_read() -> bool:
        luma = await luma_of_stage(page)
        return sum(read_symbol(luma, symbol) > SURE for symbol in symbols) == 1

    await until("exactly one symbol stands at the head of the chart", is_read)


async def test_the_host_comes_to_the_door_and_the_viewer_may_come_back_by_it(
    demo: RunningStack, browser: Browser
) -> None:
    host = await (await new_context(browser)).new_page()
    await host.goto(demo.base_url)
    await by_id(host, "demo-host").click()
    await RoomPage(host).enter()
    await expect(by_id(host, "toggle-screen")).to_be_visible()

    viewer = await (await new_context(browser)).new_page()
    await viewer.goto(demo.base_url)
    await by_id(viewer, "demo-viewer").click()
    await RoomPage(viewer).expect_state("live")
    await viewer.reload()

    await expect(by_id(viewer, "door")).to_be_visible()


async def test_a_stack_without_a_demo_offers_nobody(stack: RunningStack, browser: Browser) -> None:
    page = await (await new_context(browser)).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(stack.base_url)

    await expect(by_id(page, "sign-in-submit")).to_be_visible()
    await expect(by_id(page, "demo-panel")).to_have_count(0)
    assert not [url for url in asked if url.endswith("/api/v1/demo")]

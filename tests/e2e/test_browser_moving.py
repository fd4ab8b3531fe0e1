"""A media node drains while browsers publish and watch: the picture never stands still, and nobody is asked for a device."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page, expect

from scripts.browser.launch import chromium
from scripts.browser.pages import STAGE_VIDEO, RoomPage, by_id, new_context
from scripts.browser.probes import loudness, until
from scripts.headless.scene import open_scene
from tests.e2e.media_nodes import media_node
from tests.e2e.running_stack import RunningStack, running_stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.worker, pytest.mark.timeout(400)]

STANDSTILL_MS = 1_500
"""Longest time between two pictures on the viewer's page, ms; the fake camera gives one every 33 to 50."""
_COUNT_DEVICES = """() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.asked = 0;
  navigator.mediaDevices.getUserMedia = (wanted) => { window.asked++; return ask(wanted); };
}"""
_WATCH = """(selector) => {
  const video = document.querySelector(selector);
  const seen = { frames: 0, longest: 0, last: performance.now(), video };
  window.seen = seen;
  const look = (now) => {
    seen.longest = Math.max(seen.longest, now - seen.last);
    seen.last = now;
    seen.frames++;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}"""
_SEEN = """() => {
  const { frames, longest, last, video } = window.seen;
  return { frames, longest: Math.max(longest, performance.now() - last), isShown: video.isConnected };
}"""


class Seen(msgspec.Struct, frozen=True, rename="camel"):
    """What the viewer's page presented: pictures, the longest time without one (ms), whether the element still stands."""

    frames: int
    longest: float
    is_shown: bool


async def seen_on(page: Page) -> Seen:
    return msgspec.convert(await page.evaluate(_SEEN), Seen)


@pytest.fixture
def draining_stack(tmp_path: Path) -> Iterator[RunningStack]:
    """A stack whose own media node drains before it stops."""
    with running_stack(tmp_path / "stack", environment={"TR_NODE_DRAIN_S": "60"}) as stack:
        yield stack


async def test_a_drain_is_not_seen_by_a_viewer_and_not_felt_by_a_host(
    draining_stack: RunningStack, tmp_path: Path
) -> None:
    stack = draining_stack
    async with chromium() as browser, open_scene(stack.base_url) as scene:
        where = (stack.base_url, scene.organization_id, scene.room_id)
        host = await RoomPage.open(await new_context(browser, scene.host), *where)
        await host.page.evaluate(_COUNT_DEVICES)
        viewer = await RoomPage.open(await new_context(browser, scene.viewers[0]), *where)
        await host.enter()
        await viewer.enter()
        await host.toggle("mic")
        await host.toggle("camera")
        await viewer.screen_moves()
        asked = await host.page.evaluate("window.asked")
        with media_node(stack, tmp_path / "node") as node:
            await asyncio.sleep(3)  # One look at the registry, and one load, of the signaling process.
            await viewer.page.evaluate(_WATCH, STAGE_VIDEO)
            log = stack.data_dir / "logs" / "agent.log"

            os.kill(stack.pids["agent"], signal.SIGTERM)

            async def is_empty() -> bool:
                return "drain_ended" in await asyncio.to_thread(log.read_text)

            await until("the node is empty", is_empty, timeout_s=60)
            before = (await seen_on(viewer.page)).frames
            await viewer.screen_moves()
            after = await seen_on(viewer.page)
            assert after.longest < STANDSTILL_MS
            assert after.is_shown
            assert after.frames > before
            assert '"is_empty": true' in log.read_text()
            assert (node.carries("producers"), node.carries("consumers")) == (2, 2)
            assert await loudness(viewer.page) > 0.01
            assert await host.page.evaluate("window.asked") == asked
            await expect(by_id(host.page, "toggle-mic")).to_have_attribute("data-state", "on")
            signaling = (stack.data_dir / "logs" / "signaling.log").read_text()
            assert "browser_did_not_move" not in signaling
            assert signaling.count('"event": "media_moving"') == 1

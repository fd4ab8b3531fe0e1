"""Nobody encodes or sends what nobody watches, and who looks again sees it move: real browsers on both ends."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, expect

from scripts.browser.launch import chromium
from scripts.browser.pages import RoomPage, by_id, new_context
from scripts.browser.probes import until
from scripts.browser.streams import frames_decoded, keep_streams, sent_layers, voice_packets
from scripts.headless.scene import open_scene
from tests.e2e.running_stack import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]

STILL_S = 2.0
"""A stream that gains nothing for this long stands still: a camera makes dozens of frames in it, seconds."""
PATIENCE_S = 40.0
"""For what takes 5 s by itself, on a machine that is busy."""


@dataclass
class Pair:
    """A host whose camera is on, and a viewer."""

    host: RoomPage
    viewer: RoomPage

    async def frames(self, layer: int) -> int:
        """Frames the host has encoded of a layer of its camera; -1: the highest."""
        layers = list((await sent_layers(self.host.page)).values())
        return layers[layer].frames if layers else 0

    async def pictures(self) -> int:
        """Pictures the viewer has decoded."""
        return await frames_decoded(self.viewer.page)

    async def voices(self) -> int:
        """Packets of voices the viewer has received."""
        return await voice_packets(self.viewer.page)


async def gains(count: Callable[[], Awaitable[int]]) -> bool:
    """Whether a count rose within `STILL_S`."""
    before = await count()
    await asyncio.sleep(STILL_S)
    return await count() > before


async def until_still(what: str, count: Callable[[], Awaitable[int]]) -> None:
    """Wait until a count stands still. Raises TimeoutError."""

    async def is_still() -> bool:
        return not await gains(count)

    await until(what, is_still, timeout_s=PATIENCE_S)


async def until_moving(what: str, count: Callable[[], Awaitable[int]]) -> None:
    """Wait until a count rises. Raises TimeoutError."""
    await until(what, lambda: gains(count), timeout_s=PATIENCE_S)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def pair(stack: RunningStack, browser: Browser) -> AsyncIterator[Pair]:
    async with open_scene(stack.base_url, viewers=1) as scene:
        pages = []
        for person in (scene.host, scene.viewers[0]):
            context = await new_context(browser, person)
            await keep_streams(context)
            pages.append(await RoomPage.open(context, stack.base_url, scene.organization_id, scene.room_id))
        for page in pages:
            await page.enter()
        pair = Pair(host=pages[0], viewer=pages[1])
        await pair.host.toggle("camera")
        await pair.viewer.screen_moves()
        yield pair


async def hide_page(page: RoomPage, *, is_hidden: bool) -> None:
    """Pretend that the page's tab goes to the background or comes back: headless pages are always in front."""
    await page.page.evaluate(
        """(isHidden) => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        is_hidden,
    )


async def test_a_layer_that_only_large_pictures_need_is_encoded_only_for_them(pair: Pair) -> None:
    await until_moving("the host encodes its highest layer", lambda: pair.frames(-1))

    await pair.host.toggle("screen")  # the camera goes to the dock
    await pair.viewer.camera_moves()
    await until_still("the host stops its highest layer", lambda: pair.frames(-1))
    assert await gains(lambda: pair.frames(0))

    await pair.host.toggle("screen")  # and back to the stage
    await until_moving("the host encodes its highest layer again", lambda: pair.frames(-1))
    large = await pair.viewer.screen_moves()
    await until("the viewer gets the large picture", lambda: is_as_high_as(pair, large.height))


async def is_as_high_as(pair: Pair, height: int) -> bool:
    layers = list((await sent_layers(pair.host.page)).values())
    now = await pair.viewer.screen_moves()
    return now.height >= max(height, layers[-1].height)


async def test_nobody_watching_stops_the_camera_s_encoder_and_looking_starts_it(pair: Pair) -> None:
    await pair.host.toggle("screen")
    await pair.viewer.camera_moves()

    await pair.viewer.page.keyboard.press("d")  # the dock closes
    await expect(by_id(pair.viewer.page, "camera-video")).to_have_count(0)
    await until_still("the host's encoder stops", lambda: pair.frames(0))

    await pair.viewer.page.keyboard.press("d")
    await pair.viewer.camera_moves()
    assert await gains(lambda: pair.frames(0))


async def test_a_page_in_the_background_is_sent_voices_and_no_pictures(pair: Pair) -> None:
    await pair.host.toggle("mic")
    await until_moving("the viewer gets the voice", pair.voices)

    await hide_page(pair.viewer, is_hidden=True)
    await until_still("pictures are held", pair.pictures)
    assert await gains(pair.voices)

    await hide_page(pair.viewer, is_hidden=False)
    await pair.viewer.screen_moves()


async def test_what_is_hidden_stays_held_over_a_lost_socket(pair: Pair) -> None:
    await hide_page(pair.viewer, is_hidden=True)
    await until_still("pictures are held", pair.pictures)

    context = pair.viewer.page.context
    await context.set_offline(True)
    await pair.viewer.expect_state("reconnecting", timeout_s=30)
    await context.set_offline(False)
    await pair.viewer.expect_state("live", timeout_s=30)

    assert not await gains(pair.pictures)
    await hide_page(pair.viewer, is_hidden=False)
    await pair.viewer.screen_moves()


async def test_connections_are_measured_and_shown(stack: RunningStack, pair: Pair) -> None:
    await pair.host.show("people")
    mark = by_id(pair.host.page, "connection-mark")
    await expect(mark).to_have_count(1, timeout=PATIENCE_S * 1000)

    await mark.hover()
    await expect(pair.host.page.get_by_text("Sending")).to_be_visible()

    for offset, name in ((1, "tr_signaling_rtt_seconds_count"), (2, "tr_node_rtt_seconds_count")):
        counted = await asyncio.to_thread(metric, f"http://localhost:{stack.port + offset}/metrics", name)
        assert counted > 0, name


def metric(url: str, name: str) -> float:
    """Sum of a metric's samples."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own stack
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

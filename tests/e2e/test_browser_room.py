"""The main job in real browsers: a host streams, two viewers in browsers of their own see and hear it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from scripts.browser.launch import chromium
from scripts.browser.pages import RoomPage, by_id, new_context
from scripts.browser.probes import loudness, until
from scripts.headless.scene import Scene, open_scene
from tests.e2e.running_stack import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]

SILENCE = 0.0005
"""Loudness below which nothing is heard; Chromium's fake microphone beeps at about 0.1 once a second."""


@dataclass
class Party:
    """A live room with everyone in it, each in a browser profile of their own."""

    scene: Scene
    host: RoomPage
    viewers: list[RoomPage]
    complaints: list[str]


def listen_for_complaints(context: BrowserContext, complaints: list[str]) -> None:
    """Collect what turns the console red."""
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def party(stack: RunningStack, browser: Browser) -> AsyncIterator[Party]:
    async with open_scene(stack.base_url, viewers=2) as scene:
        complaints: list[str] = []
        pages = []
        for person in (scene.host, *scene.viewers):
            context = await new_context(browser, person)
            listen_for_complaints(context, complaints)
            pages.append(await RoomPage.open(context, stack.base_url, scene.organization_id, scene.room_id))
        for page in pages:
            await page.enter()
        yield Party(scene=scene, host=pages[0], viewers=pages[1:], complaints=complaints)


async def test_two_viewers_see_and_hear_what_the_host_publishes(party: Party) -> None:
    await party.host.toggle("mic")
    await party.host.toggle("camera")
    await party.host.toggle("screen")

    for viewer in party.viewers:
        screen = await viewer.screen_moves()
        camera = await viewer.camera_moves()
        assert screen.width >= 1280
        assert camera.width >= 320
        assert screen.brightness > 1
        assert await loudness(viewer.page) > SILENCE
    assert party.complaints == []


async def test_viewers_follow_when_the_host_stops_the_screen(party: Party) -> None:
    await party.host.toggle("camera")
    await party.host.toggle("screen")
    for viewer in party.viewers:
        await viewer.screen_moves()
        await expect(viewer.page.get_by_label("Screen of Host")).to_be_visible()

    await party.host.toggle("screen")

    for viewer in party.viewers:
        await expect(viewer.page.get_by_label("Screen of Host")).to_have_count(0)
        await expect(by_id(viewer.page, "stage-video")).to_have_attribute("aria-label", "Camera of Host")
        await viewer.screen_moves()


async def test_muting_is_silence_and_a_mark(party: Party) -> None:
    await party.host.toggle("mic")
    viewer = party.viewers[0]

    async def is_heard() -> bool:
        return await loudness(viewer.page) > SILENCE

    async def is_silent() -> bool:
        return not await is_heard()

    await until("the viewer hears", is_heard)

    await party.host.toggle("mic")

    await viewer.show("people")
    await expect(by_id(viewer.page, "mute-mark")).to_have_count(1)
    await until("the viewer hears nothing", is_silent)


async def test_chat_and_alerts_reach_everyone_in_one_order(party: Party) -> None:
    await party.host.say("Watching the opening range")
    await party.viewers[0].say("Same here")
    await party.host.show("alerts")
    await by_id(party.host.page, "alert-input").fill("long NVDA 181.20 stop 178 tp 186")
    await by_id(party.host.page, "alert-post").click()

    for page in (party.host, *party.viewers):
        await page.show("alerts")
        await expect(by_id(page.page, "alert-card")).to_contain_text(["NVDA"])
        await page.show("chat")
        await expect(by_id(page.page, "chat-text")).to_have_text(["Watching the opening range", "Same here"])


async def test_a_viewer_has_nothing_to_publish_with(party: Party) -> None:
    viewer = party.viewers[0].page

    for button in ("toggle-mic", "toggle-camera", "toggle-screen", "leave-menu"):
        await expect(by_id(viewer, button)).to_have_count(0)
    await party.viewers[0].show("alerts")
    await expect(by_id(viewer, "alert-input")).to_have_count(0)


async def test_leaving_and_ending_are_seen_by_everyone(party: Party) -> None:
    await party.host.show("people")
    await expect(by_id(party.host.page, "participant-row")).to_have_count(3)

    await by_id(party.viewers[1].page, "leave").click()

    await expect(by_id(party.host.page, "participant-row")).to_have_count(2)
    await party.host.end_for_everyone()
    await expect(by_id(party.viewers[0].page, "session-over")).to_be_visible()
    await party.scene.host.start_session(party.scene.organization_id, party.scene.room_id)  # the scene ends it


async def test_from_sign_up_to_a_moving_picture_by_the_pages_alone(stack: RunningStack, browser: Browser) -> None:
    context = await new_context(browser)
    page = await context.new_page()
    await page.goto(f"{stack.base_url}/sign-up")
    await by_id(page, "sign-up-name").fill("Dana Okafor")
    await by_id(page, "sign-up-email").fill(f"dana-{id(page)}@example.com")
    await by_id(page, "sign-up-password").fill("correct horse battery")
    await by_id(page, "sign-up-submit").click()
    await by_id(page, "organization-name").fill("Northgate Trading")
    await by_id(page, "create-organization").click()
    await by_id(page, "create-room").first.click()
    await by_id(page, "create-room-name").fill("Opening Drive")
    await by_id(page, "create-room-submit").click()
    await page.get_by_text("Opening Drive").first.click()
    host = RoomPage(page)
    await expect(by_id(page, "door")).to_be_visible()

    await host.enter()
    await host.toggle("camera")

    await host.screen_moves()  # with nothing shared, the camera has the stage

"""The web app's pages, by their `data-testid`: what a person does there."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Literal

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from scripts.browser.probes import Picture, wait_moving
from scripts.headless.rest import Rest

Source = Literal["mic", "camera", "screen"]

STAGE_VIDEO = '[data-testid="stage-video"]'
CAMERA_VIDEO = '[data-testid="camera-video"]'
SESSION_KEY = "session"
"""Where the web app's sign-in keeps its session (`webapp/src/api/auth.ts`)."""
DESKTOP = (1440, 900)
PHONE = (390, 844)


def by_id(page: Page, test_id: str) -> Locator:
    """The element with that test id."""
    return page.get_by_test_id(test_id)


def stored_session(person: Rest) -> str:
    """What the sign-in library keeps of a person who is signed in, as JSON.

    Raises:
        ValueError: nobody is signed in.
    """
    if person.signed_in is None:
        raise ValueError("nobody is signed in")
    return json.dumps(
        {
            "access_token": person.signed_in.access_token,
            "refresh_token": person.signed_in.refresh_token,
            "token_type": "bearer",
            "expires_in": 3600,
            "expires_at": int(time.time()) + 3600,
            "user": {"id": person.signed_in.user.id, "email": person.signed_in.user.email},
        }
    )


async def new_context(
    browser: Browser,
    person: Rest | None = None,
    *,
    size: tuple[int, int] = DESKTOP,
    theme: str = "dark",
    scale: int = 1,
) -> BrowserContext:
    """A browser profile of its own, signed in as the person where one is given.

    Args:
        browser: from `launch.chromium`.
        person: signed in by REST.
        size: width and height of the window, CSS pixels.
        theme: dark or light, as the system's preference.
        scale: device pixels per CSS pixel.
    """
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme="light" if theme == "light" else "dark",
    )
    if person is not None:
        # Runs on blank pages too, which have no storage.
        key, session = json.dumps(SESSION_KEY), json.dumps(stored_session(person))
        stored = f"localStorage.getItem({key}) ?? localStorage.setItem({key}, {session})"
        await context.add_init_script(f"if (location.protocol !== 'about:') {stored}")
    return context


@dataclass
class RoomPage:
    """One person's view of a room, from its door on."""

    page: Page

    @classmethod
    async def open(cls, context: BrowserContext, base_url: str, organization_id: str, room_id: str) -> RoomPage:
        """Stand at the room's door."""
        page = await context.new_page()
        await page.goto(f"{base_url}/o/{organization_id}/rooms/{room_id}")
        await expect(by_id(page, "door")).to_be_visible()
        return cls(page)

    async def enter(self) -> None:
        """Join, or start the session where one may and none runs; wait until the room stands."""
        await by_id(self.page, "join-session").or_(by_id(self.page, "start-session")).click()
        await self.expect_state("live")

    async def expect_state(self, state: str, *, timeout_s: float = 15.0) -> None:
        """Wait for the connection's state as shown."""
        await expect(by_id(self.page, "connection-state")).to_have_attribute(
            "data-state", state, timeout=timeout_s * 1000
        )

    async def toggle(self, source: Source) -> None:
        """Press the microphone, camera or share button."""
        await by_id(self.page, f"toggle-{source}").click()

    async def screen_moves(self, *, frames: int = 10, timeout_s: float = 20.0) -> Picture:
        """Wait until the large picture moves. Raises TimeoutError."""
        return await wait_moving(self.page, STAGE_VIDEO, frames=frames, timeout_s=timeout_s)

    async def camera_moves(self, *, frames: int = 10, timeout_s: float = 20.0) -> Picture:
        """Wait until the small picture moves. Raises TimeoutError."""
        return await wait_moving(self.page, CAMERA_VIDEO, frames=frames, timeout_s=timeout_s)

    async def show(self, tab: Literal["alerts", "chat", "people"]) -> None:
        """Open a tab of the rail."""
        await by_id(self.page, f"tab-{tab}").click()

    async def say(self, text: str) -> None:
        """Write one chat line."""
        await self.show("chat")
        await by_id(self.page, "chat-input").fill(text)
        await by_id(self.page, "chat-send").click()

    async def end_for_everyone(self) -> None:
        """End the session by the leave menu, and confirm."""
        await by_id(self.page, "leave-menu").click()
        await by_id(self.page, "end-session").click()
        await by_id(self.page, "end-session-confirm").click()

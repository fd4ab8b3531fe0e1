"""Chromium, with the flags that make it behave on a machine without screen, camera or sound card."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright, expect

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_MEDIA = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
_AWAKE = (
    # Several pages run at once; those in the background must not be slowed down.
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
)


EXPECT_TIMEOUT_MS = 15_000
"""How long `expect` waits: a machine busy with other things is slow, and that is no finding."""


class NoBrowserError(Exception):
    """Chromium is not installed; the message says how to get it."""


def find_chromium() -> str:
    """Path of Debian's Chromium. Raises NoBrowserError."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise NoBrowserError("Chromium is not installed: apt-get install chromium")
    return path


@asynccontextmanager
async def chromium(*, extra: Sequence[str] = ()) -> AsyncIterator[Browser]:
    """A headless Chromium with a fake camera and microphone, ended with the block.

    Args:
        extra: more command-line flags.

    Raises:
        NoBrowserError: it is not installed.
    """
    expect.set_options(timeout=EXPECT_TIMEOUT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), headless=True, args=[*_QUIET, *_MEDIA, *_AWAKE, *extra]
        )
        try:
            yield browser
        finally:
            await browser.close()

"""A tenant at its desk: its owner, a browser, and what people do with mails and authenticators."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
from dataclasses import dataclass

from playwright.async_api import Browser, Page

from scripts.browser.pages import new_context
from scripts.headless.rest import Organization, Rest
from tests.e2e.running_stack import RunningStack

PERIOD_S = 30
"""How long an authenticator shows a code."""


@dataclass(frozen=True)
class Desk:
    """A tenant with its owner, and a browser."""

    stack: RunningStack
    browser: Browser
    owner: Rest
    organization: Organization

    async def open(self, path: str, person: Rest | None = None) -> Page:
        """A page below the organization, as the owner or someone else."""
        context = await new_context(self.browser, person or self.owner)
        page = await context.new_page()
        await page.goto(f"{self.stack.base_url}/o/{self.organization.id}/{path}")
        return page


def totp(secret: str) -> str:
    """The code an authenticator shows now (RFC 6238: SHA-1, 6 digits, 30 s)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(time.time()) // PERIOD_S), hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


async def open_letter(page: Page, base_url: str, *, to: str, subject: str) -> None:
    """Go to the mailbox and follow the link of the letter to this address."""
    await page.goto(f"{base_url}/mailbox")
    letter = page.get_by_role("listitem").filter(has_text=f"to {to}").filter(has_text=subject)
    await letter.first.get_by_test_id("letter").click()
    await letter.first.get_by_test_id("letter-link").first.click()

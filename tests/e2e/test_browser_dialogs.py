"""Pages without a picture in docs/screens, and what opens over pages: nothing axe calls serious, and a way by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from scripts.browser.pages import by_id, new_context
from scripts.headless.rest import Rest
from scripts.screens import SIZES
from tests.e2e.axe import find_violations
from tests.e2e.desk import Desk

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]

LOOKS = [("desktop", "light"), ("phone", "dark")]
"""Each size and each theme once: the pieces are the same."""
FADED_MS = 400
"""What fades in has no contrast before."""


@dataclass(frozen=True)
class Place:
    """A page, and the button or link on it that opens something; with what shows that it is there.

    path: below the organization; from the beginning where it starts with a slash. opener: test id, "" for the page alone.
    """

    path: str
    heading: str
    opener: str = ""


PAGES = [
    Place("/mailbox", "Mailbox"),
    Place("/new-organization", "One more organization"),
    Place("/sign-in/callback?error=access_denied", "This link does not work"),
    Place("/no/such/page", "There is no such page"),
    Place("invitations", "Invitations"),
    Place("account/data", "Your account"),
]
SIGNED_OUT = [
    Place("/sign-in/link", "Sign in by e-mail"),
    Place("/sign-in/sso", "Single sign-on"),
    Place("/sign-in/forgot", "Forgot your password"),
]
DIALOGS = [
    Place("", "New room", "create-room"),
    Place("members", "Invite people", "invite-open"),
    Place("settings", "Delete", "delete-open"),
    Place("settings", "Hand over", "transfer-open"),
    Place("settings/workspaces", "Morning", "room-edit"),
    Place("settings/workspaces", "New workspace", "workspace-new"),
    Place("settings/tokens", "New token", "token-new"),
    Place("settings/webhooks", "New webhook", "webhook-new"),
    Place("account/security", "Set up an authenticator", "enrol-open"),
]
MENUS = [
    Place("", "Organizations", "organization-menu"),
    Place("", "Your account", "person-menu"),
    Place("members", "Remove", "member-menu"),
]


@pytest.fixture(params=LOOKS, ids="-".join)
async def context(desk: Desk, guest: Rest, request: pytest.FixtureRequest) -> AsyncIterator[BrowserContext]:
    """The owner's browser, of an organization on the Professional plan with a room and a second member."""
    desk.stack.operate("set-plan", desk.organization.id, "professional")
    await desk.owner.create_room(desk.organization.id, "Morning")
    await guest.accept_invitation(await desk.owner.invite(desk.organization.id, "admin"))
    size, theme = request.param
    context = await new_context(desk.browser, desk.owner, size=SIZES[size], theme=theme)
    yield context
    await context.close()


async def visit(desk: Desk, context: BrowserContext, place: Place) -> Page:
    """The page, before anything is opened."""
    page = await context.new_page()
    path = place.path if place.path.startswith("/") else f"/o/{desk.organization.id}/{place.path}"
    await page.goto(f"{desk.stack.base_url}{path}")
    return page


async def look(page: Page, found: dict[str, list[str]], name: str) -> None:
    """Keep what axe finds now under this name."""
    await page.wait_for_timeout(FADED_MS)
    violations = await find_violations(page)
    if violations:
        found[name] = violations


def opener_of(page: Page, place: Place) -> Locator:
    """What opens it; the first where there are several."""
    return by_id(page, place.opener).first


async def test_axe_finds_nothing_grave_on_pages_without_a_picture(desk: Desk, context: BrowserContext) -> None:
    found: dict[str, list[str]] = {}
    for place in PAGES:
        page = await visit(desk, context, place)
        await expect(page.get_by_role("heading", name=place.heading, exact=True).first).to_be_visible()
        await look(page, found, place.path)
        await page.close()

    assert found == {}


async def test_axe_finds_nothing_grave_before_one_is_in(desk: Desk) -> None:
    found: dict[str, list[str]] = {}
    for size, theme in LOOKS:
        stranger = await new_context(desk.browser, size=SIZES[size], theme=theme)
        for place in SIGNED_OUT:
            page = await visit(desk, stranger, place)
            await expect(page.get_by_role("heading", name=place.heading, exact=True)).to_be_visible()
            await look(page, found, f"{place.path} {size}")
        await stranger.close()

    assert found == {}


async def test_axe_finds_nothing_grave_in_dialogs_and_escape_gives_the_focus_back(
    desk: Desk, context: BrowserContext
) -> None:
    found: dict[str, list[str]] = {}
    for place in DIALOGS:
        page = await visit(desk, context, place)
        await opener_of(page, place).press("Enter")
        await expect(page.get_by_role("dialog").get_by_role("heading").first).to_contain_text(place.heading)
        await look(page, found, place.opener)

        await page.keyboard.press("Escape")

        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(opener_of(page, place)).to_be_focused()
        await page.close()

    assert found == {}


async def test_axe_finds_nothing_grave_in_menus_and_escape_gives_the_focus_back(
    desk: Desk, context: BrowserContext
) -> None:
    found: dict[str, list[str]] = {}
    for place in MENUS:
        page = await visit(desk, context, place)
        await opener_of(page, place).press("Enter")
        await expect(page.get_by_role("menu")).to_contain_text(place.heading)
        await look(page, found, place.opener)

        await page.keyboard.press("Escape")

        await expect(page.get_by_role("menu")).to_have_count(0)
        await expect(opener_of(page, place)).to_be_focused()
        await page.close()

    assert found == {}

"""Every page: nothing axe calls serious, nothing red in the console; and the room by keyboard alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import msgspec
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from scripts.browser.launch import chromium
from scripts.browser.pages import RoomPage, by_id, new_context
from scripts.browser.probes import until
from scripts.headless.scene import open_scene
from scripts.screens import SHOTS, SIZES, THEMES, Stage, open_stage
from scripts.stack.seed import FILE_NAME, Demo
from tests.e2e.axe import find_violations
from tests.e2e.running_stack import RunningStack, running_stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]

FORMS_IN = {("desktop", "light"), ("phone", "dark")}
"""Where pages of forms are looked at: they are made of the same few pieces, so each size and each theme once will do."""
_FOCUSABLE = (
    "button:not(:disabled), a[href], input:not(:disabled), select, textarea, [tabindex='0']:not([role='tablist'])"
)
"""A tab list hands the focus on to its tab at once."""
_COUNT_REACHABLE = """(focusable) => {
  const shown = [...document.querySelectorAll(focusable)].filter((one) => one.tabIndex >= 0 && one.checkVisibility());
  shown.forEach((one, index) => (one.dataset.tabNumber = String(index)));
  return shown.length;
}"""
_MISSED = """() => [...document.querySelectorAll('[data-tab-number]:not([data-is-reached])')]
  .filter((one) => one.tabIndex >= 0 && one.checkVisibility()).map((one) => one.outerHTML.slice(0, 200))"""
_FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element);
  element.dataset.isReached = '';
  return {
    number: Number(element.dataset.tabNumber ?? -1),
    name: element.dataset.testid ?? element.getAttribute('aria-label') ?? element.textContent.slice(0, 30),
    region: element.closest('[data-region]')?.dataset.region ?? '',
    has_ring: [element, element.parentElement].some((one) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
    }) || style.boxShadow !== 'none',
  };
}"""

_IS_SCROLLED = "(one) => one.scrollTop > 0"
"""The chat stays at its end: it scrolls as soon as it is full."""


class Focused(msgspec.Struct):
    """What has the focus. number: among the reachable, in document order."""

    number: int
    name: str
    region: str
    has_ring: bool


@dataclass(frozen=True)
class Room:
    """The owner's room, with what turned its console red."""

    page: Page
    complaints: list[str]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("pages") / "data", "--demo", is_seeded=True) as running:
        running.wait_told("Ctrl-C stops everything.")
        yield running


@pytest.fixture
def people(demo: RunningStack) -> Demo:
    return msgspec.json.decode((demo.data_dir / FILE_NAME).read_bytes(), type=Demo)


@pytest.fixture
async def scene(demo: RunningStack, people: Demo) -> AsyncIterator[Stage]:
    async with open_stage(demo.base_url, people) as stage:
        yield stage


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def room(scene: Stage, browser: Browser) -> Room:
    context = await new_context(browser, scene.owner)
    complaints: list[str] = []
    listen(context, complaints)
    return Room((await scene.enter(context)).page, complaints)


@pytest.fixture
async def quiet_room(demo: RunningStack, browser: Browser) -> AsyncIterator[Page]:
    """A room of another tenant with one alert, where nothing moves while one counts."""
    async with open_scene(demo.base_url, viewers=0) as scene:
        where = f"/api/v1/organizations/{scene.organization_id}/rooms/{scene.room_id}"
        draft = {"symbol": "NVDA", "side": "long", "entry": "181.20", "stop": "178", "targets": ["186"]}
        await scene.host.call("POST", f"{where}/alerts", msgspec.Raw, draft)
        context = await new_context(browser, scene.host)
        page = await RoomPage.open(context, demo.base_url, scene.organization_id, scene.room_id)
        await page.enter()
        await expect(by_id(page.page, "alert-card")).to_have_count(1)
        yield page.page


def listen(context: BrowserContext, complaints: list[str]) -> None:
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))


async def focused(page: Page) -> Focused | None:
    found = await page.evaluate(_FOCUSED)
    return None if found is None else msgspec.convert(found, Focused)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", sorted(SIZES))
async def test_axe_finds_nothing_grave_and_nothing_is_red(
    scene: Stage, browser: Browser, size: str, theme: str
) -> None:
    found: dict[str, list[str]] = {}
    for shot in SHOTS:
        if size not in shot.sizes or (shot.is_form and (size, theme) not in FORMS_IN):
            continue
        person = {"owner": scene.owner, "viewer": scene.viewer, None: None}[shot.who]
        context = await new_context(browser, person, size=SIZES[size], theme=theme)
        red: list[str] = []
        listen(context, red)
        page = await shot.take(scene, context)
        await page.wait_for_timeout(300)  # what fades in has no contrast before

        trouble = [*await find_violations(page), *(f"console: {one}" for one in red)]
        if trouble:
            found[shot.name] = trouble
        await context.close()

    assert found == {}


async def test_tab_reaches_everything_in_the_room_in_order_and_shows_where_it_is(quiet_room: Page) -> None:
    page = quiet_room
    await page.evaluate("document.activeElement.blur()")
    count = int(await page.evaluate(_COUNT_REACHABLE, _FOCUSABLE))
    walk: list[Focused] = []

    for _ in range(count + 2):
        await page.keyboard.press("Tab")
        now = await focused(page)
        if now is None:
            break
        walk.append(now)

    assert await page.evaluate(_MISSED) == []
    # The chosen tab gets the focus from its list and has no number of its own.
    numbers = list(dict.fromkeys(one.number for one in walk if one.number >= 0))
    assert numbers == sorted(numbers), [one.name for one in walk]
    assert [one.name for one in walk if not one.has_ring] == []
    regions = [one.region for one in walk if one.region]
    assert list(dict.fromkeys(regions)) == ["top", "stage", "rail", "controls"]


async def test_chat_that_scrolls_is_reached_and_scrolled_by_keyboard(quiet_room: Page) -> None:
    chat = by_id(quiet_room, "chat")
    room = RoomPage(quiet_room)
    for number in range(3):
        await room.say(f"{number} " + "a long thought about the open " * 60)
    await until("the chat scrolls", lambda: chat.evaluate(_IS_SCROLLED))
    violations = await find_violations(quiet_room)
    await quiet_room.evaluate("document.activeElement.blur()")

    for _ in range(60):
        await quiet_room.keyboard.press("Tab")
        if await chat.evaluate("(one) => one === document.activeElement"):
            break
    now = await focused(quiet_room)
    await quiet_room.keyboard.press("Home")

    assert violations == []
    assert now is not None
    assert (now.name, now.has_ring) == ("chat", True)
    await until("the chat shows its beginning", lambda: chat.evaluate("(one) => one.scrollTop === 0"))


async def test_f6_walks_the_regions_and_back(room: Room) -> None:
    page = room.page
    await page.evaluate("document.activeElement.blur()")
    regions = []

    for key in ("F6", "F6", "F6", "F6", "F6", "Shift+F6"):
        await page.keyboard.press(key)
        now = await focused(page)
        regions.append(now.region if now else None)

    assert regions == ["top", "stage", "rail", "controls", "top", "controls"]


async def test_single_keys_switch_what_they_say(room: Room) -> None:
    page = room.page
    await page.evaluate("document.activeElement.blur()")
    for key, button in (("m", "toggle-mic"), ("v", "toggle-camera"), ("s", "toggle-screen")):
        before = await by_id(page, button).inner_text()

        await page.keyboard.press(key)

        await expect(by_id(page, button)).not_to_have_text(before)

    await page.keyboard.press("a")
    await expect(by_id(page, "alert-input")).to_be_focused()
    await page.keyboard.type("m")  # typed, not obeyed
    await expect(by_id(page, "alert-input")).to_have_value("m")
    await by_id(page, "alert-input").fill("")
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("c")
    await expect(by_id(page, "chat-input")).to_be_focused()
    assert room.complaints == []


async def test_escape_closes_menus_and_dialogs_and_gives_the_focus_back(room: Room) -> None:
    page = room.page
    await by_id(page, "leave-menu").focus()
    await page.keyboard.press("Enter")
    await expect(by_id(page, "end-session")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(by_id(page, "end-session")).to_have_count(0)
    await expect(by_id(page, "leave-menu")).to_be_focused()

    await page.keyboard.press("Enter")
    await expect(by_id(page, "end-session")).to_be_visible()
    await page.keyboard.press("End")
    await expect(by_id(page, "end-session")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")

    await expect(page.get_by_role("dialog")).to_have_count(0)

    async def is_back_in_the_bar() -> bool:
        now = await focused(page)
        return now is not None and now.region == "controls"

    await until("the focus is back where it was", is_back_in_the_bar)


async def test_escape_closes_the_invitation(scene: Stage, browser: Browser) -> None:
    page = await scene.visit(await new_context(browser, scene.owner), f"/o/{scene.organization_id}/members")
    await by_id(page, "invite-open").click()
    await expect(by_id(page, "invite-create")).to_be_visible()

    await page.keyboard.press("Escape")

    await expect(by_id(page, "invite-create")).to_have_count(0)
    await expect(by_id(page, "invite-open")).to_be_focused()


async def test_one_enters_and_leaves_without_a_mouse(scene: Stage, browser: Browser) -> None:
    room = await scene.stand_at_door(await new_context(browser, scene.viewer))
    await by_id(room.page, "join-session").press("Enter")
    await RoomPage(room.page).expect_state("live")

    await by_id(room.page, "leave").press("Enter")

    await expect(room.page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()

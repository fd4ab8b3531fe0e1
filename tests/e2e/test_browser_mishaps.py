"""What goes wrong at a person's desk, in a real browser: two clicks for one, no network, a lost membership, odd names."""

from __future__ import annotations

import msgspec
import pytest
from playwright.async_api import Page, expect

from scripts.browser.pages import by_id, new_context
from scripts.headless.rest import Rest
from tests.e2e.desk import Desk

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]

PATIENCE_MS = 60_000
"""How long a page may take to give up asking on a busy machine: it asks four times."""


class _Rooms(msgspec.Struct):
    items: list[_Named]


class _Named(msgspec.Struct):
    name: str


async def rooms_of(desk: Desk) -> list[str]:
    """Names of the rooms there are."""
    path = f"/api/v1/organizations/{desk.organization.id}/rooms"
    return [room.name for room in (await desk.owner.call("GET", path, _Rooms)).items]


async def fill_in_room(page: Page, name: str) -> None:
    """Open the dialog for a new room and write its name."""
    await by_id(page, "create-room").first.click()
    await by_id(page, "create-room-name").fill(name)


async def test_a_double_click_makes_one_room(desk: Desk) -> None:
    page = await desk.open("")
    await fill_in_room(page, "Once")

    await by_id(page, "create-room-submit").dblclick()

    await expect(by_id(page, "create-room-name")).to_have_count(0)
    assert await rooms_of(desk) == ["Once"]


async def test_what_was_asked_for_without_a_network_is_refused_and_not_done_later(desk: Desk) -> None:
    page = await desk.open("")
    await fill_in_room(page, "Not now")
    await page.context.set_offline(True)

    await by_id(page, "create-room-submit").click()

    await expect(page.get_by_role("dialog")).to_contain_text("be reached")
    await page.keyboard.press("Escape")
    await page.context.set_offline(False)
    await fill_in_room(page, "Now")
    await by_id(page, "create-room-submit").click()
    await expect(by_id(page, "room-card")).to_have_count(1)
    assert await rooms_of(desk) == ["Now"]


async def test_a_page_without_a_network_says_so_and_comes_back_by_itself(desk: Desk) -> None:
    page = await desk.open("")
    await expect(by_id(page, "create-room").first).to_be_visible()
    await page.context.set_offline(True)
    await expect(by_id(page, "not-reached")).to_be_visible()

    await page.context.set_offline(False)

    await expect(by_id(page, "not-reached")).to_have_count(0)


async def test_a_list_that_can_not_be_read_says_so(desk: Desk) -> None:
    page = await desk.open("")
    await page.route("**/members*", lambda route: route.abort())

    await page.get_by_role("link", name="Members").first.click()

    await expect(page.get_by_text("Members did not load")).to_be_visible(timeout=PATIENCE_MS)
    await expect(by_id(page, "not-reached")).to_be_visible()


async def test_every_invitation_begins_anew_and_enter_sends_it(desk: Desk) -> None:
    page = await desk.open("members")
    await by_id(page, "invite-open").click()
    await by_id(page, "invite-create").click()
    first = await by_id(page, "invite-link").input_value()
    await page.get_by_role("button", name="Done").click()

    await by_id(page, "invite-open").click()
    await by_id(page, "invite-email").fill("friend@example.com")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("dialog")).to_contain_text("friend@example.com")
    assert await by_id(page, "invite-link").input_value() != first


async def test_someone_removed_while_looking_is_told(desk: Desk, guest: Rest) -> None:
    await guest.accept_invitation(await desk.owner.invite(desk.organization.id, "viewer"))
    page = await desk.open("", guest)
    await expect(by_id(page, "organization-menu")).to_be_visible()
    assert guest.user is not None

    await desk.owner.call(
        "DELETE", f"/api/v1/organizations/{desk.organization.id}/members/{guest.user.id}", msgspec.Raw
    )

    await expect(by_id(page, "member-no-more")).to_contain_text(desk.organization.name)


async def test_an_invitation_outlasts_a_server_that_does_not_answer(desk: Desk, guest: Rest) -> None:
    code = await desk.owner.invite(desk.organization.id, "viewer")
    page = await (await new_context(desk.browser, guest)).new_page()
    await page.route("**/invitations/accept", lambda route: route.abort())
    await page.goto(f"{desk.stack.base_url}/invite/{code}")
    await expect(page.get_by_role("heading", name="The invitation was not taken yet")).to_be_visible()
    await page.unroute("**/invitations/accept")

    await page.get_by_role("button", name="Try now").click()

    await expect(by_id(page, "organization-menu")).to_contain_text(desk.organization.name)


async def test_a_room_with_the_longest_name_can_be_started_on_a_phone(desk: Desk) -> None:
    room = await desk.owner.create_room(desk.organization.id, "W" * 80)
    page = await (await new_context(desk.browser, desk.owner, size=(390, 844))).new_page()

    await page.goto(f"{desk.stack.base_url}/o/{desk.organization.id}/rooms/{room.id}")

    await expect(by_id(page, "start-session")).to_be_visible()
    box = await by_id(page, "start-session").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390


async def test_the_tab_is_named_by_the_page(desk: Desk) -> None:
    page = await desk.open("settings/audit-log")
    await expect(page).to_have_title("Audit log, settings · Trading room")

    await page.get_by_role("link", name="Members").first.click()

    await expect(page).to_have_title("Members · Trading room")


async def test_an_address_that_leads_nowhere_says_so(desk: Desk) -> None:
    page = await desk.open("no/such/page")

    await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


async def test_an_organization_is_not_given_away_by_one_press(desk: Desk, guest: Rest) -> None:
    await guest.accept_invitation(await desk.owner.invite(desk.organization.id, "admin"))
    page = await desk.open("settings")
    await by_id(page, "transfer-open").click()
    await expect(page.get_by_label("New owner")).to_have_value("")
    await expect(by_id(page, "confirm")).to_be_disabled()

    await page.get_by_label("New owner").select_option(index=1)
    await by_id(page, "confirm").click()

    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_text("You lose access at once.").first).to_be_visible()

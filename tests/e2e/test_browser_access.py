"""Who may come in and as what, in a real browser: roles per room, invitations to me, recovery codes."""

from __future__ import annotations

import secrets

import msgspec
import pytest
from playwright.async_api import Page, expect

from scripts.browser.pages import by_id, new_context
from scripts.headless.rest import Rest, RestError
from tests.e2e.axe import find_violations
from tests.e2e.desk import Desk, totp

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]


async def may_post_alerts(person: Rest, desk: Desk, room_id: str) -> bool:
    """Whether somebody's alert is taken in a room: by Co-Hosts and above."""
    draft = {"symbol": "NVDA", "side": "long", "entry": "181.20", "stop": "178", "targets": ["186"]}
    path = f"/api/v1/organizations/{desk.organization.id}/rooms/{room_id}/alerts"
    try:
        await person.call("POST", path, msgspec.Raw, draft)
    except RestError as refused:
        if refused.status != 403:
            raise
        return False
    return True


async def test_a_role_in_one_room_is_given_said_in_rights_and_withdrawn(desk: Desk, guest: Rest) -> None:
    room = await desk.owner.create_room(desk.organization.id, "Morning")
    await guest.accept_invitation(await desk.owner.invite(desk.organization.id, "viewer"))
    page = await desk.open("settings/workspaces")
    await by_id(page, "room-roles-open").click()
    await expect(by_id(page, "room-roles-empty")).to_be_visible()
    row = by_id(page, "room-role-row").filter(has_text="Guest")

    await row.get_by_test_id("room-role").select_option("co_host")

    await expect(by_id(page, "room-roles")).to_contain_text("Guest")
    await expect(row.get_by_test_id("room-role-difference")).to_contain_text("Post alerts")
    assert await may_post_alerts(guest, desk, room.id)
    await row.get_by_test_id("room-role").select_option("")
    await expect(by_id(page, "room-roles-empty")).to_be_visible()
    assert not await may_post_alerts(guest, desk, room.id)


async def test_owners_and_admins_are_the_same_in_every_room(desk: Desk) -> None:
    room = await desk.owner.create_room(desk.organization.id, "Morning")

    page = await desk.open(f"settings/workspaces/rooms/{room.id}")

    row = by_id(page, "room-role-row").filter(has_text="Owner everywhere")
    await expect(row).to_be_visible()
    await expect(row.get_by_test_id("room-role")).to_have_count(0)


async def invite_by_mail(desk: Desk, person: Rest, role: str) -> None:
    assert person.user is not None
    draft = {"role": role, "email": person.user.email}
    await desk.owner.call("POST", f"/api/v1/organizations/{desk.organization.id}/invitations", msgspec.Raw, draft)


async def test_someone_of_no_organization_finds_the_invitation_and_accepts(desk: Desk, guest: Rest) -> None:
    await invite_by_mail(desk, guest, "moderator")
    page = await (await new_context(desk.browser, guest)).new_page()
    await page.goto(desk.stack.base_url)
    await expect(by_id(page, "own-invitation")).to_contain_text(desk.organization.name)

    await by_id(page, "own-invitation-accept").click()

    await expect(page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()
    await expect(by_id(page, "organization-menu")).to_contain_text(desk.organization.name)


async def test_a_member_elsewhere_declines_and_nothing_is_left(desk: Desk, guest: Rest) -> None:
    home = await guest.create_organization("Home")
    await invite_by_mail(desk, guest, "viewer")
    page = await (await new_context(desk.browser, guest)).new_page()
    await page.goto(f"{desk.stack.base_url}/o/{home.id}")
    await by_id(page, "own-invitation-decline").click()
    await by_id(page, "confirm").click()
    await expect(by_id(page, "own-invitation")).to_have_count(0)

    await by_id(page, "organization-menu").click()
    await by_id(page, "to-invitations").click()

    await expect(by_id(page, "own-invitations-empty")).to_be_visible()


async def protect(page: Page) -> None:
    """Set up an authenticator on the security page."""
    await by_id(page, "enrol-open").click()
    secret = await by_id(page, "enrol-secret").input_value()
    await by_id(page, "enrol-code").fill(totp(secret))
    await by_id(page, "enrol-verify").click()
    await expect(page.get_by_text("Authenticator 1")).to_be_visible()


async def show_recovery_code(desk: Desk, email: str, password: str, code: str) -> Page:
    """Sign in on a new device, with a recovery code in the place of the authenticator's."""
    page = await (await new_context(desk.browser)).new_page()
    await page.goto(f"{desk.stack.base_url}/sign-in")
    await by_id(page, "sign-in-email").fill(email)
    await by_id(page, "sign-in-password").fill(password)
    await by_id(page, "sign-in-submit").click()
    await by_id(page, "second-step-other").click()
    await by_id(page, "second-step-code").fill(code)
    await by_id(page, "second-step-submit").click()
    return page


async def test_a_recovery_code_is_kept_and_signs_in_once_without_the_phone(desk: Desk) -> None:
    email, password = f"lost-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(16)
    async with Rest(desk.stack.base_url) as person:
        await person.sign_up(email, password, "Lost")
        organization = await person.create_organization("Lost")
        page = await (await new_context(desk.browser, person)).new_page()
    await page.goto(f"{desk.stack.base_url}/o/{organization.id}/account/security")
    await expect(by_id(page, "enrol-open")).to_be_visible()
    await expect(by_id(page, "recovery-make")).to_have_count(0)
    await protect(page)
    await by_id(page, "recovery-make").click()
    shown = by_id(page, "recovery-list").get_by_role("listitem")
    await expect(shown).to_have_count(10)
    codes = await shown.all_inner_texts()
    assert await find_violations(page) == []
    async with page.expect_download() as saving:
        await by_id(page, "recovery-save").click()
    kept = (await (await saving.value).path()).read_text(encoding="utf-8")
    await by_id(page, "recovery-kept").check()
    await by_id(page, "recovery-done").click()
    await expect(by_id(page, "recovery-left")).to_contain_text("10 of 10")

    inside = await show_recovery_code(desk, email, password, codes[0].upper())
    await expect(by_id(inside, "organization-menu")).to_be_visible()
    outside = await show_recovery_code(desk, email, password, codes[0])
    await expect(outside.get_by_text("used before")).to_be_visible()
    await inside.goto(f"{desk.stack.base_url}/o/{organization.id}/account/security")

    await expect(by_id(inside, "recovery-left")).to_contain_text("9 of 10")
    assert email in kept
    assert all(code in kept for code in codes)

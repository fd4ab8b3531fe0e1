"""Settings, members and account in a real browser, and the mails that lead back into the app."""

from __future__ import annotations

import secrets
import time

import msgspec
import pytest
from playwright.async_api import expect

from scripts.browser.pages import by_id, new_context
from scripts.headless.rest import Rest, RestError
from tests.e2e.desk import PERIOD_S, Desk, open_letter, totp

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]


async def test_an_organization_is_renamed_and_everyone_sees_it(desk: Desk) -> None:
    page = await desk.open("settings")
    name = f"Renamed {secrets.token_hex(3)}"
    await by_id(page, "organization-name").fill(name)
    await by_id(page, "organization-name-save").click()
    await expect(by_id(page, "organization-menu")).to_contain_text(name)


async def test_a_room_is_changed_archived_and_restored(desk: Desk) -> None:
    await desk.owner.create_room(desk.organization.id, "Old Name")
    page = await desk.open("settings/workspaces")
    await by_id(page, "room-edit").click()
    await by_id(page, "room-name").fill("New Name")
    await by_id(page, "room-save").click()
    row = by_id(page, "settings-room").filter(has_text="New Name")
    await expect(row).to_be_visible()
    await row.get_by_test_id("room-archive").click()
    await expect(page.get_by_role("heading", name="Archived rooms")).to_be_visible()
    await row.get_by_role("button", name="Restore").click()
    await expect(page.get_by_role("heading", name="Archived rooms")).to_have_count(0)


async def test_what_the_plan_does_not_allow_is_said_in_words(desk: Desk) -> None:
    page = await desk.open("settings/workspaces")
    await by_id(page, "workspace-new").click()
    await by_id(page, "workspace-name").fill("Second desk")
    await by_id(page, "workspace-save").click()
    await expect(page.get_by_role("dialog")).to_contain_text("plan")


async def test_a_mailed_invitation_brings_its_person_in_with_its_role(desk: Desk, guest: Rest) -> None:
    assert guest.user is not None
    page = await desk.open("members")
    await by_id(page, "invite-open").click()
    await by_id(page, "invite-role").select_option("moderator")
    await by_id(page, "invite-email").fill(guest.user.email)
    await by_id(page, "invite-create").click()
    await expect(by_id(page, "invite-link")).to_be_visible()
    theirs = await (await new_context(desk.browser, guest)).new_page()
    await open_letter(theirs, desk.stack.base_url, to=guest.user.email, subject="invit")
    await expect(theirs.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()
    await page.reload()
    await expect(by_id(page, "member-row").filter(has_text=guest.user.email)).to_contain_text("Moderator")


async def test_a_member_gets_another_role_and_is_removed(desk: Desk, guest: Rest) -> None:
    await guest.accept_invitation(await desk.owner.invite(desk.organization.id, "viewer"))
    page = await desk.open("members")
    row = by_id(page, "member-row").filter(has_text="Guest")
    await row.get_by_test_id("member-menu").click()
    await by_id(page, "member-role-co_host").click()
    await expect(row).to_contain_text("Co-Host")
    await row.get_by_test_id("member-menu").click()
    await by_id(page, "member-remove").click()
    await by_id(page, "confirm").click()
    await expect(row).to_have_count(0)
    with pytest.raises(RestError) as refused:
        await guest.call("GET", f"/api/v1/organizations/{desk.organization.id}", msgspec.Raw)
    assert refused.value.status in {403, 404}


async def test_a_token_is_shown_once_works_and_is_revoked(desk: Desk) -> None:
    desk.stack.operate("set-plan", desk.organization.id, "professional")
    page = await desk.open("settings/tokens")
    await by_id(page, "token-new").click()
    await by_id(page, "token-name").fill("Exporter")
    await by_id(page, "token-make").click()
    text = await by_id(page, "token-text").input_value()
    await by_id(page, "token-done").click()
    async with Rest(desk.stack.base_url, access_token=text) as program:
        rooms = f"/api/v1/organizations/{desk.organization.id}/rooms"
        await program.call("GET", rooms, msgspec.Raw)
        row = by_id(page, "token-row").filter(has_text="Exporter")
        await expect(row).to_contain_text(text[-4:])
        await row.get_by_role("button", name="Revoke").click()
        await by_id(page, "confirm").click()
        await expect(row).to_have_count(0)
        with pytest.raises(RestError) as refused:
            await program.call("GET", rooms, msgspec.Raw)
        assert refused.value.status == 401


async def test_a_webhook_is_made_and_its_test_stands_in_the_history(desk: Desk) -> None:
    desk.stack.operate("set-plan", desk.organization.id, "professional")
    page = await desk.open("settings/webhooks")
    await by_id(page, "webhook-new").click()
    await by_id(page, "webhook-url").fill("https://hooks.invalid/here")
    await by_id(page, "webhook-save").click()
    await expect(by_id(page, "webhook-secret")).not_to_have_value("")
    await by_id(page, "secret-done").click()
    await by_id(page, "webhook-menu").click()
    await by_id(page, "webhook-ping").click()
    await expect(by_id(page, "delivery-row").first).to_contain_text("webhook.ping")


async def test_the_audit_log_tells_who_did_what(desk: Desk) -> None:
    await desk.owner.create_room(desk.organization.id, "Audited")
    page = await desk.open("settings/audit-log")
    await by_id(page, "audit-kind").select_option("room")
    row = by_id(page, "audit-row").filter(has_text="made a room")
    await expect(row).to_contain_text("Owner")
    async with page.expect_download() as saving:
        await by_id(page, "audit-csv").click()
    saved = await (await saving.value).path()
    assert "room.created" in saved.read_text(encoding="utf-8")


async def test_a_forgotten_password_is_replaced_by_mail(desk: Desk) -> None:
    assert desk.owner.user is not None
    email = desk.owner.user.email
    page = await (await new_context(desk.browser)).new_page()
    await page.goto(f"{desk.stack.base_url}/sign-in")
    await by_id(page, "to-forgot").click()
    await by_id(page, "mail-link-email").fill(email)
    await by_id(page, "mail-link-submit").click()
    await expect(page.get_by_text("on its way")).to_be_visible()
    await open_letter(page, desk.stack.base_url, to=email, subject="password")
    password = secrets.token_urlsafe(16)
    await by_id(page, "new-password").fill(password)
    await by_id(page, "new-password-submit").click()
    await expect(by_id(page, "organization-menu")).to_be_visible()
    async with Rest(desk.stack.base_url) as again:
        await again.sign_in(email, password)


async def test_an_authenticator_is_set_up_and_asked_for_at_the_next_sign_in(desk: Desk) -> None:
    email, password = f"mfa-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(16)
    async with Rest(desk.stack.base_url) as person:
        await person.sign_up(email, password, "Careful")
        organization = await person.create_organization("Careful")
        page = await (await new_context(desk.browser, person)).new_page()
        await page.goto(f"{desk.stack.base_url}/o/{organization.id}/account/security")
        await by_id(page, "enrol-open").click()
        secret = await by_id(page, "enrol-secret").input_value()
        await by_id(page, "enrol-code").fill(totp(secret))
        await by_id(page, "enrol-verify").click()
        await expect(page.get_by_text("Authenticator 1")).to_be_visible()
    page = await (await new_context(desk.browser)).new_page()
    await page.goto(f"{desk.stack.base_url}/sign-in")
    await by_id(page, "sign-in-email").fill(email)
    await by_id(page, "sign-in-password").fill(password)
    await by_id(page, "sign-in-submit").click()
    code = by_id(page, "second-step-code")
    await expect(code).to_be_visible()
    await code.fill("000000")
    await by_id(page, "second-step-submit").click()
    await expect(page.get_by_text("not right")).to_be_visible()
    # The code that set it up is used up: wait for the next one.
    await page.wait_for_timeout((PERIOD_S - time.time() % PERIOD_S + 0.5) * 1000)
    await code.fill(totp(secret))
    await by_id(page, "second-step-submit").click()
    await expect(by_id(page, "organization-menu")).to_be_visible()


async def test_other_sign_ins_are_seen_and_ended(desk: Desk) -> None:
    assert desk.owner.user is not None
    async with Rest(desk.stack.base_url) as other:
        password = secrets.token_urlsafe(16)
        await other.sign_up(f"two-{secrets.token_hex(6)}@example.com", password, "Two")
        organization = await other.create_organization("Two")
        assert other.user is not None
        async with Rest(desk.stack.base_url) as second:
            await second.sign_in(other.user.email, password)
            page = await (await new_context(desk.browser, other)).new_page()
            await page.goto(f"{desk.stack.base_url}/o/{organization.id}/account/security")
            await expect(by_id(page, "end-session")).to_have_count(1)
            await by_id(page, "end-others").click()
            await expect(by_id(page, "end-session")).to_have_count(0)
            with pytest.raises(RestError) as refused:
                await second.call("GET", "/api/v1/me", msgspec.Raw)
            assert refused.value.status == 401

"""Single sign-on in a real browser: set up, proven, tested, enforced and used, at oidc-provider and at saml-idp."""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from scripts.browser.launch import chromium
from scripts.browser.pages import DESKTOP, PHONE, by_id, new_context
from scripts.headless.rest import Rest
from tests.e2e.axe import find_violations
from tests.e2e.desk import Desk
from tests.e2e.running_stack import RunningStack, running_stack
from tests.support.identity_providers.running import OidcServer, SamlServer, running_oidc_provider, running_saml_idp
from tests.support.name_server import NameServer, running_name_server

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(240)]

START_S = 10.0


class _Made(msgspec.Struct):
    id: str


class _Domain(msgspec.Struct, rename="camel"):
    id: str
    record_name: str
    record_value: str


@dataclass(frozen=True)
class Sso:
    """A tenant whose plan holds single sign-on, and what is around it. domain: of the owner's address."""

    desk: Desk
    provider: OidcServer
    names: NameServer
    domain: str

    @property
    def path(self) -> str:
        return f"/api/v1/organizations/{self.desk.organization.id}/sso"

    def someone(self) -> str:
        """A fresh address of the domain."""
        return f"ana-{secrets.token_hex(4)}@{self.domain}"

    async def prove(self) -> None:
        """Have the domain proven, by its record."""
        owner = self.desk.owner
        made = await owner.call("POST", f"{self.path}/domains", _Domain, {"domain": self.domain})
        self.names.records[made.record_name] = [made.record_value]
        await owner.call("POST", f"{self.path}/domains/{made.id}/verify", msgspec.Raw)

    async def connect(self, *, joins: bool) -> None:
        """Have the domain proven, and the provider set up and on."""
        await self.prove()
        owner = self.desk.owner
        client = {
            "issuer": self.provider.issuer,
            "clientId": self.provider.client_id,
            "clientSecret": self.provider.client_secret,
        }
        wanted = {"kind": "oidc", "name": "Local", "joinsMembers": joins, **client}
        made = await owner.call("POST", f"{self.path}/connections", _Made, wanted)
        await owner.call("PATCH", f"{self.path}/connections/{made.id}", msgspec.Raw, {"isEnabled": True})


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    """A name server in a thread of its own: it outlives the tests' loops."""
    started, loop, ended = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
    found: list[NameServer] = []

    async def serve() -> None:
        async with running_name_server() as server:
            found.append(server)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(START_S)
    yield found[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(START_S)
    loop.close()


@pytest.fixture(scope="module")
def sso_stack(tmp_path_factory: pytest.TempPathFactory, names: NameServer) -> Iterator[RunningStack]:
    environment = {"TR_DNS_SERVERS": f"127.0.0.1:{names.port}", "TR_WEBHOOKS_PRIVATE": "on"}
    with running_stack(tmp_path_factory.mktemp("sso") / "data", environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def provider(sso_stack: RunningStack) -> Iterator[OidcServer]:
    with running_oidc_provider([f"{sso_stack.base_url}/auth/v1/callback"]) as running:
        yield running


@pytest.fixture(scope="module")
def saml(sso_stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamlServer]:
    acs_url = f"{sso_stack.base_url}/auth/v1/sso/saml/acs"
    with running_saml_idp(tmp_path_factory.mktemp("idp"), audience="unset", acs_url=acs_url) as running:
        yield running


@pytest.fixture
async def sso(sso_stack: RunningStack, provider: OidcServer, names: NameServer) -> AsyncIterator[Sso]:
    domain = f"{secrets.token_hex(6)}.example"
    async with chromium() as browser, Rest(sso_stack.base_url) as owner:
        await owner.sign_up(f"owner@{domain}", secrets.token_urlsafe(16), "Owner")
        organization = await owner.create_organization("Northgate")
        sso_stack.operate("set-plan", organization.id, "business")
        yield Sso(Desk(sso_stack, browser, owner, organization), provider, names, domain)


async def sign_in_at_provider(page: Page, login: str) -> None:
    """Go through the provider's own pages of login and consent."""
    await page.locator("input[name=login]").fill(login)
    await page.locator("input[name=password]").fill("any")
    await page.locator("button[type=submit]").click()
    await page.get_by_role("button", name="Continue").click()


async def begin_by_address(browser: Browser, base_url: str, email: str) -> Page:
    """The sign-in page, by single sign-on."""
    page = await (await new_context(browser)).new_page()
    await page.goto(f"{base_url}/sign-in")
    await by_id(page, "to-sso").click()
    await by_id(page, "sso-email").fill(email)
    await by_id(page, "sso-submit").click()
    return page


async def test_a_plan_without_it_says_which_plans_hold_it(sso: Sso) -> None:
    sso.desk.stack.operate("set-plan", sso.desk.organization.id, "professional")

    page = await sso.desk.open("settings/single-sign-on")

    await expect(by_id(page, "sso-plan")).to_contain_text("Business and Enterprise")
    await expect(by_id(page, "sso-add-oidc")).to_be_disabled()


async def test_a_domain_is_proven_by_the_record_the_page_names(sso: Sso) -> None:
    page = await sso.desk.open("settings/single-sign-on")
    await by_id(page, "sso-domain-name").fill(sso.domain)
    await by_id(page, "sso-domain-add").click()
    name = await by_id(page, "sso-record-name").input_value()
    value = await by_id(page, "sso-record-value").input_value()
    await by_id(page, "sso-domain-check").click()
    await expect(by_id(page, "sso-domain-state")).to_contain_text("no such record")
    sso.names.records[name] = [value]

    await by_id(page, "sso-domain-check").click()

    await expect(by_id(page, "sso-domain")).to_contain_text("Yours since")


@pytest.mark.parametrize(("size", "theme"), [(DESKTOP, "light"), (PHONE, "dark")])
async def test_axe_finds_nothing_grave_on_a_page_with_a_provider(sso: Sso, size: tuple[int, int], theme: str) -> None:
    await sso.connect(joins=True)
    owner = sso.desk.owner
    await owner.call("POST", f"{sso.path}/domains", msgspec.Raw, {"domain": f"other.{sso.domain}"})
    page = await (await new_context(sso.desk.browser, owner, size=size, theme=theme)).new_page()
    await page.goto(f"{sso.desk.stack.base_url}/o/{sso.desk.organization.id}/settings/single-sign-on")
    await expect(by_id(page, "sso-role")).to_be_visible()
    await expect(by_id(page, "sso-record-name")).to_be_visible()
    await page.wait_for_timeout(300)  # what fades in has no contrast before

    assert await find_violations(page) == []


async def test_a_provider_that_can_not_be_read_is_refused_in_words(sso: Sso) -> None:
    page = await sso.desk.open("settings/single-sign-on")
    await by_id(page, "sso-add-oidc").click()
    await by_id(page, "sso-name").fill("Nobody")
    await by_id(page, "sso-issuer").fill("http://127.0.0.1:9")
    await by_id(page, "sso-client-id").fill("x")

    await by_id(page, "sso-save").click()

    await expect(by_id(page, "sso-save-problem")).to_contain_text("be reached from here")


async def test_a_provider_is_set_up_tested_and_then_made_the_only_way_in(sso: Sso) -> None:
    await sso.prove()
    page = await sso.desk.open("settings/single-sign-on")
    await by_id(page, "sso-add-oidc").click()
    await by_id(page, "sso-name").fill("Local")
    await by_id(page, "sso-issuer").fill(sso.provider.issuer)
    await by_id(page, "sso-client-id").fill(sso.provider.client_id)
    await by_id(page, "sso-client-secret").fill(sso.provider.client_secret)
    await by_id(page, "sso-save").click()
    callback = re.compile(re.escape(f"{sso.desk.stack.base_url}/auth/v1/callback/") + "[0-9a-f-]{36}")
    await expect(by_id(page, "sso-redirect-uri")).to_have_value(callback)
    await expect(by_id(page, "sso-enforced")).to_be_disabled()

    await by_id(page, "sso-test").click()
    await sign_in_at_provider(page, f"owner@{sso.domain}")

    await expect(by_id(page, "sso-test-outcome")).to_contain_text("worked")
    await by_id(page, "sso-enabled").click()
    await expect(by_id(page, "sso-connection")).to_have_attribute("data-state", "on")
    await by_id(page, "sso-enforced").click()
    await expect(page.get_by_role("dialog")).to_contain_text("locked out")
    await by_id(page, "confirm").click()
    await expect(by_id(page, "sso-connection")).to_have_attribute("data-state", "enforced")


async def test_a_newcomer_signs_in_by_the_work_address_and_is_a_member(sso: Sso) -> None:
    await sso.connect(joins=True)
    email = sso.someone()
    page = await begin_by_address(sso.desk.browser, sso.desk.stack.base_url, email)

    await sign_in_at_provider(page, email)

    await expect(page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()
    await expect(by_id(page, "organization-menu")).to_contain_text(sso.desk.organization.name)
    assert "code=" not in page.url


async def test_an_address_of_nobody_s_domain_is_told_so(sso: Sso) -> None:
    page = await begin_by_address(sso.desk.browser, sso.desk.stack.base_url, "ana@nobody.example")

    await expect(page.get_by_text("No organization here signs people in by this address")).to_be_visible()


async def enforce(sso: Sso) -> None:
    """Make the provider the only way in, after the owner's own test."""
    await sso.connect(joins=False)
    page = await sso.desk.open("settings/single-sign-on")
    await by_id(page, "sso-test").click()
    await sign_in_at_provider(page, f"owner@{sso.domain}")
    await by_id(page, "sso-enforced").click()
    await by_id(page, "confirm").click()
    await expect(by_id(page, "sso-connection")).to_have_attribute("data-state", "enforced")


async def test_a_member_who_came_by_password_is_led_to_the_provider_and_back(sso: Sso) -> None:
    async with Rest(sso.desk.stack.base_url) as member:
        email = sso.someone()
        await member.sign_up(email, secrets.token_urlsafe(16), "Ana")
        await member.accept_invitation(await sso.desk.owner.invite(sso.desk.organization.id, "viewer"))
        page = await sso.desk.open("", member)
        await expect(page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()
        await enforce(sso)
        await page.reload()
        await expect(by_id(page, "sso-required")).to_be_visible()
        await expect(page.get_by_text(sso.desk.organization.name)).to_be_visible()

        await by_id(page, "sso-continue").click()
        await sign_in_at_provider(page, email)

        await expect(page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()


# --- by SAML


async def sign_in_at_saml_provider(page: Page, email: str) -> None:
    """Go through saml-idp's own page."""
    await page.locator("#userName").fill(email)
    await page.locator("#email").fill(email)
    await page.locator("form.form-profile [type=submit]").click()


async def add_saml(page: Page, saml: SamlServer) -> None:
    """On the settings page, take the provider's metadata by its address, and tell the provider who we are."""
    await by_id(page, "sso-add-saml").click()
    await by_id(page, "sso-name").fill("Directory")
    await by_id(page, "sso-metadata-url").fill(saml.metadata_url)
    await by_id(page, "sso-save").click()
    entity_id = by_id(page, "sso-entity-id")
    await expect(entity_id).to_have_value(re.compile("/auth/v1/sso/saml/metadata"))
    saml.change(audience=await entity_id.input_value())


async def test_a_saml_provider_is_set_up_by_its_metadata_enforced_and_brings_a_newcomer_in(
    sso: Sso, saml: SamlServer
) -> None:
    await sso.prove()
    page = await sso.desk.open("settings/single-sign-on")
    await add_saml(page, saml)
    await expect(by_id(page, "sso-metadata")).to_contain_text(saml.metadata_url)
    await by_id(page, "sso-test").click()
    await sign_in_at_saml_provider(page, f"owner@{sso.domain}")
    await expect(by_id(page, "sso-test-outcome")).to_contain_text("worked")
    await by_id(page, "sso-enabled").click()
    await expect(by_id(page, "sso-connection")).to_have_attribute("data-state", "on")
    await by_id(page, "sso-joins").click()
    await expect(by_id(page, "sso-role")).to_be_visible()
    await by_id(page, "sso-enforced").click()
    await by_id(page, "confirm").click()
    await expect(by_id(page, "sso-connection")).to_have_attribute("data-state", "enforced")

    email = sso.someone()
    theirs = await begin_by_address(sso.desk.browser, sso.desk.stack.base_url, email)
    await sign_in_at_saml_provider(theirs, email)

    await expect(theirs.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()
    await expect(by_id(theirs, "organization-menu")).to_contain_text(sso.desk.organization.name)


async def test_what_went_wrong_with_a_saml_sign_in_is_told_beside_the_provider(sso: Sso, saml: SamlServer) -> None:
    await sso.prove()
    page = await sso.desk.open("settings/single-sign-on")
    await add_saml(page, saml)
    saml.change(audience="urn:somebody:else")

    await by_id(page, "sso-test").click()
    await sign_in_at_saml_provider(page, f"owner@{sso.domain}")

    await expect(by_id(page, "sso-test-outcome")).to_contain_text("for another service")
    await by_id(page, "sso-log").click()
    await expect(by_id(page, "sso-log-row")).to_contain_text("Test: The assertion is for another service")


# --- who is linked


async def come_in_as_known(sso: Sso) -> tuple[str, Page]:
    """Somebody who signed up before comes in by the provider. Answers their address and page."""
    await sso.connect(joins=True)
    email = sso.someone()
    async with Rest(sso.desk.stack.base_url) as person:
        await person.sign_up(email, secrets.token_urlsafe(16), "Ana")
    page = await begin_by_address(sso.desk.browser, sso.desk.stack.base_url, email)
    await sign_in_at_provider(page, email)
    await expect(page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()
    return email, page


async def test_a_person_sees_their_ways_to_sign_in_and_unlinks_one(sso: Sso) -> None:
    email, page = await come_in_as_known(sso)
    await page.goto(f"{sso.desk.stack.base_url}/account/security")
    methods = by_id(page, "sign-in-method")
    await expect(methods).to_have_count(2)
    await expect(methods.last).to_contain_text(f"{sso.desk.organization.name}, by Local")
    await expect(methods.last).to_contain_text(email)

    await by_id(page, "unlink").click()
    await by_id(page, "confirm").click()

    await expect(methods).to_have_count(1)
    await expect(methods).to_contain_text("E-mail")


async def test_the_owner_sees_who_is_linked_and_unlinking_signs_them_out(sso: Sso) -> None:
    email, theirs = await come_in_as_known(sso)
    page = await sso.desk.open("settings/single-sign-on")
    await by_id(page, "sso-log").click()
    await expect(by_id(page, "sso-log-row")).to_contain_text("Ana came in")
    await by_id(page, "sso-people").click()
    await expect(by_id(page, "sso-person")).to_contain_text(email)

    await by_id(page, "sso-unlink").click()
    await by_id(page, "confirm").click()

    await expect(by_id(page, "sso-person")).to_have_count(0)
    await theirs.reload()
    await expect(by_id(theirs, "to-sso")).to_be_visible()

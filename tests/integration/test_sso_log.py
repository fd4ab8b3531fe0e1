"""Sign-ins by single sign-on in the audit log: who came in, and why others did not, for whoever sets it up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.services.sso_landing import FAILURES
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import make_member
from tests.support.identity_providers.running import OidcServer
from tests.support.lying_provider import CLIENT_ID, CLIENT_SECRET, LyingProvider, running_lying_provider
from tests.support.single_sign_on import PAGE, Landed, SsoTenant, arrive, begin, leave, make_sso_tenant


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


@pytest.fixture
async def liar() -> AsyncIterator[LyingProvider]:
    async with running_lying_provider() as provider:
        yield provider


@pytest.fixture
async def sso(api: httpx.AsyncClient, platform: Platform, liar: LyingProvider) -> SsoTenant:
    made = await make_sso_tenant(api, platform, OidcServer(liar.issuer, CLIENT_ID, CLIENT_SECRET))
    liar.claims = {"email": made.someone()}
    return made


async def _come_in(api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider) -> Landed:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))
    return await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))


async def _log(api: httpx.AsyncClient, sso: SsoTenant, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Newest first."""
    answer = await api.get(
        f"{sso.tenant.path}/audit-log?action=sso_sign_in&subjectId={sso.connection_id}&limit=200",
        headers=headers or sso.tenant.owner.headers,
    )
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_who_comes_in_is_listed(api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider) -> None:
    landed = await _come_in(api, sso, liar)
    me = (await api.get("/auth/v1/user", headers=landed.headers)).json()

    (entry,) = await _log(api, sso)

    assert (entry["action"], entry["actorId"]) == ("sso_sign_in.succeeded", me["id"])
    assert entry["subjectId"] == sso.connection_id


async def test_a_refusal_is_listed_with_its_reason_and_nothing_of_the_person(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    liar.claims["email_verified"] = False

    await _come_in(api, sso, liar)

    (entry,) = await _log(api, sso)
    assert (entry["action"], entry["after"]) == ("sso_sign_in.failed", {"reason": "email_unverified", "isTest": False})
    assert (entry["actorId"], entry["ip"], entry["userAgent"]) == (None, None, None)


async def test_an_address_of_another_domain_is_listed_by_its_domain_alone(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    liar.claims["email"] = "ada@acme.onmicrosoft.example"

    await _come_in(api, sso, liar)

    (entry,) = await _log(api, sso)
    domain = "acme.onmicrosoft.example"
    assert entry["after"] == {"reason": "sso_domain_unverified", "isTest": False, "domain": domain}


@pytest.mark.parametrize(("is_good", "action"), [(True, "sso_sign_in.tested"), (False, "sso_sign_in.failed")])
async def test_a_test_is_listed_as_one(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, *, is_good: bool, action: str
) -> None:
    liar.claims["email_verified"] = is_good
    asked = await api.post(f"{sso.path}/test", json={"redirectTo": PAGE}, headers=sso.tenant.owner.headers)
    state = liar.note(await leave(api, asked.json()["url"]))

    await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))

    (entry,) = await _log(api, sso)
    assert entry["action"] == action
    assert entry["after"].get("isTest", is_good) is True


async def test_members_do_not_read_it(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider
) -> None:
    await _come_in(api, sso, liar)
    viewer = await make_member(platform, sso.tenant, Role.VIEWER)

    answer = await api.get(f"{sso.tenant.path}/audit-log?action=sso_sign_in", headers=viewer.headers)

    assert answer.status_code == 403


async def test_strangers_who_fail_again_and_again_do_not_fill_the_log(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    for _ in range(FAILURES + 5):
        state = liar.note(await leave(api, await begin(api, sso.connection_id)))
        await arrive(api, httpx.URL(sso.callback, params={"error": "access_denied", "state": state}))

    entries = await _log(api, sso)

    # One is regained a minute; the test may take two of them.
    assert FAILURES <= len(entries) < FAILURES + 5
    assert {entry["after"]["reason"] for entry in entries} == {"access_denied"}

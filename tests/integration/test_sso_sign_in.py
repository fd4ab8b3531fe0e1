"""Signing in by an organization's OIDC provider: whom it opens, who becomes a member, and what the client gets.

The provider is npm's oidc-provider on a real socket.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.support.identity_providers.browserless import sign_in_at_oidc
from tests.support.identity_providers.running import OidcServer, running_oidc_provider
from tests.support.single_sign_on import (
    CALLBACK,
    PAGE,
    Landed,
    SsoTenant,
    arrive,
    begin,
    change,
    come_in,
    leave,
    make_person_at,
    make_sso_tenant,
    try_connection,
)

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcServer]:
    with running_oidc_provider([CALLBACK]) as running:
        yield running


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


@pytest.fixture
async def sso(api: httpx.AsyncClient, platform: Platform, provider: OidcServer) -> SsoTenant:
    return await make_sso_tenant(api, platform, provider)


def _claims(landed: Landed) -> dict[str, Any]:
    return dict(jwt.decode(landed.said["access_token"], options={"verify_signature": False}))


async def _role(api: httpx.AsyncClient, sso: SsoTenant, landed: Landed) -> str | None:
    answer = await api.get(sso.tenant.path, headers=landed.headers)
    return str(answer.json()["role"]) if answer.status_code == 200 else None


async def _audited(api: httpx.AsyncClient, sso: SsoTenant, action: str) -> list[dict[str, Any]]:
    answer = await api.get(f"{sso.tenant.path}/audit-log?action={action}", headers=sso.tenant.owner.headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_somebody_new_gets_an_account_and_becomes_a_member(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    email = sso.someone()

    landed = await come_in(api, sso.connection_id, email)

    assert landed.url == PAGE
    assert _claims(landed)["email"] == email
    assert await _role(api, sso, landed) == "viewer"


async def test_the_sign_in_says_how_and_by_which_connection(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    landed = await come_in(api, sso.connection_id, sso.someone())

    assert [(one["method"], one["provider"]) for one in _claims(landed)["amr"]] == [("sso/oidc", sso.connection_id)]


async def test_a_pkce_client_gets_a_code_that_its_verifier_changes(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    landed = await come_in(
        api, sso.connection_id, sso.someone(), code_challenge=CHALLENGE, code_challenge_method="s256"
    )
    body = {"auth_code": landed.said["code"], "code_verifier": VERIFIER}
    answer = await api.post("/auth/v1/token?grant_type=pkce", json=body)

    assert "access_token" not in landed.said
    assert answer.status_code == 200, answer.text
    amr = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})["amr"]
    assert amr[0]["provider"] == sso.connection_id


async def test_the_mail_domain_leads_to_the_connection(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    answer = await api.post("/auth/v1/sso", json={"domain": sso.domain.upper(), "skip_http_redirect": True})

    assert answer.status_code == 200, answer.text
    assert answer.json()["url"].startswith("http://localhost:8000/auth/v1/sso/authorize?state=")


@pytest.mark.parametrize("body", [{"domain": "nobody.example"}, {"provider_id": "0" * 36}, {"provider_id": "x"}])
async def test_an_unknown_domain_or_provider_is_told_in_gotrues_words(
    api: httpx.AsyncClient, body: dict[str, str]
) -> None:
    answer = await api.post("/auth/v1/sso", json=body)

    assert (answer.status_code, answer.json()["error_code"]) == (404, "sso_provider_not_found")


async def test_the_same_person_gets_the_same_account_again(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    email = sso.someone()

    first, second = [await come_in(api, sso.connection_id, email) for _ in range(2)]

    assert _claims(first)["sub"] == _claims(second)["sub"]
    assert len(await _audited(api, sso, "sso_identity.linked")) == 1


async def test_an_account_of_a_proven_domain_is_linked_and_that_is_in_the_audit_log(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    email = sso.someone()
    person = await make_person_at(platform, email)

    landed = await come_in(api, sso.connection_id, email)

    assert _claims(landed)["sub"] == str(person.caller.user_id)
    linked = await _audited(api, sso, "sso_identity.linked")
    assert [(one["subjectId"], one["after"]) for one in linked] == [
        (str(person.caller.user_id), {"connectionId": sso.connection_id})
    ]


async def test_a_password_that_a_stranger_left_in_an_unconfirmed_sign_up_is_gone(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    email, password = sso.someone(), "a stranger chose this"
    person = await make_person_at(platform, email)
    async with platform.db.platform() as tx:
        await tx.execute(
            "update auth_credentials set password_hash = $2, email_confirmed_at = null, last_sign_in_at = null "
            "where user_id = $1",
            person.caller.user_id,
            await platform.accounts.passwords.hash(password),
        )

    await come_in(api, sso.connection_id, email)
    answer = await api.post("/auth/v1/token?grant_type=password", json={"email": email, "password": password})

    assert answer.json()["error_code"] == "invalid_credentials"


async def test_without_joining_nobody_becomes_a_member(
    api: httpx.AsyncClient, platform: Platform, provider: OidcServer
) -> None:
    sso = await make_sso_tenant(api, platform, provider, joinsMembers=False)

    landed = await come_in(api, sso.connection_id, sso.someone())

    assert await _role(api, sso, landed) is None


async def test_members_join_with_the_connections_role_and_keep_another_they_were_given(
    api: httpx.AsyncClient, sso: SsoTenant
) -> None:
    await change(api, sso, defaultRole="moderator")
    email = sso.someone()
    first = await come_in(api, sso.connection_id, email)
    joined_as = await _role(api, sso, first)
    members = f"{sso.tenant.path}/members/{_claims(first)['sub']}"
    await api.patch(members, json={"role": "admin"}, headers=sso.tenant.owner.headers)

    again = await come_in(api, sso.connection_id, email)

    assert (joined_as, await _role(api, sso, again)) == ("moderator", "admin")


async def test_who_was_removed_does_not_come_back_by_signing_in(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    email = sso.someone()
    first = await come_in(api, sso.connection_id, email)
    members = f"{sso.tenant.path}/members/{_claims(first)['sub']}"
    assert (await api.delete(members, headers=sso.tenant.owner.headers)).status_code == 204

    again = await come_in(api, sso.connection_id, email)

    assert await _role(api, sso, again) is None


async def test_who_was_removed_comes_back_by_an_invitation(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    email = sso.someone()
    first = await come_in(api, sso.connection_id, email)
    members = f"{sso.tenant.path}/members/{_claims(first)['sub']}"
    await api.delete(members, headers=sso.tenant.owner.headers)
    invitation = await platform.invitations.create(
        sso.tenant.owner.caller, sso.tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=None
    )

    await api.post("/api/v1/invitations/accept", json={"code": invitation.code}, headers=first.headers)

    assert await _role(api, sso, first) == "viewer"


async def test_nobody_joins_over_the_plans_hosts(api: httpx.AsyncClient, platform: Platform, sso: SsoTenant) -> None:
    await platform.entitlements.override(sso.tenant.id, {"max_hosts": 1}, "test")
    await change(api, sso, defaultRole="host")

    landed = await come_in(api, sso.connection_id, sso.someone())

    assert (landed.said["error"], landed.said.get("access_token")) == ("access_denied", None)


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_nobody_joins_by_themselves_as_owner_or_admin(api: httpx.AsyncClient, sso: SsoTenant, role: str) -> None:
    answer = await api.patch(sso.path, json={"defaultRole": role}, headers=sso.tenant.owner.headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_a_second_factor_is_still_asked_for(api: httpx.AsyncClient, platform: Platform, sso: SsoTenant) -> None:
    email = sso.someone()
    first = await come_in(api, sso.connection_id, email)
    async with platform.db.platform() as tx:
        await tx.execute(
            "insert into auth_factors (id, user_id, friendly_name, factor_type, status, secret, created_at, updated_at) "
            "values (gen_random_uuid(), $1::uuid, 'phone', 'totp', 'verified', '', now(), now())",
            _claims(first)["sub"],
        )

    again = await come_in(api, sso.connection_id, email)
    answer = await api.get("/api/v1/me", headers=again.headers)

    assert (answer.status_code, answer.json()["facts"]["reason"]) == (403, "insufficient_aal")


async def test_who_turns_back_at_the_provider_is_led_back_with_an_error(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    there = await leave(api, await begin(api, sso.connection_id))

    landed = await arrive(api, await sign_in_at_oidc(there, sso.someone(), agree=False))

    assert landed.url == PAGE
    assert (landed.said["error"], landed.said["error_code"]) == ("access_denied", "sso_failed")


async def test_a_wrong_client_secret_is_told_to_the_owner(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    await change(api, sso, clientSecret="another one")

    landed = await come_in(api, sso.connection_id, sso.someone())
    view = (await api.get(sso.path, headers=sso.tenant.owner.headers)).json()

    assert landed.said["error_code"] == "sso_failed"
    assert view["lastError"] == "code_refused"


async def test_a_test_proves_the_connection_and_signs_nobody_in(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    await change(api, sso, isEnabled=False)

    landed = await try_connection(api, sso)
    view = (await api.get(sso.path, headers=sso.tenant.owner.headers)).json()

    assert landed.said == {"sso": "worked"}
    assert view["workedAt"] is not None


async def test_an_address_that_only_the_userinfo_endpoint_tells_is_good(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    with running_oidc_provider([CALLBACK], claims_in_id_token=False) as provider:
        sso = await make_sso_tenant(api, platform, provider)

        landed = await come_in(api, sso.connection_id, sso.someone())

    assert await _role(api, sso, landed) == "viewer"


async def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    client = {"token_endpoint_auth_method": "client_secret_post"}
    with running_oidc_provider([CALLBACK], client=client) as provider:
        sso = await make_sso_tenant(api, platform, provider)

        landed = await come_in(api, sso.connection_id, sso.someone())

    assert await _role(api, sso, landed) == "viewer"

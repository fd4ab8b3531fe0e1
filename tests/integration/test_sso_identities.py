"""By what a person comes in: listed as Supabase clients expect it, and unlinked by them or by the organization's owner.

The provider is npm's oidc-provider on a real socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Person, add_member, assert_problem, make_member
from tests.support.identity_providers.running import OidcServer, running_oidc_provider
from tests.support.single_sign_on import (
    CALLBACK,
    Landed,
    SsoTenant,
    change,
    come_in,
    make_person_at,
    make_sso_tenant,
    try_connection,
)


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


async def _identities(api: httpx.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await api.get("/auth/v1/user", headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["identities"]
    return found


async def _people(api: httpx.AsyncClient, sso: SsoTenant) -> list[dict[str, Any]]:
    answer = await api.get(f"{sso.path}/people", headers=sso.tenant.owner.headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def _unlink_own(api: httpx.AsyncClient, headers: dict[str, str], identity_id: str) -> httpx.Response:
    return await api.delete(f"/auth/v1/user/identities/{identity_id}", headers=headers)


async def _link(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, role: Role | None = None
) -> tuple[Person, Landed]:
    """A person with a password of their own who came by the connection, too. role: as a member."""
    person = await make_person_at(platform, sso.someone())
    if role is not None:
        await add_member(platform, sso.tenant, person, role)
    landed = await come_in(api, sso.connection_id, await _email_of(platform, person))
    async with platform.db.platform() as tx:
        # The first link of an account that no mailbox had confirmed took it.
        await tx.execute(
            "update auth_credentials set password_hash = 'theirs' where user_id = $1", person.caller.user_id
        )
    return person, landed


async def _email_of(platform: Platform, person: Person) -> str:
    async with platform.db.platform() as tx:
        return str(await tx.fetchval("select email from users where id = $1", person.caller.user_id))


# --- listed


async def test_a_linked_account_lists_its_address_and_its_provider(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    person, landed = await _link(api, platform, sso)

    by_mail, linked = await _identities(api, landed.headers)

    email = await _email_of(platform, person)
    assert (by_mail["provider"], by_mail["identity_data"]["email"]) == ("email", email)
    assert (linked["provider"], linked["id"], linked["email"]) == (f"sso:{sso.connection_id}", email, email)
    assert linked["identity_data"]["organization_name"] == "Acme Traders"
    assert {"identity_id", "user_id", "created_at", "updated_at", "last_sign_in_at"} <= linked.keys()


async def test_an_account_that_a_provider_made_has_no_other_identity(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    landed = await come_in(api, sso.connection_id, sso.someone())

    assert [one["provider"] for one in await _identities(api, landed.headers)] == [f"sso:{sso.connection_id}"]


async def test_access_tokens_name_the_providers_as_they_are(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    _, landed = await _link(api, platform, sso)

    claims = jwt.decode(landed.said["access_token"], options={"verify_signature": False})

    assert claims["app_metadata"] == {"provider": "email", "providers": ["email", f"sso:{sso.connection_id}"]}


# --- unlinked by the person


async def test_who_unlinks_a_provider_stays_signed_in_here_and_nowhere_else_by_it(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    person, elsewhere = await _link(api, platform, sso)
    here = await come_in(api, sso.connection_id, await _email_of(platform, person))
    linked = (await _identities(api, here.headers))[1]

    answer = await _unlink_own(api, here.headers, linked["identity_id"])

    assert (answer.status_code, answer.json()) == (200, {})
    assert [one["provider"] for one in await _identities(api, here.headers)] == ["email"]
    assert (await api.get("/auth/v1/user", headers=elsewhere.headers)).status_code == 403


async def test_unlinking_is_in_the_audit_log_of_the_organization(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    person, landed = await _link(api, platform, sso)
    await _unlink_own(api, landed.headers, (await _identities(api, landed.headers))[1]["identity_id"])

    path = f"{sso.tenant.path}/audit-log?action=sso_identity.unlinked"
    (entry,) = (await api.get(path, headers=sso.tenant.owner.headers)).json()["items"]

    assert entry["actorId"] == entry["subjectId"] == str(person.caller.user_id)
    assert entry["before"] == {"connectionId": sso.connection_id}


async def test_the_last_identity_stays(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    landed = await come_in(api, sso.connection_id, sso.someone())
    (only,) = await _identities(api, landed.headers)

    answer = await _unlink_own(api, landed.headers, only["identity_id"])

    assert (answer.status_code, answer.json()["error_code"]) == (422, "single_identity_not_deletable")
    assert len(await _identities(api, landed.headers)) == 1


async def test_the_address_stays_because_accounts_are_recovered_by_it(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    _, landed = await _link(api, platform, sso)
    by_mail = (await _identities(api, landed.headers))[0]

    answer = await _unlink_own(api, landed.headers, by_mail["identity_id"])

    assert (answer.status_code, answer.json()["error_code"]) == (422, "email_identity_not_deletable")


async def test_somebody_elses_identity_is_none(api: httpx.AsyncClient, platform: Platform, sso: SsoTenant) -> None:
    _, landed = await _link(api, platform, sso)
    _, other = await _link(api, platform, sso)
    theirs = (await _identities(api, other.headers))[1]

    answers = [await _unlink_own(api, landed.headers, identity) for identity in (theirs["identity_id"], str(uuid4()))]
    malformed = await _unlink_own(api, landed.headers, "x")

    assert {(one.status_code, one.json()["error_code"]) for one in answers} == {(422, "identity_not_found")}
    assert (malformed.status_code, malformed.json()["error_code"]) == (400, "validation_failed")
    assert len(await _identities(api, other.headers)) == 2


async def test_a_member_of_who_enforces_it_keeps_the_link(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    _, landed = await _link(api, platform, sso, Role.VIEWER)
    await try_connection(api, sso)
    await change(api, sso, isEnforced=True)
    linked = (await _identities(api, landed.headers))[1]

    answer = await _unlink_own(api, landed.headers, linked["identity_id"])

    assert answer.json()["error_code"] == "sso_enforced"
    assert len(await _identities(api, landed.headers)) == 2


# --- unlinked by the owner


async def test_the_owner_sees_who_came_by_it_and_when(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    member, _ = await _link(api, platform, sso, Role.VIEWER)
    guest, _ = await _link(api, platform, await _without_joining(api, sso))

    first, second = await _people(api, sso)

    assert (first["userId"], first["email"]) == (str(member.caller.user_id), await _email_of(platform, member))
    assert (first["displayName"] is None, second["displayName"] is None) == (False, True)  # a guest's account is theirs
    assert second["email"] == await _email_of(platform, guest)
    assert first["linkedAt"] <= first["lastSignInAt"] <= second["lastSignInAt"]


async def _without_joining(api: httpx.AsyncClient, sso: SsoTenant) -> SsoTenant:
    await change(api, sso, joinsMembers=False)
    return sso


async def test_whom_the_owner_unlinks_is_signed_out_of_what_came_by_it_and_of_nothing_else(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    person, landed = await _link(api, platform, sso, Role.VIEWER)
    session_id = person.caller.session_id
    async with platform.db.platform() as tx:
        await tx.execute("update auth_sessions set revoked_at = null where id = $1", session_id)
    (linked,) = await _people(api, sso)

    answer = await api.delete(f"{sso.path}/people/{linked['id']}", headers=sso.tenant.owner.headers)

    assert answer.status_code == 204, answer.text
    assert (await api.get("/api/v1/me", headers=landed.headers)).status_code == 401
    assert (await api.get("/api/v1/me", headers=person.headers)).status_code == 200
    assert await _people(api, sso) == []


async def test_whom_the_owner_unlinked_is_linked_again_by_signing_in_at_the_provider(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    person, _ = await _link(api, platform, sso)
    (linked,) = await _people(api, sso)
    await api.delete(f"{sso.path}/people/{linked['id']}", headers=sso.tenant.owner.headers)

    landed = await come_in(api, sso.connection_id, await _email_of(platform, person))

    assert "access_token" in landed.said
    (again,) = await _people(api, sso)
    assert (again["userId"], again["id"] == linked["id"]) == (str(person.caller.user_id), False)


async def test_admins_see_who_is_linked_and_unlink_nobody(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    await _link(api, platform, sso)
    admin = await make_member(platform, sso.tenant, Role.ADMIN)
    (linked,) = (await api.get(f"{sso.path}/people", headers=admin.headers)).json()["items"]

    answer = await api.delete(f"{sso.path}/people/{linked['id']}", headers=admin.headers)

    assert_problem(answer, 403, "forbidden")
    assert len(await _people(api, sso)) == 1


async def test_an_identity_of_another_connection_is_none(
    api: httpx.AsyncClient, platform: Platform, provider: OidcServer, sso: SsoTenant
) -> None:
    await _link(api, platform, sso)
    (linked,) = await _people(api, sso)
    other = await make_sso_tenant(api, platform, provider)

    answer = await api.delete(f"{other.path}/people/{linked['id']}", headers=other.tenant.owner.headers)

    assert_problem(answer, 404, "not_found")
    assert [UUID(one["id"]) for one in await _people(api, sso)] == [UUID(linked["id"])]

"""Enforced single sign-on: who came another way is kept out of the organization, at REST, joins and the socket's door."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest

from control_plane.domain.errors import SsoRequired
from control_plane.domain.ids import UserId
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from control_plane.stores import accounts as account_store
from control_plane.stores import organizations as organization_store
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Person, assert_problem, make_member, start_session
from tests.support.identity_providers.running import OidcServer, running_oidc_provider
from tests.support.single_sign_on import (
    CALLBACK,
    Landed,
    SsoTenant,
    begin,
    change,
    come_in,
    leave,
    make_person_at,
    make_sso_tenant,
    read_landing,
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


@pytest.fixture
async def enforced(api: httpx.AsyncClient, sso: SsoTenant) -> SsoTenant:
    """With a connection that its owner tested, and enforces."""
    await try_connection(api, sso)
    await change(api, sso, isEnforced=True)
    return sso


async def _member_by_password(platform: Platform, sso: SsoTenant, role: Role = Role.VIEWER) -> Person:
    """A member of the domain who did not come by the connection."""
    person = await make_person_at(platform, sso.someone())
    async with platform.db.tenant(sso.tenant.id) as tx:
        await organization_store.insert_member(
            tx,
            membership_id=platform.ids.new(),
            organization_id=sso.tenant.id,
            user_id=person.caller.user_id,
            role=role,
            is_host=False,
            now=platform.clock.now(),
        )
    return person


def _headers(landed: Landed) -> dict[str, str]:
    return landed.headers


# --- may it be enforced


async def test_a_connection_that_never_worked_can_not_be_enforced(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    answer = await api.patch(sso.path, json={"isEnforced": True}, headers=sso.tenant.owner.headers)

    assert_problem(answer, 409, "sso_not_proven")


async def test_that_it_worked_for_somebody_else_is_not_enough(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    await come_in(api, sso.connection_id, sso.someone())

    answer = await api.patch(sso.path, json={"isEnforced": True}, headers=sso.tenant.owner.headers)

    assert_problem(answer, 409, "sso_not_proven")


async def test_an_owner_who_came_by_it_may_enforce_it(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    email = sso.someone()
    async with platform.db.platform() as tx:
        await tx.execute("update users set email = $2 where id = $1", sso.tenant.owner.caller.user_id, email)
    landed = await come_in(api, sso.connection_id, email)

    await change(api, sso, by=_headers(landed), isEnforced=True)


async def test_one_that_is_off_can_not_be_enforced(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    await try_connection(api, sso)

    body = {"isEnforced": True, "isEnabled": False}
    answer = await api.patch(sso.path, json=body, headers=sso.tenant.owner.headers)

    assert_problem(answer, 409, "conflict")


async def test_turning_it_off_lifts_it(api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant) -> None:
    person = await _member_by_password(platform, enforced)

    await change(api, enforced, isEnabled=False)

    assert (await api.get(enforced.tenant.path, headers=person.headers)).status_code == 200


async def test_another_provider_has_to_be_proven_anew(api: httpx.AsyncClient, enforced: SsoTenant) -> None:
    with running_oidc_provider([CALLBACK]) as second:
        await change(api, enforced, issuer=second.issuer)

    view = (await api.get(enforced.path, headers=enforced.tenant.owner.headers)).json()
    assert (view["isEnforced"], view["workedAt"]) == (False, None)


# --- whom it keeps out


async def test_a_member_who_came_by_password_is_refused_with_where_to_go(
    api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant
) -> None:
    person = await _member_by_password(platform, enforced)

    answer = await api.get(enforced.tenant.path, headers=person.headers)

    facts = assert_problem(answer, 403, "sso_required")
    assert facts == {"organization_id": str(enforced.tenant.id), "connection_id": enforced.connection_id}


async def test_the_rooms_page_refuses_them_too(api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant) -> None:
    person = await _member_by_password(platform, enforced)

    plain = await api.get(f"{enforced.tenant.path}/rooms", headers=person.headers)
    filtered = await api.get(f"{enforced.tenant.path}/rooms?state=live", headers=person.headers)

    assert assert_problem(plain, 403, "sso_required")["connection_id"] == enforced.connection_id
    assert_problem(filtered, 403, "sso_required")


async def test_joining_refuses_them_too(api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant) -> None:
    await start_session(platform, enforced.tenant)
    person = await _member_by_password(platform, enforced)

    answer = await api.post(f"{enforced.tenant.room_path}/join", headers=person.headers)

    assert_problem(answer, 403, "sso_required")


async def test_a_member_who_came_by_the_connection_is_let_in(api: httpx.AsyncClient, enforced: SsoTenant) -> None:
    landed = await come_in(api, enforced.connection_id, enforced.someone())

    for path in (enforced.tenant.path, f"{enforced.tenant.path}/rooms"):
        assert (await api.get(path, headers=landed.headers)).status_code == 200


async def test_another_connection_of_the_organization_does_not_do(
    api: httpx.AsyncClient, platform: Platform, provider: OidcServer, enforced: SsoTenant
) -> None:
    body: dict[str, object] = {"kind": "oidc", "name": "Second", "issuer": provider.issuer, "joinsMembers": True}
    body |= {"clientId": provider.client_id, "clientSecret": provider.client_secret}
    path = f"{enforced.tenant.path}/sso/connections"
    second = (await api.post(path, json=body, headers=enforced.tenant.owner.headers)).json()
    await api.patch(f"{path}/{second['id']}", json={"isEnabled": True}, headers=enforced.tenant.owner.headers)

    landed = await come_in(api, second["id"], enforced.someone())

    assert_problem(await api.get(enforced.tenant.path, headers=landed.headers), 403, "sso_required")


async def test_the_owner_comes_in_either_way(api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant) -> None:
    async with platform.db.platform() as tx:
        owner_id = enforced.tenant.owner.caller.user_id
        await tx.execute("update users set email = $2 where id = $1", owner_id, enforced.someone())

    for path in (enforced.tenant.path, f"{enforced.tenant.path}/rooms"):
        assert (await api.get(path, headers=enforced.tenant.owner.headers)).status_code == 200


async def test_members_of_other_domains_come_in_as_before(
    api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant
) -> None:
    guest = await make_member(platform, enforced.tenant)

    assert (await api.get(enforced.tenant.path, headers=guest.headers)).status_code == 200


async def test_another_address_frees_nobody_who_ever_came_by_the_connection(
    api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant
) -> None:
    person = await _member_by_password(platform, enforced)
    async with platform.db.platform() as tx:
        email = await tx.fetchval("select email from users where id = $1", person.caller.user_id)
    await come_in(api, enforced.connection_id, email)
    async with platform.db.platform() as tx:
        await tx.execute("update users set email = 'home@private.example' where id = $1", person.caller.user_id)
        account = await account_store.find_account(tx, person.caller.user_id)
    assert account is not None
    by_password = await platform.sessions.open_and_issue(account, "password", None)

    for path in (enforced.tenant.path, f"{enforced.tenant.path}/rooms"):
        answer = await api.get(path, headers={"Authorization": f"Bearer {by_password.access_token}"})
        assert_problem(answer, 403, "sso_required")


async def test_an_api_token_goes_on(api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant) -> None:
    admin = await _member_by_password(platform, enforced, Role.ADMIN)
    await change(api, enforced, isEnforced=False)
    body = {"name": "Robot", "abilities": ["rooms:read"]}
    made = await api.post(f"{enforced.tenant.path}/api-tokens", json=body, headers=admin.headers)
    await change(api, enforced, isEnforced=True)

    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    answer = await api.get(f"{enforced.tenant.path}/rooms", headers=headers)

    assert answer.status_code == 200, answer.text


async def test_their_own_account_stays_theirs(api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant) -> None:
    person = await _member_by_password(platform, enforced)

    answer = await api.get("/api/v1/me", headers=person.headers)

    assert answer.status_code == 200  # so that the page can say where to go
    assert [one["id"] for one in answer.json()["organizations"]] == [str(enforced.tenant.id)]


async def test_a_plan_without_single_sign_on_keeps_nobody_out(
    api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant
) -> None:
    person = await _member_by_password(platform, enforced)
    await platform.organizations.set_plan(str(enforced.tenant.id), PlanTier.STARTER)

    for path in (enforced.tenant.path, f"{enforced.tenant.path}/rooms"):
        assert (await api.get(path, headers=person.headers)).status_code == 200


async def test_a_plan_without_single_sign_on_signs_nobody_in_by_it(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    url = await begin(api, sso.connection_id)
    await platform.organizations.set_plan(str(sso.tenant.id), PlanTier.STARTER)

    fresh = await api.post("/auth/v1/sso", json={"provider_id": sso.connection_id})
    begun = read_landing(await leave(api, url))

    assert (fresh.status_code, fresh.json()["error_code"]) == (402, "sso_not_in_plan")
    assert begun.said["error_code"] == "sso_not_in_plan"


# --- sockets


async def test_a_join_token_of_before_is_no_good_once_it_is_enforced(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    await start_session(platform, sso.tenant)
    person = await _member_by_password(platform, sso)
    joined = await api.post(f"{sso.tenant.room_path}/join", headers=person.headers)
    await try_connection(api, sso)
    await change(api, sso, isEnforced=True)

    with pytest.raises(SsoRequired):
        await platform.live.admit(joined.json()["token"])


async def test_a_resume_token_of_before_is_no_good_once_it_is_enforced(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant
) -> None:
    await start_session(platform, sso.tenant)
    person = await _member_by_password(platform, sso)
    joined = await api.post(f"{sso.tenant.room_path}/join", headers=person.headers)
    admission = await platform.live.admit(joined.json()["token"])
    await try_connection(api, sso)
    await change(api, sso, isEnforced=True)

    with pytest.raises(SsoRequired):
        await platform.live.resume(admission.resume_token)


async def test_who_came_by_the_connection_is_admitted(
    api: httpx.AsyncClient, platform: Platform, enforced: SsoTenant
) -> None:
    await start_session(platform, enforced.tenant)
    landed = await come_in(api, enforced.connection_id, enforced.someone())
    joined = await api.post(f"{enforced.tenant.room_path}/join", headers=landed.headers)

    admission = await platform.live.admit(joined.json()["token"])

    assert admission.claims.sso_connection_id == UUID(enforced.connection_id)


async def test_open_sockets_are_judged_as_rest_does(platform: Platform, enforced: SsoTenant) -> None:
    came_by = UUID(enforced.connection_id)
    member, owner = await _member_by_password(platform, enforced), enforced.tenant.owner
    people: set[tuple[UserId, UUID | None]] = {
        (member.caller.user_id, None),
        (member.caller.user_id, came_by),
        (owner.caller.user_id, None),
    }

    shut_out = await platform.sso_joining.find_shut_out(enforced.tenant.id, people)

    assert shut_out == {(member.caller.user_id, None)}


# --- turning it off


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_turning_a_connection_off_ends_the_sign_ins_that_came_by_it(
    api: httpx.AsyncClient, sso: SsoTenant, *, is_deleted: bool
) -> None:
    landed = await come_in(api, sso.connection_id, sso.someone())
    refresh = {"refresh_token": landed.said["refresh_token"]}
    if is_deleted:
        assert (await api.delete(sso.path, headers=sso.tenant.owner.headers)).status_code == 204
    else:
        await change(api, sso, isEnabled=False)

    page = await api.get(f"{sso.tenant.path}/rooms", headers=landed.headers)
    answer = await api.get("/api/v1/me", headers=landed.headers)
    refreshed = await api.post("/auth/v1/token?grant_type=refresh_token", json=refresh)

    assert_problem(answer, 401, "unauthenticated")
    assert page.status_code == 401
    assert refreshed.status_code == 400


async def test_turned_on_again_it_brings_no_ended_sign_in_back(api: httpx.AsyncClient, sso: SsoTenant) -> None:
    landed = await come_in(api, sso.connection_id, sso.someone())

    for is_enabled in (False, True):
        await change(api, sso, isEnabled=is_enabled)

    assert (await api.get("/api/v1/me", headers=landed.headers)).status_code == 401

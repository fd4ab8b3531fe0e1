"""What one person could do at everybody's expense: letters to strangers, data nobody can read, guesses without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from control_plane.domain.errors import LimitExceeded, RateLimited
from control_plane.domain.plans import LETTERS_PER_DAY, PlanTier
from control_plane.domain.roles import Role
from control_plane.jobs.kinds import kinds_of
from control_plane.rest import auth_limits as auth_limits_module
from control_plane.rest.server import create_app
from control_plane.services import entitlements as entitlements_module
from control_plane.services import invitations as invitations_module
from control_plane.services.accounts import METADATA_MAX_DEPTH
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from tests.conftest import make_settings
from tests.factories import Person, Tenant, add_member, make_member, make_person, make_tenant

PASSWORD = "correct horse battery"
SERVICE_KEY = "service-key-of-the-tests-0123456789"


@pytest.fixture
def settings(database: Any, valkey: Any) -> Settings:
    """Letters are kept."""
    return make_settings(database.app_url, valkey.url(), TR_DEV_MAILBOX="on", TR_SERVICE_KEY=SERVICE_KEY)


@pytest.fixture
async def api(platform: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


async def _invite(platform: Platform, tenant: Tenant, by: Person, email: str | None = None) -> str:
    address = email or f"{uuid4().hex}@example.org"
    await platform.invitations.create(
        by.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=address
    )
    return address


# --- data about oneself


async def test_data_nested_too_deep_signs_nobody_up_and_the_operators_list_can_be_read(api: httpx.AsyncClient) -> None:
    statuses = []
    for levels in (METADATA_MAX_DEPTH - 1, METADATA_MAX_DEPTH, 960):
        who = f'"email":"{uuid4().hex}@example.com","password":"{PASSWORD}"'
        body = f'{{{who},"data":{{"x":{"[" * levels}{"]" * levels}}}}}'
        statuses.append((await api.post("/auth/v1/signup", content=body)).status_code)

    listed = await api.get("/auth/v1/admin/users", headers={"Authorization": f"Bearer {SERVICE_KEY}"})

    assert (statuses, listed.status_code) == ([200, 400, 400], 200)


async def test_who_was_allowed_deeper_data_once_still_changes_their_password(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    signed_up = (await api.post("/auth/v1/signup", json=body)).json()
    deep = f'{{"x": {"[" * 30}{"]" * 30}}}'
    async with platform.db.platform() as tx:
        await tx.execute(
            "update auth_credentials set user_metadata = $2::jsonb where user_id = $1",
            UUID(signed_up["user"]["id"]),
            deep,
        )

    answer = await api.put(
        "/auth/v1/user",
        headers={"Authorization": f"Bearer {signed_up['access_token']}"},
        json={"password": f"{PASSWORD} 2"},
    )

    assert answer.status_code == 200, answer.text


# --- letters


@pytest.fixture
def two_letters_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations_module, "LETTERS_PER_DAY", dict.fromkeys(PlanTier, 2))


@pytest.mark.usefixtures("two_letters_a_day")
async def test_an_organization_sends_so_many_invitations_a_day_whoever_of_it_asks(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    admins = [await make_member(platform, tenant, Role.ADMIN) for _ in range(3)]
    for admin in admins[:2]:
        await _invite(platform, tenant, admin)

    with pytest.raises(RateLimited) as refused:
        await _invite(platform, tenant, admins[2])

    assert (refused.value.facts["limit"], refused.value.facts["allowed"]) == ("invitations", 2)


@pytest.mark.usefixtures("two_letters_a_day")
async def test_a_person_sends_so_many_invitations_a_day_in_all_their_organizations(platform: Platform) -> None:
    person = await make_person(platform)
    owned = [await platform.organizations.create(person.caller, f"Desk {number}", None) for number in range(3)]
    tenants = [Tenant(id=one.organization.id, owner=person, room_id=None) for one in owned]  # type: ignore[arg-type]  # unused
    for tenant in tenants[:2]:
        await _invite(platform, tenant, person)

    with pytest.raises(RateLimited):
        await _invite(platform, tenants[2], person)


@pytest.mark.usefixtures("two_letters_a_day")
async def test_sending_an_invitation_again_counts_as_sending_one(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    made = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email="ada@example.org"
    )
    await platform.invitations.resend(tenant.owner.caller, tenant.id, made.invitation.id)

    with pytest.raises(RateLimited):
        await platform.invitations.resend(tenant.owner.caller, tenant.id, made.invitation.id)


@pytest.mark.usefixtures("two_letters_a_day")
async def test_links_are_made_when_no_more_letters_are_sent(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    for _ in range(2):
        await _invite(platform, tenant, tenant.owner)

    made = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None
    )

    assert made.code


def test_a_trial_sends_fewer_letters_than_a_paid_plan() -> None:
    allowed = [LETTERS_PER_DAY[tier] for tier in PlanTier]

    assert allowed == sorted(set(allowed))
    assert allowed[0] <= 50


async def test_names_in_an_invitations_letter_are_no_addresses_and_no_sentences(platform: Platform) -> None:
    person = await make_person(platform, "IT Support https://evil.example/reset")
    own = await platform.organizations.create(person.caller, "ALERT: unlock at https://evil.example/login", None)
    tenant = Tenant(id=own.organization.id, owner=person, room_id=None)  # type: ignore[arg-type]  # unused
    address = await _invite(platform, tenant, person)
    kinds = kinds_of(platform)
    while messages := await platform.outbox.claim(kinds, 50):
        for message in messages:
            await platform.outbox.have(message, kinds[message.kind])

    mail = (await platform.mail.list_mailbox(address, 1))[0].mail

    assert "evil.example" not in mail.subject + mail.text + mail.html
    assert "://" not in mail.subject
    assert mail.subject.startswith("IT Support https evil")


# --- organizations


async def test_a_person_owns_so_many_organizations_on_the_smallest_plan_however_fast_they_ask(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entitlements_module, "OWNED_ON_STARTER_MAX", 3)
    person = await make_person(platform)
    made = [platform.organizations.create(person.caller, f"Desk {number}", None) for number in range(8)]

    results = await asyncio.gather(*made, return_exceptions=True)

    refusals = [one for one in results if isinstance(one, LimitExceeded)]
    assert len(refusals) == 5
    assert (refusals[0].code, refusals[0].facts) == (
        "plan_limit_reached",
        {"limit": "organizations", "allowed": 3, "used": 3},
    )
    assert len((await platform.organizations.me(person.caller)).organizations) == 3


async def test_a_repeat_and_a_paid_organization_do_not_count(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entitlements_module, "OWNED_ON_STARTER_MAX", 1)
    person = await make_person(platform)
    own = await platform.organizations.create(person.caller, "Desk", None)

    again = await platform.organizations.create(person.caller, "Desk", own.organization.id)
    await platform.organizations.set_plan(str(own.organization.id), PlanTier.PROFESSIONAL)
    second = await platform.organizations.create(person.caller, "Another desk", None)

    assert again.organization.id == own.organization.id
    assert second.organization.id != own.organization.id


async def test_who_owns_enough_is_handed_no_free_one_more_and_only_an_owner_learns_so(
    api: httpx.AsyncClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entitlements_module, "OWNED_ON_STARTER_MAX", 1)
    tenants = [await make_tenant(platform, PlanTier.STARTER) for _ in range(2)]
    heir = await make_member(platform, tenants[0], Role.ADMIN)
    for tenant in tenants[1:]:
        await add_member(platform, tenant, heir, Role.ADMIN)
    body = {"userId": str(heir.caller.user_id)}

    answers = await asyncio.gather(
        *(api.post(f"{one.path}/transfer", headers=one.owner.headers, json=body) for one in tenants)
    )
    refused = tenants[[one.status_code for one in answers].index(402)]
    stranger = await api.post(f"{refused.path}/transfer", headers=heir.headers, json=body)
    await platform.organizations.set_plan(str(refused.id), PlanTier.PROFESSIONAL)
    paid = await api.post(f"{refused.path}/transfer", headers=refused.owner.headers, json=body)

    assert sorted(one.status_code for one in answers) == [200, 402]
    assert stranger.status_code == 403
    assert paid.status_code == 200


# --- guesses


async def test_mailed_digits_are_typed_so_often_a_day_however_many_letters_there_are(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth_limits_module, "DIGITS", 3)
    body = {"type": "email", "email": f"{uuid4().hex}@example.com", "token": "123456"}
    other = {**body, "email": f"{uuid4().hex}@example.com"}

    statuses = [(await api.post("/auth/v1/verify", json=body)).status_code for _ in range(5)]
    unharmed = await api.post("/auth/v1/verify", json=other)

    assert statuses == [403] * 3 + [429] * 2
    assert unharmed.status_code == 403


async def test_an_address_gets_so_many_letters_a_day(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_limits_module, "MAILS_A_DAY", 2)
    body = {"email": f"{uuid4().hex}@example.com"}

    answers = [await api.post("/auth/v1/recover", json=body) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].json()["error_code"] == "over_email_send_rate_limit"
    assert int(answers[2].headers["retry-after"]) > 3600

"""Proving a mail domain by its DNS, which a real name server on loopback answers for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.app import compose
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Tenant, assert_problem, make_member, make_tenant
from tests.support.name_server import NameServer, running_name_server


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with running_name_server() as server:
        yield server


@pytest.fixture
async def platform(database: TestDatabase, valkey: EmbeddedValkey, names: NameServer) -> AsyncIterator[Platform]:
    settings = make_settings(database.app_url, valkey.url(), TR_DNS_SERVERS=f"127.0.0.1:{names.port}")
    async with compose(settings) as built:
        yield built


@pytest.fixture
async def api(platform: Platform, database: TestDatabase, valkey: EmbeddedValkey) -> AsyncIterator[httpx.AsyncClient]:
    settings = make_settings(database.app_url, valkey.url())
    transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await make_tenant(platform, PlanTier.BUSINESS)


async def _add(api: httpx.AsyncClient, tenant: Tenant, domain: str | None = None) -> dict[str, Any]:
    body = {"domain": domain or f"{uuid4().hex[:12]}.example"}
    answer = await api.post(f"{tenant.path}/sso/domains", json=body, headers=tenant.owner.headers)
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    return added


async def _verify(api: httpx.AsyncClient, tenant: Tenant, domain: dict[str, Any]) -> httpx.Response:
    return await api.post(f"{tenant.path}/sso/domains/{domain['id']}/verify", headers=tenant.owner.headers)


def _publish(names: NameServer, domain: dict[str, Any]) -> None:
    names.records[domain["recordName"]] = ["something else", domain["recordValue"]]


async def test_a_domain_is_proven_by_its_record(api: httpx.AsyncClient, tenant: Tenant, names: NameServer) -> None:
    domain = await _add(api, tenant)
    _publish(names, domain)

    answer = await _verify(api, tenant, domain)

    assert domain["recordName"] == f"_tradingroom-challenge.{domain['domain']}"
    assert names.asked == [domain["recordName"]]
    assert (answer.json()["verifiedAt"] is not None, answer.json()["lastError"]) == (True, None)


@pytest.mark.parametrize(
    ("records", "problem"), [(None, "no_record"), (["tradingroom-verify=another"], "other_record")]
)
async def test_without_the_right_record_it_is_not_proven(
    api: httpx.AsyncClient, tenant: Tenant, names: NameServer, records: list[str] | None, problem: str
) -> None:
    domain = await _add(api, tenant)
    if records is not None:
        names.records[domain["recordName"]] = records

    answer = await _verify(api, tenant, domain)

    assert (answer.status_code, answer.json()["verifiedAt"], answer.json()["lastError"]) == (200, None, problem)


async def test_a_dns_that_is_away_proves_nothing(api: httpx.AsyncClient, tenant: Tenant, names: NameServer) -> None:
    domain = await _add(api, tenant)
    _publish(names, domain)
    names.is_broken = True

    answer = await _verify(api, tenant, domain)

    assert (answer.json()["verifiedAt"], answer.json()["lastError"]) == (None, "dns_away")


async def test_a_domain_is_proven_by_one_organization_only(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, names: NameServer
) -> None:
    first = await _add(api, tenant)
    other = await make_tenant(platform, PlanTier.BUSINESS)
    second = await _add(api, other, first["domain"])
    names.records[first["recordName"]] = [first["recordValue"], second["recordValue"]]
    await _verify(api, tenant, first)

    answer = await _verify(api, other, second)

    assert_problem(answer, 409, "conflict")
    listed = (await api.get(f"{other.path}/sso/domains", headers=other.owner.headers)).json()["items"]
    assert listed[0]["verifiedAt"] is None


async def test_a_domain_is_won_back_once_the_other_organizations_record_is_gone(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, names: NameServer
) -> None:
    first = await _add(api, tenant)
    _publish(names, first)
    await _verify(api, tenant, first)
    other = await make_tenant(platform, PlanTier.BUSINESS)
    second = await _add(api, other, first["domain"])
    _publish(names, second)

    answer = await _verify(api, other, second)

    assert (answer.status_code, answer.json()["verifiedAt"] is not None) == (200, True)
    lost = await _listed(api, tenant)
    assert (lost["verifiedAt"], lost["lastError"]) == (None, "other_record")
    assert await _actions(api, tenant, "sso_domain.lost") == [first["id"]]
    assert await _actions(api, other, "sso_domain.verified") == [second["id"]]


async def test_without_a_record_of_its_own_nobody_wins_a_domain_back(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, names: NameServer
) -> None:
    first = await _add(api, tenant)
    _publish(names, first)
    await _verify(api, tenant, first)
    other = await make_tenant(platform, PlanTier.BUSINESS)
    second = await _add(api, other, first["domain"])
    names.records.clear()

    await _verify(api, other, second)

    assert (await _listed(api, tenant))["verifiedAt"] is not None


async def test_a_record_that_is_missing_for_three_days_of_checks_unproves_the_domain(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, names: NameServer
) -> None:
    domain = await _add(api, tenant)
    _publish(names, domain)
    await _verify(api, tenant, domain)
    names.records.clear()

    seen = []
    for _ in range(4):
        await _let_a_day_pass(platform, tenant)
        await platform.sso_domains.check_due()
        seen.append((await _listed(api, tenant))["verifiedAt"] is not None)

    assert seen == [True, True, True, False]
    assert (await _listed(api, tenant))["lastError"] == "no_record"
    assert await _actions(api, tenant, "sso_domain.lost") == [domain["id"]]


async def test_a_record_that_comes_back_in_time_begins_the_three_days_anew(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, names: NameServer
) -> None:
    domain = await _add(api, tenant)
    _publish(names, domain)
    await _verify(api, tenant, domain)

    for is_there in (False, False, True, False, False):
        _publish(names, domain) if is_there else names.records.clear()
        await _let_a_day_pass(platform, tenant)
        await platform.sso_domains.check_due()

    assert (await _listed(api, tenant))["verifiedAt"] is not None


async def test_a_dns_that_is_away_for_days_takes_no_domain(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, names: NameServer
) -> None:
    domain = await _add(api, tenant)
    _publish(names, domain)
    await _verify(api, tenant, domain)
    names.is_broken = True

    for _ in range(5):
        await _let_a_day_pass(platform, tenant)
        await platform.sso_domains.check_due()

    after = await _listed(api, tenant)
    assert (after["verifiedAt"] is not None, after["lastError"]) == (True, "dns_away")


async def test_a_domain_is_not_looked_at_twice_a_day(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, names: NameServer
) -> None:
    domain = await _add(api, tenant)
    _publish(names, domain)
    await _verify(api, tenant, domain)
    await _let_a_day_pass(platform, tenant)

    for _ in range(2):
        await platform.sso_domains.check_due()

    assert names.asked.count(domain["recordName"]) == 2


async def _let_a_day_pass(platform: Platform, tenant: Tenant) -> None:
    """As seen from the rows: what they tell is a day older."""
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute(
            "update sso_domains set checked_at = checked_at - interval '25 hours', "
            "missing_since = missing_since - interval '25 hours'"
        )


async def _listed(api: httpx.AsyncClient, tenant: Tenant) -> dict[str, Any]:
    """The first domain of an organization."""
    listed = await api.get(f"{tenant.path}/sso/domains", headers=tenant.owner.headers)
    first: dict[str, Any] = listed.json()["items"][0]
    return first


async def _actions(api: httpx.AsyncClient, tenant: Tenant, action: str) -> list[str]:
    """The subjects of an action in the audit log."""
    log = await api.get(f"{tenant.path}/audit-log?action={action}", headers=tenant.owner.headers)
    return [one["subjectId"] for one in log.json()["items"]]


async def test_another_organizations_record_proves_nothing_for_this_one(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, names: NameServer
) -> None:
    theirs = await _add(api, await make_tenant(platform, PlanTier.BUSINESS))
    mine = await _add(api, tenant, theirs["domain"])
    _publish(names, theirs)

    answer = await _verify(api, tenant, mine)

    assert answer.json()["lastError"] == "other_record"


async def test_a_proven_domain_stays_proven_when_its_record_is_gone(
    api: httpx.AsyncClient, tenant: Tenant, names: NameServer
) -> None:
    domain = await _add(api, tenant)
    _publish(names, domain)
    await _verify(api, tenant, domain)
    names.records.clear()

    answer = await _verify(api, tenant, domain)

    assert (answer.json()["verifiedAt"] is not None, answer.json()["lastError"]) == (True, "no_record")


@pytest.mark.parametrize("domain", ["gmail.com", "GoogleMail.com.", "outlook.com"])
async def test_nobody_proves_a_domain_of_public_mail(api: httpx.AsyncClient, tenant: Tenant, domain: str) -> None:
    answer = await api.post(f"{tenant.path}/sso/domains", json={"domain": domain}, headers=tenant.owner.headers)

    assert assert_problem(answer, 422, "invalid_input")["reason"] == "public_mail"


@pytest.mark.parametrize(
    "domain", ["example", "127.0.0.1", "a b.example", "-a.example", "ex_ample.com", "a..b", "@a.b"]
)
async def test_what_is_no_domain_is_refused(api: httpx.AsyncClient, tenant: Tenant, domain: str) -> None:
    answer = await api.post(f"{tenant.path}/sso/domains", json={"domain": domain}, headers=tenant.owner.headers)

    assert assert_problem(answer, 422, "invalid_input")["field"] == "domain"


async def test_a_domain_in_other_letters_is_kept_as_the_dns_knows_it(api: httpx.AsyncClient, tenant: Tenant) -> None:
    added = await _add(api, tenant, f" Bücher-{uuid4().hex[:6]}.Example. ")

    assert added["domain"].startswith("xn--bcher-")
    assert added["domain"].endswith(".example")


async def test_a_plan_without_single_sign_on_proves_nothing(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)

    answer = await api.post(f"{tenant.path}/sso/domains", json={"domain": "a.example"}, headers=tenant.owner.headers)

    assert_problem(answer, 402, "feature_not_in_plan")


async def test_an_admin_reads_domains_and_writes_none(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant
) -> None:
    admin = await make_member(platform, tenant, Role.ADMIN)
    domain = await _add(api, tenant)

    read = await api.get(f"{tenant.path}/sso/domains", headers=admin.headers)
    deleted = await api.delete(f"{tenant.path}/sso/domains/{domain['id']}", headers=admin.headers)

    assert [one["id"] for one in read.json()["items"]] == [domain["id"]]
    assert_problem(deleted, 403, "forbidden")


async def test_a_domain_that_is_given_up_can_be_proven_by_another(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, names: NameServer
) -> None:
    first = await _add(api, tenant)
    _publish(names, first)
    await _verify(api, tenant, first)
    await api.delete(f"{tenant.path}/sso/domains/{first['id']}", headers=tenant.owner.headers)
    other = await make_tenant(platform, PlanTier.BUSINESS)
    second = await _add(api, other, first["domain"])
    _publish(names, second)

    answer = await _verify(api, other, second)

    assert answer.json()["verifiedAt"] is not None

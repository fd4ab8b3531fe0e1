"""Whose letters an erasure takes: the person's own, wherever they wait, and nobody else's."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec
import pytest

from control_plane.domain.ids import UserId
from control_plane.domain.mail import TEMPLATES, render
from control_plane.services.confirmations import ASKED_KIND
from control_plane.services.invitations import LETTER
from control_plane.services.platform import Platform
from control_plane.stores import accounts as account_store
from control_plane.stores import mailbox
from tests.factories import Person, Tenant, make_person, make_tenant


@pytest.fixture
def domain() -> str:
    """A test's own: tests share a database."""
    return f"{uuid4().hex[:12]}.example.com"


async def _person(platform: Platform, email: str) -> Person:
    person = await make_person(platform)
    async with platform.db.platform() as tx:
        await tx.execute("update users set email = $2 where id = $1", person.caller.user_id, email)
    return Person(caller=msgspec.structs.replace(person.caller, email=email), token=person.token)


async def _write_to(platform: Platform, email: str, tenant: Tenant) -> None:
    """A letter of ours, a tenant's invitation and a wish that wait, and a letter in the mailbox."""
    facts = {"link": "https://example.com/", "code": "123456"}
    async with platform.db.platform() as tx:
        await platform.mail.put(tx, email, "recovery", facts)
        await platform.outbox.put(tx, ASKED_KIND, {"wish": "recover", "email": email})
        letter = render(email, TEMPLATES["recovery"], facts)
        await mailbox.keep(tx, platform.ids.new(), letter, platform.clock.now())
    async with platform.db.tenant(tenant.id) as tx:
        await platform.mail.put_letter(tx, email, LETTER, facts, organization_id=tenant.id)


async def _waiting(platform: Platform, domain: str) -> list[tuple[str, str]]:
    """(kind, address) of all that waits at a domain, or lies in the mailbox."""
    async with platform.db.platform() as tx:
        rows: list[Any] = await tx.fetch(
            "select kind, coalesce(body->>'to', body->>'email') as address from outbox where body::text like $1 "
            "union all select 'mailbox', to_address from dev_mailbox where to_address like $1",
            f"%{domain}%",
        )
    return sorted((row["kind"], row["address"]) for row in rows)


def _all_to(email: str) -> list[tuple[str, str]]:
    return sorted([("mail", email), ("mail", email), (ASKED_KIND, email), ("mailbox", email)])


async def _wish_for(platform: Platform, person: Person, address: str) -> None:
    """The person wants another address; both mailboxes are asked."""
    async with platform.db.platform() as tx:
        account = await account_store.lock_account(tx, UserId(person.caller.user_id))
        assert account is not None
        changing = msgspec.structs.replace(account, email_change=address, email_change_sent_at=platform.clock.now())
        assert await account_store.update_account(tx, changing, None)
        await platform.confirmations.ask_both_mailboxes(tx, changing, "", None)


async def test_whose_address_ends_in_an_erased_persons_keeps_their_letters(platform: Platform, domain: str) -> None:
    tenant, erased = await make_tenant(platform), await _person(platform, f"n@{domain}")
    for email in (f"n@{domain}", f"john@{domain}", f"n@{domain}.au"):
        await _write_to(platform, email, tenant)

    await platform.persons.erase(erased.caller, erased.caller.email)

    assert await _waiting(platform, domain) == sorted(_all_to(f"john@{domain}") + _all_to(f"n@{domain}.au"))


async def test_an_address_that_an_erased_person_only_wished_for_keeps_its_letters_but_the_one_that_asks(
    platform: Platform, domain: str
) -> None:
    tenant, erased = await make_tenant(platform), await _person(platform, f"mallory@{domain}")
    await _write_to(platform, f"victim@{domain}", tenant)
    await _wish_for(platform, erased, f"victim@{domain}")
    before = await _waiting(platform, domain)

    await platform.persons.erase(erased.caller, erased.caller.email)

    asking = [("mail", f"mallory@{domain}"), ("mail", f"victim@{domain}")]
    assert before == sorted(_all_to(f"victim@{domain}") + asking)
    assert await _waiting(platform, domain) == _all_to(f"victim@{domain}")


async def test_an_error_that_names_an_erased_person_loses_its_words_and_the_letter_stays(
    platform: Platform, domain: str
) -> None:
    erased, words = await _person(platform, f"ada@{domain}"), f"550 try <ada@{domain}>"
    async with platform.db.platform() as tx:
        await platform.mail.put(tx, f"bob@{domain}", "password_changed", {})
        await tx.execute("update outbox set last_error = $2 where body->>'to' = $1", f"bob@{domain}", words)

    await platform.persons.erase(erased.caller, erased.caller.email)

    async with platform.db.platform() as tx:
        errors = await tx.fetch("select last_error from outbox where body->>'to' = $1", f"bob@{domain}")
    assert [row["last_error"] for row in errors] == [None]

"""A person's data and an organization's end: what is exported, erased, kept for a time, and restored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from control_plane.domain.alerts import AlertDraft, Side
from control_plane.domain.errors import DomainError
from control_plane.domain.ids import AlertId, MessageId, UserId
from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.stores import persons as person_store
from control_plane.stores.database import Transaction
from scripts.stack.postgres import EmbeddedPostgres
from tests.conftest import TestDatabase
from tests.factories import (
    Person,
    Tenant,
    add_member,
    assert_problem,
    make_member,
    make_person,
    make_tenant,
    start_session,
)

SECRET_WORDS = ("Unmistakable Name", "words nobody else says", "a note nobody else writes")


async def _speak(platform: Platform, tenant: Tenant, person: Person) -> None:
    """A person leaves traces: chat, an alert with a note, a stay in a live room."""
    await start_session(platform, tenant)
    answer = await platform.live.join(person.caller, tenant.id, tenant.room_id)
    await platform.live.admit(answer.token)
    author = await platform.feed.author_for(person.caller, tenant.id, tenant.room_id)
    await platform.chat.post(author, MessageId(uuid4()), SECRET_WORDS[1])
    draft = AlertDraft(symbol="AAPL", side=Side.LONG, entry=Decimal("181.20"), note=SECRET_WORDS[2])
    await platform.alerts.post(author, AlertId(uuid4()), draft)


async def _whole_database(postgres: EmbeddedPostgres, database: TestDatabase) -> dict[str, str]:
    """Every row of every table as text, as a superuser sees it."""
    connection = await asyncpg.connect(postgres.superuser_url(database.name))
    names = await connection.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    found = {}
    for (name,) in names:
        rows = await connection.fetch(f"select t::text as row from {name} t")  # noqa: S608 - the catalogue's own names
        found[name] = "\n".join(row["row"] for row in rows)
    await connection.close()
    return found


async def _age(postgres: EmbeddedPostgres, database: TestDatabase, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(postgres.superuser_url(database.name))
    await connection.execute(statement, *values)
    await connection.close()


async def test_an_erased_person_is_nowhere_in_the_database_and_the_ledger_stands(
    api: httpx.AsyncClient, platform: Platform, postgres: EmbeddedPostgres, database: TestDatabase
) -> None:
    tenant, person = await make_tenant(platform), await make_person(platform, SECRET_WORDS[0])
    body = {"role": "co_host", "email": person.caller.email}
    await api.post(f"{tenant.path}/invitations", headers=tenant.owner.headers, json=body)
    own = (await platform.invitations.list_own(person.caller))[0]
    await platform.invitations.accept_own(person.caller, own.invitation.id)
    await _speak(platform, tenant, person)

    answer = await api.post("/api/v1/me/erasure", headers=person.headers, json={"email": person.caller.email})

    assert answer.status_code == 204, answer.text
    everything = await _whole_database(postgres, database)
    for words in (*SECRET_WORDS, person.caller.email):
        assert [name for name, text in everything.items() if words in text] == [], words
    feed = (await api.get(f"{tenant.room_path}/events", headers=tenant.owner.headers)).json()
    kinds = {event["kind"]: event for event in feed["items"]}
    assert feed["lastSeq"] == 3
    assert kinds["alert.posted"]["body"]["entry"] == "181.20"
    assert kinds["alert.posted"]["authorName"] == "Former member"
    assert kinds["chat.posted"]["body"] == {"text": "[removed]"}
    assert kinds["session.started"]["authorName"] == "Olga Owner"


async def test_an_erased_persons_token_opens_nothing(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    person = await make_member(platform, tenant)

    await api.post("/api/v1/me/erasure", headers=person.headers, json={"email": person.caller.email})

    assert (await api.get(tenant.room_path, headers=person.headers)).status_code in {401, 404}
    assert_problem(await api.get("/api/v1/me", headers=person.headers), 401, "unauthenticated")


async def test_an_owner_is_not_erased_and_nobody_by_a_slip(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    email = tenant.owner.caller.email

    owner = await api.post("/api/v1/me/erasure", headers=tenant.owner.headers, json={"email": email})
    slip = await api.post("/api/v1/me/erasure", headers=tenant.owner.headers, json={"email": "someone@example.com"})

    assert assert_problem(owner, 409, "conflict")["organizations"] == [str(tenant.id)]
    assert_problem(slip, 422, "invalid_input")


async def test_an_export_holds_ones_own_things_and_nobody_elses(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    person = await make_member(platform, tenant, Role.CO_HOST)
    await _speak(platform, tenant, person)
    author = await platform.feed.author_for(tenant.owner.caller, tenant.id, tenant.room_id)
    await platform.chat.post(author, MessageId(uuid4()), "the owner's own words")

    answer = await api.get("/api/v1/me/export", headers=person.headers)

    lines: list[dict[str, Any]] = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["section"] for line in lines] == [
        "profile",
        "memberships",
        "chat_messages",
        "alerts",
        "participations",
    ]
    assert lines[0]["row"]["email"] == person.caller.email
    assert lines[2]["row"]["text"] == SECRET_WORDS[1]
    assert "the owner's own words" not in answer.text
    assert tenant.owner.caller.email not in answer.text


async def test_an_organization_that_is_being_deleted_is_read_only_and_comes_back(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform)
    admin = await make_member(platform, tenant, Role.ADMIN)
    await start_session(platform, tenant)
    path, headers = f"{tenant.path}/deletion", tenant.owner.headers

    by_admin = await api.post(path, headers=admin.headers, json={"name": "Acme Traders"})
    misnamed = await api.post(path, headers=headers, json={"name": "Acme"})
    closed = await api.post(path, headers=headers, json={"name": "Acme Traders"})
    room = await api.get(tenant.room_path, headers=headers)
    said = await api.post(f"{tenant.room_path}/messages", headers=headers, json={"text": "hello"})
    made = await api.post(f"{tenant.path}/rooms", headers=headers, json={"name": "More"})
    reopened = await api.delete(path, headers=headers)
    again = await api.post(f"{tenant.room_path}/messages", headers=headers, json={"text": "hello"})

    assert_problem(by_admin, 403, "forbidden")
    assert_problem(misnamed, 422, "invalid_input")
    assert closed.json()["deletesAt"] is not None
    assert room.json()["state"] == "idle"
    for refused in (said, made):
        assert assert_problem(refused, 409, "conflict")["reason"] == "closing"
    assert reopened.json()["deletesAt"] is None
    assert again.status_code == 201


async def test_only_an_organization_whose_grace_is_over_is_erased_and_wholly(
    platform: Platform, postgres: EmbeddedPostgres, database: TestDatabase
) -> None:
    gone, waiting, other = [await make_tenant(platform) for _ in range(3)]
    for tenant in (gone, waiting):
        await _speak(platform, tenant, tenant.owner)
        await platform.closing.close(tenant.owner.caller, tenant.id, "Acme Traders")
    await _age(
        postgres, database, "update organizations set deletes_at = now() - interval '1 s' where id = $1", gone.id
    )

    erased = await platform.closing.erase_due()

    assert erased == 1
    everything = await _whole_database(postgres, database)
    assert [name for name, text in everything.items() if str(gone.id) in text] == []
    for tenant in (waiting, other):
        assert str(tenant.id) in everything["organizations"]
        assert str(tenant.room_id) in everything["rooms"]


async def test_chat_older_than_its_retention_loses_its_words_and_keeps_its_number(
    api: httpx.AsyncClient, platform: Platform, postgres: EmbeddedPostgres, database: TestDatabase
) -> None:
    tenant, careless = await make_tenant(platform), await make_tenant(platform)
    for one in (tenant, careless):
        author = await platform.feed.author_for(one.owner.caller, one.id, one.room_id)
        for text in ("old words", "new words"):
            await platform.chat.post(author, MessageId(uuid4()), text)
    for statement in (
        "update room_events set at = at - interval '31 days' where body->>'text' = 'old words'",
        "update chat_messages set created_at = created_at - interval '31 days' where text = 'old words'",
    ):
        await _age(postgres, database, statement)
    await api.patch(tenant.path, headers=tenant.owner.headers, json={"chatRetentionDays": 30})

    await platform.retention.apply()

    async def texts(one: Tenant) -> list[tuple[int, str]]:
        feed = (await api.get(f"{one.room_path}/events", headers=one.owner.headers)).json()
        return [(event["seq"], event["body"]["text"]) for event in feed["items"]]

    assert await texts(tenant) == [(1, "[removed]"), (2, "new words")]
    assert await texts(careless) == [(1, "old words"), (2, "new words")]


async def test_audit_entries_go_after_their_retention_and_never_within_a_year(
    api: httpx.AsyncClient, platform: Platform, postgres: EmbeddedPostgres, database: TestDatabase
) -> None:
    tenant, careless = await make_tenant(platform), await make_tenant(platform)
    aged = "update audit_log set at = now() - make_interval(days => $2) where organization_id = $1 and action = $3"
    for one in (tenant, careless):
        await _age(postgres, database, aged, one.id, 401, "room.created")
        await _age(postgres, database, aged, one.id, 364, "organization.created")

    short = await api.patch(tenant.path, headers=tenant.owner.headers, json={"auditRetentionDays": 364})
    await api.patch(tenant.path, headers=tenant.owner.headers, json={"auditRetentionDays": 365})
    await platform.retention.apply()

    async def actions(one: Tenant) -> set[str]:
        log = (await api.get(f"{one.path}/audit-log", headers=one.owner.headers)).json()
        return {entry["action"] for entry in log["items"]}

    assert_problem(short, 422, "invalid_input")
    assert await actions(tenant) == {"organization.created", "organization.changed"}
    assert await actions(careless) == {"organization.created", "room.created"}


async def test_the_platform_role_reaches_nobodys_words_without_naming_the_person(
    platform: Platform, postgres: EmbeddedPostgres, database: TestDatabase
) -> None:
    tenant = await make_tenant(platform)
    await _speak(platform, tenant, tenant.owner)

    async with platform.db.platform() as tx:
        for statement in (
            "update chat_messages set text = 'x' where author_id = $1",
            "update room_events set author_name = 'x' where author_id = $1",
            "update alerts set note = 'x' where author_id = $1",
            "update participants set display_name = 'x' where user_id = $1",
            "update audit_log set ip = null where actor_id = $1",
            "delete from audit_log where actor_id = $1",
        ):
            assert await tx.execute(statement, tenant.owner.caller.user_id) == 0, statement
        assert await tx.execute("delete from organizations where id = $1", tenant.id) == 0


async def test_an_heir_who_erases_themselves_leaves_no_organization_without_an_owner(platform: Platform) -> None:
    for _ in range(5):
        tenant = await make_tenant(platform)
        heir = await make_member(platform, tenant, Role.ADMIN)

        outcomes = await asyncio.gather(
            platform.memberships.transfer(tenant.owner.caller, tenant.id, heir.caller.user_id),
            platform.persons.erase(heir.caller, heir.caller.email),
            return_exceptions=True,
        )

        assert all(outcome is None or isinstance(outcome, DomainError) for outcome in outcomes), outcomes
        async with platform.db.tenant(tenant.id) as tx:
            assert await tx.fetchval("select count(*) from memberships where role = 'owner'") == 1


def _at_the_last_table(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Awaitable[object]]) -> None:
    """Have something happen once, when an erasure has been through all tables but the last."""
    happened = False

    async def erase_part(tx: Transaction, table: str, user_id: UserId, limit: int) -> int:
        nonlocal happened
        if table == person_store.ERASED[-1] and not happened:
            happened = True
            await meanwhile()
        return await unchanged(tx, table, user_id, limit)

    unchanged = person_store.erase_part
    monkeypatch.setattr(person_store, "erase_part", erase_part)


async def _texts_of(platform: Platform, tenant: Tenant) -> set[str]:
    async with platform.db.tenant(tenant.id) as tx:
        return {row["text"] for row in await tx.fetch("select text from chat_messages")}


@pytest.mark.parametrize("is_member", [True, False])
async def test_words_that_are_written_during_an_erasure_go_too(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, *, is_member: bool
) -> None:
    tenant = await make_tenant(platform)
    person = await make_member(platform, tenant, Role.CO_HOST)
    author = await platform.feed.author_for(person.caller, tenant.id, tenant.room_id)

    async def write() -> None:
        await platform.chat.post(author, MessageId(uuid4()), SECRET_WORDS[1])
        if is_member:
            await add_member(platform, tenant, person)

    _at_the_last_table(monkeypatch, write)
    await platform.persons.erase(person.caller, person.caller.email)

    assert await _texts_of(platform, tenant) == {"[removed]"}


async def test_an_erasure_ends_sign_ins_before_it_takes_words_out(
    api: httpx.AsyncClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, answers = await make_person(platform), []

    async def look() -> None:
        answers.append(await api.get("/api/v1/me", headers=person.headers))

    _at_the_last_table(monkeypatch, look)
    await platform.persons.erase(person.caller, person.caller.email)

    assert_problem(answers[0], 401, "unauthenticated")

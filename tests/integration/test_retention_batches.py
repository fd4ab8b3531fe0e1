"""Retention and erasure over many rows: small transactions, one organization each, and an interruption loses nothing.

The database itself says what was done together: triggers note, for every statement, its transaction and the rows it touched.
"""

# ruff: noqa: S608 - our own tables

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from control_plane.domain.errors import Conflict, Unavailable
from control_plane.jobs.kinds import kinds_of
from control_plane.services.closing import ClosingService
from control_plane.services.persons import ERASE_KIND, PersonService
from control_plane.services.platform import Platform
from control_plane.services.retention import BATCH, RetentionService
from control_plane.stores.persons import ERASED, erase_part
from control_plane.stores.retention import CLEARED, expire
from scripts.stack.postgres import EmbeddedPostgres
from tests.conftest import TestDatabase
from tests.factories import Person, Tenant, make_member, make_tenant

WATCHED = ("chat_messages", "room_events", "alerts", "participants", "audit_log", "webhook_deliveries")
SET_UP = {
    "api_tokens",
    "former_members",
    "entitlement_overrides",
    "invitations",
    "live_sessions",
    "memberships",
    "room_roles",
    "rooms",
    "webhook_endpoints",
    "workspaces",
    "sso_connections",
    "sso_domains",
    "sso_flows",
    "sso_identities",
    "sso_seen_assertions",
    "sso_tests",
}
"""Tables that grow with what is set up, and go with their organization in one transaction. An entry is a decision."""
_NOTE = """
create table batches (number bigserial, transaction bigint, name text, count bigint, organizations bigint);
create function note_batch() returns trigger language plpgsql security definer as $$
begin
    insert into batches (transaction, name, count, organizations)
        select txid_current(), tg_table_name, count(*), count(distinct organization_id) from touched having count(*) > 0;
    return null;
end
$$;
"""
_WATCH = """
create trigger note_update after update on {0} referencing old table as touched
    for each statement execute function note_batch();
create trigger note_delete after delete on {0} referencing old table as touched
    for each statement execute function note_batch();
"""


@dataclass
class Watch:
    """The database as a superuser sees it."""

    connection: Any

    async def batches(self) -> list[tuple[str, int, int]]:
        """(table, rows, organizations) of every transaction since the last look."""
        rows = await self.connection.fetch(
            "with gone as (delete from batches returning *) select transaction, min(name) as name, "
            "sum(count)::int as count, max(organizations)::int as organizations from gone group by 1 order by 1"
        )
        return [(row["name"], row["count"], row["organizations"]) for row in rows]

    async def until_batches(self, count: int) -> None:
        async with asyncio.timeout(60):
            while await self.connection.fetchval("select count(*) from batches") < count:  # noqa: ASYNC110 - rows have no event
                await asyncio.sleep(0.005)

    async def count(self, statement: str, *values: object) -> int:
        return int(await self.connection.fetchval(f"select count(*) from {statement}", *values))

    async def break_connections(self) -> None:
        """What a crash of the database's session, or of our process, looks like."""
        await self.connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null"
        )


@pytest.fixture(scope="module")
def watched(postgres: EmbeddedPostgres, database: TestDatabase) -> str:
    async def make() -> None:
        connection = await asyncpg.connect(postgres.superuser_url(database.name))
        await connection.execute(_NOTE + "".join(_WATCH.format(table) for table in WATCHED))
        await connection.close()

    asyncio.run(make())
    return postgres.superuser_url(database.name)


@pytest.fixture
async def watch(watched: str) -> AsyncIterator[Watch]:
    connection = await asyncpg.connect(watched)
    made = Watch(connection)
    await connection.execute("delete from batches")
    yield made
    await connection.close()


async def _fill(watch: Watch, tenant: Tenant, count: int, *, author: UUID, days: int, first: int = 1) -> None:
    """Chat of one author: rows and entries of the room's feed, so many days old."""
    values = (tenant.id, tenant.room_id, author, count, days)
    await watch.connection.execute(
        "insert into chat_messages (id, organization_id, room_id, author_id, text, created_at) "
        "select gen_random_uuid(), $1, $2, $3, 'words ' || n, now() - make_interval(days => $5) "
        "from generate_series(1, $4) n",
        *values,
    )
    await watch.connection.execute(
        "insert into room_events (room_id, seq, organization_id, kind, subject_id, author_id, author_name, at, body) "
        "select $2, n, $1, 'chat.posted', gen_random_uuid(), $3, 'Ada Author', now() - make_interval(days => $5), "
        "jsonb_build_object('text', 'words ' || n) from generate_series($6::int, $6 + $4 - 1) n",
        *values,
        first,
    )


async def _fill_audit(watch: Watch, tenant: Tenant, count: int, *, actor: UUID, days: int) -> None:
    await watch.connection.execute(
        "insert into audit_log (id, organization_id, at, actor_kind, actor_id, action, subject_kind, ip) "
        "select gen_random_uuid(), $1, now() - make_interval(days => $4), 'user', $2, 'room.changed', 'room', '192.0.2.1' "
        "from generate_series(1, $3)",
        tenant.id,
        actor,
        count,
        days,
    )


async def _fill_deliveries(watch: Watch, tenant: Tenant, count: int, *, days: int, is_settled: bool) -> None:
    endpoint = await watch.connection.fetchval(
        "insert into webhook_endpoints (id, organization_id, created_by, url, description, events, secret, created_at, "
        "updated_at) values (gen_random_uuid(), $1, $2, 'https://example.com', '', '{*}', '', now(), now()) returning id",
        tenant.id,
        tenant.owner.caller.user_id,
    )
    await watch.connection.execute(
        "insert into webhook_deliveries (id, organization_id, endpoint_id, event_id, event, object_id, body, created_at, "
        "delivered_at) select gen_random_uuid(), $1, $2, gen_random_uuid(), 'room.changed', gen_random_uuid(), '{}', "
        "now() - make_interval(days => $4), case when $5 then now() end from generate_series(1, $3)",
        tenant.id,
        endpoint,
        count,
        days,
        is_settled,
    )


async def _keep(watch: Watch, tenant: Tenant, *, chat: int | None = None, audit: int | None = None) -> None:
    await watch.connection.execute(
        "update organizations set chat_retention_days = $2, audit_retention_days = $3 where id = $1",
        tenant.id,
        chat,
        audit,
    )


async def _interrupt(watch: Watch, work: Callable[[], Awaitable[object]], *, after: int) -> None:
    """Begin something, and break its connection once it has committed so many batches."""
    task = asyncio.ensure_future(work())
    await watch.until_batches(after)
    while not task.done():
        await watch.break_connections()
        await asyncio.sleep(0.005)
    with pytest.raises(Unavailable):
        await task


@pytest.mark.timeout(400)
async def test_a_hundred_thousand_old_rows_go_in_small_transactions_of_one_organization_each(
    platform: Platform, watch: Watch
) -> None:
    large, small = [await make_tenant(platform) for _ in range(2)]
    for tenant, old in ((large, 30_000), (small, 7_000)):
        author = tenant.owner.caller.user_id
        await _fill(watch, tenant, old, author=author, days=31)
        await _fill(watch, tenant, 500, author=author, days=29, first=old + 1)
        await _fill_audit(watch, tenant, old // 2, actor=author, days=366)
        await _fill_deliveries(watch, tenant, old // 4, days=31, is_settled=True)
        await _keep(watch, tenant, chat=30, audit=365)

    taken = await platform.retention.apply()

    batches = await watch.batches()
    assert taken == {"chat_messages": 37_000, "room_events": 37_000, "audit_log": 18_500, "webhook_deliveries": 9_250}
    assert sum(count for _, count, _ in batches) == taken.total()
    assert max(count for _, count, _ in batches) <= BATCH
    assert {organizations for _, _, organizations in batches} == {1}
    assert await watch.count("chat_messages where text <> '[removed]' and organization_id = $1", large.id) == 500
    assert (
        await watch.count("room_events where body ->> 'text' like 'words %' and organization_id = $1", large.id) == 500
    )
    assert await watch.count("room_events where organization_id = $1", large.id) == 30_500
    assert await platform.retention.apply() == {}


async def test_what_is_not_old_or_not_settled_or_kept_for_good_stays(platform: Platform, watch: Watch) -> None:
    tenant = await make_tenant(platform)
    author = tenant.owner.caller.user_id
    await _fill(watch, tenant, 10, author=author, days=4000)
    await _fill_audit(watch, tenant, 10, actor=author, days=4000)
    await _fill_deliveries(watch, tenant, 10, days=29, is_settled=True)
    await _fill_deliveries(watch, tenant, 10, days=31, is_settled=False)
    await watch.batches()

    await platform.retention.apply()

    assert await watch.batches() == []


@pytest.mark.timeout(400)
async def test_a_run_of_retention_that_breaks_is_finished_by_the_next(platform: Platform, watch: Watch) -> None:
    tenant = await make_tenant(platform)
    await _fill(watch, tenant, 20_000, author=tenant.owner.caller.user_id, days=31)
    await _fill(watch, tenant, 10, author=tenant.owner.caller.user_id, days=1, first=20_001)
    await _keep(watch, tenant, chat=30)
    retention = RetentionService(platform.db, batch=500)

    await _interrupt(watch, retention.apply, after=3)

    left = await watch.count("chat_messages where text like 'words %' and organization_id = $1", tenant.id)
    assert 10 < left < 20_010
    assert (20_010 - left) % 500 == 0
    await retention.apply()
    for table, words in (("chat_messages", "text"), ("room_events", "body ->> 'text'")):
        assert await watch.count(f"{table} where {words} like 'words %' and organization_id = $1", tenant.id) == 10
        assert await watch.count(f"{table} where organization_id = $1", tenant.id) == 20_010


async def test_two_processes_share_the_work_and_neither_waits(platform: Platform, watch: Watch) -> None:
    tenants = [await make_tenant(platform) for _ in range(3)]
    for tenant in tenants:
        await _fill(watch, tenant, 2_000, author=tenant.owner.caller.user_id, days=31)
        await _keep(watch, tenant, chat=30)
    retention = RetentionService(platform.db, batch=100)

    await asyncio.gather(retention.apply(), retention.apply())
    await retention.apply()

    batches = await watch.batches()
    assert sum(count for _, count, _ in batches) == 12_000
    assert max(count for _, count, _ in batches) <= 100


@pytest.mark.timeout(400)
async def test_an_organizations_erasure_that_breaks_is_finished_by_the_next_run(
    platform: Platform, watch: Watch
) -> None:
    gone, other = [await make_tenant(platform) for _ in range(2)]
    for tenant in (gone, other):
        await _fill(watch, tenant, 5_000, author=tenant.owner.caller.user_id, days=1)
        await _fill_audit(watch, tenant, 5_000, actor=tenant.owner.caller.user_id, days=1)
        await _fill_deliveries(watch, tenant, 2_000, days=1, is_settled=False)
    await watch.connection.execute("update organizations set deletes_at = now() where id = $1", gone.id)
    closing = ClosingService(platform.db, platform.bus, platform.clock, batch=250)

    await _interrupt(watch, closing.erase_due, after=3)

    with pytest.raises(Conflict) as refused:
        await closing.reopen(gone.owner.caller, gone.id)
    assert refused.value.facts == {"reason": "erasing"}
    assert await closing.erase_due() == 1
    batches = await watch.batches()
    assert max(count for _, count, _ in batches) <= 250
    for table in WATCHED:
        assert await watch.count(f"{table} where organization_id = $1", gone.id) == 0, table
    assert await watch.count("organizations where id = $1", gone.id) == 0
    assert await watch.count("chat_messages where organization_id = $1", other.id) == 5_000
    assert await watch.count("webhook_deliveries where organization_id = $1", other.id) == 2_000


async def _author(platform: Platform, watch: Watch) -> tuple[Person, list[Tenant]]:
    """A person who said much in two organizations, and left one of them."""
    tenants = [await make_tenant(platform) for _ in range(2)]
    person = await make_member(platform, tenants[0])
    for tenant in tenants:
        await _fill(watch, tenant, 6_000, author=person.caller.user_id, days=1)
        await _fill(watch, tenant, 10, author=tenant.owner.caller.user_id, days=1, first=6_001)
        await _fill_audit(watch, tenant, 1_000, actor=person.caller.user_id, days=1)
    await watch.batches()
    return person, tenants


async def _assert_erased(watch: Watch, person: Person, tenants: list[Tenant]) -> None:
    user_id = person.caller.user_id
    assert await watch.count("chat_messages where author_id = $1 and text <> '[removed]'", user_id) == 0
    assert await watch.count("room_events where author_id = $1 and author_name <> 'Former member'", user_id) == 0
    assert await watch.count("room_events where author_id = $1 and body ->> 'text' <> '[removed]'", user_id) == 0
    assert await watch.count("audit_log where actor_id = $1 and ip is not null", user_id) == 0
    assert await watch.count("users where id = $1 and email like '%@erased.invalid'", user_id) == 1
    for tenant in tenants:
        assert await watch.count("chat_messages where text like 'words %' and organization_id = $1", tenant.id) == 10


@pytest.mark.timeout(400)
async def test_a_person_is_erased_in_small_transactions_of_one_organization_each(
    platform: Platform, watch: Watch
) -> None:
    person, tenants = await _author(platform, watch)

    await platform.persons.erase(person.caller, person.caller.email)

    batches = await watch.batches()
    assert max(count for _, count, _ in batches) <= BATCH
    assert {organizations for _, _, organizations in batches} == {1}
    await _assert_erased(watch, person, tenants)


@pytest.mark.timeout(400)
async def test_an_erasure_that_breaks_is_finished_by_the_jobs_door(platform: Platform, watch: Watch) -> None:
    person, tenants = await _author(platform, watch)
    service = PersonService(platform.db, platform.bus, platform.clock, platform.outbox, batch=500)

    await _interrupt(watch, lambda: service.erase(person.caller, person.caller.email), after=3)

    left = await watch.count("chat_messages where text like 'words %' and author_id = $1", person.caller.user_id)
    assert 0 < left < 12_000
    kind = kinds_of(platform)[ERASE_KIND]
    await watch.connection.execute("update outbox set next_attempt_at = now() where kind = $1", ERASE_KIND)
    outcomes = [await platform.outbox.have(one, kind) for one in await platform.outbox.claim({ERASE_KIND: kind}, 16)]
    assert set(outcomes) == {"done"}
    await _assert_erased(watch, person, tenants)


class Explained:
    """A transaction of the platform whose statements are only planned: answers the indexes they would read."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.indexes: set[str] = set()

    async def execute(self, statement: str, *values: object) -> int:
        rows = await self._connection.fetch("explain " + statement, *values)
        self.indexes |= set(re.findall(r"(?:using|Bitmap Index Scan on) (\w+)", "\n".join(row[0] for row in rows)))
        return 0


async def test_a_batch_reads_nothing_that_is_done_already(platform: Platform, watch: Watch) -> None:
    """By the partial indexes: any other would go through all that earlier batches took out."""
    tenant = await make_tenant(platform)
    author = tenant.owner.caller.user_id
    await _fill(watch, tenant, 20_000, author=author, days=31)
    removed = "author_name = 'Former member', body = '{\"text\": \"[removed]\"}'"
    for done in (
        "update chat_messages set text = '[removed]' where right(text, 1) <> '7' and organization_id = $1",
        f"update room_events set {removed} where seq % 10 <> 7 and organization_id = $1",
    ):
        await watch.connection.execute(done, tenant.id)
    await _keep(watch, tenant, chat=30)
    await watch.connection.execute("analyze chat_messages, room_events, organizations")

    async with watch.connection.transaction():
        await watch.connection.execute("set local role tradingroom_platform")
        await watch.connection.execute("select set_config('app.user_id', $1, true)", str(author))
        for table in ("chat_messages", "room_events"):
            expiring, erasing = Explained(watch.connection), Explained(watch.connection)
            await expire(expiring, table, tenant.id, 1_000)  # type: ignore[arg-type]  # as much of one as they need
            await erase_part(erasing, table, author, 1_000)  # type: ignore[arg-type]

            # Either holds what is left and nothing else; which of them, the planner decides by how much that is.
            left, everything = {f"{table}_age", f"{table}_author"}, f"{table}_organization"
            for batch in (expiring, erasing):
                assert batch.indexes & left
                assert everything not in batch.indexes


async def test_every_tenant_table_is_cleared_in_batches_or_known_to_stay_small(watch: Watch) -> None:
    rows = await watch.connection.fetch(
        "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'organization_id'"
    )

    assert {row["table_name"] for row in rows} - SET_UP == set(CLEARED)
    assert set(ERASED) <= set(CLEARED)


async def test_every_key_that_points_at_something_has_an_index(watch: Watch) -> None:
    """Without one, deleting a row reads the whole table that points at it. Its tenant alone finds no single row."""
    rows = await watch.connection.fetch(
        """
        select c.conrelid::regclass::text || ' -> ' || c.confrelid::regclass::text as key from pg_constraint c
        where c.contype = 'f' and c.connamespace = 'public'::regnamespace
        and c.conrelid::regclass::text not like 'sso%' and not exists (
            select 1 from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            where i.indrelid = c.conrelid and i.indpred is null and a.attnum = any(c.conkey)
            and (a.attname <> 'organization_id' or cardinality(c.conkey) = 1
                or (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey))
        """
    )

    assert [row["key"] for row in rows] == []

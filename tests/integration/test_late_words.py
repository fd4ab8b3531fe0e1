"""Words that were on their way when their author was erased: the jobs door's pass, a minute later, takes them out."""

from __future__ import annotations

from uuid import uuid4

import asyncpg

from control_plane.domain.ids import MessageId
from control_plane.domain.roles import Role
from control_plane.jobs.kinds import kinds_of
from control_plane.services.persons import ERASE_KIND, FINISH_AFTER
from control_plane.services.platform import Platform
from control_plane.signaling.needs import Author
from scripts.stack.postgres import EmbeddedPostgres
from tests.conftest import TestDatabase
from tests.factories import make_member, make_tenant

WORDS = "said while the login went"


async def test_words_that_commit_after_the_login_is_gone_go_with_the_pass_a_minute_later(
    platform: Platform, database: TestDatabase, postgres: EmbeddedPostgres
) -> None:
    tenant = await make_tenant(platform)
    person = await make_member(platform, tenant, Role.HOST)
    author = Author(
        organization_id=tenant.id,
        room_id=tenant.room_id,
        user_id=person.caller.user_id,
        display_name="Ada Park",
        role=Role.HOST,
        can_post_chat=True,
        can_post_alert=True,
    )
    everything = await asyncpg.connect(postgres.superuser_url(database.name))
    await platform.persons.erase(person.caller, person.caller.email)
    # A socket's request that was past its checks when the login went.
    await platform.chat.post(author, MessageId(uuid4()), WORDS)
    kept = await everything.fetchval("select count(*) from chat_messages where text = $1", WORDS)
    waits = await everything.fetchval(
        "select min(next_attempt_at) - min(created_at) from outbox where kind = $1", ERASE_KIND
    )

    await everything.execute("update outbox set next_attempt_at = now() where kind = $1", ERASE_KIND)
    kind = kinds_of(platform)[ERASE_KIND]
    outcomes = [await platform.outbox.have(one, kind) for one in await platform.outbox.claim({ERASE_KIND: kind}, 16)]

    assert (kept, outcomes) == (1, ["done"])
    assert round(waits.total_seconds()) == FINISH_AFTER.total_seconds()
    assert await everything.fetchval("select count(*) from chat_messages where text = $1", WORDS) == 0
    assert await everything.fetchval("select count(*) from room_events where body::text like $1", f"%{WORDS}%") == 0
    assert await everything.fetchval("select count(*) from room_events where author_name = 'Ada Park'") == 0
    await everything.close()

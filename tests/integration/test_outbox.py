"""The outbox: what commits is had, at least once, also when processes die, Redis is away and handlers fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from control_plane.app import compose
from control_plane.domain.mail import MAIL_KIND
from control_plane.domain.outbox import AT_ONCE_PER_SIDE, LEASE, GiveUp, OutboxMessage, OutboxPolicy
from control_plane.domain.webhooks import KIND as WEBHOOK_KIND
from control_plane.jobs.kinds import lanes_of
from control_plane.jobs.runner import AT_ONCE, JobMetrics, OutboxRunner, do_chores
from control_plane.services import outbox as outbox_module
from control_plane.services.outbox import OutboxKind, OutboxService
from control_plane.services.platform import Platform
from scripts.stack.ports import free_port
from tests.conftest import TestDatabase, make_settings
from tests.factories import make_tenant
from tests.support.shifted_clock import ShiftedClock


class Hands:
    """A handler that notes what it was handed, and fails as often as told."""

    def __init__(self, fail: int = 0, error: Exception | None = None) -> None:
        self.seen: list[OutboxMessage] = []
        self._fail = fail
        self._error = error or RuntimeError("the outsider is away")

    async def __call__(self, message: OutboxMessage) -> None:
        self.seen.append(message)
        if len(self.seen) <= self._fail:
            raise self._error


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def outbox(platform: Platform, clock: ShiftedClock) -> OutboxService:
    return OutboxService(platform.db, platform.bus, clock, platform.ids, lambda: 0.0)


async def _put(platform: Platform, kind: str, *, order_key: str | None = None, **body: Any) -> None:
    async with platform.db.platform() as tx:
        await platform.outbox.put(tx, kind, body, order_key=order_key)


@asynccontextmanager
async def _running(
    platform: Platform, kinds: Mapping[str, OutboxKind], *, tick_s: float = 30.0
) -> AsyncIterator[JobMetrics]:
    """A runner at work. Its tick is too slow to help, unless told otherwise."""
    metrics = JobMetrics()
    runner = OutboxRunner(platform.outbox, kinds, platform.bus, platform.clock, metrics, tick_s=tick_s)
    task = asyncio.create_task(runner.run())
    await _until(lambda: runner.is_fresh)
    yield metrics
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - rows and lists have no event
            await asyncio.sleep(0.01)


def _kind() -> str:
    """A kind of the test's own: tests share a database."""
    return f"test.{uuid4().hex[:12]}"


async def _read(platform: Platform, kind: str) -> Any:
    async with platform.db.platform() as tx:
        return await tx.fetchrow("select * from outbox where kind = $1", kind)


async def test_what_commits_is_had_at_once(platform: Platform) -> None:
    kind, hands = _kind(), Hands()

    async with _running(platform, {kind: OutboxKind(handle=hands)}):
        await _put(platform, kind, to="ada@example.com")
        await _until(lambda: bool(hands.seen))

    assert hands.seen[0].body == {"to": "ada@example.com"}
    assert hands.seen[0].attempts == 1


async def test_what_rolls_back_is_never_had(platform: Platform, outbox: OutboxService) -> None:
    kind = _kind()

    with pytest.raises(LookupError):  # noqa: PT012 - the scope is what rolls back
        async with platform.db.platform() as tx:
            await outbox.put(tx, kind, {})
            raise LookupError

    assert await outbox.claim({kind: OutboxKind(handle=Hands())}, 10) == []


async def test_with_redis_away_the_tick_finds_it(database: TestDatabase) -> None:
    kind, hands = _kind(), Hands()
    settings = make_settings(database.app_url, f"redis://127.0.0.1:{free_port()}/0")

    async with compose(settings) as platform, _running(platform, {kind: OutboxKind(handle=hands)}, tick_s=0.2):
        await _put(platform, kind)
        await _until(lambda: bool(hands.seen))

    assert len(hands.seen) == 1


async def test_many_processes_have_each_effect_once(platform: Platform, outbox: OutboxService) -> None:
    kind = _kind()
    for number in range(20):
        await _put(platform, kind, number=number)
    kinds = {kind: OutboxKind(handle=Hands())}

    claims = await asyncio.gather(*(outbox.claim(kinds, 5) for _ in range(8)))

    numbers = [message.body["number"] for claim in claims for message in claim]
    assert sorted(numbers) == list(range(20))


async def test_a_process_that_dies_with_an_effect_leaves_it_to_the_next(
    platform: Platform, outbox: OutboxService, clock: ShiftedClock
) -> None:
    kind, kinds = _kind(), {}
    kinds[kind] = OutboxKind(handle=Hands())
    await _put(platform, kind)
    first = await outbox.claim(kinds, 10)

    meanwhile = await outbox.claim(kinds, 10)
    clock.shift = LEASE + timedelta(seconds=1)
    second = await outbox.claim(kinds, 10)

    assert [len(first), len(meanwhile), len(second)] == [1, 0, 1]
    assert (second[0].id, second[0].attempts) == (first[0].id, 2)


async def test_a_failure_is_tried_again_after_a_growing_pause(
    platform: Platform, outbox: OutboxService, clock: ShiftedClock
) -> None:
    kind, hands = _kind(), Hands(fail=2)
    own = OutboxKind(handle=hands)
    await _put(platform, kind)

    outcomes = []
    for pause_s in (0, 3, 9):
        clock.shift += timedelta(seconds=pause_s)
        outcomes += [await outbox.have(message, own) for message in await outbox.claim({kind: own}, 10)]

    assert outcomes == ["retry", "retry", "done"]
    assert [message.attempts for message in hands.seen] == [1, 2, 3]


async def test_after_its_last_attempt_it_is_a_dead_letter_until_an_operator_says_again(
    platform: Platform, outbox: OutboxService, clock: ShiftedClock
) -> None:
    kind, hands = _kind(), Hands(fail=1)
    own = OutboxKind(handle=hands, policy=OutboxPolicy(max_attempts=1))
    await _put(platform, kind, word="kept")

    dead = [await outbox.have(message, own) for message in await outbox.claim({kind: own}, 10)]
    clock.shift = timedelta(days=1)
    untouched = await outbox.claim({kind: own}, 10)
    row = await _read(platform, kind)
    await outbox.revive(kind)
    revived = [await outbox.have(message, own) for message in await outbox.claim({kind: own}, 10)]

    assert (dead, untouched, revived) == (["dead"], [], ["done"])
    assert "the outsider is away" in row["last_error"]
    assert hands.seen[1].body == {"word": "kept"}


async def test_a_handler_can_say_that_trying_again_cant_help(platform: Platform, outbox: OutboxService) -> None:
    kind = _kind()
    own = OutboxKind(handle=Hands(fail=1, error=GiveUp("no such address")))
    await _put(platform, kind)

    assert [await outbox.have(message, own) for message in await outbox.claim({kind: own}, 10)] == ["dead"]


async def test_effects_of_one_key_are_had_one_after_the_other(platform: Platform, outbox: OutboxService) -> None:
    kind = _kind()
    own = OutboxKind(handle=Hands(fail=1))
    for number in range(2):
        await _put(platform, kind, order_key=f"room:{kind}", number=number)
    await _put(platform, kind, number=2)

    first = await outbox.claim({kind: own}, 10)
    await outbox.have(first[0], own)
    waiting = await outbox.claim({kind: own}, 10)

    assert [message.body["number"] for message in first] == [0, 2]
    assert waiting == []


async def test_what_was_had_keeps_no_body(platform: Platform, outbox: OutboxService) -> None:
    kind = _kind()
    own = OutboxKind(handle=Hands())
    await _put(platform, kind, link="https://example.com/?token=secret")

    await outbox.have((await outbox.claim({kind: own}, 10))[0], own)

    assert (await _read(platform, kind))["body"] == "{}"


async def test_old_rows_that_were_had_are_forgotten_and_others_are_not(
    platform: Platform, outbox: OutboxService, clock: ShiftedClock
) -> None:
    had, waits = _kind(), _kind()
    own = OutboxKind(handle=Hands())
    await _put(platform, had)
    await _put(platform, waits)
    await outbox.have((await outbox.claim({had: own}, 10))[0], own)

    clock.shift = timedelta(days=8)
    await outbox.forget()

    assert await _read(platform, had) is None
    assert await _read(platform, waits) is not None


async def test_dead_letters_wait_thirty_days_for_an_operator(
    platform: Platform, outbox: OutboxService, clock: ShiftedClock
) -> None:
    kind = _kind()
    own = OutboxKind(handle=Hands(fail=1, error=GiveUp("no such address")))
    await _put(platform, kind, to="ada@example.com")
    await outbox.have((await outbox.claim({kind: own}, 10))[0], own)

    kept = []
    for days in (29, 31):
        clock.shift = timedelta(days=days)
        await outbox.forget()
        kept.append(await _read(platform, kind) is not None)

    assert kept == [True, False]


async def test_rows_are_forgotten_a_batch_at_a_time(
    platform: Platform, outbox: OutboxService, clock: ShiftedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "FORGET_AT_ONCE", 2)
    had = _kind()
    own = OutboxKind(handle=Hands())
    for _ in range(5):
        await _put(platform, had)
    for message in await outbox.claim({had: own}, 10):
        await outbox.have(message, own)
    clock.shift = timedelta(days=8)

    assert await outbox.forget() >= 5
    assert await _read(platform, had) is None


async def test_webhooks_that_hang_take_no_place_of_mail(platform: Platform) -> None:
    letter, hanging, release = Hands(), 0, asyncio.Event()

    async def hang(_: OutboxMessage) -> None:
        nonlocal hanging
        hanging += 1
        await release.wait()

    kinds = {WEBHOOK_KIND: OutboxKind(handle=hang), MAIL_KIND: OutboxKind(handle=letter)}
    for _ in range(2 * AT_ONCE):
        await _put(platform, WEBHOOK_KIND)

    async with AsyncExitStack() as stack:
        for lane in lanes_of(kinds):
            await stack.enter_async_context(_running(platform, lane.kinds))
        await _until(lambda: hanging >= AT_ONCE_PER_SIDE)
        await _put(platform, MAIL_KIND, to="ada@example.com")
        await _until(lambda: bool(letter.seen))
        release.set()

    assert [message.body for message in letter.seen] == [{"to": "ada@example.com"}]


async def test_a_chore_of_every_hour_is_done_soon_after_the_start_and_one_that_fails_ends_no_other() -> None:
    done, metrics = asyncio.Event(), JobMetrics()

    async def fail() -> None:
        raise RuntimeError("this chore fails")

    async def succeed() -> None:
        done.set()

    chores = {"failing": (3600.0, fail), "good": (3600.0, succeed)}
    task = asyncio.create_task(do_chores(chores, metrics, first_s=0.05))
    async with asyncio.timeout(15):
        await done.wait()
    await asyncio.sleep(0)

    assert not task.done()
    assert metrics.registry.get_sample_value("tr_jobs_chores_total", {"name": "failing", "outcome": "failed"}) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_tenant_adds_effects_of_its_own_only(platform: Platform) -> None:
    mine, other = await make_tenant(platform), await make_tenant(platform)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with platform.db.tenant(mine.id) as tx:
            await platform.outbox.put(tx, "test", {}, organization_id=other.id)

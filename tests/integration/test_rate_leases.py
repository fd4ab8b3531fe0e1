"""Buckets on Redis as a process of ours asks for them: seldom, and never for more than they hold."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from typing_extensions import override

from control_plane.domain.errors import Unavailable
from control_plane.gateways.rate_limits import RateLimits
from control_plane.rest.limits import Leases
from control_plane.settings import RateLimit
from scripts.stack.ports import free_port
from scripts.stack.valkey import EmbeddedValkey
from tests.integration.valkey_server import running_valkey

WIDE = RateLimit(capacity=100_000, per_second=50_000)
NARROW = RateLimit(capacity=40, per_second=0.1)


class Counted(RateLimits):
    """Counts the questions."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(redis_url)
        self.asked: Counter[int] = Counter()

    @override
    async def lease(self, key: str, *, capacity: int, refill_per_s: float, count: int) -> tuple[int, float]:
        self.asked[count] += 1
        return await super().lease(key, capacity=capacity, refill_per_s=refill_per_s, count=count)


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with running_valkey(Path(tmp_path_factory.mktemp("leases"))) as server:
        yield server


@pytest.fixture
async def limits(valkey: EmbeddedValkey) -> AsyncIterator[Counted]:
    limits = Counted(valkey.url())
    yield limits
    await limits.close()


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_of_those_who_come_together_one_asks_for_all(limits: Counted) -> None:
    leases, who = Leases(limits, Clock()), uuid4().hex

    verdicts = await asyncio.gather(*(leases.take("user", who, WIDE) for _ in range(16)))

    assert [verdict.wait_s for verdict in verdicts] == [0.0] * 16
    assert limits.asked == {1: 1, 15: 1}


async def test_a_slow_caller_is_counted_exactly(limits: Counted) -> None:
    clock, who = Clock(), uuid4().hex
    leases = Leases(limits, clock)

    for _ in range(10):
        await leases.take("user", who, WIDE)
        clock.now += 5

    assert limits.asked == {1: 10}


async def test_a_fast_caller_costs_redis_a_few_questions_a_second(limits: Counted) -> None:
    clock, who = Clock(), uuid4().hex
    leases = Leases(limits, clock)
    for _ in range(4000):
        await leases.take("user", who, WIDE)
        clock.now += 0.0005
    limits.asked.clear()

    for _ in range(4000):
        await leases.take("user", who, WIDE)
        clock.now += 0.0005

    assert sum(limits.asked.values()) <= 12


async def test_processes_together_take_no_more_than_the_bucket_holds(valkey: EmbeddedValkey) -> None:
    who = uuid4().hex
    processes = [RateLimits(valkey.url()) for _ in range(3)]
    leases = [Leases(limits) for limits in processes]

    verdicts = await asyncio.gather(*(leases[n % 3].take("user", who, NARROW) for n in range(120)))
    for limits in processes:
        await limits.close()

    passed = sum(verdict.wait_s == 0 for verdict in verdicts)
    assert 40 - 3 * (NARROW.capacity // 20) <= passed <= 41


async def test_a_refusal_is_remembered_until_there_is_a_token_again(limits: Counted) -> None:
    clock, who, limit = Clock(), uuid4().hex, RateLimit(capacity=1, per_second=0.1)
    leases = Leases(limits, clock)
    await leases.take("user", who, limit)
    refused = await leases.take("user", who, limit)
    asked = limits.asked.total()

    clock.now += refused.wait_s / 2
    again = await leases.take("user", who, limit)

    assert 9 < refused.wait_s <= 10
    assert again.wait_s == pytest.approx(refused.wait_s / 2)
    assert limits.asked.total() == asked


async def test_without_redis_all_who_wait_are_told_by_one_attempt() -> None:
    limits = Counted(f"redis://127.0.0.1:{free_port()}/0")
    leases = Leases(limits, Clock())

    answers = await asyncio.gather(*(leases.take("user", "me", WIDE) for _ in range(16)), return_exceptions=True)
    await limits.close()

    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert limits.asked.total() == 1

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from control_plane.domain.errors import Unavailable
from control_plane.gateways.rate_limits import RateLimits
from scripts.stack.valkey import EmbeddedValkey
from tests.integration.valkey_server import running_valkey


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with running_valkey(Path(tmp_path_factory.mktemp("rates"))) as server:
        yield server


async def test_burst_is_allowed_and_then_the_wait_is_told(valkey: EmbeddedValkey) -> None:
    limits, key = RateLimits(valkey.url()), uuid4().hex

    waits = await asyncio.gather(*(limits.take(key, capacity=5, refill_per_s=0.5) for _ in range(8)))

    assert sorted(waits)[:5] == [0.0] * 5
    assert all(1.0 < wait <= 2.0 for wait in sorted(waits)[5:])
    await limits.close()


async def test_bucket_fills_again(valkey: EmbeddedValkey) -> None:
    limits, key = RateLimits(valkey.url()), uuid4().hex
    assert await limits.take(key, capacity=1, refill_per_s=20) == 0.0
    wait_s = await limits.take(key, capacity=1, refill_per_s=20)

    await asyncio.sleep(wait_s + 0.005)

    assert 0 < wait_s <= 0.05
    assert await limits.take(key, capacity=1, refill_per_s=20) == 0.0
    await limits.close()


async def test_keys_do_not_share_a_bucket(valkey: EmbeddedValkey) -> None:
    limits = RateLimits(valkey.url())

    first = await limits.take(uuid4().hex, capacity=1, refill_per_s=0.01)
    second = await limits.take(uuid4().hex, capacity=1, refill_per_s=0.01)

    assert first == second == 0.0
    await limits.close()


async def test_redis_away_is_unavailable() -> None:
    limits = RateLimits("redis://127.0.0.1:1/0")

    with pytest.raises(Unavailable):
        await limits.take("anything", capacity=1, refill_per_s=1)

    await limits.close()

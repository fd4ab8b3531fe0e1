from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import LiveSessionId, ParticipantId
from control_plane.gateways import leases
from control_plane.gateways.seats import RedisSeats
from scripts.stack.valkey import EmbeddedValkey
from tests.integration.valkey_server import restart, running_valkey, until_async


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with running_valkey(Path(tmp_path_factory.mktemp("seats"))) as server:
        yield server


@pytest_asyncio.fixture
async def seats(valkey: EmbeddedValkey) -> AsyncIterator[RedisSeats]:
    gateway = RedisSeats(valkey.url())
    await gateway.start()
    yield gateway
    await gateway.close()


def session() -> LiveSessionId:
    return LiveSessionId(uuid4())


def person() -> ParticipantId:
    return ParticipantId(uuid4())


def later() -> datetime:
    """A start that is surely after Redis' own."""
    return datetime.now(UTC) + timedelta(seconds=1)


async def take(seats: RedisSeats, live: LiveSessionId, who: ParticipantId, limit: int | None) -> bool:
    return (await seats.take(live, who, limit=limit, started_at=later())).is_granted


async def test_fifty_one_takes_at_once_fill_exactly_fifty_seats(seats: RedisSeats) -> None:
    live = session()

    granted = await asyncio.gather(*(take(seats, live, person(), 50) for _ in range(51)))

    assert sum(granted) == 50
    assert await seats.count(live) == 50


async def test_last_seat_goes_to_one_of_many_processes(valkey: EmbeddedValkey) -> None:
    processes = [RedisSeats(valkey.url()) for _ in range(4)]
    live = session()

    granted = await asyncio.gather(*(take(processes[at % 4], live, person(), 1) for at in range(40)))

    assert sum(granted) == 1
    await asyncio.gather(*(process.close() for process in processes))


async def test_who_holds_a_seat_gets_it_again_when_all_are_taken(seats: RedisSeats) -> None:
    live, holder = session(), person()
    assert await take(seats, live, holder, 1)

    assert await take(seats, live, holder, 1)
    assert not await take(seats, live, person(), 1)


async def test_no_limit_takes_everyone(seats: RedisSeats) -> None:
    live = session()

    assert all(await asyncio.gather(*(take(seats, live, person(), None) for _ in range(60))))


async def test_released_seat_is_free_at_once(seats: RedisSeats) -> None:
    live, holder = session(), person()
    await take(seats, live, holder, 1)

    await seats.release(live, holder)
    await seats.release(live, holder)

    assert await take(seats, live, person(), 1)


async def test_seat_that_is_not_renewed_is_free_after_its_lease(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control_plane.gateways.seats.LEASE_MS", 200)
    seats, live = RedisSeats(valkey.url()), session()
    assert await take(seats, live, person(), 1)

    await until_async(lambda: take(seats, live, person(), 1))

    await seats.close()


async def test_renewal_puts_an_expired_seat_back(seats: RedisSeats) -> None:
    live, holder = session(), person()

    await seats.renew(live, [holder])

    assert await seats.count(live) == 1


async def test_after_a_restart_old_sessions_give_no_new_seat_for_one_lease(
    seats: RedisSeats, valkey: EmbeddedValkey
) -> None:
    live, holder = session(), person()
    began = datetime.now(UTC)
    await seats.renew(live, [holder])
    restart(valkey)
    await seats.renew(live, [holder])

    with pytest.raises(Unavailable) as refused:
        await seats.take(live, person(), limit=50, started_at=began)

    assert 0 < refused.value.facts["retry_after_s"] <= leases.LEASE_S
    assert (await seats.take(live, holder, limit=50, started_at=began)).is_granted
    assert await take(seats, session(), person(), 1)


async def test_old_sessions_give_seats_again_after_one_lease(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control_plane.gateways.seats.LEASE_MS", 300)
    restart(valkey)
    seats, live, began = RedisSeats(valkey.url()), session(), datetime.now(UTC) - timedelta(minutes=5)

    with pytest.raises(Unavailable):
        await seats.take(live, person(), limit=1, started_at=began)
    async with asyncio.timeout(20):
        while True:
            try:
                seat = await seats.take(live, person(), limit=1, started_at=began)
                break
            except Unavailable:
                await asyncio.sleep(0.02)

    assert seat.is_granted
    await seats.close()


async def test_redis_away_is_unavailable_and_comes_back(valkey: EmbeddedValkey) -> None:
    seats, live = RedisSeats(valkey.url()), session()
    valkey.close()

    with pytest.raises(Unavailable):
        await seats.count(live)

    valkey.__enter__()
    assert await seats.count(live) == 0
    await seats.close()

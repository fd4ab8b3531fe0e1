from __future__ import annotations

import statistics
from decimal import Decimal
from itertools import pairwise

import pytest

from scripts.demo.market import (
    CANDLE_MINUTES,
    CLOSE_MINUTE,
    FIRST_MINUTE,
    OPEN_MINUTE,
    Candle,
    Instrument,
    Market,
    ema,
    session_loudness,
    true_range,
)

INSTRUMENT = Instrument(
    symbol="NVDA",
    name="NVIDIA Corp, NASDAQ",
    tick=Decimal("0.01"),
    start=Decimal("179.60"),
    day_spread=0.022,
    candle_volume=410_000,
)


def market(seed: int, *, until_minute: int) -> Market:
    made = Market(INSTRUMENT, seed=seed)
    made.advance((until_minute - FIRST_MINUTE) * 60)
    return made


def test_the_same_seed_gives_the_same_market_however_time_is_cut() -> None:
    whole, pieces = Market(INSTRUMENT, seed=3), Market(INSTRUMENT, seed=3)

    whole.advance(3600)
    for _ in range(2400):
        pieces.advance(1.5)

    assert whole.candles == pieces.candles


def test_another_seed_gives_another_market() -> None:
    assert market(1, until_minute=OPEN_MINUTE).candles != market(2, until_minute=OPEN_MINUTE).candles


@pytest.mark.parametrize("seed", range(4))
def test_candles_follow_each_other_and_hold_their_prices(seed: int) -> None:
    candles = market(seed, until_minute=15 * 60).candles

    for before, now in pairwise(candles):
        assert now.minute - before.minute == CANDLE_MINUTES
        assert now.open == before.close
    for candle in candles:
        assert candle.low <= min(candle.open, candle.close)
        assert candle.high >= max(candle.open, candle.close)
        assert candle.low > 0
        assert candle.volume >= 0


@pytest.mark.parametrize("seed", range(8))
def test_a_morning_moves_like_one(seed: int) -> None:
    candles = market(seed, until_minute=12 * 60).candles

    low, high = min(one.low for one in candles), max(one.high for one in candles)

    assert 0.004 < high / low - 1 < 0.13


def test_the_open_is_louder_than_the_pre_market_in_price_and_volume() -> None:
    before: list[Candle] = []
    after: list[Candle] = []
    for seed in range(8):
        for candle in market(seed, until_minute=OPEN_MINUTE + 40).candles[-60:]:
            (before if candle.is_pre_market else after).append(candle)

    assert statistics.mean(one.high - one.low for one in after) > 2 * statistics.mean(
        one.high - one.low for one in before
    )
    assert statistics.mean(one.volume for one in after) > 3 * statistics.mean(one.volume for one in before)


def test_wild_candles_come_together() -> None:
    products, squares = [], []
    for seed in range(12):
        candles = market(seed, until_minute=15 * 60).candles[-140:]
        ranges = [one.high - one.low for one in candles]
        mean = statistics.mean(ranges)
        products += [(a - mean) * (b - mean) for a, b in zip(ranges, ranges[5:], strict=False)]
        squares += [(a - mean) ** 2 for a in ranges]

    assert statistics.mean(products) / statistics.mean(squares) > 0.15


def test_the_next_day_follows_the_close() -> None:
    made = market(5, until_minute=CLOSE_MINUTE + 10)

    assert made.candles[-1].day == 1
    assert made.candles[-1].minute == FIRST_MINUTE + 10
    assert made.candles[-1].is_pre_market


def test_an_average_of_equal_values_is_that_value_and_a_step_is_followed_slowly() -> None:
    assert ema([5.0] * 10, 9) == [5.0] * 10
    assert ema([0.0, 10.0, 10.0], 9) == pytest.approx([0.0, 2.0, 3.6])
    assert ema([], 9) == []


def test_true_range_counts_gaps() -> None:
    def candle(minute: int, low: int, high: int, close: int) -> Candle:
        return Candle(day=0, minute=minute, open=low, high=high, low=low, close=close, volume=1)

    assert true_range([candle(0, 100, 110, 100), candle(2, 120, 125, 122)]) == 25


def test_noon_is_the_slowest_hour_of_the_session() -> None:
    assert session_loudness(12 * 60 + 45) == min(
        session_loudness(minute) for minute in range(OPEN_MINUTE, CLOSE_MINUTE)
    )

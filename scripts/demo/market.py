"""A made-up market that looks like one: calm and wild stretches follow each other, the open is loud and noon is slow.

Pure: the same seed and the same steps give the same market. Prices are whole ticks, time is minutes of the trading day.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

FIRST_MINUTE, OPEN_MINUTE, CLOSE_MINUTE = 6 * 60, 9 * 60 + 30, 16 * 60
"""Pre-market begins, the exchange opens, it closes: minutes after midnight, exchange time. The next day follows at once."""
CANDLE_MINUTES = 2
STEP_S = 2
"""The market moves in steps of this many seconds of its own time."""
KEPT_CANDLES = 480
_STEPS_PER_CANDLE = CANDLE_MINUTES * 60 // STEP_S
_STEPS_PER_SESSION = (CLOSE_MINUTE - OPEN_MINUTE) * 60 // STEP_S
_CALM_HALF_LIFE_S, _CALM_SPREAD = 860.0, 0.45
"""Log-volatility is an AR(1): when half of a shock has faded, and its lasting deviation (volatility clustering)."""
_TREND_HALF_LIFE_S, _TREND_SPREAD = 1380.0, 1.2
"""So is the drift, in deviations of an hour's return per hour; it makes legs one can see."""
_CROWD_HALF_LIFE_S, _CROWD_SPREAD = 85.0, 0.45
"""And how many trade, as a logarithm."""
_JUMP_CHANCE, _JUMP = 0.03, 2.4
"""Now and then a step is this much larger: returns have fat tails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What is traded.

    Attributes:
        symbol, name: "NVDA", "NVIDIA Corp, NASDAQ".
        tick: smallest step of the price, > 0.
        start: price the first day begins at.
        day_spread: standard deviation of a day's return, a share (0.02 is 2 %).
        candle_volume: usual shares or contracts in two minutes.
    """

    symbol: str
    name: str
    tick: Decimal
    start: Decimal
    day_spread: float
    candle_volume: int

    def price(self, ticks: float) -> Decimal:
        """A number of ticks (rounded) as a price."""
        return round(ticks) * self.tick

    def ticks(self, price: Decimal) -> int:
        """A price as ticks, rounded."""
        return round(price / self.tick)

    def write(self, ticks: float) -> str:
        """A price as people read it here: `6,742.25`."""
        return f"{self.price(ticks):,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """Two minutes. Prices in ticks, low <= open, close <= high; volume >= 0.

    Attributes:
        day: 0, 1, 2 …
        minute: its first, after midnight.
    """

    day: int
    minute: int
    open: int
    high: int
    low: int
    close: int
    volume: int

    @property
    def is_pre_market(self) -> bool:
        """Whether it lies before the open."""
        return self.minute < OPEN_MINUTE

    @property
    def is_up(self) -> bool:
        """Whether it closed at or above its open."""
        return self.close >= self.open


class Market:
    """One instrument's market. It begins with the first pre-market minute of day 0.

    Args:
        instrument: what is traded.
        seed: decides everything that happens.

    Attributes:
        candles: oldest first, at most KEPT_CANDLES; the last one still forms. Never empty.
    """

    def __init__(self, instrument: Instrument, *, seed: int) -> None:
        self.instrument = instrument
        self._random = random.Random(f"{instrument.symbol}/{seed}")  # noqa: S311 - a market, not a secret
        self._ticks = float(instrument.ticks(instrument.start))
        self._calm = 0.0
        self._trend = 0.0
        self._crowd = 0.0
        self._pending_s = 0.0
        self._step = 0
        self.candles: list[Candle] = []
        self._begin_candle(day=0, minute=FIRST_MINUTE)

    @property
    def last(self) -> int:
        """The price now, ticks."""
        return self.candles[-1].close

    @property
    def candles_begun(self) -> int:
        """How many candles there were, the forming one included; rises by one with each."""
        return self._step // _STEPS_PER_CANDLE + 1

    @property
    def clock_s(self) -> int:
        """Exchange time, seconds after midnight."""
        return self.candles[-1].minute * 60 + (self._step % _STEPS_PER_CANDLE) * STEP_S

    def advance(self, seconds: float) -> None:
        """Let market time pass, seconds >= 0; what is less than a step is kept for the next call."""
        self._pending_s += seconds
        while self._pending_s >= STEP_S:
            self._pending_s -= STEP_S
            self._take_step()

    def _take_step(self) -> None:
        self._step += 1
        if self._step % _STEPS_PER_CANDLE == 0:
            self._next_candle()
        gauss = self._random.gauss
        loudness = session_loudness(self.candles[-1].minute)
        self._calm = self._drift_back(self._calm, _CALM_HALF_LIFE_S, _CALM_SPREAD)
        self._trend = self._drift_back(self._trend, _TREND_HALF_LIFE_S, _TREND_SPREAD)
        self._crowd = self._drift_back(self._crowd, _CROWD_HALF_LIFE_S, _CROWD_SPREAD)
        deviation = self.instrument.day_spread / math.sqrt(_STEPS_PER_SESSION) * loudness * math.exp(self._calm)
        shock = gauss(0, 1) * (_JUMP if self._random.random() < _JUMP_CHANCE else 1.0)
        drift = 0.0 if self.candles[-1].is_pre_market else self._trend * math.sqrt(STEP_S / 3600)
        self._ticks *= 1 + deviation * (drift + shock)
        usual = self.instrument.candle_volume / _STEPS_PER_CANDLE * loudness**1.8
        traded = usual * math.exp(self._crowd + self._calm / 2) * (0.4 + 0.7 * abs(shock))
        self._trade(round(self._ticks), round(traded))

    def _drift_back(self, value: float, half_life_s: float, spread: float) -> float:
        """One step of an AR(1) around zero (a discrete Ornstein-Uhlenbeck process)."""
        keeps: float = 0.5 ** (STEP_S / half_life_s)
        return keeps * value + math.sqrt(1 - keeps * keeps) * spread * self._random.gauss(0, 1)

    def _trade(self, price: int, volume: int) -> None:
        now = self.candles[-1]
        high, low = max(now.high, price), min(now.low, price)
        self.candles[-1] = replace(now, close=price, high=high, low=low, volume=now.volume + volume)

    def _next_candle(self) -> None:
        day, minute = self.candles[-1].day, self.candles[-1].minute + CANDLE_MINUTES
        if minute >= CLOSE_MINUTE:
            day, minute = day + 1, FIRST_MINUTE
            self._ticks *= 1 + self.instrument.day_spread * 0.3 * self._random.gauss(0, 1)  # the overnight gap
        if minute == OPEN_MINUTE:  # the opening drive: somebody is in a hurry
            self._trend = self._random.choice((-1, 1)) * _TREND_SPREAD * self._random.uniform(0.9, 2.0)
        self._begin_candle(day=day, minute=minute)

    def _begin_candle(self, *, day: int, minute: int) -> None:
        price = round(self._ticks)
        self.candles.append(Candle(day=day, minute=minute, open=price, high=price, low=price, close=price, volume=0))
        del self.candles[:-KEPT_CANDLES]


def session_loudness(minute: int) -> float:
    """How much a minute of the day moves, 1 on a usual one: quiet before the open, loud after it, slow at noon.

    Args:
        minute: after midnight, FIRST_MINUTE to CLOSE_MINUTE.
    """
    if minute < OPEN_MINUTE:
        return 0.48
    since, left = minute - OPEN_MINUTE, CLOSE_MINUTE - minute
    noon = math.exp(-(((minute - 12 * 60 - 45) / 70) ** 2))
    return 1.0 + 1.0 * math.exp(-since / 14) - 0.3 * noon + 0.5 * math.exp(-left / 18)


def ema(values: Sequence[float], period: int) -> list[float]:
    """Exponential moving average, as long as `values`; begins with the first value. period >= 1."""
    weight = 2 / (period + 1)
    averages: list[float] = []
    for value in values:
        averages.append(value if not averages else averages[-1] + weight * (value - averages[-1]))
    return averages


def true_range(candles: Sequence[Candle], period: int = 14) -> float:
    """Mean true range of the last `period` candles, ticks, >= 1; at least two candles."""
    recent = candles[-period - 1 :]
    ranges = [max(now.high, before.close) - min(now.low, before.close) for before, now in pairwise(recent)]
    return max(1.0, sum(ranges) / len(ranges))

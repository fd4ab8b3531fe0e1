"""The presenter's trade ideas, and how they fare. Pure: decides from the markets alone and says what happened."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from control_plane.domain.alerts import Side
from scripts.demo.market import CLOSE_MINUTE, OPEN_MINUTE, STEP_S, Instrument, Market, ema, true_range

INSTRUMENTS = (
    Instrument(
        symbol="NVDA",
        name="NVIDIA Corp, NASDAQ",
        tick=Decimal("0.01"),
        start=Decimal("179.60"),
        day_spread=0.022,
        candle_volume=410_000,
    ),
    Instrument(
        symbol="SPY",
        name="S&P 500 ETF, ARCA",
        tick=Decimal("0.01"),
        start=Decimal("671.20"),
        day_spread=0.0075,
        candle_volume=520_000,
    ),
    Instrument(
        symbol="AMD",
        name="Advanced Micro Devices, NASDAQ",
        tick=Decimal("0.01"),
        start=Decimal("158.40"),
        day_spread=0.023,
        candle_volume=300_000,
    ),
    Instrument(
        symbol="TSLA",
        name="Tesla Inc, NASDAQ",
        tick=Decimal("0.01"),
        start=Decimal("412.60"),
        day_spread=0.024,
        candle_volume=360_000,
    ),
)
"""Real names, made-up prices: the chart says so."""
MOST_OPEN = 3
"""Ideas open at once."""
_PAUSE_CANDLES = (8, 16)
"""Candles from one idea to the next, at least and at most."""
_SELDOM = 5
"""So many times longer while nobody watches."""
_LONGEST_CANDLES = 60
"""An idea that went nowhere is closed after this many candles."""
_LAST_IDEA_MINUTE, _FLAT_MINUTE = CLOSE_MINUTE - 40, CLOSE_MINUTE - 6
_DWELL_CANDLES = 4
"""The chart stays on a symbol at least this long."""
_NEWS_PAUSE_CANDLES = 14

HappeningKind = Literal["idea", "target", "stopped", "scratched", "closed", "open", "noon", "high", "low", "volume"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One trade idea. Prices in ticks; candles are counted as `Market.candles_begun` counts them.

    Attributes:
        number: 1, 2, 3 …; tells ideas apart.
        first_stop, stop: where it began and is now; it only moves to the entry.
        targets: nearest first. hits: how many were reached.
        opened: candle of the entry. closed: candle of the end, None while open.
        exit: price of the end, None while open.
    """

    number: int
    symbol: str
    side: Side
    entry: int
    first_stop: int
    stop: int
    targets: tuple[int, ...]
    opened: int
    hits: int = 0
    closed: int | None = None
    exit: int | None = None

    @property
    def sign(self) -> int:
        """1 for a long, -1 for a short."""
        return 1 if self.side is Side.LONG else -1

    def result(self) -> float:
        """What it made, in units of its first risk: half comes off at the first target, the rest at the end."""
        assert self.exit is not None
        risk = abs(self.entry - self.first_stop)
        rest = self.sign * (self.exit - self.entry) / risk
        if self.hits == 0:
            return rest
        return (self.sign * (self.targets[0] - self.entry) / risk + rest) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something worth saying. position: as it is now, for kinds idea, target, stopped, scratched, closed. price: ticks."""

    kind: HappeningKind
    symbol: str
    price: int
    position: Position | None = None


class Desk:
    """All markets, the ideas in them, and which one the presenter shows.

    Args:
        seed: decides everything that happens.
        begin_minute: exchange time the demo begins at; by then there was a morning of trading, ideas included.

    Attributes:
        markets: by symbol.
        positions: open and closed ones by number, oldest first; old closed ones are forgotten.
        focus: symbol on the chart.
        is_watched: somebody is there; otherwise ideas come seldom.
    """

    def __init__(self, *, seed: int, begin_minute: int = 11 * 60 + 8) -> None:
        self.markets: Mapping[str, Market] = {one.symbol: Market(one, seed=seed) for one in INSTRUMENTS}
        self.positions: list[Position] = []
        self.focus = INSTRUMENTS[0].symbol
        self._random = random.Random(f"desk/{seed}")  # noqa: S311 - trade ideas, not secrets
        self.is_watched = True
        self._numbers = 0
        self._next_idea = self._focus_since = self._next_news = self._seen_candle = self._candle
        while self.shown.clock_s < begin_minute * 60:
            self.advance(STEP_S)

    @property
    def shown(self) -> Market:
        """The market on the chart."""
        return self.markets[self.focus]

    @property
    def _candle(self) -> int:
        return self.shown.candles_begun

    def advance(self, seconds: float) -> list[Happening]:
        """Let market time pass and say what happened, in order."""
        for market in self.markets.values():
            market.advance(seconds)
        happenings = [one for position in self.open_positions() if (one := self._follow(position)) is not None]
        if self._candle != self._seen_candle:
            self._seen_candle = self._candle
            happenings += self._news()
            idea = self._find_idea()
            happenings += [idea] if idea is not None else []
        self._choose_focus(happenings)
        return happenings

    def open_positions(self) -> list[Position]:
        """Ideas that are not over, oldest first."""
        return [position for position in self.positions if position.closed is None]

    # --- ideas

    def _find_idea(self) -> Happening | None:
        minute = self.shown.candles[-1].minute
        if self._candle < self._next_idea or not OPEN_MINUTE + 6 <= minute < _LAST_IDEA_MINUTE:
            return None
        taken = {position.symbol for position in self.open_positions()}
        free = [symbol for symbol in self.markets if symbol not in taken]
        if len(taken) >= MOST_OPEN or not free:
            return None
        # The one on the chart first: that is what everyone looks at.
        symbol = self.focus if self.focus in free else self._random.choice(free)
        pause = self._random.randint(*_PAUSE_CANDLES)
        self._next_idea = self._candle + (pause if self.is_watched else pause * _SELDOM)
        self._numbers += 1
        position = plan_position(self.markets[symbol], number=self._numbers, is_bold=self._random.random() < 0.5)
        self.positions = [*self.positions[-40:], position]
        return Happening(kind="idea", symbol=symbol, price=position.entry, position=position)

    def _follow(self, position: Position) -> Happening | None:
        market = self.markets[position.symbol]
        price, sign = market.last, position.sign
        kind: HappeningKind | None = None
        if sign * (price - position.stop) <= 0:
            kind = "scratched" if position.hits else "stopped"
        elif sign * (price - position.targets[position.hits]) >= 0:
            kind = "target" if position.hits + 1 < len(position.targets) else "closed"
        elif self._candle - position.opened > _LONGEST_CANDLES or market.candles[-1].minute >= _FLAT_MINUTE:
            kind = "closed"
        if kind is None:
            return None
        if kind == "target":
            after = replace(position, hits=position.hits + 1, stop=position.entry)
        else:
            # A stop is filled where it stands, a target too: between two steps the price may have jumped over it.
            exits = {"stopped": position.stop, "scratched": position.stop}
            is_at_target = sign * (price - position.targets[-1]) >= 0
            left_at = position.targets[-1] if is_at_target else exits.get(kind, price)
            after = replace(position, closed=market.candles_begun, exit=left_at)
        self.positions = [after if one.number == after.number else one for one in self.positions]
        return Happening(kind=kind, symbol=position.symbol, price=price, position=after)

    # --- news of the shown market

    def _news(self) -> list[Happening]:
        market = self.shown
        before, now = market.candles[-2], market.candles[-1]
        hours: tuple[tuple[int, HappeningKind], ...] = ((OPEN_MINUTE, "open"), (12 * 60, "noon"))
        for minute, kind in hours:
            if now.minute == minute:
                return [Happening(kind=kind, symbol=self.focus, price=market.last)]
        if self._candle < self._next_news or now.minute < OPEN_MINUTE + 30:
            return []
        today = [one for one in market.candles[:-2] if one.day == now.day and not one.is_pre_market]
        kind_now: HappeningKind | None = None
        if before.high > max(one.high for one in today):
            kind_now = "high"
        elif before.low < min(one.low for one in today):
            kind_now = "low"
        elif before.volume > 1.9 * sum(one.volume for one in today[-20:]) / 20:
            kind_now = "volume"
        if kind_now is None:
            return []
        self._next_news = self._candle + _NEWS_PAUSE_CANDLES
        return [Happening(kind=kind_now, symbol=self.focus, price=market.last)]

    def _choose_focus(self, happenings: list[Happening]) -> None:
        about = [one.symbol for one in happenings if one.position is not None]
        if about and about[-1] != self.focus and self._candle - self._focus_since >= _DWELL_CANDLES:
            self.focus = about[-1]
            self._focus_since = self._candle


def open_desk(seed: int) -> Desk:
    """A desk whose chart shows an open idea at once: of the first seed from `seed` on for which it does."""
    while True:
        desk = Desk(seed=seed)
        if any(position.symbol == desk.focus for position in desk.open_positions()):
            return desk
        seed += 1


def plan_position(market: Market, *, number: int, is_bold: bool) -> Position:
    """An idea with the trend: risk a good two true ranges, targets at 1.5 and 2.5 to 3 times the risk.

    Args:
        market: with at least 34 candles.
        number: of the position.
        is_bold: aim at three times the risk rather than 2.5.
    """
    closes = [float(one.close) for one in market.candles]
    side = Side.LONG if ema(closes, 9)[-1] >= ema(closes, 34)[-1] else Side.SHORT
    sign = 1 if side is Side.LONG else -1
    neat = 5
    risk = max(4, round(2.2 * true_range(market.candles) / neat)) * neat
    entry = market.last
    rewards = (round(1.5 * risk / neat) * neat, round((3 if is_bold else 2.5) * risk / neat) * neat)
    return Position(
        number=number,
        symbol=market.instrument.symbol,
        side=side,
        entry=entry,
        first_stop=entry - sign * risk,
        stop=entry - sign * risk,
        targets=tuple(entry + sign * reward for reward in rewards),
        opened=market.candles_begun,
    )

"""What the axes of the chart show. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

_ROOM = 0.09
"""Free share of the height above and below the candles when a scale is made."""
_LEAST_ROOM = 0.025
"""Below it the scale is made anew."""
_LEAST_USED = 0.45
"""A scale whose candles fill less than this share is made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceScale:
    """Ticks from `low` at pixel `bottom` to `high` at pixel `top`; high > low, bottom > top."""

    low: float
    high: float
    top: int
    bottom: int

    def y(self, ticks: float) -> float:
        """Pixel row of a price."""
        return self.bottom - (ticks - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def grid(self, *, tick_size: float, lines: int = 7) -> list[int]:
        """Round prices to draw lines at, in ticks, lowest first.

        Args:
            tick_size: of one tick, in money: lines stand at round sums, not at round numbers of ticks.
            lines: about how many are wanted, >= 1.
        """
        step = max(1, round(round_step((self.high - self.low) * tick_size / lines) / tick_size))
        first = math.ceil(self.low / step)
        return [number * step for number in range(first, math.floor(self.high / step) + 1)]


def round_step(wanted: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `wanted`, > 0."""
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= wanted * 0.999)


def fit_scale(previous: PriceScale | None, *, low: float, high: float, top: int, bottom: int) -> PriceScale:
    """A scale on which `low` to `high` (ticks, high >= low) fits well; the previous one while it still does.

    A scale that follows every tick would move the whole picture with it: hard to read and dear to encode.
    """
    if previous is not None and (previous.top, previous.bottom) == (top, bottom):
        span = previous.high - previous.low
        is_inside = low >= previous.low + span * _LEAST_ROOM and high <= previous.high - span * _LEAST_ROOM
        if is_inside and high - low >= span * _LEAST_USED:
            return previous
    room = max(1.0, (high - low) * _ROOM / (1 - 2 * _ROOM))
    return PriceScale(low=low - room, high=high + room, top=top, bottom=bottom)


def spread(rows: list[float], gap: float) -> list[float]:
    """Rows moved apart so that neighbours keep a gap, each as near to where it was as its upper neighbour lets it.

    Args:
        rows: pixels, in any order.
        gap: least distance, > 0.

    Returns:
        New rows, in the order of `rows`.
    """
    moved = list(rows)
    above: float | None = None
    for place in sorted(range(len(rows)), key=lambda one: rows[one]):
        moved[place] = rows[place] if above is None else max(rows[place], above + gap)
        above = moved[place]
    return moved

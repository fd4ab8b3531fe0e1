"""The lines of the trade ideas on the chart: entry, stop and targets while open, a short trace once closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from control_plane.domain.alerts import Side
from scripts.demo import palette
from scripts.demo.canvas import Canvas, text_width
from scripts.demo.desk import Position
from scripts.demo.fonts import BOLD, MEDIUM
from scripts.demo.plot import AXIS_LEFT, HEAD_BOTTOM, SLOT, TIME_TOP, Window, draw_price
from scripts.demo.scale import spread

_TEXT = 14
_LEAST_GAP = 19.0
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One named line.

    Attributes:
        ticks: where. name: what stands on it. since: candle it begins at.
        is_solid: the entry; the others are dashed.
    """

    ticks: int
    name: str
    colour: palette.Colour
    since: int
    is_solid: bool = False


def levels_of(position: Position) -> list[Level]:
    """The lines of an open position, the most important first."""
    is_risk_free = position.stop == position.entry
    found = [
        Level(
            ticks=position.entry,
            name="Entry, stop" if is_risk_free else "Entry",
            colour=palette.INK,
            since=position.opened,
            is_solid=True,
        )
    ]
    name = "First stop" if is_risk_free else "Stop"
    found.append(Level(ticks=position.first_stop, name=name, colour=palette.LOSS, since=position.opened))
    for place, target in enumerate(position.targets):
        name = f"T{place + 1} hit" if place < position.hits else f"T{place + 1}"
        found.append(Level(ticks=target, name=name, colour=palette.GAIN, since=position.opened))
    return found


def draw_zones(canvas: Canvas, window: Window, position: Position) -> None:
    """Tint what may be won and what is at risk, from the entry to the newest candle."""
    x, right = max(0, window.x(position.opened)), window.x(window.market.candles_begun)
    far = position.targets[-1] if position.hits else position.targets[0]
    for ticks, colour in ((far, palette.GAIN), (position.first_stop, palette.LOSS)):
        top, bottom = sorted((window.y(position.entry), window.y(ticks)))
        canvas.fill(x, max(top, HEAD_BOTTOM), right, min(bottom, TIME_TOP), colour, share=0.075)


def draw_levels(canvas: Canvas, window: Window, levels: Sequence[Level]) -> list[float]:
    """Draw lines with their names, for those that lie in the picture.

    Returns:
        Rows of their prices on the axis, to be kept free of other prices.
    """
    inside = [one for one in levels if HEAD_BOTTOM + 14 < window.y(one.ticks) < TIME_TOP - 10]
    rows = spread([window.y(one.ticks) for one in inside], _LEAST_GAP)
    for level, row in zip(inside, rows, strict=True):
        y = round(window.y(level.ticks))
        x = max(0, window.x(level.since))
        name_left = AXIS_LEFT - 12 - text_width(level.name, size=_TEXT, weight=MEDIUM)
        if level.is_solid:
            canvas.fill(x, y, name_left - 8, y + 1, level.colour)
            canvas.fill(AXIS_LEFT - 8, y, AXIS_LEFT, y + 1, level.colour)
        else:
            canvas.dashes(x, name_left - 8, y, level.colour)
            canvas.dashes(AXIS_LEFT - 8, AXIS_LEFT, y, level.colour)
        canvas.text(AXIS_LEFT - 12, row, level.name, level.colour, size=_TEXT, weight=MEDIUM, align="right")
    return rows


def draw_level_prices(canvas: Canvas, window: Window, levels: Sequence[Level], rows: Sequence[float]) -> None:
    """Their prices on the axis, at the rows `draw_levels` answered."""
    inside = [one for one in levels if HEAD_BOTTOM + 14 < window.y(one.ticks) < TIME_TOP - 10]
    for level, row in zip(inside, rows, strict=True):
        draw_price(canvas, window, row, level.ticks, colour=level.colour, weight=BOLD)


def draw_entry_mark(canvas: Canvas, window: Window, position: Position) -> None:
    """The triangle under (over) the candle of a long's (short's) entry."""
    number = position.opened - window.first_number()
    if not 0 <= number < len(window.candles):
        return
    candle = window.candles[number]
    is_long = position.side is Side.LONG
    y = window.y(candle.low) + 14 if is_long else window.y(candle.high) - 14
    colour = palette.LONG if is_long else palette.SHORT
    canvas.triangle(window.x(position.opened) + SLOT / 2, y, colour, is_up=is_long, size=13)


def draw_trace(canvas: Canvas, window: Window, position: Position) -> None:
    """A closed position: a dotted line from its entry to the candle of its exit, and the result beside that candle."""
    assert position.closed is not None
    assert position.exit is not None
    x, right = window.x(position.opened) + SLOT / 2, window.x(position.closed) + SLOT / 2
    if right < 60:
        return
    canvas.dashes(max(0, x), right, window.y(position.entry), palette.INK_3, on=2, off=3)
    result = position.result()
    words = f"{'+' if result >= 0 else MINUS}{abs(result):.2f}R"
    half = text_width(words, size=_TEXT, weight=BOLD) / 2
    last = window.candles[min(position.closed - window.first_number(), len(window.candles) - 1)]
    above = [window.y(last.high) - 14 - rise for rise in (0, 16, 32)]
    below = [window.y(last.low) + 14 + fall for fall in (0, 16, 32)]
    rows = [*above, *below] if position.exit > position.entry else [*below, *above]
    middle = max(right, x + 30)
    row = next((one for one in rows if window.is_free(middle - half, middle + half, one)), rows[0])
    colour = palette.GAIN if result >= 0 else palette.LOSS
    canvas.text(middle, row, words, colour, size=_TEXT, weight=BOLD, align="centre")

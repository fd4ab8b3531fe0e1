"""The lasting part of the chart: head, grid, axes, closed candles, volume, averages. Drawn when a candle closes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.demo import palette
from scripts.demo.canvas import Canvas, text_width
from scripts.demo.fonts import BOLD, MEDIUM
from scripts.demo.market import CANDLE_MINUTES, OPEN_MINUTE, Candle, Market, ema
from scripts.demo.scale import PriceScale

WIDTH, HEIGHT = 1280, 720
HEAD_BOTTOM, AXIS_LEFT, TIME_TOP = 46, 1192, 688
PRICE_TOP, PRICE_BOTTOM = 96, 606
SLOT = 10
"""Columns per candle."""
FREE_SLOTS = 15
"""Room to the right of the newest candle, where the lines are named."""
VISIBLE = AXIS_LEFT // SLOT - FREE_SLOTS
_BODY, _WICK_AT, _WICK = 7, 3, 2
_VOLUME_HEIGHT = 74
AXIS_TEXT = 15
_TIME_STEP_MINUTES = 30
_RANGE_MINUTES = 16
"""The opening range: the first minutes whose high many traders watch."""
_RANGE_CANDLES = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The stretch of a market that is shown.

    Attributes:
        market: whose.
        candles: at most VISIBLE, oldest first, the forming one last.
        scale: of the prices.
        tallest: volume that fills the volume bars' height, > 0.
    """

    market: Market
    candles: Sequence[Candle]
    scale: PriceScale
    tallest: int

    def x(self, number: int) -> int:
        """Left column of the candle with a number as `Market.candles_begun` counts; outside the window it lies outside."""
        return (number - self.market.candles_begun + VISIBLE - 1) * SLOT

    def first_number(self) -> int:
        """Number of the oldest candle shown."""
        return self.market.candles_begun - len(self.candles) + 1

    def y(self, ticks: float) -> float:
        """Row of a price."""
        return self.scale.y(ticks)

    def is_free(self, x: float, right: float, row: float) -> bool:
        """Whether a line of text from `x` to `right`, its middle at `row`, would touch no candle."""
        under = [
            candle
            for number, candle in enumerate(self.candles, self.first_number())
            if x - SLOT < self.x(number) < right
        ]
        return all(self.y(one.low) < row - 9 or self.y(one.high) > row + 9 for one in under)


def draw_ground(canvas: Canvas, window: Window) -> None:
    """Ground, shaded where the exchange is closed, and the grid."""
    canvas.fill(0, 0, WIDTH, HEIGHT, palette.GROUND)
    number = window.first_number()
    for candle in window.candles:
        if candle.is_pre_market:
            x = window.x(number)
            canvas.fill(x, HEAD_BOTTOM, x + SLOT, TIME_TOP, palette.PRE_MARKET)
        number += 1
    for ticks in _price_lines(window):
        y = round(window.y(ticks))
        canvas.fill(0, y, AXIS_LEFT, y + 1, palette.GRID)
    for x, _, _ in _times(window):
        canvas.fill(x, HEAD_BOTTOM, x + 1, TIME_TOP, palette.GRID)
    first_dark = next((one for one in window.candles if one.is_pre_market), None)
    if first_dark is not None:
        x = window.x(window.first_number() + list(window.candles).index(first_dark))
        canvas.text(max(x, 0) + 16, TIME_TOP - _VOLUME_HEIGHT - 14, "Pre-market", palette.INK_3, size=14)


def draw_time_axis(canvas: Canvas, window: Window) -> None:
    """Hours below the plot; the open is marked."""
    canvas.fill(0, TIME_TOP, WIDTH, TIME_TOP + 1, palette.LINE)
    for x, words, is_open in _times(window):
        colour, weight = (palette.INK, BOLD) if is_open else (palette.AXIS, 400)
        canvas.text(x, (TIME_TOP + HEIGHT) // 2 + 1, words, colour, size=AXIS_TEXT, weight=weight, align="centre")


def draw_price_axis(canvas: Canvas, window: Window, taken_rows: Sequence[float]) -> list[float]:
    """Prices to the right, left out where a named level stands (`taken_rows`); returns the rows of those drawn."""
    canvas.fill(AXIS_LEFT, HEAD_BOTTOM, WIDTH, TIME_TOP, palette.GROUND)
    canvas.fill(AXIS_LEFT, HEAD_BOTTOM, AXIS_LEFT + 1, HEIGHT, palette.LINE)
    rows = []
    for ticks in _price_lines(window):
        y = window.y(ticks)
        if all(abs(y - taken) >= 19 for taken in taken_rows):
            draw_price(canvas, window, y, ticks)
            rows.append(y)
    return rows


def draw_price(
    canvas: Canvas, window: Window, y: float, ticks: float, *, colour: palette.Colour = palette.AXIS, weight: int = 400
) -> None:
    """One price on the axis."""
    words = window.market.instrument.write(ticks)
    canvas.text(WIDTH - 12, y, words, colour, size=AXIS_TEXT, weight=weight, align="right")


def draw_candles(canvas: Canvas, window: Window) -> None:
    """All candles but the forming one, with their volume."""
    for number, candle in enumerate(window.candles[:-1], window.first_number()):
        draw_candle(canvas, window, number, candle)


def draw_candle(canvas: Canvas, window: Window, number: int, candle: Candle) -> None:
    """One candle and its volume."""
    colour = palette.LONG if candle.is_up else palette.SHORT
    ground = palette.GROUND
    if candle.is_pre_market:
        ground = palette.PRE_MARKET
        colour = palette.blend(colour, ground, 0.62)
    x = window.x(number) + 1
    height = max(1, round(min(1.0, candle.volume / window.tallest) * _VOLUME_HEIGHT))
    canvas.fill(x, TIME_TOP - height, x + _BODY + 1, TIME_TOP, palette.blend(colour, ground, 0.3))
    high, low = window.y(candle.high), window.y(candle.low)
    canvas.fill(x + _WICK_AT, high, x + _WICK_AT + _WICK, low + 1, palette.blend(colour, ground, 0.85))
    top, bottom = sorted((round(window.y(candle.open)), round(window.y(candle.close))))
    canvas.fill(x, top, x + _BODY + 1, max(bottom, top + 1), colour)


def draw_averages(canvas: Canvas, window: Window, *, tail_only: bool) -> None:
    """The two averages: everything up to the last closed candle, or only the stretch to the forming one."""
    closes = [float(one.close) for one in window.market.candles]
    shown = len(window.candles)
    numbers = range(window.first_number(), window.first_number() + shown)
    places = slice(-2, None) if tail_only else slice(0, -1)
    xs = [window.x(number) + SLOT / 2 for number in numbers][places]
    for period, colour in ((34, palette.BRASS), (9, palette.SLATE)):
        ys = [window.y(value) for value in ema(closes, period)[-shown:]][places]
        canvas.curve(xs, ys, colour)


def draw_opening_range(canvas: Canvas, window: Window) -> None:
    """The line the presenter has drawn by hand: the high of the first minutes of the day."""
    today = window.candles[-1].day
    opening = [
        (number, one)
        for number, one in enumerate(window.candles, window.first_number())
        if one.day == today and OPEN_MINUTE <= one.minute < OPEN_MINUTE + _RANGE_MINUTES
    ]
    if len(opening) * CANDLE_MINUTES < _RANGE_MINUTES or window.candles[-1].minute < OPEN_MINUTE + _RANGE_MINUTES:
        return
    y = window.y(max(one.high for _, one in opening))
    x = window.x(opening[0][0]) - SLOT
    canvas.dashes(x, min(x + _RANGE_CANDLES * SLOT, AXIS_LEFT), y, palette.INK_2, on=6, off=4)
    _name_opening_range(canvas, window, x, y)


def _name_opening_range(canvas: Canvas, window: Window, x: int, y: float) -> None:
    """Write its name above or below the line, at its beginning or end, where no candle stands in the way."""
    words, size = "opening range high", 14
    wide = round(text_width(words, size=size, weight=MEDIUM))
    places = [(left, y + rise) for left in (x, x + _RANGE_CANDLES * SLOT - wide) for rise in (-13, 13) if left >= 8]
    for left, row in places:
        if window.is_free(left, left + wide, row):
            canvas.text(left, row, words, palette.BONE, size=size, weight=MEDIUM)
            return


def draw_head(canvas: Canvas, window: Window) -> None:
    """Symbol, name, periods and what the lines are."""
    canvas.fill(0, 0, WIDTH, HEAD_BOTTOM, palette.HEAD)
    canvas.fill(0, HEAD_BOTTOM - 1, WIDTH, HEAD_BOTTOM, palette.LINE)
    middle = HEAD_BOTTOM // 2
    instrument = window.market.instrument
    x = canvas.text(16, middle, instrument.symbol, palette.INK, size=19, weight=BOLD) + 12
    x = canvas.text(x, middle + 1, instrument.name, palette.INK_3, size=14) + 28
    for period in ("1m", "2m", "5m", "15m", "1h", "D"):
        is_chosen = period == "2m"
        colour, weight = (palette.INK, BOLD) if is_chosen else (palette.INK_3, 400)
        if is_chosen:
            canvas.fill(x - 8, 10, x + text_width(period, size=15, weight=BOLD) + 8, 36, palette.CHIP)
        x = canvas.text(x, middle, period, colour, size=15, weight=weight) + 22
    x = canvas.text(x + 12, middle, "EMA 34", palette.BRASS, size=15) + 16
    canvas.text(x, middle, "EMA 9", palette.SLATE, size=15)


def _price_lines(window: Window) -> list[int]:
    prices = window.scale.grid(tick_size=float(window.market.instrument.tick))
    return [ticks for ticks in prices if HEAD_BOTTOM + 40 < window.y(ticks) < TIME_TOP - 12]


def _times(window: Window) -> list[tuple[int, str, bool]]:
    """Column, words and whether it is the open, for each half hour; also of the hours to come on the right."""
    last = window.candles[-1]
    marks = []
    for number, candle in enumerate(window.candles, window.first_number()):
        if candle.minute % _TIME_STEP_MINUTES == 0:
            marks.append((window.x(number) + SLOT // 2, candle.minute))
    for ahead in range(1, FREE_SLOTS - 2):
        minute = last.minute + ahead * CANDLE_MINUTES
        if minute % _TIME_STEP_MINUTES == 0 and minute < 16 * 60:
            marks.append((window.x(window.market.candles_begun + ahead) + SLOT // 2, minute))
    return [
        (x, f"{minute // 60:02}:{minute % 60:02}", minute == OPEN_MINUTE)
        for x, minute in marks
        if 24 < x < AXIS_LEFT - 20
    ]

"""The picture the presenter shares: 1280x720, like the charts of the design.

What lasts (grid, closed candles, lines) is drawn when a candle closes and kept; a frame copies it and draws what moves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scripts.demo import palette
from scripts.demo.canvas import Canvas, Pixels, text_width
from scripts.demo.desk import Position
from scripts.demo.fonts import BOLD, MEDIUM
from scripts.demo.levels import (
    draw_entry_mark,
    draw_level_prices,
    draw_levels,
    draw_trace,
    draw_zones,
    levels_of,
)
from scripts.demo.market import Candle, Market
from scripts.demo.plot import (
    AXIS_LEFT,
    AXIS_TEXT,
    HEAD_BOTTOM,
    HEIGHT,
    PRICE_BOTTOM,
    PRICE_TOP,
    SLOT,
    VISIBLE,
    WIDTH,
    Window,
    draw_averages,
    draw_candle,
    draw_candles,
    draw_ground,
    draw_head,
    draw_opening_range,
    draw_price_axis,
    draw_time_axis,
)
from scripts.demo.scale import PriceScale, fit_scale

_LEVEL_REACH = 0.55
"""A line of an open idea widens the scale when it is no farther from the candles than this share of their span."""


class Chart:
    """Draws frames of one market after the other.

    Attributes:
        lasting_draws: how often the lasting part was drawn; once per candle when nothing else happens.
    """

    def __init__(self) -> None:
        self.lasting_draws = 0
        self._lasting = Canvas(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        self._frame = Canvas(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        self._drawn: tuple[object, ...] | None = None
        self._level_rows: list[float] = []
        self._price_rows: list[float] = []
        self._scales: dict[str, PriceScale] = {}

    def draw(self, market: Market, positions: Sequence[Position]) -> Pixels:
        """The picture now. It stays as it is until the next call.

        Args:
            market: what is shown.
            positions: of any market; those of this one are shown.
        """
        symbol = market.instrument.symbol
        own = tuple(one for one in positions if one.symbol == symbol)
        window = self._look(market, own)
        state = (symbol, market.candles_begun, window.scale, own)
        if state != self._drawn:
            self._draw_lasting(window, own)
            self._drawn = state
        np.copyto(self._frame.pixels, self._lasting.pixels)
        self._draw_moving(window)
        return self._frame.pixels

    def _look(self, market: Market, positions: Sequence[Position]) -> Window:
        candles = market.candles[-VISIBLE:]
        low, high = min(one.low for one in candles), max(one.high for one in candles)
        reach = (high - low) * _LEVEL_REACH
        prices = [level.ticks for one in positions if one.closed is None for level in levels_of(one)]
        near = [ticks for ticks in prices if low - reach <= ticks <= high + reach]
        symbol = market.instrument.symbol
        scale = fit_scale(
            self._scales.get(symbol), low=min([low, *near]), high=max([high, *near]), top=PRICE_TOP, bottom=PRICE_BOTTOM
        )
        self._scales[symbol] = scale
        tallest = max([1, *(one.volume for one in candles[:-1])])
        return Window(market=market, candles=candles, scale=scale, tallest=tallest)

    def _draw_lasting(self, window: Window, positions: Sequence[Position]) -> None:
        self.lasting_draws += 1
        canvas = self._lasting
        draw_ground(canvas, window)
        is_open = [one for one in positions if one.closed is None]
        for position in is_open:
            draw_zones(canvas, window, position)
        draw_opening_range(canvas, window)
        draw_candles(canvas, window)
        draw_averages(canvas, window, tail_only=False)
        for position in positions:
            if position.closed is not None:
                draw_trace(canvas, window, position)
        levels = [level for one in is_open for level in levels_of(one)]
        rows = draw_levels(canvas, window, levels)
        for position in positions:
            draw_entry_mark(canvas, window, position)
        self._level_rows = rows
        self._price_rows = [*rows, *draw_price_axis(canvas, window, rows)]
        draw_level_prices(canvas, window, levels, rows)
        draw_time_axis(canvas, window)
        draw_head(canvas, window)

    def _draw_moving(self, window: Window) -> None:
        canvas, market = self._frame, window.market
        now = window.candles[-1]
        draw_candle(canvas, window, market.candles_begun, now)
        draw_averages(canvas, window, tail_only=True)
        self._draw_last_price(window, now)
        self._draw_values(window, now)
        seconds = market.clock_s
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02} ET"
        middle = HEAD_BOTTOM // 2
        canvas.text(WIDTH - 16, middle, clock, palette.INK, size=16, weight=BOLD, align="right")
        left = WIDTH - 16 - text_width("00:00:00 ET", size=16, weight=BOLD) - 14
        canvas.text(left, middle + 1, "Simulated market", palette.INK_3, size=14, align="right")

    def _draw_last_price(self, window: Window, now: Candle) -> None:
        """The price now: a dotted line and the filled box on the axis."""
        canvas = self._frame
        y = round(window.y(now.close))
        colour, ink = (palette.LONG, palette.ON_LONG) if now.is_up else (palette.SHORT, palette.ON_SHORT)
        is_beside_name = any(abs(row - y) < 12 for row in self._level_rows)
        right = AXIS_LEFT - 100 if is_beside_name else AXIS_LEFT
        canvas.dashes(window.x(window.market.candles_begun) + SLOT, right, y, colour, on=1, off=2)
        for row in self._price_rows:  # half a price under the box is worse than none; its name stays
            if abs(row - y) < 22:
                canvas.fill(AXIS_LEFT + 1, row - 10, WIDTH, row + 10, palette.GROUND)
        canvas.fill(AXIS_LEFT, y - 13, WIDTH, y + 13, colour)
        words = window.market.instrument.write(now.close)
        canvas.text(WIDTH - 12, y, words, ink, size=AXIS_TEXT + 1, weight=BOLD, align="right")

    def _draw_values(self, window: Window, now: Candle) -> None:
        """Open, high, low, close and the change of the forming candle; each in its own place, so that none moves."""
        canvas, write = self._frame, window.market.instrument.write
        y, x = HEAD_BOTTOM + 24, 16.0
        colour = palette.LONG if now.is_up else palette.SHORT
        room = text_width("0" * len(write(now.high)), size=15, weight=MEDIUM) + 14
        for name, ticks in (("O", now.open), ("H", now.high), ("L", now.low), ("C", now.close)):
            canvas.text(x, y, name, palette.INK_3, size=15)
            canvas.text(x + 18, y, write(ticks), colour, size=15, weight=MEDIUM)
            x += 18 + room
        before = window.candles[-2].close
        sign = "+" if now.close >= before else "\N{MINUS SIGN}"
        change = write(abs(now.close - before))
        share = abs(now.close / before - 1) * 100
        canvas.text(x, y, f"{sign}{change}  {sign}{share:.2f} %", colour, size=15, weight=MEDIUM)

"""A picture to draw on: filled boxes, dashed lines, smooth curves, text. Slices of an array; text is drawn once and kept."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scripts.demo.fonts import REGULAR, load_font
from scripts.demo.palette import Colour

Pixels = NDArray[np.uint8]
"""Red, green, blue, shape (height, width, 3)."""
Mask = NDArray[np.floating]
"""How much of each pixel is covered, 0-1, shape (height, width)."""
Align = Literal["left", "centre", "right"]


class Canvas:
    """Draws on `pixels`, in place. Whatever lies outside is cut off."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def fill(self, x: float, y: float, right: float, bottom: float, colour: Colour, *, share: float = 1.0) -> None:
        """Fill a box (right and bottom excluded, rounded); `share` 0-1 lets the ground through."""
        box = self._cut(round(x), round(y), round(right), round(bottom))
        if share >= 1:
            self.pixels[box] = colour
        else:
            ground = self.pixels[box].astype(np.float32)
            self.pixels[box] = (ground + (np.array(colour, np.float32) - ground) * share + 0.5).astype(np.uint8)

    def dashes(self, x: float, right: float, y: float, colour: Colour, *, on: int = 3, off: int = 3) -> None:
        """A dashed line one pixel high; the dashes stand on fixed columns, so that a longer line only adds some."""
        first = round(x) // (on + off) * (on + off)
        for start in range(first, round(right), on + off):
            self.fill(max(start, x), y, min(start + on, right), y + 1, colour)

    def curve(self, xs: Sequence[float], ys: Sequence[float], colour: Colour, *, thick: float = 1.6) -> None:
        """A smooth line through points with rising x, `thick` pixels thick."""
        first, last = max(0, round(xs[0])), min(self.width, round(xs[-1]) + 1)
        if last - first < 2:
            return
        columns = np.arange(first, last)
        rows = np.interp(columns, xs, ys)
        half = thick / 2 * np.hypot(1, np.gradient(rows))  # a steep line is cut by a column over a greater length
        top, bottom = int(np.floor((rows - half).min())) - 1, int(np.ceil((rows + half).max())) + 2
        top, bottom = max(0, top), min(self.height, bottom)
        if bottom <= top:
            return
        distance = np.abs(np.arange(top, bottom)[:, None] - rows[None, :])
        self._lay(np.clip(half[None, :] + 0.5 - distance, 0, 1), first, top, colour)

    def text(
        self, x: float, y: float, words: str, colour: Colour, *, size: int, weight: int = REGULAR, align: Align = "left"
    ) -> float:
        """Write at a middle row of its figures; returns the column after the last letter."""
        mask, rise, advance = letters(words, size, weight)
        left = round(x - {"left": 0.0, "centre": advance / 2, "right": advance}[align])
        self._lay(mask, left, round(y) - rise, colour)
        return left + advance

    def triangle(self, x: float, y: float, colour: Colour, *, is_up: bool, size: int = 12) -> None:
        """A triangle around a point, pointing up or down."""
        mask = _triangle(size)
        self._lay(mask if is_up else mask[::-1], round(x - size / 2), round(y - size / 2), colour)

    def _lay(self, cover: Mask, x: int, y: int, colour: Colour) -> None:
        """Blend a colour in by a cover of 0-1, its top left corner at (x, y)."""
        rows, columns = self._cut(x, y, x + cover.shape[1], y + cover.shape[0])
        part = cover[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x, None]
        ground = self.pixels[rows, columns].astype(np.float32)
        self.pixels[rows, columns] = (ground + (np.array(colour, np.float32) - ground) * part + 0.5).astype(np.uint8)

    def _cut(self, x: int, y: int, right: int, bottom: int) -> tuple[slice, slice]:
        top, left = min(max(0, y), self.height), min(max(0, x), self.width)
        return slice(top, max(top, min(self.height, bottom))), slice(left, max(left, min(self.width, right)))


def text_width(words: str, *, size: int, weight: int = REGULAR) -> float:
    """How wide text gets, pixels."""
    return letters(words, size, weight)[2]


@functools.lru_cache(maxsize=400)
def letters(words: str, size: int, weight: int) -> tuple[Mask, int, float]:
    """Cover of some text, how many rows its figures' middle lies below the cover's top, and its advance width."""
    font = load_font(size, weight)
    ascent, descent = size + 2, size // 2
    advance = float(font.getlength(words))
    picture = Image.new("L", (round(advance) + 2, ascent + descent), 0)
    ImageDraw.Draw(picture).text((0, ascent), words, fill=255, font=font, anchor="ls")
    figures = font.getbbox("0", anchor="ls")
    middle = ascent + round((figures[1] + figures[3]) / 2)
    return np.asarray(picture, np.float32) / 255, middle, advance


@functools.cache
def _triangle(size: int) -> Mask:
    fine = 8
    picture = Image.new("L", (size * fine, size * fine), 0)
    edge = size * fine - 1
    ImageDraw.Draw(picture).polygon([(edge / 2, edge * 0.12), (edge, edge * 0.88), (0, edge * 0.88)], fill=255)
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX), np.float32) / 255

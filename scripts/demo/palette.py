"""Colours of the shared chart: the design's dark theme, pair "tide" (tokens.css). Video keeps them in light as well."""

from __future__ import annotations

Colour = tuple[int, int, int]
"""Red, green, blue, 0-255 each."""


def _hex(text: str) -> Colour:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def blend(colour: Colour, ground: Colour, share: float) -> Colour:
    """The colour laid over a ground with an opacity of 0-1."""
    red, green, blue = (round(ground[i] + (colour[i] - ground[i]) * share) for i in range(3))
    return red, green, blue


GROUND = _hex("0a0c0d")
"""--chart-bg"""
HEAD = _hex("0d0f10")
"""--canvas"""
GRID = _hex("171a1b")
LINE = _hex("25282a")
CHIP = _hex("2a2d2f")
"""--active"""
INK, INK_2, INK_3 = _hex("eeede8"), _hex("b9b9b5"), _hex("919592")
AXIS = _hex("8b908f")
BRASS, SLATE, BONE = _hex("c9a45c"), _hex("8f9bb3"), _hex("d9d4c5")
LONG, ON_LONG = _hex("62c2cd"), _hex("05181b")
SHORT, ON_SHORT = _hex("de784d"), _hex("1d0a02")
GAIN, LOSS = LONG, SHORT
"""Results borrow the pair, whichever side the idea had."""
PRE_MARKET = _hex("111412")
"""Ground of the hours before the open."""

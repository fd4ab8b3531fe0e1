"""A frame counter burnt into a picture: large black and white blocks that survive lossy coding and scaling.

Two rows of 18 blocks over the full width at the top, each row `BAND` of the picture's height. Every row begins with one
white and one black block (the reference levels), then 16 bits, most significant first. Together: 24 bits of counter,
8 bits of CRC-8 (polynomial 0x07) over its three bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
"""A picture's brightness, shape (height, width), 16 black to 235 white (ITU-R BT.601, studio range)."""

COUNTER_LIMIT = 1 << 24
"""Counters run 0 to COUNTER_LIMIT - 1 and start over."""
BLOCKS_PER_ROW = 18
ROWS = 2
BAND = 1 / 12
"""Height of one row of blocks, as a share of the picture's."""
_BLACK, _WHITE = 16, 235
_MIN_CONTRAST = 60.0
"""Difference of the reference blocks below which a picture holds no counter."""


def _crc8(value: int) -> int:
    crc = 0
    for byte in value.to_bytes(3, "big"):
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def _block(height: int, width: int, row: int, column: int, *, margin: float) -> tuple[slice, slice]:
    """Rows and columns of one block, its edges left out by `margin` (a share of the block's size, 0-0.4)."""
    tall, wide = height * BAND, width / BLOCKS_PER_ROW
    top, left = (row + margin) * tall, (column + margin) * wide
    bottom, right = (row + 1 - margin) * tall, (column + 1 - margin) * wide
    return slice(round(top), max(round(top) + 1, round(bottom))), slice(round(left), max(round(left) + 1, round(right)))


def burn_counter(luma: Luma, counter: int) -> None:
    """Draw a counter into a picture, in place.

    Args:
        luma: at least 72 wide and 48 high.
        counter: 0 to COUNTER_LIMIT - 1.

    Raises:
        ValueError: the counter is out of range or the picture too small.
    """
    height, width = luma.shape
    if not 0 <= counter < COUNTER_LIMIT:
        raise ValueError(f"The counter must be 0 to {COUNTER_LIMIT - 1}, not {counter}.")
    if width < 72 or height < 48:
        raise ValueError(f"A picture of {width}x{height} is too small for a counter.")
    bits = f"{(counter << 8) | _crc8(counter):032b}"
    for row in range(ROWS):
        for column, bit in enumerate("10" + bits[16 * row : 16 * row + 16]):
            luma[_block(height, width, row, column, margin=0)] = _WHITE if bit == "1" else _BLACK


def read_counter(luma: Luma) -> int | None:
    """The counter in a picture of any size; None when there is none, or it is not whole (the CRC does not fit)."""
    height, width = luma.shape
    if width < 36 or height < 24:
        return None
    word = 0
    for row in range(ROWS):
        levels = [
            float(luma[_block(height, width, row, column, margin=0.25)].mean()) for column in range(BLOCKS_PER_ROW)
        ]
        white, black = levels[0], levels[1]
        if white - black < _MIN_CONTRAST:
            return None
        middle = (white + black) / 2
        for level in levels[2:]:
            word = word << 1 | (level > middle)
    counter, crc = word >> 8, word & 0xFF
    return counter if crc == _crc8(counter) else None

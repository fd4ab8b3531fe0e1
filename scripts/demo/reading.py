"""Reading a label back out of a picture of the chart: is this text there, and how sure is that?

By normalized cross-correlation with the letters as the chart draws them: 1.0 is the very label, another price of the same
length reaches some 0.8, a smooth ground 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scripts.demo.canvas import letters
from scripts.demo.fonts import BOLD, REGULAR
from scripts.demo.plot import AXIS_LEFT, AXIS_TEXT, HEAD_BOTTOM, TIME_TOP, WIDTH

Luma = NDArray[np.uint8]
"""A picture's brightness, shape (height, width)."""
_FLAT = 4.0
"""Standard deviation of brightness below which a place shows nothing."""


def read_label(luma: Luma, words: str, *, size: int, weight: int = REGULAR) -> float:
    """How well text, lighter than its ground, is found at the best place of a picture: -1.0 to 1.0; 0.0 on a flat ground.

    Args:
        luma: at least as large as the text; cut it to where the text may stand, for speed.
        words: the text.
        size: of its letters, pixels.
        weight: of its letters, 400 to 700.
    """
    cover = letters(words, size, weight)[0]
    rows, columns = np.nonzero(cover > 0.2)
    label = cover[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    label = (label - label.mean()) / label.std()
    places = np.lib.stride_tricks.sliding_window_view(luma.astype(np.float32), label.shape)
    spreads = places.std(axis=(2, 3))
    # The label's mean is zero, so a place's own mean adds nothing to the product.
    scores = np.einsum("ijkl,kl->ij", places, label.astype(np.float32)) / label.size
    is_flat = spreads < _FLAT
    scores = np.where(is_flat, 0.0, scores / np.where(is_flat, 1.0, spreads))
    return float(scores.max())


def read_axis_price(luma: Luma, price: str, *, weight: int = BOLD) -> float:
    """How well a price is found on the price axis; named levels are bold, the grid's prices regular."""
    return read_label(luma[HEAD_BOTTOM:TIME_TOP, AXIS_LEFT + 2 : WIDTH], price, size=AXIS_TEXT, weight=weight)


def read_symbol(luma: Luma, symbol: str) -> float:
    """How well a symbol is found at the head of the chart."""
    return read_label(luma[4 : HEAD_BOTTOM - 4, 8:96], symbol, size=19, weight=BOLD)

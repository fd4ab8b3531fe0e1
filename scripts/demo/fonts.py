"""The chart's fonts: the design's own where the web app's packages lie here, otherwise the machine's, otherwise Pillow's."""

from __future__ import annotations

import functools
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

REGULAR, MEDIUM, BOLD = 400, 500, 600
"""Weights of the design (ui.md, 2)."""
_PLEX = (
    Path(__file__).resolve().parents[2]
    / "webapp/node_modules/@fontsource-variable/ibm-plex-sans/files/ibm-plex-sans-latin-wdth-normal.woff2"
)
_WIDTH = 100
"""Of 75-100: normal."""


@functools.cache
def load_font(size: int, weight: int = REGULAR) -> Font:
    """A font of `size` pixels; weight 400 to 700."""
    if _PLEX.is_file():
        try:
            font = ImageFont.truetype(_PLEX, size)
            font.set_variation_by_axes([weight, _WIDTH])
        except (OSError, NotImplementedError):  # a Pillow without Brotli or variations
            pass
        else:
            return font
    try:
        return ImageFont.truetype("DejaVuSans-Bold.ttf" if weight >= BOLD else "DejaVuSans.ttf", size - 1)
    except OSError:
        return ImageFont.load_default(size)

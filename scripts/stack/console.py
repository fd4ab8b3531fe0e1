"""What people at the terminal read: short lines on standard error, with the seconds since the start."""

from __future__ import annotations

import sys
import time

_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Print one line with the time since the program began."""
    print(f"{time.monotonic() - _BEGAN:7.1f} s  {text}", file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Print text as it is."""
    print(text, file=sys.stderr, flush=True)

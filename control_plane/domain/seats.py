"""Viewer seats: what a lease answers (decisions.md 11)."""

from __future__ import annotations

import msgspec


class SeatCount(msgspec.Struct, frozen=True):
    """Whether a seat was given, and how many are taken now, >= 0."""

    is_granted: bool
    taken: int

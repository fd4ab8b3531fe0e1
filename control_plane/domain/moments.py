"""Moments that callers name."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime

from control_plane.domain.errors import InvalidInput


def require_moment(moment: datetime | None, field: str) -> None:
    """Refuse a moment that means none in UTC. None passes.

    Args:
        moment: as it was read.
        field: its public name.

    Raises:
        InvalidInput: it does not say its time zone, or lies in the calendar's first or last year, whose ends UTC has not.
    """
    if moment is None:
        return
    if moment.tzinfo is None or not MINYEAR < moment.year < MAXYEAR:
        raise InvalidInput("A moment is written like 2026-11-22T19:00:00Z.", field=field)

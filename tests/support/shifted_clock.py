"""A clock that tests move, and a platform that goes by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from control_plane.app import assemble
from control_plane.gateways.clock import SystemClock
from control_plane.services.passwords import Passwords
from control_plane.services.platform import Platform
from control_plane.settings import Settings


class ShiftedClock:
    """The machine's clock, moved by hand."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.shift


@contextmanager
def shifted_platform(platform: Platform, settings: Settings, clock: ShiftedClock) -> Iterator[Platform]:
    """The same platform under this clock."""
    passwords = Passwords()
    try:
        yield assemble(
            settings,
            db=platform.db,
            passwords=passwords,
            bus=platform.bus,
            seats=platform.seats,
            presence=platform.presence,
            rate_limits=platform.rate_limits,
            locks=platform.locks,
            clock=clock,
        )
    finally:
        passwords.close()

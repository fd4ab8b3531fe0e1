"""The time and fresh ids, from the machine."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from uuid import UUID

from control_plane.domain.ids import RisingIds


class SystemClock:
    """The machine's clock; fills `services.ports.Clock`."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)


class SystemIds:
    """UUIDv7 from the machine's clock and random source, rising within the process; fills `services.ports.Ids`."""

    def __init__(self) -> None:
        self._rising = RisingIds()

    def new(self) -> UUID:
        """A new UUIDv7; later ones sort later."""
        return self._rising.next(time.time_ns() // 1_000_000, os.urandom(10))

"""The time and fresh ids, from the machine."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

from control_plane.domain.ids import make_uuid7


class SystemClock:
    """The machine's clock; fills `services.ports.Clock`."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)


class SystemIds:
    """UUIDv7 from the machine's clock and random source; fills `services.ports.Ids`.

    Ids of one process rise even within a millisecond or when the clock steps back: the last millisecond used is never
    gone below, and the random part of the next id in it is one more than the last (RFC 9562, 6.2, method 2).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = 0
        self._last_random = 0

    def new(self) -> UUID:
        """A new UUIDv7; later ones sort later."""
        with self._lock:
            now_ms = time.time_ns() // 1_000_000
            if now_ms > self._last_ms:
                self._last_ms = now_ms
                # The top bit stays free, so that counting up does not overflow within a millisecond.
                self._last_random = int.from_bytes(os.urandom(10), "big") & ((1 << 73) - 1)
            else:
                self._last_random += 1 + os.urandom(1)[0]
            tail, milliseconds = self._last_random, self._last_ms
        # make_uuid7 reads 12 bits above bit 68 and 62 bits from bit 0; spread the 74 bits over them.
        spread = (tail >> 62) << 68 | tail & ((1 << 62) - 1)
        return make_uuid7(milliseconds, spread.to_bytes(10, "big"))

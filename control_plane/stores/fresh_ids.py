"""Ids that stores make themselves: of rows whose writers have no business choosing them."""

from __future__ import annotations

import os
import time
from uuid import UUID

from control_plane.domain.ids import RisingIds

_IDS = RisingIds()


def fresh_id() -> UUID:
    """A new UUIDv7, above all others of this process: what is caused within one millisecond keeps its order."""
    return _IDS.next(time.time_ns() // 1_000_000, os.urandom(10))

"""One id type per noun. All are UUIDv7 (RFC 9562, 5.7), written as plain UUID strings at every door."""

from __future__ import annotations

import threading
from typing import NewType
from uuid import UUID

UserId = NewType("UserId", UUID)
OrganizationId = NewType("OrganizationId", UUID)
WorkspaceId = NewType("WorkspaceId", UUID)
RoomId = NewType("RoomId", UUID)
LiveSessionId = NewType("LiveSessionId", UUID)
ParticipantId = NewType("ParticipantId", UUID)
MessageId = NewType("MessageId", UUID)
AlertId = NewType("AlertId", UUID)
StepId = NewType("StepId", UUID)
NodeId = NewType("NodeId", UUID)


def make_uuid7(unix_ms: int, random_bits: bytes) -> UUID:
    """Build a UUIDv7.

    Args:
        unix_ms: milliseconds since the epoch, 0 <= unix_ms < 2**48.
        random_bits: 10 random bytes; 74 of their 80 bits are used.

    Returns:
        A UUID that sorts by time.

    Raises:
        ValueError: unix_ms or the length of random_bits is out of range.
    Source: RFC 9562, section 5.7.
    """
    if not 0 <= unix_ms < 1 << 48:
        raise ValueError("unix_ms must fit in 48 bits")
    if len(random_bits) != 10:
        raise ValueError("random_bits must be 10 bytes")
    tail = int.from_bytes(random_bits, "big")
    value = unix_ms << 80 | 0x7 << 76 | (tail >> 68 & 0xFFF) << 64 | 0b10 << 62 | tail & ((1 << 62) - 1)
    return UUID(int=value)


class RisingIds:
    """UUIDv7s that rise even within a millisecond or when the clock steps back.

    The last millisecond used is never gone below, and the random part of the next id in it is more than the last
    (RFC 9562, 6.2, method 2). Threads may share one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = 0
        self._last_random = 0

    def next(self, unix_ms: int, random_bits: bytes) -> UUID:
        """The next id, above all before it. unix_ms: as of `make_uuid7`; random_bits: 10 random bytes."""
        with self._lock:
            if unix_ms > self._last_ms:
                self._last_ms = unix_ms
                # The top bit stays free, so that counting up does not overflow within a millisecond.
                self._last_random = int.from_bytes(random_bits, "big") & ((1 << 73) - 1)
            else:
                self._last_random += 1 + random_bits[0]
            tail, milliseconds = self._last_random, self._last_ms
        # make_uuid7 reads 12 bits above bit 68 and 62 bits from bit 0; spread the 74 bits over them.
        spread = (tail >> 62) << 68 | tail & ((1 << 62) - 1)
        return make_uuid7(milliseconds, spread.to_bytes(10, "big"))

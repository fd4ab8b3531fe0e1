"""One id type per noun. All are UUIDv7 (RFC 9562, 5.7), written as plain UUID strings at every door."""

from __future__ import annotations

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

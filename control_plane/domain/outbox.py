"""Outbox: effects nobody re-reads (mail, webhooks out, push), written with what caused them and done later by the jobs door.

At least once, never at most once: a process that dies between the effect and its mark does it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.ids import OrganizationId

OUTBOX_TOPIC = "outbox"
"""The bus topic that wakes the jobs door."""
LEASE = timedelta(seconds=60)
"""How long a claimed row belongs to the process that claimed it; then another may try."""
LAST_ERROR_LENGTH = 500
"""Characters of an error that are kept."""
AT_ONCE_PER_TENANT = 4
"""Effects of one organization that a process has at the same time: its slow receivers hold up nobody else's."""
AT_ONCE_PER_SIDE = 12
"""Effects of all organizations together that a process has at the same time in a lane, and as many of the platform's own.

Less than the lane's places, so that neither side's outsiders, when they hang, hold up the other's.
"""
PLATFORM_PARTY = UUID(int=2**128 - 1)
"""Stands for the platform's own effects where tenants take turns; above every id."""
FIRST_TURN = UUID(int=0)
"""Below every id: the turns begin."""
LAST_TENANT = UUID(int=2**128 - 2)
"""Above every organization's id, and below PLATFORM_PARTY."""


class OutboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One effect to be had.

    Attributes:
        id: UUIDv7; a receiver that wants to tell repeats apart gets it.
        kind: names the handler: mail, …
        body: the handler's own words, JSON; emptied once it is done.
        organization_id: whose; None: the platform's.
        order_key: rows of one key are done one after the other, in the order of their ids; None: in any order.
        attempts: how often it was tried, this time included, >= 1 when a handler sees it.
        created_at: when it was caused.
    """

    id: UUID
    kind: str
    body: dict[str, Any]
    organization_id: OrganizationId | None
    order_key: str | None
    attempts: int
    created_at: datetime


class OutboxPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long a kind is tried. first_s: pause after the first failure, seconds; it grows fourfold up to longest_s."""

    max_attempts: int = 10
    first_s: float = 2.0
    longest_s: float = 3600.0

    def pause(self, attempts: int, spread: float) -> timedelta | None:
        """How long to wait before the next try.

        Args:
            attempts: tries so far, >= 1.
            spread: 0.0-1.0; shortens the pause by up to a quarter, so that what failed together does not return together.

        Returns:
            The pause; None: give up, it is a dead letter.
        """
        if attempts >= self.max_attempts:
            return None
        return timedelta(seconds=min(self.longest_s, self.first_s * 4 ** (attempts - 1)) * (1 - spread / 4))


class GiveUp(Exception):
    """Raised by a handler: trying again can't help. The message is kept as the row's last error."""


class OutboxBacklog(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is. waiting: to be done; dead: given up; oldest_at: of the waiting ones, None when none waits."""

    waiting: int
    dead: int
    oldest_at: datetime | None


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Places in which a process may claim effects now; counts are >= 0. The defaults are a process's that has nothing yet.

    Attributes:
        tenants: for all organizations together.
        platform: for the platform's own effects.
        share: for one organization that `shares` and `slow_shares` don't name.
        shares: for one organization, by its id; those that are slow have 0 here.
        slow: for all slow organizations together, beside the others' places.
        slow_shares: for one slow organization, by its id, in the order of their turns.
        after: whose turn it was last among those that are not slow.
    """

    tenants: int = AT_ONCE_PER_SIDE
    platform: int = AT_ONCE_PER_SIDE
    share: int = AT_ONCE_PER_TENANT
    shares: Mapping[UUID, int] = {}
    slow: int = 0
    slow_shares: Mapping[UUID, int] = {}
    after: UUID = FIRST_TURN


def party_of(message: OutboxMessage) -> UUID:
    """Whose turn an effect takes: its organization's, or the platform's."""
    return message.organization_id or PLATFORM_PARTY


def last_served(after: UUID, parties: Iterable[UUID]) -> UUID:
    """Whose turn it was last: parties are served by rising id from above `after`, and then from the lowest on.

    Args:
        after: who was served last before.
        parties: who was served now; none: it stays as it was.
    """
    return max(parties, key=lambda party: (party <= after, party), default=after)

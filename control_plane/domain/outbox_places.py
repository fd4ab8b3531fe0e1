"""Places of a process that has effects: tenants whose receivers hang get some of their own, beside those of the others.

A place is a coroutine and a socket, so slow ones may have many; what they must not have is a place that somebody prompt
waits for. Who is slow is learnt here, in each process for itself, and forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

import msgspec

from control_plane.domain.outbox import (
    AT_ONCE_PER_SIDE,
    AT_ONCE_PER_TENANT,
    FIRST_TURN,
    PLATFORM_PARTY,
    OutboxMessage,
    Places,
    last_served,
    party_of,
)

SLOW_AFTER_S = 0.5
"""An effect that takes longer gives its place back and goes on in a slow one, seconds."""
SLOW_PLACES = 32
"""Slow places in which effects begin."""
HANGING_MAX = 256
"""Effects that hang at the same time; what hangs beyond keeps its place among the prompt ones."""
REMEMBER_S = 600.0
"""How long a tenant counts as slow, or as prompt, after it was last seen to be, seconds."""
REMEMBERED_MAX = 1_000
"""Tenants remembered as slow, and as many as prompt; the one seen longest ago is forgotten first."""


class _Place(msgspec.Struct, frozen=True):
    party: UUID
    since_s: float
    is_slow: bool


class PlaceBook:
    """The places of one runner.

    A tenant nobody knows yet has one place. Once it was prompt it has AT_ONCE_PER_TENANT. One whose effect takes longer than
    SLOW_AFTER_S is slow: it begins nothing among the prompt ones until it was prompt again, and shares SLOW_PLACES with
    the other slow ones, AT_ONCE_PER_TENANT each or fewer, never less than one in its turn. The platform is never slow.

    Args:
        at_once: effects at the same time that are not slow, >= 1.
        minds_slow: whether receivers of the tenants' own choosing are asked; otherwise nobody is told from anybody.
    """

    def __init__(self, at_once: int, *, minds_slow: bool) -> None:
        self._at_once = at_once
        self._minds_slow = minds_slow
        self._running: dict[UUID, _Place] = {}
        self._slow: dict[UUID, float] = {}
        self._prompt: dict[UUID, float] = {}
        self._after = self._slow_after = FIRST_TURN

    def take(self, messages: Iterable[OutboxMessage], now_s: float) -> None:
        """These were claimed with the places of `free`."""
        places = {message.id: self._place(party_of(message), now_s) for message in messages}
        self._running |= places
        self._after = last_served(self._after, (one.party for one in places.values() if not one.is_slow))
        self._slow_after = last_served(self._slow_after, (one.party for one in places.values() if one.is_slow))

    def give_back(self, message: OutboxMessage, now_s: float) -> None:
        """This one was had, or failed. How long it took tells what its tenant is."""
        place = self._running.pop(message.id)
        if self._minds_slow and place.party != PLATFORM_PARTY:
            self._learn(place.party, now_s, is_slow=now_s - place.since_s >= SLOW_AFTER_S)

    def free(self, now_s: float) -> tuple[int, Places]:
        """What may be claimed now.

        Returns:
            The limit of those that are not slow, >= 0, and the places.
        """
        held = Counter(place.party for place in self._running.values())
        hanging = sum(self._is_hanging(place, now_s) for place in self._running.values())
        for known in (self._slow, self._prompt):
            _forget(known, now_s)
        among_prompt = len(self._running) - min(hanging, HANGING_MAX)
        platform = held.pop(PLATFORM_PARTY, 0)
        share = 1 if self._minds_slow else AT_ONCE_PER_TENANT
        shares = dict.fromkeys(held, share) | dict.fromkeys(self._prompt, AT_ONCE_PER_TENANT)
        slow_share = min(AT_ONCE_PER_TENANT, max(1, SLOW_PLACES // max(1, len(self._slow))))
        turns = sorted(self._slow, key=lambda party: (party <= self._slow_after, party))
        return max(0, self._at_once - among_prompt), Places(
            tenants=max(0, AT_ONCE_PER_SIDE - (among_prompt - platform)),
            platform=max(0, AT_ONCE_PER_SIDE - platform),
            share=share,
            shares={party: max(0, most - held[party]) for party, most in shares.items()} | dict.fromkeys(self._slow, 0),
            slow=max(0, SLOW_PLACES - hanging),
            slow_shares={party: slow_share - held[party] for party in turns if held[party] < slow_share},
            after=self._after,
        )

    def _place(self, party: UUID, now_s: float) -> _Place:
        return _Place(party, now_s, party in self._slow)

    def _is_hanging(self, place: _Place, now_s: float) -> bool:
        """Whether it has a slow place. Who takes long is slow from now on, before the effect has ended."""
        if not self._minds_slow or place.party == PLATFORM_PARTY:
            return False
        is_late = now_s - place.since_s >= SLOW_AFTER_S
        if is_late:
            self._learn(place.party, now_s, is_slow=True)
        return is_late or place.is_slow

    def _learn(self, party: UUID, now_s: float, *, is_slow: bool) -> None:
        known, other = (self._slow, self._prompt) if is_slow else (self._prompt, self._slow)
        other.pop(party, None)
        known.pop(party, None)
        known[party] = now_s
        if len(known) > REMEMBERED_MAX:
            del known[next(iter(known))]


def _forget(known: dict[UUID, float], now_s: float) -> None:
    """The dictionary is in the order in which parties were seen."""
    while known and now_s - next(iter(known.values())) > REMEMBER_S:
        del known[next(iter(known))]

"""Who is measured when, within a budget, and whom the results are told.

Publishers first: what they send reaches everyone. Then whoever has waited longest. With the budget below a room of 1,000
viewers on one worker is measured once in 8.4 s; docs/adaptive-delivery.md says what that costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec
import structlog

from media_plane.agent.participants import ParticipantState
from media_plane.agent.quality import cost_of, measure, worker_of
from media_plane.contract.delivery import QUALITY_INTERVAL_S
from media_plane.contract.messages import Notification, ParticipantQuality, QualityTold
from media_plane.sfu.errors import MediaError

TICK_S = 0.5
"""How often somebody is measured, seconds: the work comes in small portions between the joins."""
REQUESTS_PER_S = 240
"""Statistics asked of each worker, a second. A viewer takes two, a publisher up to four."""
PATIENCE_S = 1.0
"""How long one portion may take: a worker that hangs must not stop the measuring of the others."""
MAX_PER_MESSAGE = 500
"""Participants per notification: under 300 bytes each, well under the link's size limit."""

log = structlog.get_logger("quality")


class MeasuredRoom(Protocol):
    """A live session, as far as measuring cares."""

    live_session_id: str

    def people(self) -> list[ParticipantState]:
        """Everyone who has something open here."""

    def tell_holders(self, notification: Notification) -> None:
        """Notify every link that holds the live session."""


class QualityMetrics(Protocol):
    """Who counts what was measured."""

    def observe_quality(self, quality: ParticipantQuality, *, is_publisher: bool) -> None:
        """One participant was measured."""


class Candidate(msgspec.Struct, frozen=True):
    """Somebody who could be measured. measured_at_s: monotonic; cost: requests, > 0; index: the caller's own."""

    index: int
    is_publisher: bool
    measured_at_s: float
    cost: int


def choose_due(candidates: Iterable[Candidate], *, now_s: float, budget: int) -> list[int]:
    """Who is measured now: nobody again within `QUALITY_INTERVAL_S`, publishers first, then who has waited longest.

    Args:
        candidates: in any order.
        now_s: monotonic seconds.
        budget: requests that may be spent, >= 0.

    Returns:
        Their indexes; what they cost together is within the budget.
    """
    due = [one for one in candidates if now_s - one.measured_at_s >= QUALITY_INTERVAL_S]
    due.sort(key=lambda one: (not one.is_publisher, one.measured_at_s))
    chosen = []
    for one in due:
        if one.cost <= budget:
            budget -= one.cost
            chosen.append(one.index)
    return chosen


class QualityMeter:
    """Measures everyone on the node in turn.

    Args:
        rooms: the open live sessions.
        metrics: counts results.
        now: monotonic seconds.
    """

    def __init__(
        self,
        *,
        rooms: Callable[[], Iterable[MeasuredRoom]],
        metrics: QualityMetrics,
        now: Callable[[], float],
    ) -> None:
        self._rooms = rooms
        self._metrics = metrics
        self._now = now
        self._measured_at_s: dict[ParticipantState, float] = {}
        self._untold: dict[MeasuredRoom, dict[str, ParticipantQuality]] = {}
        self._told_at_s: dict[MeasuredRoom, float] = {}

    async def run(self) -> None:
        """Measure for ever."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except Exception:
                # The clock must go on whatever one participant does.
                log.exception("measuring_failed")

    async def tick(self) -> None:
        """Measure one portion, and tell what may be told."""
        rooms = list(self._rooms())
        people = [(room, person) for room in rooms for person in room.people()]
        self._forget(rooms, {person for _, person in people})
        waiting: dict[int, list[Candidate]] = {}
        for index, (_, person) in enumerate(people):
            cost = cost_of(person)
            if cost > 0:
                measured_at_s = self._measured_at_s.get(person, float("-inf"))
                candidate = Candidate(index, bool(person.producers), measured_at_s, cost)
                waiting.setdefault(worker_of(person), []).append(candidate)
        budget, now_s = round(REQUESTS_PER_S * TICK_S), self._now()
        chosen = [
            people[index]
            for candidates in waiting.values()
            for index in choose_due(candidates, now_s=now_s, budget=budget)
        ]
        await asyncio.gather(*(self._measure(room, person) for room, person in chosen))
        self._tell()

    async def _measure(self, room: MeasuredRoom, person: ParticipantState) -> None:
        self._measured_at_s[person] = self._now()
        try:
            async with asyncio.timeout(PATIENCE_S):
                quality = await measure(person, self._now())
        except (MediaError, TimeoutError):
            return  # It closed meanwhile, or its worker is dying: others look after that.
        if quality is None or person.is_closed:
            return
        self._metrics.observe_quality(quality, is_publisher=bool(person.producers))
        self._untold.setdefault(room, {})[quality.participant_id] = quality

    def _tell(self) -> None:
        now_s = self._now()
        for room, untold in list(self._untold.items()):
            if now_s - self._told_at_s.get(room, float("-inf")) < QUALITY_INTERVAL_S:
                continue
            del self._untold[room]
            self._told_at_s[room] = now_s
            everyone = list(untold.values())
            for first in range(0, len(everyone), MAX_PER_MESSAGE):
                part = everyone[first : first + MAX_PER_MESSAGE]
                room.tell_holders(QualityTold(live_session_id=room.live_session_id, participants=part))

    def _forget(self, rooms: Iterable[MeasuredRoom], people: set[ParticipantState]) -> None:
        """Let go of rooms and people that are gone."""
        open_ones = set(rooms)
        for person in self._measured_at_s.keys() - people:
            del self._measured_at_s[person]
        for room in self._told_at_s.keys() - open_ones:
            del self._told_at_s[room]
        for room in self._untold.keys() - open_ones:
            del self._untold[room]

"""The loop of the jobs door: woken by the bus, and by a tick, because a push may be lost.

The rows are the queue (docs/decisions.md): with Redis away everything goes on, a tick later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from control_plane.domain.errors import Unavailable
from control_plane.domain.events import Event
from control_plane.domain.outbox import OUTBOX_TOPIC, OutboxMessage
from control_plane.domain.outbox_places import SLOW_AFTER_S, PlaceBook
from control_plane.services.outbox import OutboxKind, OutboxService
from control_plane.services.ports import Bus, Clock

TICK_S = 2.0
"""How long an effect waits at most when its wake-up was lost, seconds."""
AT_ONCE = 16
"""Effects one runner has at the same time, those that hang not counted."""
LATE_S = 0.01
"""How much after an effect has become slow the runner looks, seconds: a timer may come a clock's tick early."""
COUNT_S = 10.0
"""How often the backlog is counted, seconds."""
STOP_TIMEOUT_S = 3.0
"""How long running effects may take to end once the process was told to stop; the rest is tried again."""
FIRST_CHORES_S = 60.0
"""How long after its start a process does the chores for the first time, seconds."""
log = structlog.get_logger("jobs")


class JobMetrics:
    """The figures of one jobs door."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.outcomes = Counter(
            "tr_outbox_attempts", "Effects tried, by outcome.", ("kind", "outcome"), registry=self.registry
        )
        self.waiting = Gauge("tr_outbox_waiting", "Effects to be had.", registry=self.registry)
        self.dead = Gauge("tr_outbox_dead", "Effects given up.", registry=self.registry)
        self.oldest = Gauge("tr_outbox_oldest_seconds", "Age of the oldest that waits.", registry=self.registry)
        self.chores = Counter("tr_jobs_chores", "Chores done, by outcome.", ("name", "outcome"), registry=self.registry)


class OutboxRunner:
    """Claims what is due and has it, AT_ONCE at a time.

    Tenants and the platform take turns, none holds more than its share of places, and nor do all tenants together; see
    `PlaceBook`.

    Args:
        outbox: the use cases.
        kinds: who has what.
        bus: wakes it.
        clock: for the backlog's age.
        metrics: where to count.
        minds_slow: whether tenants' own receivers are asked, which may hang.
        tick_s: see TICK_S.
    """

    def __init__(
        self,
        outbox: OutboxService,
        kinds: Mapping[str, OutboxKind],
        bus: Bus,
        clock: Clock,
        metrics: JobMetrics,
        *,
        minds_slow: bool = False,
        tick_s: float = TICK_S,
    ) -> None:
        self._outbox = outbox
        self._kinds = kinds
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._tick_s = tick_s
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], OutboxMessage] = {}
        self._minds_slow = minds_slow
        self._places = PlaceBook(AT_ONCE, minds_slow=minds_slow)
        self._claimed_at: datetime | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether the database answered lately: within five ticks."""
        at = self._claimed_at
        return at is not None and (self._clock.now() - at).total_seconds() < 5 * self._tick_s

    async def run(self) -> None:
        """Work until cancelled; what runs then is given STOP_TIMEOUT_S."""
        listening = asyncio.create_task(self._listen())
        counting = asyncio.create_task(self._count_forever())
        try:
            while True:
                self._wake.clear()
                await self._claim()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._tick_s):
                        await self._wake.wait()
        finally:
            listening.cancel()
            counting.cancel()
            if self._running:
                await asyncio.wait(self._running, timeout=STOP_TIMEOUT_S)
            for task in self._running:
                task.cancel()

    async def _listen(self) -> None:
        """Be woken by the bus; until Redis is there, only by the tick."""

        def hear(_: Event) -> None:
            self._wake.set()

        while True:
            try:
                await self._bus.subscribe(OUTBOX_TOPIC, hear)
            except Unavailable:
                await asyncio.sleep(self._tick_s)
            else:
                self._bus.on_gap(self._wake.set)
                return

    async def _claim(self) -> None:
        loop = asyncio.get_running_loop()
        limit, places = self._places.free(loop.time())
        if limit <= 0 and places.slow <= 0:
            return
        try:
            messages = await self._outbox.claim(self._kinds, limit, places)
        except Unavailable as error:
            log.warning("outbox_not_read", reason=error.message)
            return
        self._claimed_at = self._clock.now()
        self._places.take(messages, loop.time())
        if messages and self._minds_slow:
            # Their places are somebody else's by then.
            loop.call_later(SLOW_AFTER_S + LATE_S, self._wake.set)
        for message in messages:
            task = asyncio.create_task(self._have(message))
            self._running[task] = message
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """A place is free, or the next of an order key is due: look again at once."""
        message = self._running.pop(task, None)
        if message is not None:
            self._places.give_back(message, asyncio.get_running_loop().time())
        self._wake.set()

    async def _have(self, message: OutboxMessage) -> None:
        try:
            outcome = await self._outbox.have(message, self._kinds[message.kind])
        except Unavailable:
            outcome = "unknown"
        self._metrics.outcomes.labels(message.kind, outcome).inc()

    async def _count_forever(self) -> None:
        while True:
            with suppress(Unavailable):
                backlog = await self._outbox.backlog()
                self._metrics.waiting.set(backlog.waiting)
                self._metrics.dead.set(backlog.dead)
                age = self._clock.now() - backlog.oldest_at if backlog.oldest_at is not None else None
                self._metrics.oldest.set(0 if age is None else max(0.0, age.total_seconds()))
            await asyncio.sleep(COUNT_S)


Chore = Callable[[], Awaitable[object]]


async def do_chores(
    chores: Mapping[str, tuple[float, Chore]], metrics: JobMetrics, *, first_s: float = FIRST_CHORES_S
) -> None:
    """Do each chore every so many seconds, until cancelled. A chore that fails is done again at its next time.

    Every process does them: a chore must be harmless when two do it at once.

    Args:
        chores: by name: how often, seconds, and what.
        metrics: where to count.
        first_s: when each is done first, seconds; processes that are started anew within the hour get to them too.
    """

    async def repeat(name: str, every_s: float, chore: Chore) -> None:
        pause_s = min(first_s, every_s)
        while True:
            await asyncio.sleep(pause_s)
            pause_s = every_s
            try:
                async with asyncio.timeout(max(60.0, every_s)):
                    await chore()
            except Exception:
                # One chore's fault must not end the others.
                log.exception("chore_failed", name=name)
                metrics.chores.labels(name, "failed").inc()
            else:
                metrics.chores.labels(name, "done").inc()

    async with asyncio.TaskGroup() as group:
        for name, (every_s, chore) in chores.items():
            group.create_task(repeat(name, every_s, chore))

"""Emptying a node before it stops: no new live sessions, the others leave, and who has nothing open here is let go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from media_plane.agent.rooms import Rooms

EMPTY_FOR_S = 8.0
"""How long nobody may have anything open in a live session before a draining node closes it, seconds: signaling processes
hear of the drain within one load interval, and shall move the session themselves, which no viewer notices."""
LOOK_S = 0.2
TELL_EVERY_S = 5.0
"""How often a drain that waits says so in the log, seconds."""

log = structlog.get_logger("draining")


class Drain:
    """The node's drain.

    Args:
        rooms: the live sessions.
        announce: tell every link at once; the load says that we drain.
        now: monotonic seconds.
    """

    def __init__(self, rooms: Rooms, announce: Callable[[], None], now: Callable[[], float]) -> None:
        self._rooms = rooms
        self._announce = announce
        self._now = now
        self._empty_since_s: dict[str, float] = {}

    def begin(self) -> None:
        """Take no new live sessions from now on. May be called twice."""
        if not self._rooms.is_draining:
            self._rooms.is_draining = True
            log.info("drain_began", rooms=self._rooms.count)
            self._announce()

    def cancel(self) -> None:
        """Take new live sessions again."""
        if self._rooms.is_draining:
            self._rooms.is_draining = False
            self._empty_since_s.clear()
            log.info("drain_cancelled", rooms=self._rooms.count)
            self._announce()

    def step(self) -> None:
        """While draining: close live sessions that nobody has had anything open in for a while. Called once a second."""
        if not self._rooms.is_draining:
            return
        now_s = self._now()
        empty = self._rooms.empty_ids()
        self._empty_since_s = {known: self._empty_since_s.get(known, now_s) for known in empty}
        self._rooms.close_empty(
            known for known, since_s in self._empty_since_s.items() if now_s - since_s > EMPTY_FOR_S
        )

    async def run(self, patience_s: float, hurried: asyncio.Event) -> bool:
        """Drain until no live session is left, the patience is over, or somebody is in a hurry.

        Args:
            patience_s: deadline, seconds.
            hurried: set to stop at once.

        Returns:
            Whether the node is empty. What is left when it is not is cut off by whoever stops it.
        """
        self.begin()
        deadline_s = self._now() + patience_s
        told_s = self._now()
        while self._rooms.count and self._now() < deadline_s and not hurried.is_set():
            if self._now() - told_s >= TELL_EVERY_S:
                told_s = self._now()
                log.warning("drain_waits", rooms=self._rooms.count, left_s=round(deadline_s - told_s))
            await _wait(hurried, LOOK_S)
        is_empty = self._rooms.count == 0
        log.log(20 if is_empty else 30, "drain_ended", is_empty=is_empty, rooms=self._rooms.count)
        return is_empty


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass

"""Does a worker still answer? A heartbeat about every second, and how long none came back.

What counts is the time in which we could have heard an answer: while our own loop is late (it computes, the machine is
short of CPU, the process was stopped) the answer may lie in the socket unread.
"""

from __future__ import annotations

import asyncio

from media_plane.sfu.errors import MediaError, WorkerRejected
from media_plane.sfu.worker import Worker

BEAT_S = 1.0
"""Time between two heartbeats, seconds."""
LOOK_S = 0.25
"""Time between two looks at the answers, seconds."""
MOST_PER_LOOK_S = 2 * LOOK_S
"""As much of the time between two looks counts at most; what a look is later than that is our own lag."""
SUSPECT_AFTER_S = 2.0
"""Silent for so long, a worker gets nothing new."""
HUNG_AFTER_S = 4.0
"""Silent for so long, it is dead: found within 5 s with the look, the kill and the telling."""


class Silence:
    """How long somebody has not answered, as far as we were there to hear it. Pure.

    Attributes:
        lasted_s: seconds of silence, >= 0.
        lag_s: by how much the last look was late, seconds, >= 0.

    Args:
        now_s: monotonic time, seconds; it answered just now.
    """

    def __init__(self, now_s: float) -> None:
        self.lasted_s = 0.0
        self.lag_s = 0.0
        self._looked_at_s = now_s

    def look(self, now_s: float, *, has_answered: bool) -> None:
        """Take note of what was heard since the last look.

        Args:
            now_s: monotonic time, seconds.
            has_answered: whether an answer came.
        """
        passed_s = now_s - self._looked_at_s
        self._looked_at_s = now_s
        self.lag_s = max(0.0, passed_s - LOOK_S)
        self.lasted_s = 0.0 if has_answered else self.lasted_s + min(passed_s, MOST_PER_LOOK_S)

    @property
    def is_suspect(self) -> bool:
        """Whether it should get nothing new."""
        return self.lasted_s >= SUSPECT_AFTER_S

    @property
    def is_hung(self) -> bool:
        """Whether it counts as dead."""
        return self.lasted_s >= HUNG_AFTER_S


class Pulse:
    """The heartbeats of one worker.

    Attributes:
        silence: how long it has not answered.

    Args:
        worker: one that just answered.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self.silence = Silence(self._loop.time())

    async def until_hung(self) -> None:
        """Ask about every `BEAT_S` and return when nothing came back for `HUNG_AFTER_S`. For ever when the worker ends."""
        beat: asyncio.Task[bool] | None = None
        next_beat_s = self._loop.time()
        try:
            while not self.silence.is_hung:
                if beat is None and self._loop.time() >= next_beat_s:
                    next_beat_s = self._loop.time() + BEAT_S
                    beat = asyncio.ensure_future(self._ask())
                await asyncio.sleep(LOOK_S)
                has_answered = beat is not None and beat.done() and beat.result()
                self.silence.look(self._loop.time(), has_answered=has_answered)
                if beat is not None and beat.done():
                    beat = None
        finally:
            if beat is not None:
                beat.cancel()

    async def _ask(self) -> bool:
        """Whether it answered; a refusal is an answer too."""
        try:
            await self._worker.get_resource_usage()
        except WorkerRejected:
            return True
        except MediaError:
            return False
        return True

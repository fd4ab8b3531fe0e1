"""How fast one socket may talk: a token bucket in this process. Pure: the time comes in."""

from __future__ import annotations


class TokenBucket:
    """Holds at most `capacity` tokens and gains `refill_per_s` a second; begins full.

    Args:
        capacity: burst, > 0.
        refill_per_s: sustained rate, > 0.
        now_s: monotonic seconds.
    """

    __slots__ = ("_at_s", "_capacity", "_refill_per_s", "_tokens")

    def __init__(self, capacity: float, refill_per_s: float, now_s: float) -> None:
        self._capacity = capacity
        self._refill_per_s = refill_per_s
        self._tokens = capacity
        self._at_s = now_s

    def take(self, now_s: float) -> float:
        """Take one token.

        Args:
            now_s: monotonic seconds, never less than before.

        Returns:
            0.0 when there was one, otherwise how long to wait for the next, seconds, > 0.
        """
        self._tokens = min(self._capacity, self._tokens + (now_s - self._at_s) * self._refill_per_s)
        self._at_s = now_s
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._refill_per_s

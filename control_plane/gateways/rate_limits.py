"""Token buckets on Redis, shared by all processes. One script, Redis' own clock."""

from __future__ import annotations

from control_plane.gateways.redis_client import connect, redis_errors

_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local capacity, refill_per_ms = tonumber(ARGV[1]), tonumber(ARGV[2]) / 1000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or capacity
local at = tonumber(bucket[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * refill_per_ms)
local wait_ms = 0
if tokens >= 1 then
    tokens = tokens - 1
else
    wait_ms = (1 - tokens) / refill_per_ms
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - tokens) / refill_per_ms) + 1000)
return tostring(wait_ms)
"""
"""ARGV: capacity, refill per second. Answers how long to wait, ms, as text (Lua numbers come back cut to integers)."""


_LEASE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local capacity, refill_per_ms, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]) / 1000, tonumber(ARGV[3])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or capacity
local at = tonumber(bucket[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * refill_per_ms)
local granted = math.min(wanted, math.floor(tokens))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - tokens) / refill_per_ms) + 1000)
return {granted, tostring(tokens)}
"""
"""As `_TAKE`, for up to ARGV[3] at once. Answers how many were granted, and what is left, as text."""


class RateLimits:
    """Buckets by key; fills `services.ports.RateLimits`. Whether to fail open or closed is the caller's decision.

    Args:
        redis_url: where Redis is.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)
        self._take = self._redis.register_script(_TAKE)
        self._lease = self._redis.register_script(_LEASE)

    async def take(self, key: str, *, capacity: int, refill_per_s: float) -> float:
        """Take one token from a bucket that holds at most `capacity` and gains `refill_per_s` a second.

        Args:
            key: whose bucket, for example `login:<address>`; no secret in it.
            capacity: > 0.
            refill_per_s: > 0.

        Returns:
            0.0 when there was one, otherwise how long to wait for the next, seconds, > 0.

        Raises:
            Unavailable: Redis is away.
        """
        with redis_errors():
            wait_ms = await self._take(keys=[f"rate:{key}"], args=[capacity, refill_per_s])
        return float(wait_ms) / 1000

    async def lease(self, key: str, *, capacity: int, refill_per_s: float, count: int) -> tuple[int, float]:
        """Take up to `count` tokens at once, to be spent by this process: see `rest/limits.py`.

        Args:
            key: as `take`.
            capacity: > 0.
            refill_per_s: > 0.
            count: > 0.

        Returns:
            How many were there, 0-count, and how many are left for others, >= 0.

        Raises:
            Unavailable: Redis is away.
        """
        with redis_errors():
            granted, left = await self._lease(keys=[f"rate:{key}"], args=[capacity, refill_per_s, count])
        return int(granted), float(left)

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._redis.aclose()

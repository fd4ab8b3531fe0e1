"""Short locks on Redis: who writes a thing by REST takes its turn."""

from __future__ import annotations

import asyncio
import secrets
import time

import structlog

from control_plane.domain.errors import Unavailable
from control_plane.gateways.redis_client import connect, redis_errors

HELD_MS = 15_000
"""A lock whose holder died is free after this."""
WAIT_S = 5.0
"""How long one waits for a lock."""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
log = structlog.get_logger(__name__)


class RedisLocks:
    """Locks by name; fills `services.ports.Locks`.

    Args:
        redis_url: where Redis is.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)
        self._release = self._redis.register_script(_RELEASE)

    async def take(self, name: str) -> str:
        """Wait for a lock and hold it for HELD_MS at most.

        Returns:
            What to release it with.

        Raises:
            Unavailable: Redis is away, or others held it for WAIT_S.
        """
        key, holder = f"lock:{name}", secrets.token_urlsafe(12)
        deadline, pause_s = time.monotonic() + WAIT_S, 0.005
        while True:
            with redis_errors():
                if await self._redis.set(key, holder, nx=True, px=HELD_MS):
                    return holder
            if time.monotonic() >= deadline:
                raise Unavailable("Others are changing this. Try again in a moment.", retry_after_s=1)
            await asyncio.sleep(pause_s)
            pause_s = min(0.1, pause_s * 2)

    async def release(self, name: str, holder: str) -> None:
        """Let go of a lock, unless it ran out and is somebody else's. A lock that can't be let go of runs out."""
        try:
            with redis_errors():
                await self._release(keys=[f"lock:{name}"], args=[holder])
        except Unavailable:
            log.warning("lock_not_released")

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._redis.aclose()

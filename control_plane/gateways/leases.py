"""Leases on Redis: a sorted set per live session, member = participant id, score = when the lease ends (ms of Redis' clock).

Redis' own clock decides, so that processes with skewed clocks agree (targets.md F15).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from control_plane.gateways.redis_client import connect, redis_errors

LEASE_S = 15
"""How long a lease runs without renewal, seconds (decisions.md 11)."""
LEASE_MS = LEASE_S * 1000
MARKER_KEY = "leases:since"
"""Holds the time (ms of Redis' clock) since when leases have been kept; gone after a restart or a flush."""

NOW_AND_MARKER = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = redis.call('GET', KEYS[2])
if not since then
    since = now
    redis.call('SET', KEYS[2], since)
end
since = tonumber(since)
"""
"""First lines of every script: `now` and `since`, milliseconds. KEYS[1] is the set, KEYS[2] the marker."""

_RENEW = (
    NOW_AND_MARKER
    + """
for index = 2, #ARGV do
    redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index])
end
redis.call('PEXPIRE', KEYS[1], 4 * ARGV[1])
return 0
"""
)
_LIVE = NOW_AND_MARKER + "return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')"
_COUNT = NOW_AND_MARKER + "return redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')"


class Leases:
    """The plain half of seats and presence: renew, drop, list, count.

    Args:
        redis_url: where Redis is.
        prefix: first part of the keys.
    """

    def __init__(self, redis_url: str, prefix: str) -> None:
        self.redis: Redis = connect(redis_url)
        self._prefix = prefix
        self._renew = self.script(_RENEW)
        self._live = self.script(_LIVE)
        self._count = self.script(_COUNT)

    def script(self, lua: str) -> AsyncScript:
        """A script that Redis keeps after its first run."""
        return self.redis.register_script(lua)

    def keys(self, group: UUID) -> list[str]:
        """KEYS of every script: the group's set and the marker."""
        return [f"{self._prefix}:{group}", MARKER_KEY]

    async def run(self, script: AsyncScript, group: UUID, *arguments: str | int) -> Any:
        """Run a script on a group. Raises Unavailable."""
        with redis_errors():
            return await script(keys=self.keys(group), args=arguments)

    async def renew(self, group: UUID, members: Iterable[UUID]) -> None:
        """Give these members a fresh lease, whether they had one or not; an empty batch only sets the marker.

        Raises:
            Unavailable: Redis is away.
        """
        await self.run(self._renew, group, LEASE_MS, *map(str, members))

    async def drop(self, group: UUID, member: UUID) -> None:
        """End a lease; nothing happens when there is none. Raises Unavailable."""
        with redis_errors():
            await self.redis.zrem(self.keys(group)[0], str(member))

    async def live(self, group: UUID) -> set[UUID]:
        """Members whose lease runs. Raises Unavailable."""
        members: list[bytes] = await self.run(self._live, group)
        return {UUID(member.decode()) for member in members}

    async def count(self, group: UUID) -> int:
        """How many leases run, >= 0. Raises Unavailable."""
        return int(await self.run(self._count, group))

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self.redis.aclose()

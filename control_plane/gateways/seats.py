"""Viewer seats as leases on Redis: expire, count and add in one script, so two joins can't both take the last seat.

After a restart Redis has forgotten who sits where. The first script that runs then writes a marker with Redis' own time;
a live session that began before the marker gets no new seat for one lease, in which those who sit there renew
(decisions.md 11). Sessions that began after the marker are not held up.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import LiveSessionId, ParticipantId
from control_plane.domain.seats import SeatCount
from control_plane.gateways.leases import LEASE_MS, NOW_AND_MARKER, Leases

_NO_LIMIT = -1
_NOBODY = UUID(int=0)

_TAKE = (
    NOW_AND_MARKER
    + """
local lease, member, limit, started = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local taken = redis.call('ZCARD', KEYS[1])
local holds = redis.call('ZSCORE', KEYS[1], member)
if not holds then
    if limit >= 0 and started < since and now < since + lease then
        return {0, taken, since + lease - now}
    end
    if limit >= 0 and taken >= limit then
        return {0, taken, 0}
    end
    taken = taken + 1
end
redis.call('ZADD', KEYS[1], now + lease, member)
redis.call('PEXPIRE', KEYS[1], 4 * lease)
return {1, taken, 0}
"""
)
"""ARGV: lease ms, member, limit (-1: none), session start ms. Answers {granted, taken, wait ms}."""


class RedisSeats:
    """Seats of live sessions; fills `services.ports.Seats`.

    Args:
        redis_url: where Redis is.
    """

    def __init__(self, redis_url: str) -> None:
        self._leases = Leases(redis_url, "seats")
        self._take = self._leases.script(_TAKE)

    async def start(self) -> None:
        """Write the marker now, so that the first session of a new Redis is not mistaken for one from before.

        Raises:
            Unavailable: Redis is away; try again.
        """
        await self._leases.count(_NOBODY)

    async def take(
        self,
        live_session_id: LiveSessionId,
        participant_id: ParticipantId,
        *,
        limit: int | None,
        started_at: datetime,
    ) -> SeatCount:
        """Take or renew one seat; one who holds a seat gets it again.

        Args:
            live_session_id: the room's run.
            participant_id: who sits there.
            limit: seats the plan allows, >= 0; None means no limit.
            started_at: when the session began, aware.

        Raises:
            Unavailable: Redis is away, or was restarted less than one lease ago (facts: retry_after_s).
        """
        granted, taken, wait_ms = await self._leases.run(
            self._take,
            live_session_id,
            LEASE_MS,
            str(participant_id),
            _NO_LIMIT if limit is None else limit,
            int(started_at.timestamp() * 1000),
        )
        if wait_ms:
            raise Unavailable(
                "Seats are being counted after a restart. Try again in a moment.",
                retry_after_s=max(1, -(-int(wait_ms) // 1000)),
            )
        return SeatCount(is_granted=bool(granted), taken=int(taken))

    async def renew(self, live_session_id: LiveSessionId, participant_ids: Iterable[ParticipantId]) -> None:
        """Keep these seats for another lease, also ones that expired meanwhile. Raises Unavailable."""
        await self._leases.renew(live_session_id, participant_ids)

    async def release(self, live_session_id: LiveSessionId, participant_id: ParticipantId) -> None:
        """Give a seat back; nothing happens when there is none. Raises Unavailable."""
        await self._leases.drop(live_session_id, participant_id)

    async def count(self, live_session_id: LiveSessionId) -> int:
        """Seats leased now, >= 0. Raises Unavailable."""
        return await self._leases.count(live_session_id)

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._leases.close()

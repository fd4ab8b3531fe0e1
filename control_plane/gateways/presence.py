"""Who is held by some signaling process, as leases on Redis: how a dead process' people are found."""

from __future__ import annotations

from collections.abc import Iterable

from control_plane.domain.ids import LiveSessionId, ParticipantId
from control_plane.gateways.leases import Leases


class RedisPresence:
    """Presence leases of live sessions; fills `services.ports.Presence`.

    Args:
        redis_url: where Redis is.
    """

    def __init__(self, redis_url: str) -> None:
        self._leases = Leases(redis_url, "presence")

    async def touch(self, live_session_id: LiveSessionId, participant_ids: Iterable[ParticipantId]) -> None:
        """They are held by this process now, for one more lease. Raises Unavailable."""
        await self._leases.renew(live_session_id, participant_ids)

    async def drop(self, live_session_id: LiveSessionId, participant_id: ParticipantId) -> None:
        """No longer held. Raises Unavailable."""
        await self._leases.drop(live_session_id, participant_id)

    async def present(self, live_session_id: LiveSessionId) -> set[ParticipantId]:
        """Everyone with a lease that runs. Raises Unavailable."""
        return {ParticipantId(member) for member in await self._leases.live(live_session_id)}

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._leases.close()

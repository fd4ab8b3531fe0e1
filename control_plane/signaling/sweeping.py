"""The 5-second sweep of one held session: leases are renewed, and rows are believed where a push was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import structlog

from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import ParticipantId
from control_plane.signaling.media_care import MediaCare
from control_plane.signaling.session import Session

MISSING_S = 16.0
"""Who has had no presence lease for longer than one lease (15 s) is lost with the process that held them, seconds."""

log = structlog.get_logger("signaling")


class Sweep:
    """One session's sweep.

    Args:
        session: whose.
        care: its media.
    """

    def __init__(self, session: Session, care: MediaCare) -> None:
        self._session = session
        self._needs = session.needs
        self._care = care
        self._missing_since_s: dict[ParticipantId, float] = {}

    async def run(self, *, thorough: bool = False) -> None:
        """Sweep once. What is away is skipped: the next sweep comes in seconds.

        Args:
            thorough: pushes are known to be missing: compare the tracks too.
        """
        await self._try("leases", self._renew())
        await self._try("row", self._check_row())
        if self._session.is_over:
            return
        await self._try("people", self._check_people())
        await self._try("feed", self._check_feed())
        if thorough and self._session.has_media:
            await self._try("tracks", self._care.match_tracks())
        await self._try("edges", self._care.edges.sweep())

    async def _try(self, what: str, step: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._needs.times.request_s):
                await step
        except Exception as error:  # noqa: BLE001 - each step stands alone; whatever is away is tried again
            log.warning("sweep_failed", what=what, live_session_id=str(self._session.id), error=type(error).__name__)

    async def _renew(self) -> None:
        session = self._session
        held = list(session.connections)
        viewers = [
            admission.participant.id
            for admission in (
                *(connection.admission for connection in session.connections.values()),
                *(admission for admission, _ in session.ghosts.values()),
            )
            if admission.participant.grant.takes_seat
        ]
        if viewers:
            await self._needs.seats.renew(session.id, viewers)
        if held:
            await self._needs.presence.touch(session.id, held)

    async def _check_row(self) -> None:
        session = self._session
        row = await self._needs.live.find_session(session.organization_id, session.id)
        if row is None or not row.is_live:
            session.end()
        elif row.epoch > session.placement.epoch:
            self._care.follow()
        elif not session.has_media:
            self._care.rebuild("retry")

    async def _check_people(self) -> None:
        session = self._session
        known = set(session.roster.people)
        people = await self._needs.live.list_present(session.organization_id, session.id)
        session.match_people(people, known)
        try:
            present = await self._needs.presence.present(session.id)
        except Unavailable:
            # Nothing is known about others while Redis is away; their time starts anew.
            self._missing_since_s.clear()
            raise
        await self._find_lost([person.id for person in people], present)

    async def _find_lost(self, listed: list[ParticipantId], present: set[ParticipantId]) -> None:
        session, now_s = self._session, asyncio.get_running_loop().time()
        held = session.connections.keys() | session.ghosts.keys()
        missing = [known for known in listed if known not in present and known not in held]
        self._missing_since_s = {known: self._missing_since_s.get(known, now_s) for known in missing}
        lost = [known for known, since_s in self._missing_since_s.items() if now_s - since_s > MISSING_S]
        if not lost:
            return
        for participant_id in await self._needs.live.mark_lost(session.organization_id, session.id, lost):
            log.info("participant_lost", participant_id=str(participant_id))
            await session.close_media(participant_id)

    async def _check_feed(self) -> None:
        session = self._session
        session.note_last_seq(await self._needs.feed.last_seq(session.organization_id, session.room_id))

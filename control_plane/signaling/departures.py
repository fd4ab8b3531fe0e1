"""How people go: by themselves, by losing their socket, by being found lost, with the session."""

from __future__ import annotations

import asyncio

import structlog

from control_plane.domain import events
from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import ParticipantId
from control_plane.services.ports import Presence
from control_plane.signaling.needs import Admission
from control_plane.signaling.session import Session

log = structlog.get_logger("signaling")


async def leave(session: Session, admission: Admission, reason: str) -> None:
    """Someone is gone for good: write it, close their media, tell the others.

    Raises:
        Unavailable: the row could not be written; nothing has happened.
    """
    participant_id = admission.participant.id
    if not await session.needs.live.leave(admission, reason):
        return  # They are gone already, or came back elsewhere: their media is not ours to close.
    if session.ghosts.get(participant_id, (None,))[0] is admission:
        # Their socket closed right behind the goodbye: a ghost would hold their seat.
        session.lay_ghost(participant_id)
    # Whoever stops waiting for it, such as a goodbye with its deadline, leaves no media behind.
    closing = session.start(session.close_media(participant_id))
    await asyncio.wait([closing])
    if not closing.cancelled():
        closing.result()
    # The service tells the other processes; here it may be known already, and then changes nothing.
    session.apply(events.ParticipantLeft(live_session_id=session.id, participant_id=participant_id, reason=reason))


async def lose(session: Session, admission: Admission) -> None:
    """A socket is gone without a word: show it at once, and wait for the person to come back."""
    participant_id = admission.participant.id

    def give_up() -> None:
        if session.ghosts.get(participant_id, (None,))[0] is admission:
            session.spawn(_give_up(session, admission))

    timer = asyncio.get_running_loop().call_later(session.needs.times.grace_s, give_up)
    session.ghosts[participant_id] = (admission, timer)
    await session.tell(
        events.ParticipantConnectionChanged(
            live_session_id=session.id, participant_id=participant_id, is_connected=False
        )
    )


async def _give_up(session: Session, admission: Admission) -> None:
    """The grace is over. While the database is away the ghost stays, and its seat with it."""
    participant_id = admission.participant.id
    while session.ghosts.get(participant_id, (None,))[0] is admission:
        try:
            await leave(session, admission, "lost")
        except Exception as error:  # noqa: BLE001 - whatever is away: try until the row says it
            log.warning("leave_failed", participant_id=str(participant_id), error=type(error).__name__)
            await asyncio.sleep(session.needs.times.ping_s)
        else:
            session.lay_ghost(participant_id)


async def touch(presence: Presence, session: Session, participant_id: ParticipantId) -> None:
    """Say that this process holds someone. Failing is harmless: it is said again within seconds."""
    try:
        await presence.touch(session.id, [participant_id])
    except Unavailable:
        log.warning("presence_not_touched", participant_id=str(participant_id))

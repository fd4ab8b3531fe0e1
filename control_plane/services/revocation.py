"""What a lost or changed role means at once: in the transaction of the change the rows, after it the sockets and the media.

REST reads the membership with every request. Sockets are told by the bus; whoever holds one closes it and its media
(signaling/session.py), and the 5-second sweep finds in the rows what the bus lost.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from control_plane.domain.events import ParticipantLeft, ParticipantRemoved, ParticipantRoleChanged, session_topic
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.services.ports import Bus
from control_plane.stores import participants
from control_plane.stores.database import Transaction


async def put_out(tx: Transaction, bus: Bus, organization_id: OrganizationId, user_id: UserId, now: datetime) -> None:
    """A person is no member any more: put them out of every live room of the organization after commit."""
    for live_session_id, participant_id in await participants.end_stays(tx, organization_id, user_id, now):
        topic = session_topic(live_session_id)
        order = ParticipantRemoved(live_session_id=live_session_id, participant_id=participant_id)
        left = ParticipantLeft(live_session_id=live_session_id, participant_id=participant_id, reason="removed")
        tx.after_commit(partial(bus.publish, topic, order))
        tx.after_commit(partial(bus.publish, topic, left))


async def regrade(tx: Transaction, bus: Bus, organization_id: OrganizationId, user_id: UserId) -> None:
    """A person's role changed: give it to them in every live room they are in, after commit."""
    for live_session_id, participant in await participants.write_roles(tx, organization_id, user_id):
        event = ParticipantRoleChanged(live_session_id=live_session_id, participant=participant)
        tx.after_commit(partial(bus.publish, session_topic(live_session_id), event))

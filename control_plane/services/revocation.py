"""What a lost or changed role means at once: in the transaction of the change the rows, after it the sockets and the media.

REST reads the membership with every request. Sockets are told by the bus; whoever holds one closes it and its media
(signaling/session.py), and the 5-second sweep finds in the rows what the bus lost.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from control_plane.domain.audit import ActorKind
from control_plane.domain.callers import Caller
from control_plane.domain.events import ParticipantLeft, ParticipantRemoved, ParticipantRoleChanged, session_topic
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.services import audit
from control_plane.services.ports import Bus
from control_plane.stores import api_tokens, participants
from control_plane.stores.database import Transaction


async def put_out(tx: Transaction, bus: Bus, organization_id: OrganizationId, user_id: UserId, now: datetime) -> None:
    """A person is no member any more: put them out of every live room of the organization after commit."""
    for live_session_id, participant_id in await participants.end_stays(tx, organization_id, user_id, now):
        topic = session_topic(live_session_id)
        order = ParticipantRemoved(live_session_id=live_session_id, participant_id=participant_id)
        left = ParticipantLeft(live_session_id=live_session_id, participant_id=participant_id, reason="removed")
        tx.after_commit(partial(bus.publish, topic, order))
        tx.after_commit(partial(bus.publish, topic, left))


async def end_tokens(
    tx: Transaction, by: Caller | ActorKind, organization_id: OrganizationId, user_id: UserId, now: datetime
) -> None:
    """A person is no member any more: the API tokens they made are revoked, and stay so should they be invited again.

    What such a token joined is the person's stay, and ends by `put_out`.
    """
    for token in await api_tokens.revoke_of_member(tx, organization_id, user_id, now):
        before = {"abilities": token.abilities}
        await audit.note(tx, by, organization_id, "api_token.revoked", ("api_token", token.id), before=before)


async def regrade(tx: Transaction, bus: Bus, organization_id: OrganizationId, user_id: UserId) -> None:
    """A person's role changed: give it to them in every live room they are in, after commit."""
    for live_session_id, participant in await participants.write_roles(tx, organization_id, user_id):
        event = ParticipantRoleChanged(live_session_id=live_session_id, participant=participant)
        tx.after_commit(partial(bus.publish, session_topic(live_session_id), event))

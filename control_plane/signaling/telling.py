"""What browsers are told of an event. Pure."""

from __future__ import annotations

from control_plane.domain import events
from control_plane.domain.events import Event
from control_plane.domain.ids import ParticipantId
from control_plane.signaling import messages as m
from control_plane.signaling.roster import Roster


def owner_of(event: Event) -> ParticipantId | None:
    """Whose change an event is; None: nobody's in particular."""
    if isinstance(event, events.ParticipantJoined):
        return event.participant.id
    return getattr(event, "participant_id", None)


def notification_for(event: Event, roster: Roster) -> m.NotificationBase | None:
    """What browsers are told of a change of the roster, which has taken it in already; None: nothing."""
    told: m.NotificationBase | None = None
    match event:
        case events.ParticipantJoined():
            view = roster.view(event.participant.id)
            told = m.ParticipantJoined(participant=view) if view is not None else None
        case events.ParticipantLeft():
            told = m.ParticipantLeft(participant_id=event.participant_id, reason=event.reason)
        case events.ParticipantConnectionChanged():
            told = m.ParticipantConnectionChanged(participant_id=event.participant_id, is_connected=event.is_connected)
        case events.ProducerOpened():
            track = roster.tracks[event.producer_id]
            told = m.ProducerOpened(participant_id=event.participant_id, producer=track.view)
        case events.ProducerPausedChanged():
            told = m.ProducerPausedChanged(
                participant_id=event.participant_id, producer_id=event.producer_id, paused=event.paused
            )
        case events.ProducerGone():
            told = m.ProducerClosed(participant_id=event.participant_id, producer_id=event.producer_id)
        case _:
            pass
    return told

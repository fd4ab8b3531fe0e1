"""Who is in a live session and what they publish, as this process knows it. Pure: events in, changes out.

Applying an event twice changes nothing the second time, and only changes are told to browsers: so an event may come both
from here and over the bus.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import msgspec

from control_plane.domain.events import (
    Event,
    ParticipantConnectionChanged,
    ParticipantJoined,
    ParticipantLeft,
    ProducerGone,
    ProducerOpened,
    ProducerPausedChanged,
)
from control_plane.domain.ids import ParticipantId
from control_plane.domain.participants import Participant
from control_plane.signaling.messages import ParticipantView, ProducerView
from media_plane.contract.messages import MediaKind, ProducerFacts, Source


@dataclass(slots=True)
class Track:
    """Something someone publishes. epoch: the placement it was last published at; 0: not known."""

    participant_id: ParticipantId
    view: ProducerView
    epoch: int = 0


@dataclass(slots=True)
class Person:
    """Someone in the room. is_connected False: their socket is lost, they may be back."""

    participant: Participant
    is_connected: bool = True


class Roster:
    """People and tracks of one live session."""

    def __init__(self) -> None:
        self.people: dict[ParticipantId, Person] = {}
        self.tracks: dict[str, Track] = {}
        self.epoch = 0
        """The media's placement now. Tracks of an older one are about to follow: they can't be consumed here yet."""
        self._gone: dict[str, int] = {}
        """Producers that closed, and the placement they were last published at: a late "opened" of it, or of an older
        one, is known to be old news. At a newer one the same id may come again: browsers keep it when media moves."""

    # --- reading ------------------------------------------------------------------------------------------------

    def views(self) -> list[ParticipantView]:
        """Everyone with their tracks, in order of coming."""
        tracks: dict[ParticipantId, list[ProducerView]] = {}
        for track in self.tracks.values():
            tracks.setdefault(track.participant_id, []).append(track.view)
        return [
            make_view(person.participant, is_connected=person.is_connected, producers=tracks.get(participant_id, []))
            for participant_id, person in self.people.items()
        ]

    def view(self, participant_id: ParticipantId) -> ParticipantView | None:
        """One person with their tracks."""
        person = self.people.get(participant_id)
        if person is None:
            return None
        producers = [track.view for track in self.tracks.values() if track.participant_id == participant_id]
        return make_view(person.participant, is_connected=person.is_connected, producers=producers)

    def tracks_of_others(self, participant_id: ParticipantId) -> list[str]:
        """Producer ids of everyone else that can be consumed at the present placement, oldest first."""
        return [
            producer_id
            for producer_id, track in self.tracks.items()
            if track.participant_id != participant_id and self.is_here(track)
        ]

    def is_here(self, track: Track) -> bool:
        """Whether a track is published at the present placement."""
        return track.epoch in {0, self.epoch} or track.epoch > self.epoch

    def left_behind(self) -> list[str]:
        """Producer ids of tracks that were published at an older placement only."""
        return [producer_id for producer_id, track in self.tracks.items() if not self.is_here(track)]

    def tracks_of(self, participant_id: ParticipantId) -> list[str]:
        """Producer ids of one person."""
        return [producer_id for producer_id, track in self.tracks.items() if track.participant_id == participant_id]

    # --- changing -----------------------------------------------------------------------------------------------

    def apply(self, event: Event) -> bool:
        """Take an event in; events about other things are none of ours.

        Returns:
            Whether anything changed.
        """
        changed = False
        match event:
            case ParticipantJoined():
                changed = self._join(event.participant)
            case ParticipantLeft():
                changed = self.people.pop(event.participant_id, None) is not None
            case ParticipantConnectionChanged():
                changed = self._connect(event.participant_id, is_connected=event.is_connected)
            case ProducerOpened():
                changed = self._open(event)
            case ProducerPausedChanged():
                changed = self._pause(event.producer_id, paused=event.paused)
            case ProducerGone():
                changed = self._close(event.producer_id)
            case _:
                pass
        return changed

    def _connect(self, participant_id: ParticipantId, *, is_connected: bool) -> bool:
        person = self.people.get(participant_id)
        if person is None or person.is_connected is is_connected:
            return False
        person.is_connected = is_connected
        return True

    def _join(self, participant: Participant) -> bool:
        person = self.people.get(participant.id)
        if person is not None and person.is_connected and person.participant == participant:
            return False
        self.people[participant.id] = Person(participant)
        return True

    def regrade(self, participant: Participant) -> bool:
        """Someone's role or rights changed. Answers whether that is news."""
        person = self.people.get(participant.id)
        if person is None or (person.participant.role, person.participant.grant) == (
            participant.role,
            participant.grant,
        ):
            return False
        person.participant = participant
        return True

    def _open(self, event: ProducerOpened) -> bool:
        known = self.tracks.get(event.producer_id)
        if known is not None:
            known.epoch = max(known.epoch, event.epoch)
            return False
        gone_at = self._gone.get(event.producer_id)
        if gone_at is not None and event.epoch <= gone_at:
            return False
        view = ProducerView(
            id=event.producer_id,
            kind=cast("MediaKind", event.kind),
            source=cast("Source", event.source),
            paused=event.paused,
        )
        self.tracks[event.producer_id] = Track(event.participant_id, view, event.epoch)
        return True

    def _close(self, producer_id: str) -> bool:
        track = self.tracks.pop(producer_id, None)
        gone_at = self.epoch if track is None or track.epoch == 0 else track.epoch
        self._gone[producer_id] = max(gone_at, self._gone.get(producer_id, 0))
        return track is not None

    def _pause(self, producer_id: str, *, paused: bool) -> bool:
        track = self.tracks.get(producer_id)
        if track is None or track.view.paused is paused:
            return False
        track.view = msgspec.structs.replace(track.view, paused=paused)
        return True

    def replace_tracks(self, facts: Iterable[ProducerFacts], epoch: int = 0) -> None:
        """What is published now, as the media node says.

        What it does not name may still be on its way here, so it is not remembered as gone.

        Args:
            facts: the tracks.
            epoch: the placement they are published at; 0: not known.
        """
        self.epoch = epoch
        self.tracks = {fact.producer_id: _track(fact, epoch) for fact in facts}

    def move(self, facts: Iterable[ProducerFacts], epoch: int) -> None:
        """The room moves to a newer placement. What is not published there yet stays, and is not to be had there yet."""
        self.epoch = epoch
        for fact in facts:
            self.tracks[fact.producer_id] = _track(fact, epoch)


def _track(fact: ProducerFacts, epoch: int) -> Track:
    view = ProducerView(id=fact.producer_id, kind=fact.kind, source=fact.source, paused=fact.paused)
    return Track(ParticipantId(UUID(fact.participant_id)), view, epoch)


def make_view(participant: Participant, *, is_connected: bool, producers: list[ProducerView]) -> ParticipantView:
    """A person as browsers see them."""
    return ParticipantView(
        id=participant.id,
        user_id=participant.user_id,
        display_name=participant.display_name,
        role=participant.role,
        is_connected=is_connected,
        producers=producers,
    )

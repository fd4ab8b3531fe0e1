"""How much of each video producer anyone watches, so that its sender stops encoding what nobody does.

Read from the books, never from routers: a consumer counts wherever its router stands. More is told at once, by whoever
lets a viewer have more; less is found by `look`, which is called about once a second and sees consumers that went in any
way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from media_plane.agent.media_books import MediaBooks
from media_plane.agent.participants import ConsumerRecord, ParticipantState, ProducerRecord
from media_plane.contract.messages import ProducerLayersWanted

LOWER_AFTER_S = 5.0
"""How long a layer must be unwatched before its sender is told, seconds: people resize and scroll back and forth, and a
layer that starts again costs a key frame."""
NOBODY = -1
"""The layer below the lowest: nothing is wanted."""


@dataclass(slots=True)
class Want:
    """What one sender was told, and what is wanted since.

    Attributes:
        told: the highest spatial layer the sender believes is wanted; `NOBODY` for none.
        highest: the highest that was wanted since less than `told` is.
        less_since_s: since when less is wanted, monotonic seconds; None: it is not.
    """

    told: int
    highest: int = NOBODY
    less_since_s: float | None = None

    def update(self, wanted: int, now_s: float) -> bool:
        """Take in what is wanted now.

        Args:
            wanted: a spatial layer from 0, or `NOBODY`.
            now_s: monotonic seconds, never less than before.

        Returns:
            Whether the sender has to be told `told` anew.
        """
        if wanted >= self.told:
            changed = wanted > self.told
            self.told, self.highest, self.less_since_s = wanted, NOBODY, None
            return changed
        if self.less_since_s is None:
            self.highest, self.less_since_s = wanted, now_s
            return False
        self.highest = max(self.highest, wanted)
        if now_s - self.less_since_s < LOWER_AFTER_S:
            return False
        self.told, self.highest, self.less_since_s = self.highest, NOBODY, None
        if wanted < self.told:
            # It fell in two steps: the second has its own time to wait.
            self.highest, self.less_since_s = wanted, now_s
        return True


class LayerWants:
    """The wants of one live session's video producers.

    Args:
        live_session_id: named in every notification.
        books: what is open.
        now: monotonic seconds.
    """

    def __init__(self, live_session_id: str, books: MediaBooks, now: Callable[[], float]) -> None:
        self._live_session_id = live_session_id
        self._books = books
        self._now = now
        self._wants: dict[str, Want] = {}

    def look(self) -> None:
        """Look at every video producer. Called about once a second."""
        for record in self._books.producers.values():
            self.look_at(record)
        for producer_id in self._wants.keys() - self._books.producers.keys():
            del self._wants[producer_id]

    def look_at(self, record: ProducerRecord) -> None:
        """Look at one producer: somebody may want more of it now. Nothing happens for audio."""
        if record.facts.kind != "video" or record.is_closed:
            return
        want = self._wants.get(record.id)
        if want is None:
            want = self._wants[record.id] = Want(told=top_layer(record))
        if want.update(wanted_of(record), self._now()):
            if want.told == NOBODY:
                record.wanted_since_s = None
            elif record.wanted_since_s is None:
                record.wanted_since_s = self._now()
            self._tell(record, want)

    def tell_again(self, participant: ParticipantState) -> None:
        """Another link adopted a publisher: it hears again what is wanted, also everything: it may believe older news."""
        for record in participant.producers.values():
            want = self._wants.get(record.id)
            if want is not None:
                self._tell(record, want)

    def _tell(self, record: ProducerRecord, want: Want) -> None:
        participant = record.home.participant
        participant.notify(
            ProducerLayersWanted(
                live_session_id=self._live_session_id,
                participant_id=participant.participant_id,
                producer_id=record.id,
                spatial_layer=None if want.told == NOBODY else want.told,
            ),
        )


def top_layer(record: ProducerRecord) -> int:
    """The highest layer a sender can switch off by itself: one per encoding; SVC in one encoding is all or nothing."""
    return max(0, len(record.producer.rtp_parameters.encodings) - 1)


def wanted_of(record: ProducerRecord) -> int:
    """The highest layer any viewer may want now, or `NOBODY`. On other nodes somebody may want any."""
    top = top_layer(record)
    if record.is_piped:
        return top
    return max((_wanted_by(consumer, top) for consumer in record.consumers.values()), default=NOBODY)


def _wanted_by(consumer: ConsumerRecord, top: int) -> int:
    """What one viewer may want. One that was just made counts: it is resumed in a moment, and shall find the picture."""
    if consumer.is_held:
        return NOBODY
    preferred = consumer.consumer.preferred_layers
    return top if preferred is None or top == 0 else min(top, preferred.spatial_layer)

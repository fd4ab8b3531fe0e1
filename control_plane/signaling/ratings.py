"""What is known of everyone's connection in one live session, and of the layers that are not wanted. Pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from control_plane.domain.ids import ParticipantId
from control_plane.domain.quality import Level, level_of
from control_plane.signaling.messages import QualityView
from media_plane.contract.messages import ParticipantQuality

STEADY_AFTER = 2
"""Measurements in a row that must say "better" before it is believed: a mark that flickers tells nothing."""


@dataclass(slots=True)
class Rating:
    """One person's. better: measurements in a row that said so."""

    view: QualityView
    better: int = 0


_BADNESS = {Level.GOOD: 0, Level.NONE: 0, Level.FAIR: 1, Level.POOR: 2}


class Ratings:
    """Of one live session.

    Attributes:
        unwanted: producer id -> the highest layer anyone wants, None for none; only where it is less than everything
            or was so.
    """

    def __init__(self) -> None:
        self.unwanted: dict[str, int | None] = {}
        self._ratings: dict[ParticipantId, Rating] = {}

    def view(self, participant_id: ParticipantId) -> QualityView | None:
        """The newest of someone; None: never measured."""
        rating = self._ratings.get(participant_id)
        return None if rating is None else rating.view

    def views(self) -> list[QualityView]:
        """The newest of everyone."""
        return [rating.view for rating in self._ratings.values()]

    def rate(self, participant_id: ParticipantId, measured: ParticipantQuality) -> tuple[QualityView, bool]:
        """Take in a measurement. Worse is believed at once, better when it lasts.

        Returns:
            What is shown of them now, and whether the level changed.
        """
        losses = [loss for loss in (measured.sent_loss, measured.received_loss) if loss is not None]
        level = level_of(score=measured.score, rtt_ms=measured.rtt_ms, loss=max(losses, default=None))
        known = self._ratings.get(participant_id)
        shown = None if known is None else known.view.level
        better = 0
        if known is not None and _BADNESS[level] < _BADNESS[known.view.level]:
            better = known.better + 1
            if better < STEADY_AFTER:
                level = known.view.level
        view = QualityView(
            participant_id=participant_id,
            level=level,
            rtt_ms=measured.rtt_ms,
            jitter_ms=measured.jitter_ms,
            send_loss=measured.received_loss,
            receive_loss=measured.sent_loss,
            send_bps=measured.received_bps,
            receive_bps=measured.sent_bps,
        )
        self._ratings[participant_id] = Rating(view, 0 if level is not shown else better)
        return view, level is not shown

    def keep_only(self, people: Container[ParticipantId], producer_ids: Container[str]) -> None:
        """Forget who and what is gone."""
        self._ratings = {known: rating for known, rating in self._ratings.items() if known in people}
        self.unwanted = {known: layer for known, layer in self.unwanted.items() if known in producer_ids}

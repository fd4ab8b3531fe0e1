"""How good a connection is called, and when that changes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from control_plane.domain.ids import ParticipantId
from control_plane.domain.quality import Level, level_of
from control_plane.signaling.ratings import Ratings
from media_plane.contract.messages import ParticipantQuality

DANA = ParticipantId(uuid4())
GOOD = ParticipantQuality(participant_id=str(DANA), score=10, rtt_ms=40.0, sent_loss=0.0, received_loss=0.0)
FAIR = ParticipantQuality(participant_id=str(DANA), score=10, rtt_ms=300.0)
POOR = ParticipantQuality(participant_id=str(DANA), score=10, rtt_ms=40.0, sent_loss=0.2)


@pytest.mark.parametrize(
    ("score", "rtt_ms", "loss", "level"),
    [
        (None, None, None, Level.NONE),
        (10, None, None, Level.GOOD),
        (None, 20.0, 0.0, Level.GOOD),
        (7, 250.0, 0.03, Level.GOOD),
        (6, 20.0, 0.0, Level.FAIR),
        (10, 251.0, 0.0, Level.FAIR),
        (10, 20.0, 0.031, Level.FAIR),
        (3, 20.0, 0.0, Level.POOR),
        (10, 401.0, 0.0, Level.POOR),
        (10, 20.0, 0.061, Level.POOR),
    ],
)
def test_a_connection_is_as_good_as_its_worst_part(
    score: int | None, rtt_ms: float | None, loss: float | None, level: Level
) -> None:
    assert level_of(score=score, rtt_ms=rtt_ms, loss=loss) is level


def shown(*measured: ParticipantQuality) -> list[Level]:
    ratings = Ratings()
    return [ratings.rate(DANA, one)[0].level for one in measured]


def test_worse_is_shown_at_once() -> None:
    assert shown(GOOD, POOR) == [Level.GOOD, Level.POOR]


def test_better_is_shown_when_it_lasts() -> None:
    assert shown(POOR, GOOD, POOR, GOOD, GOOD) == [Level.POOR, Level.POOR, Level.POOR, Level.POOR, Level.GOOD]


def test_only_changes_count_as_changes() -> None:
    ratings = Ratings()

    assert [ratings.rate(DANA, one)[1] for one in (GOOD, GOOD, FAIR, FAIR, POOR)] == [True, False, True, False, True]


def test_losses_are_told_from_the_side_of_the_person() -> None:
    measured = ParticipantQuality(
        participant_id=str(DANA), sent_loss=0.1, received_loss=0.02, sent_bps=5, received_bps=7
    )

    view, _ = Ratings().rate(DANA, measured)

    assert (view.send_loss, view.receive_loss, view.send_bps, view.receive_bps) == (0.02, 0.1, 7, 5)


def test_who_left_is_forgotten() -> None:
    ratings = Ratings()
    ratings.rate(DANA, GOOD)

    ratings.keep_only((), ())

    assert ratings.view(DANA) is None

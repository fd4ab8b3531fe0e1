"""When a sender is told that more, or less, of its video is wanted."""

from __future__ import annotations

import pytest

from media_plane.agent.layer_wants import LOWER_AFTER_S, NOBODY, Want


def told_over(*wanted_at: tuple[float, int]) -> list[tuple[float, int]]:
    """What a sender of three layers is told, and when, while this is wanted from those times on."""
    want = Want(told=2)
    return [(at_s, want.told) for at_s, wanted in wanted_at if want.update(wanted, at_s)]


def test_nothing_is_told_while_everything_is_wanted() -> None:
    assert told_over((0.0, 2), (LOWER_AFTER_S * 10, 2)) == []


def test_less_is_told_after_it_lasted() -> None:
    assert told_over((0.0, 0), (LOWER_AFTER_S - 0.1, 0), (LOWER_AFTER_S, 0)) == [(LOWER_AFTER_S, 0)]


def test_nobody_watching_is_told_after_it_lasted() -> None:
    assert told_over((0.0, NOBODY), (LOWER_AFTER_S, NOBODY)) == [(LOWER_AFTER_S, NOBODY)]


def test_a_short_absence_is_not_told() -> None:
    assert told_over((0.0, NOBODY), (LOWER_AFTER_S - 0.1, 2), (LOWER_AFTER_S + 0.1, NOBODY)) == []


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_more_is_told_at_once(wanted: int) -> None:
    times = ((0.0, NOBODY), (LOWER_AFTER_S, NOBODY), (LOWER_AFTER_S + 0.1, wanted))

    assert told_over(*times)[-1] == (LOWER_AFTER_S + 0.1, wanted)


def test_each_step_down_has_its_own_time_to_wait() -> None:
    late = LOWER_AFTER_S - 1

    told = told_over((0.0, 1), (late, 0), (LOWER_AFTER_S, 0), (2 * LOWER_AFTER_S - 0.1, 0), (2 * LOWER_AFTER_S, 0))

    assert told == [(LOWER_AFTER_S, 1), (2 * LOWER_AFTER_S, 0)]

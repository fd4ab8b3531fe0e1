"""How long a worker has been silent."""

from __future__ import annotations

import itertools

import pytest

from media_plane.agent.worker_pulse import HUNG_AFTER_S, LOOK_S, Silence


def looks_until_hung(interval_s: float) -> float:
    """Seconds until a worker that never answers is found, when we look every `interval_s`."""
    silence = Silence(100.0)
    for count in itertools.count(1):
        silence.look(100.0 + count * interval_s, has_answered=False)
        if silence.is_hung:
            return count * interval_s
    raise AssertionError


@pytest.mark.parametrize("interval_s", [0.25, 0.3, 0.5])
def test_a_silent_worker_is_found_in_time_as_long_as_we_look_in_time(interval_s: float) -> None:
    assert HUNG_AFTER_S <= looks_until_hung(interval_s) <= HUNG_AFTER_S + interval_s


def test_an_answer_ends_the_silence() -> None:
    silence = Silence(0.0)
    for count in range(1, 100):
        silence.look(count * LOOK_S, has_answered=count % 8 == 0)

        assert silence.lasted_s <= 8 * LOOK_S
    assert not silence.is_hung


@pytest.mark.parametrize("late_s", [5.0, 60.0, 86_400.0])
def test_a_look_that_comes_late_counts_as_a_short_one(late_s: float) -> None:
    silence = Silence(0.0)

    silence.look(late_s, has_answered=False)

    assert not silence.is_suspect
    assert silence.lag_s == pytest.approx(late_s - LOOK_S)


def test_a_worker_is_suspect_before_it_is_hung() -> None:
    silence = Silence(0.0)
    states = []
    for count in range(1, 20):
        silence.look(count * LOOK_S, has_answered=False)
        states.append((silence.is_suspect, silence.is_hung))

    assert [state for state, _ in itertools.groupby(states)] == [(False, False), (True, False), (True, True)]

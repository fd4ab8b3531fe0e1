"""Readiness and retry arithmetic."""

from __future__ import annotations

import pytest

from media_plane.agent.enrolment import retry_after_s
from media_plane.agent.health import HealthReport


@pytest.mark.parametrize(
    ("running", "enrolled", "draining", "ready"),
    [
        (2, True, False, True),
        (1, True, False, True),
        (0, True, False, False),
        (2, False, False, False),
        (2, True, True, False),
    ],
)
def test_a_node_is_ready_with_one_worker_enrolled_and_not_draining(
    running: int, *, enrolled: bool, draining: bool, ready: bool
) -> None:
    report = HealthReport(workers_wanted=2, workers_running=running, is_enrolled=enrolled, is_draining=draining)

    assert report.is_ready is ready


@pytest.mark.parametrize(
    ("failures", "chance", "wait_s"),
    [(1, 1.0, 0.25), (1, 0.0, 0.125), (3, 1.0, 1.0), (50, 1.0, 5.0), (10**6, 0.0, 2.5)],
)
def test_retries_back_off_up_to_five_seconds(failures: int, chance: float, wait_s: float) -> None:
    assert retry_after_s(failures, chance) == wait_s

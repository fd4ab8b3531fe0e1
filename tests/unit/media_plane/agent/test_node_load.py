"""CPU arithmetic of the node's load."""

from __future__ import annotations

import os

import pytest

from media_plane.agent.load import (
    TICKS_PER_S,
    CpuSample,
    cpu_seconds_of_stat,
    cpu_shares,
    machine_share,
    read_cpu_sample,
)


@pytest.mark.parametrize("name", ["python", "a b", "x) 1 (y", "((", ""])
def test_stat_is_read_whatever_the_command_is_called(name: str) -> None:
    stat = f"42 ({name}) S 1 42 42 0 -1 4194560 100 0 0 0 {3 * TICKS_PER_S} {TICKS_PER_S} 7 8 20 0 1 0 99"

    assert cpu_seconds_of_stat(stat) == 4.0


@pytest.mark.parametrize("stat", ["", "42 (python) S 1", "42 (python) S 1 2 3 4 5 6 7 8 9 10 11 x y z"])
def test_what_is_no_stat_line_is_refused(stat: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cpu_seconds_of_stat(stat)


def test_shares_are_per_core_and_newcomers_start_at_zero() -> None:
    before = CpuSample(at_s=10.0, used_s={1: 5.0, 2: 1.0})
    after = CpuSample(at_s=12.0, used_s={1: 6.0, 3: 9.0})

    assert cpu_shares(before, after) == {1: 0.5, 3: 0.0}


def test_no_time_passed_means_no_share() -> None:
    sample = CpuSample(at_s=1.0, used_s={1: 5.0})

    assert cpu_shares(sample, sample) == {1: 0.0}


@pytest.mark.parametrize(
    ("shares", "cores", "expected"), [([0.5, 0.5], 2, 0.5), ([], 4, 0.0), ([3.0], 2, 1.0), ([0.2], 0, 0.2)]
)
def test_share_of_the_machine_stays_within_one(shares: list[float], cores: int, expected: float) -> None:
    assert machine_share(shares, cores) == pytest.approx(expected)


def test_processes_that_are_gone_are_left_out() -> None:
    sample = read_cpu_sample([os.getpid(), 2**22 + 1], now_s=1.0)

    assert set(sample.used_s) == {os.getpid()}

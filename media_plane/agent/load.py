"""How busy the node is: CPU time of the agent and its workers from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
"""Unit of /proc/<pid>/stat times: ticks per second (proc(5))."""


class CpuSample(msgspec.Struct, frozen=True, kw_only=True):
    """CPU time used so far, by process.

    Attributes:
        at_s: monotonic time of the sample, seconds.
        used_s: pid -> user plus system time, seconds.
    """

    at_s: float
    used_s: Mapping[int, float]


def cpu_seconds_of_stat(stat: str) -> float:
    """CPU time in one line of /proc/<pid>/stat, seconds.

    Args:
        stat: the file's text. The command name stands in brackets and may itself hold brackets and blanks.

    Raises:
        ValueError: the text is not such a line.
    Source: proc(5), fields 14 (utime) and 15 (stime).
    """
    fields = stat.rpartition(")")[2].split()
    if len(fields) < 13:
        raise ValueError("Not a /proc/<pid>/stat line.")
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def cpu_shares(before: CpuSample, after: CpuSample) -> dict[int, float]:
    """Share of one core each process used between two samples, 0.0 upwards (threads may exceed 1.0).

    Processes that were not there before count from zero use; those gone are left out.
    """
    wall_s = after.at_s - before.at_s
    if wall_s <= 0:
        return dict.fromkeys(after.used_s, 0.0)
    return {pid: max(0.0, used - before.used_s.get(pid, used)) / wall_s for pid, used in after.used_s.items()}


def machine_share(shares: Iterable[float], cores: int) -> float:
    """Share of the whole machine, 0.0-1.0, from shares of single cores.

    Args:
        shares: as from `cpu_shares`.
        cores: cores of the machine, >= 1.
    """
    return min(1.0, sum(shares) / max(1, cores))


def read_cpu_sample(pids: Iterable[int], now_s: float) -> CpuSample:
    """Read /proc for these processes; those that are gone are left out.

    Args:
        pids: process ids.
        now_s: monotonic time, seconds.
    """
    used: dict[int, float] = {}
    for pid in pids:
        try:
            used[pid] = cpu_seconds_of_stat(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError):
            continue
    return CpuSample(at_s=now_s, used_s=used)


class CpuMeter:
    """Remembers the last sample, so that the next one tells what was used in between.

    Args:
        cores: cores of the machine, >= 1.
    """

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._last: CpuSample | None = None
        self.machine_share = 0.0

    def measure(self, pids: Iterable[int], now_s: float) -> dict[int, float]:
        """Share of one core each process used since the last call; 0.0 at the first.

        Args:
            pids: the processes to look at.
            now_s: monotonic time, seconds.
        """
        sample = read_cpu_sample(pids, now_s)
        shares = cpu_shares(self._last or sample, sample)
        self._last = sample
        self.machine_share = machine_share(shares.values(), self._cores)
        return shares

"""What processes cost: CPU time and memory, as the kernel counts them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

_PROC = Path("/proc")
_PREFERRED_PRIORITY = os.sched_param(1)
_CPUCLOCK_SCHED = 2
"""Kind of a process's CPU clock. Source: include/linux/posix-timers_types.h."""


class CpuClock:
    """CPU seconds of a process and of those it started, from when this was made.

    The kernel's clock of a process counts nanoseconds; `/proc/PID/stat` counts the same in ticks of 10 ms, too coarse for a
    round of seconds.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began_s = self._now_s()

    def seconds(self) -> float:
        """User and system time so far. Raises OSError when the process is gone."""
        return self._now_s() - self._began_s

    def _now_s(self) -> float:
        return sum(time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED) for pid in (self._pid, *children(self._pid)))


def children(pid: int) -> list[int]:
    """Process ids of a process's descendants, in no order."""
    parents: dict[int, int] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            # "pid (name) state ppid ...": the name may hold blanks and parentheses (proc(5)).
            parents[int(stat.parent.name)] = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue  # It ended while we looked.
    found: list[int] = []
    wanted = {pid}
    while wanted:
        wanted = {child for child, parent in parents.items() if parent in wanted}
        found += wanted
    return found


def prefer(pid: int) -> bool:
    """Let a process's threads run before others, so that a busy machine measures more like an idle one.

    A forwarder that is kept waiting finds several packets at once: it then seems cheaper than it is, and slower.

    Returns:
        Whether it was allowed: only root may.
    """
    with contextlib.suppress(PermissionError):
        for task in (_PROC / str(pid) / "task").iterdir():
            os.sched_setscheduler(int(task.name), os.SCHED_FIFO, _PREFERRED_PRIORITY)
        return True
    return False


def resident_bytes(pid: int) -> int:
    """Memory a process holds (RSS), bytes. Raises OSError when it is gone."""
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def digest(binary: Path) -> str:
    """Sixteen hexadecimal digits of a program's SHA-256, so that figures of different builds are told apart."""
    return hashlib.sha256(binary.read_bytes()).hexdigest()[:16]

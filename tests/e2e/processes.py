"""Processes as /proc shows them: who descends from whom, and who still runs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_PARENT, _STATE, _STARTED = 1, 0, 19
"""Fields of /proc/PID/stat after the name (proc_pid_stat(5), numbers 4, 3 and 22)."""


class Process(NamedTuple):
    """One process; `started` (clock ticks since boot) tells it from a later one with the same number."""

    pid: int
    started: int
    name: str


def _stat(pid: int) -> tuple[str, list[str]] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    return name, rest.split()


def descendants(pid: int) -> set[Process]:
    """Everything that descends from a process, zombies left out."""
    children: dict[int, list[Process]] = {}
    for entry in Path("/proc").iterdir():
        stat = _stat(int(entry.name)) if entry.name.isdigit() else None
        if stat is not None and stat[1][_STATE] != "Z":
            process = Process(int(entry.name), int(stat[1][_STARTED]), stat[0])
            children.setdefault(int(stat[1][_PARENT]), []).append(process)
    found: set[Process] = set()
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found:
                found.add(child)
                waiting.append(child.pid)
    return found


def still_running(processes: Iterable[Process]) -> set[Process]:
    """Those that run now."""
    running = set()
    for process in processes:
        stat = _stat(process.pid)
        if stat is not None and stat[1][_STATE] != "Z" and int(stat[1][_STARTED]) == process.started:
            running.add(process)
    return running


def wait_gone(processes: Iterable[Process], *, timeout_s: float) -> set[Process]:
    """Wait until none of them runs; the answer is who still does when the time is over."""
    deadline = time.monotonic() + timeout_s
    left = set(processes)
    while (left := still_running(left)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left

"""A supervised process: started, started again, stopped, with nothing left of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scripts.stack.child_log import ChildLog, loud_sentence
from scripts.stack.processes import Command, StackError
from scripts.stack.service import Service, describe_exit

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
WITH_CHILD = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)"
)


@asynccontextmanager
async def service(folder: Path, program: str, *, says: str = "") -> AsyncIterator[Service]:
    """A service of a one-line program; ready when its log holds `says`."""
    log = ChildLog("child", folder / "logs")

    async def is_ready(_pid: int) -> bool:
        return any(says in line for line in log.last_lines) or not says

    def ignore(pid: int, *, is_there: bool, is_orderly: bool) -> None:
        pass

    command = Command(name="child", argv=(sys.executable, "-c", program))
    running = Service("child", command=lambda: command, is_ready=is_ready, log=log, on_change=ignore)
    try:
        yield running
    finally:
        await running.stop(timeout_s=0.5)


async def _until(is_so: Callable[[], bool], *, timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not is_so():  # noqa: ASYNC110 - what is waited for is outside this program
            await asyncio.sleep(0.01)


def _is_there(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    return False


async def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    async with service(tmp_path, SLEEP) as child:
        await child.start(timeout_s=5)
        first = child.pid
        assert first is not None

        os.kill(first, signal.SIGKILL)

        await _until(lambda: child.pid not in {None, first})


async def test_what_a_dead_process_leaves_in_its_group_is_killed(tmp_path: Path) -> None:
    async with service(tmp_path, WITH_CHILD) as child:
        await child.start(timeout_s=5)
        await _until(lambda: bool(child.log.last_lines))
        grandchild = int(child.log.last_lines[0])
        assert child.pid is not None

        os.kill(child.pid, signal.SIGKILL)

        await _until(lambda: not _is_there(grandchild))


async def test_one_that_ignores_the_stop_signal_is_killed_in_time(tmp_path: Path) -> None:
    async with service(tmp_path, STUBBORN, says="up") as child:
        await child.start(timeout_s=5)
        pid = child.pid
        assert pid is not None
        began = time.monotonic()

        await child.stop(timeout_s=0.3)

        assert 0.3 <= time.monotonic() - began < 2
        assert not _is_there(pid)


async def test_one_that_ends_before_it_is_ready_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    async with service(tmp_path, "print('no such table'); raise SystemExit(3)", says="never") as child:
        with pytest.raises(StackError, match=r"exit code 3(.|\n)*no such table"):
            await child.start(timeout_s=5)


async def test_one_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    async with service(tmp_path, SLEEP, says="never") as child:
        with pytest.raises(StackError, match=r"not ready after 0\.3 s"):
            await child.start(timeout_s=0.3)


async def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    log = ChildLog("child", tmp_path)
    command = Command(name="child", argv=("/no/such/program",))

    async def is_ready(_pid: int) -> bool:
        return True

    def ignore(pid: int, *, is_there: bool, is_orderly: bool) -> None:
        pass

    child = Service("child", command=lambda: command, is_ready=is_ready, log=log, on_change=ignore)
    with pytest.raises(StackError, match="/no/such/program"):
        await child.start(timeout_s=1)
    await child.stop(timeout_s=1)


async def test_every_line_reaches_the_log_file(tmp_path: Path) -> None:
    async with service(tmp_path, "print('\\n'.join(f'line {n}' for n in range(5000)))") as child:
        await child.run_once(timeout_s=10)
        child.log.detach()

        lines = child.log.path.read_text(encoding="utf-8").splitlines()

    assert lines == [f"line {n}" for n in range(5000)]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"event": "room_lost", "level": "error", "room": 7}', "room_lost room=7"),
        ('{"event": "joined", "level": "info"}', None),
        ("2026-11-22 19:00:00 UTC [12] FATAL:  out of memory", "2026-11-22 19:00:00 UTC [12] FATAL:  out of memory"),
        ("2026 [12] FATAL:  terminating connection due to administrator command", None),
        ("{not json", None),
        ("plain words", None),
    ],
)
def test_only_errors_reach_the_console(line: str, sentence: str | None) -> None:
    assert loud_sentence(line) == sentence


@pytest.mark.parametrize(("status", "words"), [(0, "exit code 0"), (-9, "SIGKILL"), (-250, "signal 250")])
def test_a_return_code_is_told_in_words(status: int, words: str) -> None:
    assert describe_exit(status) == words

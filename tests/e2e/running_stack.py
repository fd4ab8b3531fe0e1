"""A whole stack as a process of its own, as `scripts/run` starts it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.stack import processes
from scripts.stack.layout import MEDIA_OFFSET, ROOT
from scripts.stack.ports import free_block
from scripts.stack.processes import Command
from scripts.stack.reach import forget_data
from scripts.stack.supervisor import STATE_FILE
from tests.e2e.processes import Process, descendants, wait_gone

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
WORKERS = 2


class RunningStack:
    """A stack that runs.

    Attributes:
        base_url: of the app and the REST API, `http://localhost:P`.
        signaling_url: of the live socket.
        data_dir: secrets, logs (`logs/NAME.log`).
        port: the first of its ports.
        process: the supervisor.
        console: file with what it told the terminal.
    """

    def __init__(self, data_dir: Path, port: int, process: subprocess.Popen[bytes], console: Path) -> None:
        self.data_dir = data_dir
        self.port = port
        self.process = process
        self.console = console
        self.base_url = f"http://localhost:{port}"
        self.signaling_url = f"ws://localhost:{port + 1}/signaling"

    @property
    def pids(self) -> dict[str, int]:
        """Pids by name: rest, signaling, agent, postgres, valkey; one that is being restarted is missing."""
        pids: dict[str, int] = self._state().get("pids", {})
        return pids

    def operate(self, *words: str) -> str:
        """Run an operator's command against this stack's database; answers what it said. Raises CalledProcessError."""
        environment = Path(f"/proc/{self.pids['rest']}/environ").read_bytes().split(b"\0")
        variables = dict(line.split(b"=", 1) for line in environment if b"=" in line)
        argv = [sys.executable, "-m", "control_plane.operator", *words]
        done = subprocess.run(argv, env=variables, cwd=ROOT, check=True, capture_output=True, timeout=60)
        return done.stdout.decode()

    def worker_pids(self) -> list[int]:
        """Pids of the mediasoup workers, lowest first."""
        agent = self.pids.get("agent")
        found = descendants(agent) if agent is not None else set()
        return sorted(process.pid for process in found if process.name.startswith("mediasoup"))

    def everything(self) -> set[Process]:
        """All processes the supervisor started, and theirs."""
        return descendants(self.process.pid)

    def wait_ready(self) -> None:
        """Wait until all is up; AssertionError with what the console says when it is not."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._state().get("is_ready"):
            assert self.process.poll() is None, f"the stack ended:\n{self.told()}"
            assert time.monotonic() < deadline, f"the stack is not ready:\n{self.told()}"
            time.sleep(0.05)

    def wait_told(self, words: str) -> None:
        """Wait until the console says this."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while words not in self.told():
            assert self.process.poll() is None, f"the stack ended:\n{self.told()}"
            assert time.monotonic() < deadline, f"the stack does not say {words!r}:\n{self.told()}"
            time.sleep(0.05)

    def told(self) -> str:
        """What the console says so far."""
        return self.console.read_text(encoding="utf-8", errors="replace")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait for the end; the answer is the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_TIMEOUT_S)

    def _state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self.data_dir / STATE_FILE).read_text(encoding="utf-8"))
        except OSError:
            return {}
        return state if state["supervisor"] == self.process.pid else {}


def spawn_stack(
    data_dir: Path, *arguments: str, port: int | None = None, environment: Mapping[str, str] | None = None
) -> RunningStack:
    """Start a stack and return at once; it ends with this process, however this ends.

    Args:
        data_dir: made if missing.
        arguments: further ones of `scripts/run`.
        port: the first; None means free ones.
        environment: variables on top of ours.
    """
    port = free_block(MEDIA_OFFSET + WORKERS) if port is None else port
    data_dir.mkdir(parents=True, exist_ok=True)
    console = data_dir.with_name(f"{data_dir.name}.{port}.console")
    inherited = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    command = Command(
        name="stack",
        argv=(sys.executable, "-m", "scripts.stack", "--data", str(data_dir), "--port", str(port), *arguments),
        env={**inherited, "TR_WORKERS": str(WORKERS), **(environment or {})},
        cwd=ROOT,
        death_signal=signal.SIGTERM,
    )
    with console.open("wb") as output:
        process = processes.start(command, output=output)
    return RunningStack(data_dir, port, process, console)


@contextlib.contextmanager
def running_stack(
    data_dir: Path,
    *arguments: str,
    port: int | None = None,
    is_seeded: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[RunningStack]:
    """A ready stack with a throw-away database; stopped at the end, with nothing left of it.

    Args:
        data_dir: made if missing.
        *arguments: further ones of `scripts/run`.
        port: the first; None means free ones.
        is_seeded: with the demo people, who are put in after it is ready.
        environment: variables on top of ours.
    """
    seeding = () if is_seeded else ("--no-seed",)
    stack = spawn_stack(data_dir, "--throw-away", *seeding, *arguments, port=port, environment=environment)
    family: set[Process] = set()
    try:
        stack.wait_ready()
        yield stack
    finally:
        family |= stack.everything()
        try:
            stack.stop()
        except subprocess.TimeoutExpired:
            stack.process.kill()
            stack.process.wait()
        left = wait_gone(family, timeout_s=STOP_TIMEOUT_S)
        forget_data(data_dir)
        assert not left, f"left behind: {left}"

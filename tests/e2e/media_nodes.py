"""Further media nodes beside the one of a running stack, each a process of its own that enrols with the stack."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from scripts.stack import processes
from scripts.stack.layout import ROOT
from scripts.stack.ports import free_block
from scripts.stack.processes import Command, inherited_environment
from scripts.stack.secrets import get_secret
from tests.e2e.processes import Process, descendants, wait_gone
from tests.e2e.running_stack import RunningStack

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


class MediaNode:
    """A media node that runs.

    Attributes:
        process: the agent.
        log: file with what it told.
        link_port: where it answers.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path, link_port: int) -> None:
        self.process = process
        self.link_port = link_port
        self.log = log

    def told(self) -> str:
        """What it says so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_told(self, words: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until it says this."""
        deadline = time.monotonic() + timeout_s
        while words not in self.told():
            assert self.process.poll() is None or words in self.told(), f"the node ended:\n{self.told()}"
            assert time.monotonic() < deadline, f"the node does not say {words!r}:\n{self.told()}"
            time.sleep(0.05)

    def everything(self) -> set[Process]:
        """The agent and its workers."""
        return descendants(self.process.pid) | {one for one in descendants(os.getpid()) if one.pid == self.process.pid}

    def carries(self, what: str) -> int:
        """How much of something it carries now: rooms, consumers, producers, transports."""
        return read_gauge(self.link_port, f"tr_node_{what}")

    def kill(self) -> None:
        """SIGKILL the agent; its workers go with it."""
        self.process.kill()
        self.process.wait()

    def drain(self) -> None:
        """Ask it to stop, which drains it first."""
        self.process.send_signal(signal.SIGTERM)


def read_gauge(port: int, name: str) -> int:
    """A gauge of the agent whose node link is at this port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text: str = answer.read().decode()
    return int(float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} "))))


@contextlib.contextmanager
def media_node(stack: RunningStack, data_dir: Path, **environment: str) -> Iterator[MediaNode]:
    """A node of the stack's control plane, stopped at the end.

    Args:
        stack: a running one.
        data_dir: where the node keeps its id; made if missing.
        **environment: further settings.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    base = free_block(12)
    settings = {
        "TR_NODE_LINK_PORT": str(base),
        "TR_MEDIA_BASE_PORT": str(base + 1),
        "TR_NODE_PIPE_PORTS": f"{base + 3}-{base + 11}",
        "TR_WORKERS": "1",
        "TR_CONTROL_URL": f"http://127.0.0.1:{stack.port}",
        "TR_NODE_ENROLMENT_TOKEN": get_secret(stack.data_dir, "node_enrolment_token"),
        "TR_NODE_DATA_DIR": str(data_dir / "node"),
        "MEDIASOUP_WORKER_BIN": os.environ["MEDIASOUP_WORKER_BIN"],
        "PYTHONUNBUFFERED": "1",
        "TR_LOG_FORMAT": "json",
    }
    command = Command(
        name="node",
        argv=(sys.executable, "-m", "media_plane"),
        env={**inherited_environment(), **settings, **environment},
        cwd=ROOT,
        death_signal=signal.SIGTERM,
    )
    log = data_dir / "agent.log"
    with log.open("wb") as output:
        process = processes.start(command, output=output)
    node = MediaNode(process, log, base)
    try:
        node.wait_told("node_started")
        yield node
    finally:
        family = node.everything()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        left = wait_gone(family, timeout_s=STOP_TIMEOUT_S)
        assert not left, f"left behind: {left}"

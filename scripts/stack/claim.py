"""One stack per data folder, and its ports."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from scripts.stack.ports import busy_ports
from scripts.stack.processes import StackError
from scripts.stack.secrets import make_data_folder

LOCK_FILE = "lock"
_LEFTOVER_PORTS_S = 10.0
"""After a killed stack, how long what it left may still hold its ports."""


class Claim:
    """The right to run a stack from a data folder: a lock that ends with this process.

    Args:
        data_dir: made if missing.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock: int | None = None
        self._ended_badly = False

    def take(self) -> None:
        """Take the folder.

        Raises:
            StackError: another stack runs from it, or the folder can't be used.
        """
        try:
            make_data_folder(self._data_dir)
            lock = os.open(self._data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StackError(f"The data folder {self._data_dir} can't be used: {error.strerror}.") from error
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise StackError(
                f"Another scripts/run (process {holder or 'unknown'}) uses {self._data_dir}; stop it, or name another folder"
                " with --data and other ports with --port."
            ) from None
        self._lock = lock
        self._ended_badly = bool(holder)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)

    def require_free(self, ports: list[int]) -> None:
        """Refuse when someone holds one of these ports; leftovers of a killed stack get a moment to end.

        Raises:
            StackError: naming the ports.
        """
        deadline = time.monotonic() + (_LEFTOVER_PORTS_S if self._ended_badly else 0.0)
        while busy := busy_ports(ports):
            if time.monotonic() >= deadline:
                names = ", ".join(map(str, busy))
                word = "Port" if len(busy) == 1 else "Ports"
                raise StackError(
                    f"{word} {names} {'is' if len(busy) == 1 else 'are'} in use by another program."
                    f" Stop it, or choose other ports: --port N takes N to N+{max(ports) - min(ports)}."
                )
            time.sleep(0.1)

    def release(self) -> None:
        """Give the folder back after an orderly end. May be called twice."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

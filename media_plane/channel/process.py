"""The worker's process: started with the channel on fds 3 and 4, watched until it ends.

Nothing has to kill a worker when we die: the kernel closes our ends of its sockets, and it exits by itself when fd 3
ends. A stopped worker is woken for that too: it has a process group of its own in our session, and the kernel sends
SIGCONT to stopped processes whose group loses its last parent in the session (POSIX, setpgid rationale).
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from media_plane.channel.errors import WorkerStartFailed

log = logging.getLogger(__name__)
worker_log = logging.getLogger("media_plane.worker")

REQUESTS_FD = 3
"""The worker reads requests here. Source: mediasoup 3.27.1, worker/src/main.cpp."""
ANSWERS_FD = 4
"""The worker writes answers, notifications and logs here."""
_FIRST_FREE_FD = 10
"""Our copies of the child's ends start here, so that no dup2 to 0..4 can overwrite one that is still needed."""
_LINE_LIMIT_BYTES = 8192
_READ_BYTES = 65536


class _LineLogger:
    """Logs what the worker prints to one pipe, line by line, until it ends."""

    def __init__(self, fd: int, pid: int, stream: str, level: int) -> None:
        """Start reading.

        Args:
            fd: the pipe's reading end; closed at its end.
            pid: of the worker, for the log.
            stream: "stdout" or "stderr", for the log.
            level: of the log lines.
        """
        self._loop = asyncio.get_running_loop()
        self._fd = fd
        self._prefix = f"[{pid} {stream}]"
        self._level = level
        self._rest = b""
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_LIMIT_BYTES or not data:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            if line.strip():
                worker_log.log(self._level, "%s %s", self._prefix, line.decode(errors="replace"))


class _Ends(NamedTuple):
    """Our ends of what the child was given."""

    requests: socket.socket
    answers: socket.socket
    stdout_fd: int
    stderr_fd: int


class WorkerProcess:
    """One running worker process.

    Attributes:
        pid: its process id.
        requests: our end of its fd 3; whoever takes it closes it.
        answers: our end of its fd 4; likewise.
        exited: its exit status once it ended: code >= 0 or minus a signal. Never fails.
    """

    def __init__(self, pid: int, ends: _Ends) -> None:
        self.pid = pid
        self.requests = ends.requests
        self.answers = ends.answers
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self._pidfd = os.pidfd_open(pid)
        self._loop.add_reader(self._pidfd, self._reap)
        _LineLogger(ends.stdout_fd, pid, "stdout", logging.INFO)
        _LineLogger(ends.stderr_fd, pid, "stderr", logging.ERROR)

    @classmethod
    def spawn(cls, binary: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> "WorkerProcess":
        """Start a worker. Awaits nothing, so that no cancellation can come between the process and its keeper.

        Args:
            binary: the worker's executable.
            arguments: its command line without its name.
            environment: all of its environment; it needs MEDIASOUP_VERSION.

        Returns:
            The process, which may not be ready yet.

        Raises:
            WorkerStartFailed: there is no such file, or it can't be executed.
        """
        return cls(*_spawn(binary, arguments, environment))

    def on_exit(self, callback: Callable[[int], None]) -> None:
        """Call back with the exit status, at once when it ended already (in the loop's next turn)."""
        self.exited.add_done_callback(lambda future: callback(future.result()))

    def kill(self) -> None:
        """End it without asking. Harmless when it ended already: the pidfd can't mean another process."""
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _reap(self) -> None:
        result = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        if result is None:
            return
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        status = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
        log.debug("Worker %d ended with %d.", self.pid, status)
        if not self.exited.done():
            self.exited.set_result(status)


def _spawn(binary: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, _Ends]:
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
        requests, their_requests = socket.socketpair()
        answers, their_answers = socket.socketpair()
        for end in (requests, answers):
            ours.callback(end.close)
        for end in (their_requests, their_answers):
            theirs.callback(end.close)
        stdout_fd, their_stdout = _pipe(ours, theirs)
        stderr_fd, their_stderr = _pipe(ours, theirs)
        sources = {
            1: their_stdout,
            2: their_stderr,
            REQUESTS_FD: their_requests.fileno(),
            ANSWERS_FD: their_answers.fileno(),
        }
        actions: list[tuple[int, int, int] | tuple[int, int, str, int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        ]
        for target, source in sources.items():
            copy = fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE_FD)
            theirs.callback(os.close, copy)
            actions.append((os.POSIX_SPAWN_DUP2, copy, target))
        try:
            pid = os.posix_spawn(
                binary,
                [os.fspath(binary), *arguments],
                dict(environment),
                file_actions=actions,
                # Ctrl-C in a terminal is for us: we close our workers in order.
                setpgroup=0,
                setsigmask=[],
                setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM],
            )
        except OSError as error:
            raise WorkerStartFailed(f"The worker {binary} could not be started: {error.strerror}.") from error
        ours.pop_all()
    return pid, _Ends(requests, answers, stdout_fd, stderr_fd)


def _pipe(ours: contextlib.ExitStack, theirs: contextlib.ExitStack) -> tuple[int, int]:
    read_fd, write_fd = os.pipe()
    ours.callback(os.close, read_fd)
    theirs.callback(os.close, write_fd)
    return read_fd, write_fd

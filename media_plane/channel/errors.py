"""What can go wrong between us and a worker.

::

    MediaError
    ├─ ChannelClosed        the channel was closed, by us or by the worker
    ├─ ChannelTimeout       no answer within the deadline; the worker may hang
    ├─ WorkerDied           the process ended without being asked to
    ├─ WorkerStartFailed    it never came up: binary, settings or version
    ├─ WorkerRejected       the worker answered no, with a reason
    ├─ InvalidValue         a value we were given does not fit the schema
    └─ BrokenMessage        bytes that are no message of ours

The SFU adds its own below `MediaError` (`media_plane.sfu.errors`).
"""


class MediaError(Exception):
    """Base of everything the media plane raises on purpose."""


class ChannelClosed(MediaError):
    """The channel is closed: the request was not sent, or its answer will never come."""


class ChannelTimeout(MediaError):
    """The worker did not answer a request in time.

    Attributes:
        method: the request's name in the schema, such as `ROUTER_DUMP`.
        deadline_s: the seconds it was given.
    """

    def __init__(self, method: str, deadline_s: float) -> None:
        super().__init__(f"The worker did not answer {method} within {deadline_s:g} s.")
        self.method = method
        self.deadline_s = deadline_s


class WorkerDied(MediaError):
    """The worker process ended without being asked to.

    Attributes:
        pid: its process id.
        exit_status: exit code >= 0, or minus the signal that ended it; None when not known yet.
    """

    def __init__(self, pid: int, exit_status: int | None) -> None:
        super().__init__(f"Worker {pid} died ({describe_exit(exit_status)}).")
        self.pid = pid
        self.exit_status = exit_status


class WorkerStartFailed(MediaError):
    """The worker never came up.

    Attributes:
        exit_status: as in `WorkerDied`; None when no process ended (missing binary, wrong version, no sign of life).
    """

    def __init__(self, message: str, exit_status: int | None = None) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class WorkerRejected(MediaError):
    """The worker refused a request.

    Attributes:
        method: the request's name in the schema.
        error: the worker's class of error: "Error", "TypeError" (bad values) or "NotFoundError".
        reason: its sentence, for logs; it may hold object ids.
    """

    def __init__(self, method: str, reason: str, error: str = "Error") -> None:
        super().__init__(f"The worker refused {method}: {reason}")
        self.method = method
        self.reason = reason
        self.error = error


class InvalidValue(MediaError, ValueError):
    """A value given by the caller that the schema has no room or no word for."""


class BrokenMessage(MediaError):
    """Bytes from the worker that are not a message of its schema, or a message of ours that is too long."""


EXIT_MEANINGS = {
    40: "unknown error inside the worker",
    41: "MEDIASOUP_VERSION is missing from its environment",
    42: "wrong settings",
}
"""Exit codes of the worker. Source: mediasoup 3.27.1, worker/src/main.cpp and lib.cpp."""


def describe_exit(exit_status: int | None) -> str:
    """Words for an exit status: a code >= 0, minus a signal, or None for unknown."""
    if exit_status is None:
        return "exit status unknown"
    if exit_status < 0:
        return f"signal {-exit_status}"
    meaning = EXIT_MEANINGS.get(exit_status)
    return f"exit code {exit_status}: {meaning}" if meaning else f"exit code {exit_status}"

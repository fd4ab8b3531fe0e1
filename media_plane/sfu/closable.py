"""The closing rule, once for all objects.

- `close()` is for the owner. It may be called twice and never waits: the worker is asked on the ordered channel, so
  whatever is sent later finds the object gone.
- A parent closes its children silently, by `closed_by`: the worker needs no word about them.
- A child tells its parent by callback, never by import, however it was closed.
- Every way ends in `on_close`, told once, with the reason.

Source: mediasoup, doc/closures.md.
"""

from abc import ABC, abstractmethod
from typing import Literal, TypeAlias

from media_plane.sfu.errors import InvalidState
from media_plane.sfu.listeners import Listeners

CloseReason: TypeAlias = Literal[
    "closed",  # by `close()` on the object itself
    "worker_closed",
    "worker_died",
    "router_closed",
    "server_closed",  # the WebRTC server a transport listened on
    "transport_closed",
    "producer_closed",  # the producer a consumer listened to
    "data_producer_closed",  # likewise
]


class Closable(ABC):
    """Something that is open until it is closed, once.

    Attributes:
        on_close: told the reason, when everything below is closed already.
    """

    def __init__(self) -> None:
        self._close_reason: CloseReason | None = None
        self.on_close: Listeners[[CloseReason]] = Listeners()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._close_reason is not None

    @property
    def close_reason(self) -> CloseReason | None:
        """Why it is closed, None while it is open."""
        return self._close_reason

    def close(self) -> None:
        """Close it and everything below. Idempotent."""
        self._finish("closed")

    def closed_by(self, reason: CloseReason) -> None:
        """Take note that something above is gone, and this with it. For the objects of this package. Idempotent."""
        self._finish(reason)

    def require_open(self) -> None:
        """Raise unless it is open.

        Raises:
            InvalidState: it is closed.
        """
        if self._close_reason is not None:
            raise InvalidState(f"The {type(self).__name__} is closed ({self._close_reason}).")

    def _finish(self, reason: CloseReason) -> None:
        if self._close_reason is not None:
            return
        self._close_reason = reason
        self._shut(reason)
        self.on_close.tell(reason)

    @abstractmethod
    def _shut(self, reason: CloseReason) -> None:
        """Ask the worker if the reason is "closed", close the children, tell the parent."""

"""Error codes that cross the node link. The node raises them, the control plane switches on `code`."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class LinkErrorCode(StrEnum):
    """Why a node refused a request. Stable: clients of the link depend on these words."""

    MALFORMED = "malformed"
    """The request does not decode, or its values make no sense (RTP parameters included)."""
    UNAUTHENTICATED = "unauthenticated"
    """The link's token is missing, forged, expired, for another node, or was used before."""
    VERSION_MISMATCH = "version_mismatch"
    """The two ends speak different contract versions."""
    STALE_EPOCH = "stale_epoch"
    """The caller believes in an older placement of this live session than the node does."""
    ROOM_NOT_OPEN = "room_not_open"
    """No RouterGroup for this live session here; `room.open` first."""
    NOT_FOUND = "not_found"
    """No such participant, transport, producer or consumer in this live session."""
    CONFLICT = "conflict"
    """The id is taken by something else, or the object is not in the state this request needs."""
    UNSUPPORTED = "unsupported"
    """These capabilities or parameters can't be served (no common codec, for example)."""
    DRAINING = "draining"
    """The node takes no new live sessions."""
    OVERLOADED = "overloaded"
    """No worker can take the object now; try another node or later."""
    WORKER_FAILED = "worker_failed"
    """The worker died or did not answer within its deadline."""
    TOO_LARGE = "too_large"
    """The message is over the link's size limit."""


class LinkError(Exception):
    """A refusal on the node link.

    Args:
        code: one of `LinkErrorCode`.
        message: one sentence for people; no ids of others, no stack.
        facts: JSON-ready details that help the caller decide.
    """

    def __init__(self, code: LinkErrorCode, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = facts

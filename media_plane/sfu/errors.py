"""What calls on the SFU's objects raise.

Those of the wire come from `media_plane.channel.errors` and are named here again, so that callers need one import::

    MediaError
    ├─ ChannelClosed, ChannelTimeout, WorkerDied, WorkerStartFailed, WorkerRejected, InvalidValue, BrokenMessage
    ├─ InvalidState         the object is closed, or not in a state for this
    └─ Unsupported          this kind of object never can do this

RTP parameters that make no sense raise `media_plane.ortc.errors.NegotiationError` instead.
"""

from media_plane.channel.errors import (
    BrokenMessage,
    ChannelClosed,
    ChannelTimeout,
    InvalidValue,
    MediaError,
    WorkerDied,
    WorkerRejected,
    WorkerStartFailed,
)


class InvalidState(MediaError):
    """The object can't do this now: it is closed, an id is taken, or what it refers to isn't there."""


class Unsupported(MediaError):
    """This kind of object never can do this, such as a bitrate limit where there is no network."""


__all__ = [
    "BrokenMessage",
    "ChannelClosed",
    "ChannelTimeout",
    "InvalidState",
    "InvalidValue",
    "MediaError",
    "Unsupported",
    "WorkerDied",
    "WorkerRejected",
    "WorkerStartFailed",
]

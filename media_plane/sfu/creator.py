"""Making objects in the worker so that nothing is left behind, whatever happens meanwhile."""

import secrets
from collections.abc import Callable
from typing import TypeVar

from media_plane.channel.channel import Channel
from media_plane.channel.codec.message import RequestMessage
from media_plane.sfu.closable import Closable
from media_plane.sfu.errors import InvalidState, InvalidValue

T = TypeVar("T")

_LONGEST_ID = 255
_VARIANT_DIGITS = "89ab"


def choose_id(wanted: str | None) -> str:
    """The id of a new object.

    Args:
        wanted: 1..255 characters, unique in its worker; None makes a UUID.

    Raises:
        InvalidValue: an empty or endless id.
    """
    if wanted is None:
        return _make_id()
    if not 0 < len(wanted) <= _LONGEST_ID:
        raise InvalidValue(f"An id must have 1 to {_LONGEST_ID} characters, not {len(wanted)}.")
    return wanted


def _make_id() -> str:
    """A random UUID (RFC 9562 section 5.4) as text; a quarter of the time that `uuid.uuid4` takes."""
    digits = secrets.token_hex(16)
    variant = _VARIANT_DIGITS[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


class Creator:
    """Makes the children of one object, under ids that are taken from the request on.

    A repeat must be refused before the worker sees it: were it cancelled, its undo would close the object that bears
    the id rightly.
    """

    __slots__ = ("_channel", "_taken")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._taken: set[str] = set()

    async def create(
        self,
        object_id: str,
        message: RequestMessage[T],
        undo: Callable[[], RequestMessage[None]],
        *needs: Closable,
    ) -> T:
        """Make one object in the worker.

        Args:
            object_id: its id; free again after a failure, or after `release`.
            message: the request that makes it.
            undo: makes the request that closes it.
            needs: what must be open before and after. If one is closed while the worker answers, the worker has closed
                the new object with it.

        Returns:
            The worker's answer. The caller makes the Python object before it awaits anything.

        Raises:
            InvalidState: the id is taken, or something needed is closed.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        for needed in needs:
            needed.require_open()
        # An id the worker knows, of whatever kind and room, must not reach it: it refuses, but mediasoup 3.27.1 leaves a
        # dangling transport in its WebRTC server, and the whole worker aborts when the next one lies at the same address.
        if object_id in self._taken or self._channel.is_named(object_id):
            raise InvalidState("This id is taken.")
        self._taken.add(object_id)
        try:
            answer = await self._channel.request(message, creates=object_id, undo=undo)
            for needed in needs:
                needed.require_open()
        except BaseException:
            self._taken.discard(object_id)
            raise
        return answer

    def release(self, object_id: str) -> None:
        """Give the id of a closed object back. Harmless when it is not taken."""
        self._taken.discard(object_id)

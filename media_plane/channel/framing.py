"""Length-prefixed messages: bytes in, whole messages out.

Each message is a 4-byte length in the machine's byte order, then that many bytes.
Source: mediasoup 3.27.1, worker/src/Channel/ChannelSocket.cpp (`UserOnUnixStreamRead`, `MessageMaxLen`).
"""

import struct

from media_plane.channel.errors import BrokenMessage

LENGTH = struct.Struct("=I")
LENGTH_BYTES = LENGTH.size
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""Largest message with its prefix, both ways."""
MAX_PAYLOAD_BYTES = MAX_MESSAGE_BYTES - LENGTH_BYTES


def frame(payload: bytes) -> bytes:
    """One message ready for the wire.

    Args:
        payload: 1 to MAX_PAYLOAD_BYTES bytes.

    Returns:
        The payload behind its 4-byte length.

    Raises:
        BrokenMessage: the payload is empty or too long.
    """
    if not 0 < len(payload) <= MAX_PAYLOAD_BYTES:
        raise BrokenMessage(f"A message must have 1 to {MAX_PAYLOAD_BYTES} bytes, not {len(payload)}.")
    return LENGTH.pack(len(payload)) + payload


class Splitter:
    """Cuts a byte stream into messages, however the stream was chopped.

    Keeps at most one unfinished message. After `BrokenMessage` the stream is lost: there is no way to find the next
    message, so the channel has to be closed.
    """

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def pending_bytes(self) -> int:
        """Bytes held back because their message is not complete, >= 0."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the stream.

        Args:
            data: any number of bytes.

        Returns:
            The messages completed by them, in order, without their prefix; empty when none is complete yet.

        Raises:
            BrokenMessage: a length of zero or over MAX_PAYLOAD_BYTES.
        """
        # Nearly every read holds whole messages only, so the copy into the rest is for the others.
        stream: bytes | bytearray = data
        if self._rest:
            self._rest += data
            stream = self._rest
        messages: list[bytes] = []
        start = 0
        end = len(stream)
        while end - start >= LENGTH_BYTES:
            (length,) = LENGTH.unpack_from(stream, start)
            if not 0 < length <= MAX_PAYLOAD_BYTES:
                raise BrokenMessage(f"The worker announced a message of {length} bytes.")
            stop = start + LENGTH_BYTES + length
            if stop > end:
                break
            messages.append(bytes(stream[start + LENGTH_BYTES : stop]))
            start = stop
        if self._rest:
            del self._rest[:start]
        elif start < end:
            self._rest += data[start:]
        return messages

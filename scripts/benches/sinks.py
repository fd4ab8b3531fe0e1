"""Sockets that take plain RTP and note how long each packet was on its way.

The kernel says when a packet arrived, so it does not matter when this process gets around to reading it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from types import TracebackType
from typing import Self

from scripts.benches.packets import PACKET_BYTES, is_ours, sent_at_ns
from scripts.benches.viewers import HERE, RECEIVE_BUFFER_BYTES

_SO_TIMESTAMPNS = 35
"""Source: include/uapi/asm-generic/socket.h; Python's socket module does not name it."""
_TIMESPEC = struct.Struct("@qq")


class Sinks:
    """A number of sockets, read by the running loop between entering and leaving.

    Attributes:
        latencies_ns: from the sender's clock to the kernel's arrival, one a packet, in no order.
    """

    def __init__(self, count: int) -> None:
        self.latencies_ns: list[int] = []
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        for sink in self._sockets:
            sink.settimeout(0)
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            sink.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sink.bind((HERE, 0))

    @property
    def ports(self) -> list[int]:
        """Where they listen."""
        return [int(sink.getsockname()[1]) for sink in self._sockets]

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for sink in self._sockets:
            loop.add_reader(sink, self._read, sink)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for sink in self._sockets:
            loop.remove_reader(sink)
            sink.close()

    def _read(self, sink: socket.socket) -> None:
        while True:
            try:
                packet, told, _, _ = sink.recvmsg(2 * PACKET_BYTES, socket.CMSG_SPACE(_TIMESPEC.size))
            except BlockingIOError:
                return
            if not is_ours(packet):
                continue
            seconds, nanoseconds = _TIMESPEC.unpack_from(told[0][2])
            self.latencies_ns.append(seconds * 1_000_000_000 + nanoseconds - sent_at_ns(packet))

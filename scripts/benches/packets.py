"""A sender of RTP in a process of its own, evenly paced: `Sender` here, the program at the bottom.

Packets are VP8 (RFC 7741), the first of every second a key frame, 1,200 bytes with the RTP header. At the end of each
stand four bytes that tell it from a server's own (probing for bandwidth, for example), and when it was sent: 8 bytes,
nanoseconds of the system's clock, big-endian. Sequence numbers go on from round to round.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scripts.benches.machine import prefer

PACKET_BYTES = 1_200
PAYLOAD_TYPE = 100
CLOCK_RATE = 90_000
_KEY_FRAME = bytes((0x10, 0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x00, 0x05, 0xD0, 0x02))
"""Descriptor "a partition begins", then VP8's frame header: a key frame, 1280 x 720 (RFC 6386, section 9.1)."""
_DELTA_FRAME = bytes((0x10, 0x11, 0x02, 0x00))
_MARK = b"tr!p"
_SENT_AT = struct.Struct("!4sQ")


class Sender:
    """The process that sends. Make it with `running`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def running(cls, *, ip: str, port: int, ssrc: int, rate: int) -> AsyncIterator[Sender]:
        """A sender; it ends with the block.

        Args:
            ip: where to send.
            port: likewise, UDP.
            ssrc: of its packets.
            rate: packets a second.
        """
        arguments = [ip, str(port), str(ssrc), str(rate)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "scripts.benches.packets",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        prefer(process.pid)
        try:
            yield cls(process)
        finally:
            process.kill()
            await process.wait()

    async def send(self, seconds: float) -> int:
        """Send for a while; returns how many packets."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{seconds}\n".encode())
        await self._process.stdin.drain()
        async with asyncio.timeout(seconds + 10):
            return int(await self._process.stdout.readline())


def is_ours(packet: bytes) -> bool:
    """Whether a decrypted packet was made by a sender here."""
    return packet[-_SENT_AT.size : -_SENT_AT.size + len(_MARK)] == _MARK


def sent_at_ns(packet: bytes) -> int:
    """When one of our packets was sent, nanoseconds of the system's clock."""
    return int(_SENT_AT.unpack_from(packet, len(packet) - _SENT_AT.size)[1])


def _serve(ip: str, port: int, ssrc: int, rate: int) -> None:
    """Read a number of seconds from standard input, send, answer the count; until the input ends."""
    sequence = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect((ip, port))
        for line in sys.stdin:
            count = round(float(line) * rate)
            began_ns = time.monotonic_ns()
            for number in range(count):
                due_ns = began_ns + number * 1_000_000_000 // rate
                wait_ns = due_ns - time.monotonic_ns()
                if wait_ns > 0:
                    time.sleep(wait_ns / 1e9)
                out.send(_packet(sequence, ssrc, rate))
                sequence += 1
            sys.stdout.write(f"{count}\n")
            sys.stdout.flush()


def _packet(sequence: int, ssrc: int, rate: int) -> bytes:
    timestamp = sequence * (CLOCK_RATE // rate) & 0xFFFFFFFF
    header = struct.pack("!BBHII", 0x80, 0x80 | PAYLOAD_TYPE, sequence & 0xFFFF, timestamp, ssrc)
    start = _KEY_FRAME if sequence % rate == 0 else _DELTA_FRAME
    return (header + start).ljust(PACKET_BYTES - _SENT_AT.size, b"\x55") + _SENT_AT.pack(_MARK, time.time_ns())


if __name__ == "__main__":
    _serve(sys.argv[1], *(int(argument) for argument in sys.argv[2:5]))

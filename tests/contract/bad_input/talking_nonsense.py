"""A worker that begins to talk nonsense: the real one, with a liar between it and us. Run as a program in its place.

    python talking_nonsense.py WORKER SEED SHARE [the worker's own arguments]

The process that was started becomes the real worker, so that its pid is right. A child of it takes our sockets and passes
everything on; once a byte is written to the file named by TR_LIE_FILE, it spoils SHARE (0-1) of what the worker says.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
from pathlib import Path
from random import Random

REQUESTS_FD, ANSWERS_FD = 3, 4
LENGTH = struct.Struct("=I")
MAX_MESSAGE_BYTES = 8 * 1024 * 1024


def spoil(draw: Random, payload: bytes) -> bytes:
    """What goes out instead of a message, with whatever length in front."""
    how = draw.randrange(12)
    if how < 8:
        spoiled = bytearray(payload)
        for _ in range(draw.choice((1, 1, 4, 30))):
            spoiled[draw.randrange(len(spoiled))] = draw.randrange(256)
        return LENGTH.pack(len(spoiled)) + bytes(spoiled)
    if how == 8:
        cut = payload[: draw.randrange(len(payload)) + 1]
        return LENGTH.pack(len(cut)) + cut
    if how == 9:
        return (LENGTH.pack(len(payload)) + payload) * 2
    if how == 10:
        noise = draw.randbytes(draw.choice((1, 64, 70_000)))
        return LENGTH.pack(len(noise)) + noise
    lie = draw.choice((0, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES + 1, 2**32 - 1, len(payload) + 8))
    return LENGTH.pack(lie) + payload if draw.random() < 0.1 else b""


def pass_on(worker_requests: socket.socket, worker_answers: socket.socket, draw: Random, share: float) -> None:
    """Requests to the worker as they are, its answers as they are or spoiled, until either side ends."""
    ours_requests, ours_answers = socket.socket(fileno=REQUESTS_FD), socket.socket(fileno=ANSWERS_FD)
    lie = Path(os.environ["TR_LIE_FILE"])
    held = bytearray()
    while True:
        for ready in select.select([ours_requests, worker_answers], [], [])[0]:
            data = ready.recv(1 << 20)
            if not data:
                return
            if ready is ours_requests:
                worker_requests.sendall(data)
                continue
            held += data
            while len(held) >= LENGTH.size and len(held) >= LENGTH.size + LENGTH.unpack_from(held)[0]:
                end = LENGTH.size + LENGTH.unpack_from(held)[0]
                message = bytes(held[:end])
                del held[:end]
                is_lie = lie.exists() and draw.random() < share
                ours_answers.sendall(spoil(draw, message[LENGTH.size :]) if is_lie else message)


def main() -> None:
    """Become the worker; leave a liar behind."""
    worker, seed, share, *arguments = sys.argv[1:]
    requests, their_requests = socket.socketpair()
    answers, their_answers = socket.socketpair()
    if os.fork() == 0:
        their_requests.close()
        their_answers.close()
        pass_on(requests, answers, Random(int(seed)), float(share))  # noqa: S311 - replayable on purpose
        os._exit(0)
    requests.close()
    answers.close()
    os.dup2(their_requests.fileno(), REQUESTS_FD)
    os.dup2(their_answers.fileno(), ANSWERS_FD)
    os.execv(worker, [worker, *arguments])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()

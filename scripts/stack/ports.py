"""Free and busy ports. All of ours lie below 32768: above it the kernel hands them out to outgoing connections."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable

HIGHEST_PORT = 32767
_LOWEST_FREE = 20_000


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody listens on this TCP port nor holds it for UDP."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def busy_ports(ports: Iterable[int], host: str = "127.0.0.1") -> list[int]:
    """Those of the ports that somebody holds, in order."""
    return [port for port in ports if not is_free(port, host)]


def free_block(size: int) -> int:
    """First of `size` consecutive free ports, 20000-32767, at random so that two runs seldom meet.

    Raises:
        OSError: none found in 200 tries.
    """
    for _ in range(200):
        first = random.randrange(_LOWEST_FREE, HIGHEST_PORT - size + 1)  # noqa: S311 - not a secret
        if not busy_ports(range(first, first + size)):
            return first
    raise OSError(f"No {size} consecutive free ports below {HIGHEST_PORT + 1}.")


def free_port() -> int:
    """One free port, 20000-32767, for TCP and UDP."""
    return free_block(1)

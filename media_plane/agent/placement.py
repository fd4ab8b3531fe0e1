"""Which worker gets the next router. Pure: facts in, an index out."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class WorkerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What placement needs to know about one worker.

    Attributes:
        index: the worker's place in the fleet, >= 0.
        is_alive: it runs and answers.
        routers, transports, consumers: what it carries now, >= 0.
        cpu: share of one core it used lately, 0.0-1.0; 0.0 when not measured yet.
    """

    index: int
    is_alive: bool
    routers: int = 0
    transports: int = 0
    consumers: int = 0
    cpu: float = 0.0


BUSY_CPU = 0.9
"""Share of a core above which a worker takes no new router: packets would wait. A proposal until measured."""


def choose_worker(workers: Iterable[WorkerFacts], *, max_consumers: int) -> int | None:
    """The worker for the next router: the one with fewest consumers, then transports, then routers.

    Consumers come first because each is a stream of packets to send; empty rooms cost next to nothing.

    Args:
        workers: the fleet's facts, in any order.
        max_consumers: consumers at which a worker counts as full, > 0.

    Returns:
        Index of the worker; None when every one is dead, full or busy.
    """
    free = [w for w in workers if w.is_alive and w.consumers < max_consumers and w.cpu < BUSY_CPU]
    if not free:
        return None
    return min(free, key=lambda w: (w.consumers, w.transports, w.routers, w.index)).index

"""Which worker gets the next router or the next viewer's transport. Pure: facts in, an index out."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec


class WorkerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What placement needs to know about one worker.

    Attributes:
        index: the worker's place in the fleet, >= 0.
        is_alive: it runs and answers.
        routers, transports: what it carries now, >= 0.
        consumers: likewise, with the pipes to other workers and what those who just came will ask for.
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
SATURATED_CPU = 0.98
"""Share of a core above which a worker takes no viewer either: one more would be paid for by all who are there."""


def choose_worker(workers: Iterable[WorkerFacts], *, max_consumers: int) -> int | None:
    """The worker for the next router: the one with fewest consumers, then transports, then routers.

    Consumers come first because each is a stream of packets to send; empty rooms cost next to nothing.

    Args:
        workers: the fleet's facts, in any order.
        max_consumers: consumers at which a worker counts as full, > 0.

    Returns:
        Index of the worker; None when every one is dead, full or busy.
    """
    return _least_loaded(w for w in workers if _has_room(w, max_consumers))


def choose_seat(
    workers: Iterable[WorkerFacts], *, origin: int, edges: Collection[int], max_consumers: int
) -> int | None:
    """The worker for a viewer's transport in a live session that stands somewhere already.

    Where there is room: the origin's worker, which needs no pipe; then that of an edge, where what is watched is most
    likely piped to already; then another one. With no room anywhere the viewer is let in all the same, where the load
    is least, for as long as a core is left that is not saturated.

    Args:
        workers: the fleet's facts, in any order.
        origin: where what is published arrives.
        edges: where the live session has routers besides.
        max_consumers: consumers at which a worker counts as full, > 0.

    Returns:
        Index of the worker; None when every one is dead or saturated.
    """
    alive = [w for w in workers if w.is_alive]
    with_room = [w for w in alive if _has_room(w, max_consumers)]
    seats = {origin, *edges}
    choices = (
        _least_loaded(w for w in with_room if w.index == origin),
        _least_loaded(w for w in with_room if w.index in seats),
        _least_loaded(with_room),
        _least_loaded((w for w in alive if w.cpu < SATURATED_CPU), preferred=seats),
    )
    return next((index for index in choices if index is not None), None)


def _has_room(worker: WorkerFacts, max_consumers: int) -> bool:
    return worker.is_alive and worker.consumers < max_consumers and worker.cpu < BUSY_CPU


def _least_loaded(workers: Iterable[WorkerFacts], *, preferred: Collection[int] = ()) -> int | None:
    """The one with fewest consumers; among equals a preferred one, then by transports, routers and index."""
    ranked = [(w.consumers, w.index not in preferred, w.transports, w.routers, w.index) for w in workers]
    return min(ranked)[-1] if ranked else None

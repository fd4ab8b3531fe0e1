"""The routers of one live session on this node and where they stand: one origin, and edges on other workers.

Everything published goes to the origin. A viewer's transport goes where there is room: to the origin, then to an edge,
then to a new edge on a worker that has none of this live session yet. `seat_pipes` brings the tracks there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from media_plane.agent.placement import WorkerFacts, choose_seat
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.contract.messages import Direction
from media_plane.sfu.errors import MediaError
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.worker import Worker

EDGE_IDLE_S = 30.0
"""How long an edge without a transport is kept: viewers come and go in waves."""
UNPIPE_AFTER_S = 5.0
"""How long a pipe nobody uses is kept: a viewer who reloads, or switches a tile off and on, finds it still there."""

log = structlog.get_logger("rooms")


@dataclass(slots=True, eq=False)
class WorkerLoad:
    """What all live sessions put on one worker, pipes to other workers included.

    Attributes:
        expected: consumers that transports without any are about to ask for.
    """

    routers: int = 0
    transports: int = 0
    consumers: int = 0
    expected: int = 0


@dataclass(slots=True, eq=False)
class RouterSeat:
    """A router and where it stands.

    Attributes:
        index: the worker's place in the fleet.
        load: of its worker, shared with all other seats there.
        transports: participants' transports on this router.
        arriving: transports being made here.
    """

    index: int
    worker: Worker
    webrtc_server: WebRtcServer
    router: Router
    load: WorkerLoad
    transports: int = 0
    arriving: int = 0

    def count_transport(self, change: int, *, expected: int) -> None:
        """A transport came (1) or went (-1), of which `expected` consumers are still expected."""
        self.transports += change
        self.load.transports += change
        self.load.expected += change * expected


class Workers(Protocol):
    """The node's workers, as far as live sessions care."""

    def facts(self) -> list[WorkerFacts]:
        """One entry per worker, dead ones included."""

    async def open_router(self, index: int) -> RouterSeat:
        """A new router on a worker. Raises MediaError, or LinkError worker_failed when it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRules:
    """When a live session takes more routers and when it lets them go.

    Attributes:
        max_consumers_per_worker: at which a worker counts as full, > 0.
        edge_idle_s: how long an edge without a transport is kept.
        unpipe_after_s: how long a pipe nobody uses is kept.
    """

    max_consumers_per_worker: int
    edge_idle_s: float = EDGE_IDLE_S
    unpipe_after_s: float = UNPIPE_AFTER_S


@dataclass(frozen=True, slots=True)
class _Opening:
    """An edge that is being opened on the worker `index`."""

    index: int
    task: asyncio.Task[bool]


class RouterSeats:
    """All routers of a live session.

    Args:
        live_session_id: for the log.
        origin: the router publishers send to.
        workers: where edges can stand.
        rules: see there.
        now: monotonic seconds.
    """

    def __init__(
        self,
        live_session_id: str,
        origin: RouterSeat,
        *,
        workers: Workers,
        rules: SeatRules,
        now: Callable[[], float],
    ) -> None:
        self.origin = origin
        self._live_session_id = live_session_id
        self._workers = workers
        self._rules = rules
        self._now = now
        self._edges: list[RouterSeat] = []
        self._empty_since_s: dict[RouterSeat, float] = {}
        self._opening: _Opening | None = None
        self._is_closed = False

    def __iter__(self) -> Iterator[RouterSeat]:
        yield self.origin
        yield from self._edges

    @asynccontextmanager
    async def place(self, direction: Direction, *, expected: int) -> AsyncIterator[RouterSeat]:
        """The router for a new transport, which counts there for as long as it is being made.

        Args:
            direction: what is published goes to the origin.
            expected: consumers a viewer will soon want on it.

        Raises:
            LinkError: overloaded; worker_failed or room_not_open when no router is left to stand on.
        """
        seat = self.origin if direction == "send" else await self._seat_with_room()
        seat.arriving += 1
        seat.load.expected += expected
        try:
            yield seat
        finally:
            seat.arriving -= 1
            seat.load.expected -= expected

    def lose(self, worker: Worker) -> list[RouterSeat]:
        """Take out the edges that died with this worker, and tell which."""
        lost = [seat for seat in self._edges if seat.worker is worker]
        for seat in lost:
            self._drop(seat)
        return lost

    def stands_on(self, worker: Worker) -> bool:
        """Whether the live session dies with this worker."""
        return self.origin.worker is worker

    def close_idle(self) -> None:
        """Close edges that have had no transport for a while. Called about once a second."""
        now_s = self._now()
        for seat in list(self._edges):
            if seat.transports or seat.arriving:
                self._empty_since_s.pop(seat, None)
            elif now_s - self._empty_since_s.setdefault(seat, now_s) >= self._rules.edge_idle_s:
                self._drop(seat)
                log.info("edge_closed", live_session_id=self._live_session_id, worker=seat.index)

    def close(self) -> None:
        """Close every router. May be called twice."""
        self._is_closed = True
        if self._opening is not None:
            self._opening.task.cancel()
        for seat in list(self._edges):
            self._drop(seat)
        self.origin.router.close()

    async def _seat_with_room(self) -> RouterSeat:
        """The seat for a viewer's transport; whoever needs the same new edge waits for it together."""
        refusing: set[int] = set()
        while True:
            if self._is_closed:
                raise LinkError(LinkErrorCode.ROOM_NOT_OPEN, "The live session closed meanwhile.")
            index = choose_seat(
                [facts for facts in self._workers.facts() if facts.index not in refusing],
                origin=self.origin.index,
                edges={seat.index for seat in self._edges},
                max_consumers=self._rules.max_consumers_per_worker,
            )
            if index is None:
                raise LinkError(LinkErrorCode.OVERLOADED, "Every media worker is busy to its limit.")
            for seat in self:
                if seat.index == index and not seat.router.closed:
                    return seat
            if index == self.origin.index:
                raise LinkError(LinkErrorCode.WORKER_FAILED, "The media worker is gone.")
            opening = self._opening = self._opening or _Opening(index, asyncio.ensure_future(self._open_edge(index)))
            await asyncio.wait({opening.task})
            if not opening.task.cancelled() and not opening.task.result():
                refusing.add(opening.index)

    async def _open_edge(self, index: int) -> bool:
        """Open an edge on a worker, whether or not those who want it still wait. False: the worker can't."""
        try:
            seat = await self._workers.open_router(index)
        except (MediaError, LinkError) as error:
            log.warning("edge_not_opened", live_session_id=self._live_session_id, worker=index, reason=str(error))
            return False
        finally:
            self._opening = None
        if self._is_closed or seat.router.closed:
            seat.router.close()
            return False
        self._edges.append(seat)
        log.info("edge_opened", live_session_id=self._live_session_id, worker=index, edges=len(self._edges))
        return True

    def _drop(self, seat: RouterSeat) -> None:
        self._edges.remove(seat)
        self._empty_since_s.pop(seat, None)
        seat.router.close()

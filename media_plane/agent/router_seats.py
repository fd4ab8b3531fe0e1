"""The routers of one live session and where they stand.

Now there is one, the origin. Edge routers on other workers and the pipes to them come with issue 4; they change this
file and nothing else: everybody asks here which router a transport goes to and how a producer is reached from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from media_plane.agent.participants import ProducerRecord
from media_plane.contract.messages import Direction
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.worker import Worker


@dataclass(frozen=True, slots=True)
class RouterSeat:
    """A router and where it stands.

    Attributes:
        index: the worker's place in the fleet.
    """

    index: int
    worker: Worker
    webrtc_server: WebRtcServer
    router: Router


class RouterSeats:
    """All routers of a live session.

    Args:
        origin: the router publishers send to.
    """

    def __init__(self, origin: RouterSeat) -> None:
        self.origin = origin

    def __iter__(self) -> Iterator[RouterSeat]:
        yield self.origin

    def for_transport(self, direction: Direction) -> RouterSeat:
        """The router a new transport goes to."""
        del direction
        return self.origin

    def of_consumers(self) -> RouterSeat:
        """The router whose producers a receive transport can be given."""
        return self.origin

    async def producer_on(self, seat: RouterSeat, source: ProducerRecord) -> Producer:
        """The producer as this router can hand it out; piped there on first need, once there are pipes."""
        assert seat is self.origin, "there are no other routers yet"
        return source.producer

    def stands_on(self, worker: Worker) -> bool:
        """Whether the live session dies with this worker."""
        return self.origin.worker is worker

    def close(self) -> None:
        """Close every router. May be called twice."""
        for seat in self:
            seat.router.close()

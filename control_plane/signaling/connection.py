"""One participant's socket after its welcome: who it is, what it opened, its requests in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import msgspec
import structlog

from control_plane.domain.abilities import holds
from control_plane.domain.errors import AlreadyLeft, DomainError, InvalidInput, RateLimited, Unavailable
from control_plane.domain.ids import NodeId, ParticipantId
from control_plane.domain.participants import RoomGrant, mask_grant
from control_plane.services.media import Placement
from control_plane.signaling.messages import NotificationBase, Request, RoomLeave, Wire
from control_plane.signaling.needs import Admission
from control_plane.signaling.socket import Socket
from control_plane.signaling.wire import encode_notification, method_of
from media_plane.contract.messages import Direction

MAX_UNANSWERED = 100
"""Requests one socket may have open."""
NORMAL_CLOSURE = 1000
"""RFC 6455, 7.4.1: the purpose is fulfilled."""
LaneName = Literal["media", "posts", "reads"]
"""Requests of one lane run one after the other, in order of arrival; lanes don't wait for each other."""

log = structlog.get_logger("signaling")


@dataclass(slots=True)
class LeftBehind:
    """What a browser still has open elsewhere while its media moves.

    Attributes:
        at: where.
        transports: by id.
    """

    at: Placement
    transports: dict[str, Direction]


class Connection:
    """One welcomed (or about to be) socket of a participant.

    Args:
        connection_id: UUIDv7; a newer socket has a later one.
        socket: its socket.
        admission: who it is and what it may.
        rtp_capabilities: of its hello, sealed.
    """

    def __init__(
        self, connection_id: UUID, socket: Socket, admission: Admission, rtp_capabilities: msgspec.Raw
    ) -> None:
        self.id = connection_id
        self.socket = socket
        self.admission = admission
        self.rtp_capabilities = rtp_capabilities
        self.welcomed_at_s = 0.0
        """When it was welcomed, by the loop's clock."""
        self.told_epoch = 0
        """The media's placement this browser was last told of."""
        self.edge_node_id: NodeId | None = None
        """The node that serves this browser, when it is not the session's own."""
        self.left_behind: LeftBehind | None = None
        """What it moves away from, until it is closed."""
        self.transports: dict[str, Direction] = {}
        self.recv_transport_id: str | None = None
        self.consumers: dict[str, str] = {}
        """Consumer id -> producer id, of the receive transport."""
        self.producer_ids: set[str] = set()
        """What this participant publishes."""
        self.wanted: set[str] = set()
        """Producers it shall be offered a consumer of, and has not been yet."""
        self.offering: asyncio.Task[None] | None = None
        self.reads_feed = holds(admission.abilities, "feed:read")
        """Whether it is told what is said in the room: an API token may be good for less."""
        self.is_leaving = False
        """They said goodbye: nothing but another goodbye is done for this socket, unless that one was refused."""

    @property
    def participant_id(self) -> ParticipantId:
        """Whose socket it is."""
        return self.admission.participant.id

    @property
    def grant(self) -> RoomGrant:
        """What their role, and the abilities of the API token they may have joined by, allow now."""
        return mask_grant(self.admission.participant.grant, self.admission.abilities)

    @property
    def is_open(self) -> bool:
        """Whether the browser can still be told anything."""
        return not self.socket.is_closed

    def note_generation(self, generation: int) -> None:
        """They were admitted again, and not welcomed: only the newest generation can leave. An older one changes nothing."""
        claims = self.admission.claims
        if claims.generation < generation:
            # No more than that: who signed in, and how, stays what this socket was opened by.
            claims = msgspec.structs.replace(claims, generation=generation)
            self.admission = msgspec.structs.replace(self.admission, claims=claims)

    def tell(self, notification: NotificationBase) -> None:
        """Push a notification to this browser alone."""
        self.socket.notify(encode_notification(notification))

    def forget_media(self) -> None:
        """Nothing it opened stands any more."""
        self.edge_node_id = None
        self.left_behind = None
        self.transports.clear()
        self.recv_transport_id = None
        self.consumers.clear()
        self.producer_ids.clear()
        self.wanted.clear()

    def leave_behind(self, at: Placement) -> None:
        """Its media moves: what it opened at `at` still stands, and is not what requests and offers are about any more."""
        self.left_behind = LeftBehind(at, dict(self.transports))
        self.transports.clear()
        self.recv_transport_id = None
        self.consumers.clear()
        self.wanted.clear()

    def add_transport(self, transport_id: str, direction: Direction) -> None:
        """A transport was made; it takes the place of the older one of its direction, as on the node.

        So there are never more than two, however often a browser builds anew. A new receive transport has no consumers
        yet.
        """
        self.transports = {known: way for known, way in self.transports.items() if way != direction}
        self.transports[transport_id] = direction
        if direction == "recv" and transport_id != self.recv_transport_id:
            self.recv_transport_id = transport_id
            self.consumers.clear()
            self.wanted.clear()

    def drop_transport(self, transport_id: str) -> None:
        """A transport closed."""
        self.transports.pop(transport_id, None)
        if transport_id == self.recv_transport_id:
            self.recv_transport_id = None
            self.consumers.clear()
            self.wanted.clear()


class Requests:
    """Runs the requests of one connection: in order per lane, each with a deadline, each answered once.

    A request that runs when the socket closes is finished (what is committed is told), one that waits is dropped, but for
    `room.leave`. What comes after a `room.leave` is refused with `already_left`, in whichever lane; also when the goodbye
    took too long, since it may have been written.

    Args:
        connection: whose.
        handle: does what a request asks.
        lane_of: which lane a request runs in.
        timeout_s: deadline of one request.
        count: told method and outcome of every request.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        handle: Callable[[Connection, Request], Awaitable[Wire]],
        lane_of: Callable[[Request], LaneName],
        timeout_s: float,
        count: Callable[[str, str], None],
    ) -> None:
        self._connection = connection
        self._handle = handle
        self._lane_of = lane_of
        self._timeout_s = timeout_s
        self._count = count
        self._lanes: dict[LaneName, deque[Request]] = {}
        self._running: dict[LaneName, asyncio.Task[None]] = {}
        self._unanswered: set[int] = set()

    def take(self, request: Request) -> None:
        """Begin a request, or refuse it at once."""
        if request.id in self._unanswered:
            self._refuse(request, InvalidInput("A request with this id is not answered yet.", field="id"))
            return
        if len(self._unanswered) >= MAX_UNANSWERED:
            self._refuse(request, RateLimited("Too many open requests.", retry_after_s=1))
            return
        if isinstance(request, RoomLeave):
            self._connection.is_leaving = True
        elif self._connection.is_leaving:
            self._refuse(request, AlreadyLeft("You left this room: join it again."))
            return
        self._unanswered.add(request.id)
        lane = self._lane_of(request)
        self._lanes.setdefault(lane, deque()).append(request)
        if lane not in self._running:
            self._running[lane] = asyncio.create_task(self._run(lane))

    async def _run(self, lane: LaneName) -> None:
        waiting = self._lanes[lane]
        while waiting:
            request = waiting.popleft()
            # Browsers say goodbye and close at once; the goodbye counts all the same.
            if self._connection.is_open or isinstance(request, RoomLeave):
                await self._answer(request)
        del self._running[lane]

    async def _answer(self, request: Request) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                data = await self._handle(self._connection, request)
        except DomainError as error:
            if isinstance(request, RoomLeave):
                # Nothing has happened: they are here as before.
                self._connection.is_leaving = False
            self._refuse(request, error)
        except TimeoutError:
            self._refuse(request, Unavailable("This took too long. Try again in a moment.", retry_after_s=1))
        except Exception:
            # The door: what nobody foresaw is logged here with its stack, and the browser hears no detail.
            log.exception(
                "request_failed", method=method_of(request), participant_id=str(self._connection.participant_id)
            )
            self._refuse(request, Unavailable("Something went wrong. Try again in a moment.", retry_after_s=1))
        else:
            self._count(method_of(request), "ok")
            self._connection.socket.answer(request.id, data)
            if isinstance(request, RoomLeave):
                self._connection.socket.close(NORMAL_CLOSURE)
        finally:
            self._unanswered.discard(request.id)

    def _refuse(self, request: Request, error: DomainError) -> None:
        self._count(method_of(request), error.code)
        self._connection.socket.refuse(request.id, error)

"""All sockets and live sessions of this process, and who hears what: the bus, the node links, the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from control_plane.domain import events
from control_plane.domain.errors import DomainError, InvalidInput, RateLimited, RoomNotLive, Unavailable
from control_plane.domain.events import session_topic
from control_plane.domain.ids import LiveSessionId, NodeId
from control_plane.domain.rooms import LiveSession
from control_plane.services.media import Placement
from control_plane.signaling import messages as m
from control_plane.signaling.connection import Connection, Requests
from control_plane.signaling.delivery import hear_quality
from control_plane.signaling.departures import lose, touch
from control_plane.signaling.handlers import Room, handle, lane_of
from control_plane.signaling.media_care import MAX_OFFERS_AT_ONCE, MediaCare
from control_plane.signaling.metrics import SignalingMetrics
from control_plane.signaling.needs import Admission, Needs
from control_plane.signaling.node_events import hear_node
from control_plane.signaling.session import Session
from control_plane.signaling.socket import Socket
from control_plane.signaling.sweeping import Sweep
from control_plane.signaling.welcoming import open_media, take_in
from control_plane.signaling.wire import encode_notification
from media_plane.contract.messages import Notification, QualityTold

STOP_PATIENCE_S = 1.0
"""How long the close frames may take to leave when the process stops, seconds."""

log = structlog.get_logger("signaling")


@dataclass(slots=True)
class Held:
    """A session this process holds. ready: done once it is loaded, or has failed to."""

    session: Session
    care: MediaCare
    sweep: Sweep
    ready: asyncio.Task[None]


class Hub:
    """Owner of all sockets.

    Args:
        needs: services and gateways.
    """

    def __init__(self, needs: Needs) -> None:
        self.needs = needs
        self.sockets: set[Socket] = set()
        self.metrics = SignalingMetrics(
            sockets=lambda: len(self.sockets),
            sessions=lambda: len(self._held),
            links=lambda: needs.links.up_count,
            quality=self._quality_now,
        )
        self._held: dict[LiveSessionId, Held] = {}
        self._rooms: dict[Socket, Room] = {}
        self._opened: dict[LiveSessionId, list[Placement]] = {}
        """Sessions no longer held here, whose rooms on nodes have to be closed when they end."""
        self._slots = asyncio.Semaphore(MAX_OFFERS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_closing = False

    def start(self) -> None:
        """Begin to ping and to sweep, and to listen for gaps of the bus."""
        self.needs.bus.on_gap(self._gap)
        self._spawn(self._ping_forever())
        self._spawn(self._sweep_forever())

    async def close(self) -> None:
        """Close every socket with TRY_AGAIN; people stay in their rooms and resume elsewhere. May be called twice."""
        self.is_closing = True
        open_ones = bool(self.sockets)
        for socket in list(self.sockets):
            socket.close(m.CloseCode.TRY_AGAIN, "server stops")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for held in list(self._held.values()):
            await held.session.close()
        self._held.clear()
        if open_ones:
            await asyncio.sleep(STOP_PATIENCE_S / 4)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- sockets ------------------------------------------------------------------------------------------------

    def connected(self, socket: Socket) -> None:
        """A socket stands; nothing is known about it yet."""
        self.sockets.add(socket)

    def hello(self, socket: Socket, hello: m.Hello) -> None:
        """A socket says who it is."""
        self._spawn(self._greet(socket, hello))

    def closed(self, socket: Socket, code: int) -> None:
        """A socket is gone: whoever had it is lost, unless they left or were put out."""
        self.sockets.discard(socket)
        self.metrics.count_close(code)
        room = self._rooms.pop(socket, None)
        if room is None:
            return
        session, connection = room.session, room.connection
        log.info("socket_closed", participant_id=str(connection.participant_id), code=code)
        if self.is_closing or session.is_over or session.connections.get(connection.participant_id) is not connection:
            return
        del session.connections[connection.participant_id]
        session.spawn(lose(session, connection.admission))

    def count_request(self, method: str, outcome: str) -> None:
        """Count an answer."""
        self.metrics.count_request(method, outcome)

    def count_resync(self) -> None:
        """Count a slow reader."""
        self.metrics.count_resync()

    def sessions(self) -> list[Session]:
        """Every session this process holds, with its sockets and those that were lost lately."""
        return [held.session for held in self._ready()]

    # --- hello --------------------------------------------------------------------------------------------------

    async def _greet(self, socket: Socket, hello: m.Hello) -> None:
        started_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self.needs.times.welcome_s):
                await self._welcome(socket, hello)
        except DomainError as error:
            log.info("hello_refused", code=error.code, reason=error.message)
            self.metrics.count_request("hello", error.code)
            socket.close(close_code_for(error), error.message)
        except TimeoutError:
            log.warning("hello_timed_out")
            self.metrics.count_request("hello", "timeout")
            socket.close(m.CloseCode.TRY_AGAIN, "too slow")
        except Exception:
            # The door: what nobody foresaw is logged here, and the browser tries again.
            log.exception("hello_failed")
            self.metrics.count_request("hello", "failed")
            socket.close(m.CloseCode.TRY_AGAIN, "something went wrong")
        else:
            self.metrics.time_welcome(asyncio.get_running_loop().time() - started_s)

    async def _welcome(self, socket: Socket, hello: m.Hello) -> None:
        if self.is_closing:
            raise Unavailable("This server is stopping.")
        if hello.token is not None and hello.resume_token is None:
            admission = await self.needs.live.admit(hello.token)
        elif hello.resume_token is not None and hello.token is None:
            admission = await self.needs.live.resume(hello.resume_token)
        else:
            socket.close(m.CloseCode.BAD_MESSAGE, "token or resumeToken")
            return
        held = await self._hold(admission.live_session)
        session, care = held.session, held.care
        session.joining += 1
        try:
            opened = await open_media(session, care, admission, hello)
            if opened.edge_node_id != admission.claims.edge_node_id:
                admission = await self.needs.live.note_edge(admission, opened.edge_node_id)
            connection = Connection(self.needs.ids.new(), socket, admission, hello.rtp_capabilities)
            if session.is_over:
                raise RoomNotLive("This live session is over.")
            if socket.is_closed:
                return
            self._connect(socket, Room(session, care, connection))
            take_in(session, care, connection, hello, opened)
        finally:
            session.joining -= 1
            self._lose_unwelcomed(session, admission)
        self.metrics.count_request("hello", "ok")
        log.info(
            "socket_welcomed",
            participant_id=str(connection.participant_id),
            live_session_id=str(session.id),
            role=admission.participant.role.value,
            resumed=hello.resume_token is not None,
            media_kept=opened.is_kept,
        )
        await self._tell_joined(session, connection)

    def _lose_unwelcomed(self, session: Session, admission: Admission) -> None:
        """Refused, out of time, or gone before the welcome: they get their grace, and then what was made for them closes.

        Since they were admitted the rows say that they are here, and a node may hold a transport of theirs. Where an older
        socket of theirs still stands, perhaps half open, they are here by it, and are lost with it.
        """
        if self.is_closing or session.is_over:
            return
        older = session.connections.get(admission.participant.id)
        if older is None:
            session.spawn(lose(session, admission))
        else:
            older.note_generation(admission.claims.generation)

    def _connect(self, socket: Socket, room: Room) -> None:
        requests = Requests(
            room.connection,
            handle=lambda _, request: handle(room, request),
            lane_of=lane_of,
            timeout_s=self.needs.times.request_s,
            count=self.metrics.count_request,
        )
        socket.on_request = requests.take
        socket.on_drained = lambda: room.care.send_resync(room.connection)
        self._rooms[socket] = room

    async def _tell_joined(self, session: Session, connection: Connection) -> None:
        publish, topic = self.needs.bus.publish, session_topic(session.id)
        participant = connection.admission.participant
        await publish(
            topic,
            events.ParticipantReplaced(
                live_session_id=session.id, participant_id=participant.id, connection_id=connection.id
            ),
        )
        await publish(topic, events.ParticipantJoined(live_session_id=session.id, participant=participant))
        await touch(self.needs.presence, session, participant.id)

    # --- sessions -----------------------------------------------------------------------------------------------

    async def _hold(self, live: LiveSession) -> Held:
        held = self._held.get(live.id)
        if held is None:
            session = Session(self.needs, live)
            care = MediaCare(session, self._slots, self.metrics)
            session.on_ended = lambda: self._spawn(self._end(session))
            held = Held(session, care, Sweep(session, care), asyncio.create_task(session.load()))
            self._held[live.id] = held
            self._opened.pop(live.id, None)
            held.ready.add_done_callback(lambda task: self._loaded(live.id, task))
        # Shielded: whoever gives up waiting must not take the session from those who still wait.
        await asyncio.shield(held.ready)
        return held

    def _loaded(self, live_session_id: LiveSessionId, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is None:
            return
        failed = self._held.pop(live_session_id, None)
        if failed is not None and not self.is_closing:
            self._spawn(failed.session.close())

    async def _end(self, session: Session) -> None:
        """A session is over: stop holding it, and close its room on the node, once."""
        self._held.pop(session.id, None)
        await session.close()
        await self._close_rooms(session.places())

    async def _close_rooms(self, places: list[Placement]) -> None:
        for placement in places:
            try:
                await self.needs.media.close_room(placement)
            except DomainError as error:
                log.warning("room_not_closed", live_session_id=str(placement.live_session_id), code=error.code)

    def _ready(self) -> list[Held]:
        return [held for held in self._held.values() if _is_loaded(held)]

    def _quality_now(self) -> Iterator[m.QualityView]:
        """What was measured last of everyone who has a socket here."""
        for held in self._ready():
            for participant_id in held.session.connections:
                view = held.session.ratings.view(participant_id)
                if view is not None:
                    yield view

    # --- what nodes and the bus tell ----------------------------------------------------------------------------

    def hear_node(self, node_id: NodeId, notification: Notification) -> None:
        """A media node tells something."""
        live_session_id = getattr(notification, "live_session_id", None)
        if live_session_id is None:
            return
        held = self._held.get(LiveSessionId(UUID(live_session_id)))
        if held is None or not _is_loaded(held) or not held.care.is_on(node_id):
            return
        if isinstance(notification, QualityTold):
            for view in hear_quality(held.session, notification):
                self.metrics.observe_quality(view)
        else:
            hear_node(held.session, held.care, node_id, notification)

    def node_up(self, node_id: NodeId) -> None:
        """The link to a node stands (again)."""
        for held in self._ready():
            if held.care.is_on(node_id):
                held.care.link_up(node_id)

    def node_lost(self, node_id: NodeId) -> None:
        """The link to a node is gone."""
        for held in self._ready():
            if held.care.is_on(node_id):
                held.care.link_lost(node_id)

    def node_draining(self, node_id: NodeId) -> None:
        """A node drains: whoever has media there moves. Told again while it does."""
        for held in self._ready():
            if held.care.is_on(node_id):
                held.care.moves.leave_node(node_id)

    def _gap(self) -> None:
        log.warning("bus_gap", sessions=len(self._held))
        for held in self._ready():
            held.session.spawn(held.sweep.run(thorough=True))

    # --- the clock ----------------------------------------------------------------------------------------------

    async def _ping_forever(self) -> None:
        while True:
            await asyncio.sleep(self.needs.times.ping_s)
            try:
                self._ping()
            except Exception:
                # The clock must go on whatever one session does.
                log.exception("ping_failed")

    def _ping(self) -> None:
        silent_since_s = asyncio.get_running_loop().time() - self.needs.times.lost_after_s
        for held in self._ready():
            session = held.session
            message = encode_notification(m.Ping(last_seq=session.feed.last_seq, server_time=self.needs.clock.now()))
            for connection in list(session.connections.values()):
                if connection.socket.heard_at_s < silent_since_s:
                    connection.socket.close(m.CloseCode.TRY_AGAIN, "silent")
                else:
                    connection.socket.ping(message)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self.needs.times.sweep_s)
            try:
                await asyncio.gather(*(self._sweep(held) for held in self._ready()))
                await self._close_ended()
            except Exception:
                log.exception("sweep_failed")

    async def _sweep(self, held: Held) -> None:
        session, now_s = held.session, asyncio.get_running_loop().time()
        if not session.is_idle:
            session.idle_since_s = None
        elif session.idle_since_s is None:
            session.idle_since_s = now_s
        elif now_s - session.idle_since_s > self.needs.times.idle_s and self._held.get(session.id) is held:
            del self._held[session.id]
            self._opened[session.id] = session.places()
            await session.close()
            return
        # Also while nobody is here: `idle_s` is longer than it takes to find out who was lost unnoticed.
        await held.sweep.run()

    async def _close_ended(self) -> None:
        """Nobody here hears that a session ended which is no longer held: look at its row now and then."""
        for live_session_id, places in list(self._opened.items()):
            row = await self.needs.live.find_session(places[0].organization_id, live_session_id)
            if row is None or not row.is_live:
                self._opened.pop(live_session_id, None)
                await self._close_rooms(places)


def _is_loaded(held: Held) -> bool:
    return held.ready.done() and not held.ready.cancelled() and held.ready.exception() is None


def close_code_for(error: DomainError) -> m.CloseCode:
    """How a socket is closed whose hello was refused."""
    if isinstance(error, RoomNotLive):
        return m.CloseCode.SESSION_ENDED
    if isinstance(error, Unavailable | RateLimited):
        return m.CloseCode.TRY_AGAIN
    if isinstance(error, InvalidInput):
        # Capabilities that make no sense: another token would not help.
        return m.CloseCode.BAD_MESSAGE
    return m.CloseCode.BAD_TOKEN

"""Moving media to another node while people watch: the new one first, then the old one goes.

A whole session moves when its own node drains: it gets a newer placement while the old room stays open, every browser is
told `media.moving`, and what it left behind closes when it says `media.moved`, or when its time is over. Viewers whose
edge drains move alone. A publisher's old tracks stay until nobody on the old node consumes them, so that browsers of
other processes, which may be slower, see no gap; the old node closes the room when it is empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from control_plane.domain import events
from control_plane.domain.errors import DomainError, NoMediaNode
from control_plane.domain.ids import NodeId, ParticipantId
from control_plane.services.media import Placement
from control_plane.signaling import messages as m
from control_plane.signaling.connection import Connection, LeftBehind
from control_plane.signaling.edges import Edges
from control_plane.signaling.session import Session
from media_plane.contract import messages as contract

log = structlog.get_logger("signaling")


class Moves:
    """The moves of one session.

    Args:
        session: whose.
        edges: its edges.
        reset: tells one browser to build its media anew, and a word for why.
    """

    def __init__(self, session: Session, edges: Edges, reset: Callable[[Connection, str], None]) -> None:
        self._session = session
        self._reset = reset
        self._needs = session.needs
        self._edges = edges
        self._moving: asyncio.Task[None] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the session is getting a new placement now."""
        return self._moving is not None and not self._moving.done()

    def leave_node(self, node_id: NodeId) -> None:
        """A node drains: take from it what is there. Called again while it does, which tries again."""
        session = self._session
        if session.is_over:
            return
        if node_id == session.placement.node_id:
            if session.has_media and not self.is_under_way:
                self._moving = session.start(self._move(session.placement))
            return
        for connection in self._edges.on(node_id):
            self._send_on(connection, session.place_of(connection), "draining")

    def send_home(self, connection: Connection) -> None:
        """Someone on an edge may publish by now: all their media goes to the session's own node."""
        if connection.edge_node_id is not None:
            self._send_on(connection, self._session.place_of(connection), "may_publish")

    # --- a whole session ----------------------------------------------------------------------------------------

    async def _move(self, old: Placement) -> None:
        session = self._session
        session.record()
        try:
            placement, answer = await self._needs.media.rebuild_room(old, avoid=old.node_id)
            if session.placement == old and not session.is_over:
                self._take_place(old, placement, answer)
        except NoMediaNode:
            log.warning("drain_has_nowhere_to_go", live_session_id=str(session.id), node_id=str(old.node_id))
        except DomainError as error:
            log.warning("move_failed", live_session_id=str(session.id), code=error.code)
        finally:
            session.end_record()

    def _take_place(self, old: Placement, placement: Placement, answer: contract.RoomOpenAnswer) -> None:
        """The room is open at a newer placement: tell everyone to go there."""
        session = self._session
        log.info("media_moving", live_session_id=str(session.id), epoch=placement.epoch, node_id=str(placement.node_id))
        places = {connection: session.place_of(connection) for connection in session.connections.values()}
        ghosts = list(session.ghosts)
        self._settle_older()
        edges = self._edges.forget()
        session.leaving, session.placement = old, placement
        session.move_tracks(answer.participants)
        for connection, at in places.items():
            # A room that is opened again on an edge of its own takes the place of what was there.
            if at.node_id == placement.node_id:
                self._reset(connection, "moved")
            else:
                self._send_on(connection, at, "draining")
        for participant_id in ghosts:
            # Their browsers are away; what they come back to is made anew.
            for at in (old, *edges):
                session.spawn(self._close(at, participant_id))
        if edges:
            session.older_edges += edges
            session.spawn(self._close_edges(edges))

    async def _close_edges(self, edges: list[Placement]) -> None:
        """Edges of an older placement show the old tracks until everyone had time to move; nobody drains them."""
        await asyncio.sleep(self._needs.times.move_s)
        await self._edges.close_rooms(edges)
        self._session.older_edges = [place for place in self._session.older_edges if place not in edges]

    def _settle_older(self) -> None:
        if self._session.leaving is not None:
            self.settle(self._session.leaving)

    def settle(self, left: Placement) -> None:
        """The room is gone from a placement that people moved away from."""
        session = self._session
        if session.leaving == left:
            session.leaving = None
            for producer_id in session.roster.left_behind():
                track = session.roster.tracks[producer_id]
                session.apply(
                    events.ProducerGone(
                        live_session_id=session.id, participant_id=track.participant_id, producer_id=producer_id
                    )
                )
        for connection in session.connections.values():
            behind = connection.left_behind
            if behind is not None and (behind.at.node_id, behind.at.epoch) == (left.node_id, left.epoch):
                self._tell_closed(connection, behind)

    def left_room(self, node_id: NodeId, epoch: int) -> bool:
        """Whether a room at this node and epoch is one that people move away from, rather than where they are."""
        session = self._session
        leaving = session.leaving
        if leaving is not None and (leaving.node_id, leaving.epoch) == (node_id, epoch):
            return True
        return epoch < session.placement.epoch

    # --- one browser --------------------------------------------------------------------------------------------

    def _send_on(self, connection: Connection, at: Placement, reason: str) -> None:
        if connection.left_behind is not None:
            if connection.left_behind.at == at:
                return
            self._session.spawn(self._close(connection.left_behind.at, connection.participant_id))
        if not connection.transports:
            self._reset(connection, reason)
            return
        connection.leave_behind(at)
        connection.edge_node_id = None
        connection.told_epoch = self._session.placement.epoch
        connection.tell(m.MediaMoving(epoch=connection.told_epoch, reason=reason))
        assert connection.left_behind is not None
        self._session.spawn(self._end_in_time(connection, connection.left_behind))

    async def _end_in_time(self, connection: Connection, behind: LeftBehind) -> None:
        """Close what was left behind, whatever became of the socket that left it: the old node waits for that."""
        await asyncio.sleep(self._needs.times.move_s)
        session, participant_id = self._session, connection.participant_id
        present = session.connections.get(participant_id)
        if present is not None and session.place_of(present) == behind.at:
            return  # They are back there, and use it.
        await self._close(behind.at, participant_id)
        present = session.connections.get(participant_id)
        if present is None:
            return
        if present.left_behind is not None and present.left_behind.at == behind.at:
            self._tell_closed(present, present.left_behind)
            if present.recv_transport_id is None:
                log.warning("browser_did_not_move", participant_id=str(participant_id))
                self._reset(present, "moved")
        elif present is not connection:
            _tell_transports_closed(present, behind)

    async def finish(self, connection: Connection) -> None:
        """A browser shows everything from its new transports. What it publishes goes when nobody needs it there."""
        behind = connection.left_behind
        if behind is None:
            return
        publishes = "send" in behind.transports.values()
        await self._close(behind.at, connection.participant_id, once_unwatched=publishes)
        if not publishes:
            connection.left_behind = None

    def _tell_closed(self, connection: Connection, behind: LeftBehind) -> None:
        connection.left_behind = None
        _tell_transports_closed(connection, behind)

    def close_at(self, at: Placement, participant_id: ParticipantId) -> None:
        """Somebody's media was made where it is of no use any more: close all they have there, soon."""
        self._session.spawn(self._close(at, participant_id))

    async def _close(self, at: Placement, participant_id: ParticipantId, *, once_unwatched: bool = False) -> None:
        try:
            await self._needs.media.close_participant(at, participant_id, once_unwatched=once_unwatched)
        except DomainError as error:
            log.warning("media_not_closed", participant_id=str(participant_id), code=error.code)


def _tell_transports_closed(connection: Connection, behind: LeftBehind) -> None:
    for transport_id in behind.transports:
        connection.tell(m.TransportClosed(transport_id=transport_id, reason="moved"))

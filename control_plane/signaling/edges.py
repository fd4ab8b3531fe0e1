"""Other nodes that serve viewers of one held session: who goes there, what flows there, and what becomes of it.

Publishers, and everyone who may publish, are on the session's own node, its origin. A viewer has all media on one node:
the origin, or an edge, which gets the tracks from the origin by a pipe. Which one it is belongs to the socket, and its
resume token carries it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import structlog

from control_plane.domain.errors import DomainError
from control_plane.domain.ids import NodeId, ParticipantId
from control_plane.domain.nodes import choose_edge
from control_plane.domain.participants import RoomGrant
from control_plane.services.media import MediaMoved, Placement
from control_plane.services.media_pipes import EdgeGone
from control_plane.signaling.connection import Connection
from control_plane.signaling.session import Session
from media_plane.contract import messages as contract

log = structlog.get_logger("signaling")


@dataclass(slots=True)
class Edge:
    """What this process knows of one edge.

    carried: tracks that flow there. pipe_id: the origin's end; "" before there is one. lock: one caller sees to it at a
    time.
    """

    carried: set[str] = field(default_factory=set)
    pipe_id: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Edges:
    """The edges of one session.

    Args:
        session: whose.
        on_lost: told of sockets whose media is gone with their edge, and a word for why.
    """

    def __init__(self, session: Session, on_lost: Callable[[list[Connection], str], None]) -> None:
        self._session = session
        self._needs = session.needs
        self._on_lost = on_lost
        self._edges: dict[NodeId, Edge] = {}
        session.on_producer_gone = self._drop

    # --- who goes where -----------------------------------------------------------------------------------------

    def choose(self, grant: RoomGrant) -> NodeId | None:
        """The edge for someone's new media; None: the origin."""
        if grant.can_publish:
            return None
        return choose_edge(
            self._needs.links.nodes_up(),
            origin_id=self._session.placement.node_id,
            known=self._session.edge_node_ids,
        )

    async def settle(self, connection: Connection) -> Placement:
        """Where this browser's next transport goes: where its others are, or, when it has none, where there is room."""
        session = self._session
        if not connection.transports:
            connection.edge_node_id = self.choose(connection.admission.participant.grant)
        node_id = connection.edge_node_id
        if node_id is not None:
            try:
                await self.carry(node_id, [])
            except EdgeGone:
                connection.edge_node_id = None
        return session.place_of(connection)

    async def consume(
        self,
        at: Placement,
        participant_id: ParticipantId,
        *,
        transport_id: str,
        rtp_capabilities: msgspec.Raw,
        producer_ids: list[str],
    ) -> contract.ConsumersCreated:
        """Consume producers for a browser that is served at `at`; see `MediaService.consume`. Raises as that."""
        media, session = self._needs.media, self._session
        is_edge = at.node_id != session.placement.node_id
        for attempt in (1, 2):
            if is_edge:
                await self.carry(at.node_id, producer_ids, at=at)
            made = await media.consume(
                at,
                participant_id,
                transport_id=transport_id,
                rtp_capabilities=rtp_capabilities,
                producer_ids=producer_ids,
            )
            lost = {refused.producer_id for refused in made.refused if refused.code == "not_found"}
            edge = self._edges.get(at.node_id)
            if not is_edge or edge is None or not lost & edge.carried or attempt == 2:
                break
            edge.carried -= lost  # Believed to flow there, and does not any more: once more. A repeat is harmless.
        return made

    # --- what flows there ---------------------------------------------------------------------------------------

    async def carry(self, node_id: NodeId, producer_ids: list[str], *, at: Placement | None = None) -> None:
        """Make sure that the room is open on an edge, and that these producers can be consumed there.

        Args:
            node_id: the edge.
            producer_ids: what shall flow there.
            at: where the caller believes the edge's room to be; None: where it is now.

        Raises:
            EdgeGone: it can't serve anyone now.
            Unavailable: the origin is away; MediaMoved when the room is gone from it, or the session has another placement
                than the caller believes: to open the room by the newer one would close what still stands by the older.
        """
        session = self._session
        believed = at or session.edge(node_id)
        edge = self._edges.setdefault(node_id, Edge())
        async with edge.lock:
            origin, there = session.placement, session.edge(node_id)
            if there != believed:
                raise _moved()
            if there == origin:
                return  # It is the session's own node by now: everything is there.
            missing = [known for known in producer_ids if known not in edge.carried]
            if node_id in session.edge_node_ids and not missing:
                return
            carried, pipe_id = await self._needs.media.carry(origin, there, missing)
            if origin != session.placement:
                raise _moved()
            session.edge_node_ids.add(node_id)
            edge.carried |= carried
            edge.pipe_id = pipe_id

    def _drop(self, producer_id: str) -> None:
        """A track is gone: from the edges too."""
        for node_id, edge in self._edges.items():
            if producer_id in edge.carried:
                edge.carried.discard(producer_id)
                self._session.spawn(self._drop_at(node_id, [producer_id]))

    async def _drop_at(self, node_id: NodeId, producer_ids: list[str]) -> None:
        session = self._session
        try:
            await self._needs.media.drop_piped(session.edge(node_id), session.placement.node_id, producer_ids)
        except DomainError as error:
            # The sweep finds it again.
            log.warning("track_not_dropped", node_id=str(node_id), code=error.code)

    async def _drop_pipe(self, node_id: NodeId, pipe_id: str) -> None:
        try:
            await self._needs.media.drop_pipe(self._session.placement, node_id, pipe_id)
        except DomainError as error:
            log.warning("pipe_not_dropped", node_id=str(node_id), code=error.code)

    # --- what becomes of them -----------------------------------------------------------------------------------

    def is_edge(self, node_id: NodeId) -> bool:
        """Whether a node serves people of this session who are not on its own node."""
        return node_id in self._session.edge_node_ids

    def on(self, node_id: NodeId) -> list[Connection]:
        """Sockets here that an edge serves."""
        return [one for one in self._session.connections.values() if one.edge_node_id == node_id]

    def lose(self, node_id: NodeId, reason: str) -> None:
        """An edge is gone: its viewers alone build anew, elsewhere if it stays away."""
        self._session.edge_node_ids.discard(node_id)
        edge = self._edges.pop(node_id, None)
        if edge is not None and edge.pipe_id:
            self._session.spawn(self._drop_pipe(node_id, edge.pipe_id))
        lost = self.on(node_id)
        if lost:
            log.warning("edge_lost", node_id=str(node_id), reason=reason, viewers=len(lost))
            self._on_lost(lost, reason)

    def forget(self) -> list[Placement]:
        """The session gets a new placement: whatever is on edges belongs to the old one. Answers where that is."""
        session = self._session
        old = [session.edge(node_id) for node_id in session.edge_node_ids if node_id != session.placement.node_id]
        session.edge_node_ids.clear()
        self._edges.clear()
        return old

    async def close_rooms(self, places: list[Placement]) -> None:
        """Close what older placements have open on edges: nobody else looks after it any more."""
        for place in places:
            try:
                await self._needs.media.close_room(place)
            except MediaMoved:
                continue  # The room is open there at a newer placement, and stays.
            except DomainError as error:
                log.warning("edge_not_closed", node_id=str(place.node_id), code=error.code)

    async def sweep(self) -> None:
        """Compare what flows to each edge with what is published; take out what was missed."""
        session = self._session
        for node_id in list(session.edge_node_ids):
            if node_id not in session.edge_node_ids:
                continue  # Gone while we asked another: to look there would open the room.
            try:
                answer = await self._needs.media.inspect_room(session.edge(node_id))
            except MediaMoved:
                self.lose(node_id, "room_not_open")
                continue
            except DomainError:
                continue  # Away: its link tells.
            stale = [known for known in answer.piped_producer_ids if known not in session.roster.tracks]
            if stale:
                await self._drop_at(node_id, stale)
            edge = self._edges.get(node_id)
            if edge is not None:
                edge.carried.intersection_update(answer.piped_producer_ids)


def _moved() -> MediaMoved:
    return MediaMoved("The room's media is moving. Try again in a moment.", retry_after_s=1)

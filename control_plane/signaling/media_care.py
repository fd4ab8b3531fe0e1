"""Keeps the media of one held session alive: offers tracks to viewers, takes media over, rebuilds what died.

Three ends, three answers. A worker died or the room is gone from its node: rebuild it at a newer placement and tell every
socket once. The link dropped: wait for it, then take over what still stands. The node stays silent: rebuild elsewhere.
"""

from __future__ import annotations

import asyncio
import random
from typing import Protocol
from uuid import UUID

import structlog

from control_plane.domain import events
from control_plane.domain.errors import DomainError, InvalidInput, NotFound, RoomNotLive
from control_plane.domain.ids import NodeId, ParticipantId
from control_plane.services.media import MediaMoved, Placement
from control_plane.signaling import messages as m
from control_plane.signaling.connection import Connection
from control_plane.signaling.delivery import greet
from control_plane.signaling.edges import Edges
from control_plane.signaling.moving import Moves
from control_plane.signaling.session import Session
from media_plane.contract import messages as contract

MAX_OFFERS_AT_ONCE = 32
"""Consumer requests of this process under way at once."""
OFFER_ATTEMPTS = 4
"""How often an offer is tried while the node is away."""
BACKOFF_S = (0.2, 2.0)
"""First and longest pause between two attempts, seconds."""

log = structlog.get_logger("signaling")


class ResetCounter(Protocol):
    """Who counts rebuilt rooms."""

    def count_reset(self, reason: str) -> None:
        """One room's media was rebuilt."""


class MediaCare:
    """One session's media.

    Args:
        session: whose.
        slots: bounds the offers of the whole process.
        counter: counts resets.
    """

    def __init__(self, session: Session, slots: asyncio.Semaphore, counter: ResetCounter) -> None:
        self._session = session
        self._needs = session.needs
        self._slots = slots
        self._counter = counter
        self._rebuilding: asyncio.Task[None] | None = None
        self._waiting_for_link: dict[NodeId, asyncio.TimerHandle] = {}
        self.edges = Edges(session, self._reset_alone)
        self.moves = Moves(session, self.edges, self.send_reset)
        session.on_producer_opened = self.offer_to_all

    @property
    def at(self) -> Placement:
        """Where the media is now."""
        return self._session.placement

    # --- offering -----------------------------------------------------------------------------------------------

    def offer_to_all(self, producer_id: str) -> None:
        """Someone publishes: offer a consumer to every other socket here."""
        for connection in self._session.connections.values():
            self.offer(connection, [producer_id])

    def offer(self, connection: Connection, producer_ids: list[str]) -> None:
        """Offer consumers of these producers to one browser, in one batch with what waits already."""
        if connection.recv_transport_id is None:
            return  # The browser is rebuilding: it asks for what it wants itself.
        connection.wanted.update(
            producer_id for producer_id in producer_ids if producer_id not in connection.producer_ids
        )
        if connection.wanted and (connection.offering is None or connection.offering.done()):
            connection.offering = self._session.start(self._offer_waiting(connection))

    async def _offer_waiting(self, connection: Connection) -> None:
        failures = 0
        while connection.wanted and connection.is_open and failures < OFFER_ATTEMPTS:
            at = self._session.place_of(connection)
            try:
                async with self._slots:
                    await self._offer_batch(connection)
            except MediaMoved:
                self.miss(at)
                return
            except (NotFound, InvalidInput) as error:
                # The transport is gone (the browser will make another), or its capabilities make no sense.
                log.info("offer_refused", participant_id=str(connection.participant_id), code=error.code)
                connection.wanted.clear()
            except DomainError as error:
                failures += 1
                log.warning("offer_failed", participant_id=str(connection.participant_id), code=error.code)
                await asyncio.sleep(_pause(failures))

    async def _offer_batch(self, connection: Connection) -> None:
        roster = self._session.roster
        batch = [
            known for known in connection.wanted if known in roster.tracks and roster.is_here(roster.tracks[known])
        ]
        transport_id = connection.recv_transport_id
        connection.wanted.intersection_update(batch)
        if not batch or transport_id is None:
            return
        made = await self.edges.consume(
            self._session.place_of(connection),
            connection.participant_id,
            transport_id=transport_id,
            rtp_capabilities=connection.rtp_capabilities,
            producer_ids=batch,
        )
        connection.wanted.difference_update(batch)
        if connection.recv_transport_id != transport_id:
            return
        for consumer in made.consumers:
            if consumer.producer_id in self._session.roster.tracks:
                connection.consumers[consumer.id] = consumer.producer_id
                connection.tell(m.ConsumerOffered(consumer=consumer))

    def send_resync(self, connection: Connection) -> None:
        """A slow browser has caught up: tell it what it missed, and offer again what it may not have seen."""
        session = self._session
        connection.tell(m.Resync(last_seq=session.feed.last_seq, participants=session.roster.views()))
        greet(session, connection)
        if connection.told_epoch != self.at.epoch:
            self.send_reset(connection, "moved")
        elif connection.recv_transport_id is None and session.has_media:
            # What told it to build anew may be among what it missed.
            self.send_reset(connection, "late")
        else:
            # Repeats of offers it has are known by their ids.
            self.offer(connection, session.roster.tracks_of_others(connection.participant_id))

    # --- the links ----------------------------------------------------------------------------------------------

    def is_on(self, node_id: NodeId) -> bool:
        """Whether people of this session have media on a node, or move away from it."""
        leaving = self._session.leaving
        return (
            node_id == self.at.node_id
            or self.edges.is_edge(node_id)
            or (leaving is not None and leaving.node_id == node_id)
            or any(older.node_id == node_id for older in self._session.older_edges)
        )

    def link_lost(self, node_id: NodeId) -> None:
        """The link to a node is gone. Media may flow on: give it time to come back before moving anyone."""
        if node_id not in self._waiting_for_link:
            self._waiting_for_link[node_id] = asyncio.get_running_loop().call_later(
                self._needs.times.link_patience_s, self._link_stays_lost, node_id
            )

    def link_up(self, node_id: NodeId) -> None:
        """The link is back: take over what still stands."""
        timer = self._waiting_for_link.pop(node_id, None)
        if timer is not None:
            timer.cancel()
        if node_id == self.at.node_id:
            self._session.spawn(self._take_over())
        elif self.edges.is_edge(node_id):
            self._session.spawn(self._take_over_edge(node_id))

    def _link_stays_lost(self, node_id: NodeId) -> None:
        self._waiting_for_link.pop(node_id, None)
        if self._needs.links.is_up(node_id):
            return
        if node_id == self.at.node_id:
            self.rebuild("node_silent")
        elif self.edges.is_edge(node_id):
            self.edges.lose(node_id, "node_silent")
        leaving = self._session.leaving
        if leaving is not None and leaving.node_id == node_id:
            self.moves.settle(leaving)

    def miss(self, at: Placement) -> None:
        """The media is not where somebody believed: build it anew, unless that is known already."""
        if at.node_id != self.at.node_id and at.epoch == self.at.epoch:
            self.edges.lose(at.node_id, "room_not_open")
        else:
            self.rebuild("room_not_open", lost=at)

    def follow(self) -> None:
        """The row has a newer placement: move along while the old room stands, or build anew."""
        node_id = self.at.node_id
        if any(node.id == node_id and node.is_draining for node in self._needs.links.nodes_up()):
            self.moves.leave_node(node_id)
        else:
            self.rebuild("moved")

    async def _take_over_edge(self, node_id: NodeId) -> None:
        await asyncio.gather(*(self._adopt(connection) for connection in self.edges.on(node_id)))
        await self.edges.sweep()

    async def _take_over(self) -> None:
        session = self._session
        if not session.has_media:
            self.rebuild("node_back")
            return
        holders = [one for one in session.connections.values() if one.transports and session.place_of(one) == self.at]
        standing = await asyncio.gather(*(self._adopt(connection) for connection in holders))
        if holders and not any(standing):
            # A new, empty room: the node was restarted and someone else opened it again.
            self.rebuild("room_not_open")
            return
        await self.match_tracks()

    async def match_tracks(self) -> None:
        """Believe the node about what is published; tell what was missed, here and elsewhere."""
        session = self._session
        known = {id_: track for id_, track in session.roster.tracks.items() if session.roster.is_here(track)}
        at = self.at
        try:
            answer = await self._needs.media.inspect_room(at)
        except MediaMoved:
            self.rebuild("room_not_open", lost=at)
            return
        except DomainError as error:
            log.warning("tracks_not_matched", live_session_id=str(session.id), code=error.code)
            return
        facts = [fact for media in answer.participants for fact in media.producers]
        for producer_id in known.keys() - {fact.producer_id for fact in facts}:
            await session.tell(
                events.ProducerGone(
                    live_session_id=session.id,
                    participant_id=known[producer_id].participant_id,
                    producer_id=producer_id,
                )
            )
        for fact in facts:
            session.apply(
                events.ProducerOpened(
                    live_session_id=session.id,
                    participant_id=ParticipantId(UUID(fact.participant_id)),
                    producer_id=fact.producer_id,
                    kind=fact.kind,
                    source=fact.source,
                    paused=fact.paused,
                    epoch=at.epoch,
                )
            )

    async def _adopt(self, connection: Connection) -> bool:
        """Take over one participant's media; answers whether anything may still stand."""
        try:
            async with self._slots:
                media = await self._needs.media.adopt(self._session.place_of(connection), connection.participant_id)
        except MediaMoved:
            return False
        except DomainError as error:
            log.warning("adopt_failed", participant_id=str(connection.participant_id), code=error.code)
            return True
        standing = {media.send_transport_id, media.recv_transport_id} if media is not None else set()
        for transport_id in [known for known in connection.transports if known not in standing]:
            connection.drop_transport(transport_id)
            connection.tell(m.TransportClosed(transport_id=transport_id, reason="lost"))
        return media is not None

    # --- rebuilding ---------------------------------------------------------------------------------------------

    def rebuild(self, reason: str, *, lost: Placement | None = None) -> None:
        """The room's media is gone: make it anew. Asked many times at once, it is done once.

        Args:
            reason: told to browsers and counted.
            lost: the placement that was found gone; nothing is done when a newer one is known. None: the present one.
        """
        if self._session.is_over or (lost is not None and lost != self.at):
            return
        if self._rebuilding is not None and not self._rebuilding.done():
            return
        self._session.has_media = False
        self._rebuilding = self._session.start(self._rebuild(reason))

    async def wait_rebuilt(self) -> None:
        """Wait until a rebuild under way is done, if there is one."""
        if self._rebuilding is not None:
            await asyncio.shield(self._rebuilding)

    async def _rebuild(self, reason: str) -> None:
        session, failures = self._session, 0
        try:
            while not session.is_over:
                avoid = None if self._needs.links.is_up(self.at.node_id) else self.at.node_id
                session.record()
                try:
                    placement, answer = await self._needs.media.rebuild_room(self.at, avoid=avoid)
                except RoomNotLive:
                    session.end()
                    return
                except DomainError as error:
                    failures += 1
                    log.warning("rebuild_failed", live_session_id=str(session.id), code=error.code, failures=failures)
                    if await self._is_back():
                        return
                    await asyncio.sleep(_pause(failures))
                else:
                    self._reset(placement, answer, reason)
                    return
        finally:
            session.end_record()

    async def _is_back(self) -> bool:
        """Whether the silent node came back with everything still standing: then nothing needs to be rebuilt."""
        if not self._needs.links.is_up(self.at.node_id):
            return False
        try:
            answer = await self._needs.media.inspect_room(self.at)
        except DomainError:
            return False
        if not answer.participants:
            return False
        self._session.has_media = True
        self._session.spawn(self._take_over())
        return True

    def _reset(self, placement: Placement, answer: contract.RoomOpenAnswer, reason: str) -> None:
        session = self._session
        log.warning(
            "media_reset",
            live_session_id=str(session.id),
            reason=reason,
            epoch=placement.epoch,
            node_id=str(placement.node_id),
        )
        self._counter.count_reset(reason)
        # Forgotten before there is a new placement: by then nobody can say where they were.
        session.spawn(self.edges.close_rooms(self.edges.forget()))
        session.placement = placement
        session.leaving = None
        session.has_media = True
        # Forgotten first: what is heard again must not be offered on transports that are gone.
        for connection in session.connections.values():
            connection.forget_media()
        session.replace_tracks(answer.participants)
        for connection in session.connections.values():
            self.send_reset(connection, reason)

    def _reset_alone(self, connections: list[Connection], reason: str) -> None:
        """Only these lost their media; the room and everyone else's stand."""
        for connection in connections:
            self._counter.count_reset(reason)
            self.send_reset(connection, reason)

    def send_reset(self, connection: Connection, reason: str) -> None:
        """Tell one browser to build its media anew."""
        connection.forget_media()
        connection.told_epoch = self.at.epoch
        others = self._session.roster.tracks_of_others(connection.participant_id)
        producers = [self._session.roster.tracks[producer_id].view for producer_id in others]
        connection.tell(m.MediaReset(epoch=self.at.epoch, reason=reason, producers=producers))


def _pause(failures: int) -> float:
    longest = min(BACKOFF_S[0] * 2.0 ** (failures - 1), BACKOFF_S[1])
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret

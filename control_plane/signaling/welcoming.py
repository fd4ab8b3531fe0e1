"""From hello to welcome.

The session is listened to before anything is read, and the welcome is built from it in one step without waiting, right
before the socket joins those who are told things: what happened before is in it, what happens after is sent after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from control_plane.domain import events
from control_plane.domain.errors import DomainError, InvalidInput, Unavailable
from control_plane.domain.ids import NodeId, ParticipantId
from control_plane.services.media import MediaMoved, Placement, name_consumer
from control_plane.services.media_pipes import EdgeGone
from control_plane.signaling import messages as m
from control_plane.signaling.connection import Connection
from control_plane.signaling.delivery import greet
from control_plane.signaling.feed_window import WINDOW
from control_plane.signaling.media_care import MediaCare
from control_plane.signaling.needs import Admission
from control_plane.signaling.session import Session
from media_plane.contract import messages as contract

NEWEST = 50
"""Feed entries of a welcome that asks for no position."""

AnswerT = TypeVar("AnswerT")
log = structlog.get_logger("signaling")


@dataclass(slots=True)
class OpenedMedia:
    """What a hello got on the media node.

    Attributes:
        recv_transport: None when the old one is kept, or the node is away.
        is_kept: the browser's transports still stand.
        kept: what stands, when it is kept.
        refused: producers this browser can't decode.
        at: where it is; None: nowhere.
        edge_node_id: the node that serves it, when it is not the session's own.
    """

    recv_transport: contract.TransportOptions | None = None
    recv_transport_id: str | None = None
    consumers: list[contract.ConsumerOptions] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    is_kept: bool = False
    kept: contract.ParticipantMedia | None = None
    at: Placement | None = None
    edge_node_id: NodeId | None = None


async def open_media(session: Session, care: MediaCare, admission: Admission, hello: m.Hello) -> OpenedMedia:
    """Take over what the browser still has, or make a receive transport with a paused consumer per live track.

    A node that is away costs the media, not the welcome: `media.reset` follows when it is back.

    Raises:
        InvalidInput: the browser's capabilities make no sense.
    """
    for attempt in (1, 2):
        at = session.placement
        try:
            if hello.keep_media and hello.resume_token is not None:
                kept = await _keep(session, care, admission, hello)
                if kept is not None:
                    return kept
            return await _make_somewhere(session, care, admission, hello)
        except MediaMoved:
            care.rebuild("room_not_open", lost=at)
            if attempt == 1:
                try:
                    async with asyncio.timeout(session.needs.times.welcome_s / 3):
                        await care.wait_rebuilt()
                except TimeoutError:
                    break
        except Unavailable as error:
            log.warning("welcome_without_media", live_session_id=str(session.id), reason=error.message)
            session.has_media = session.has_media and session.needs.links.is_up(session.placement.node_id)
            break
    return OpenedMedia()


async def _keep(session: Session, care: MediaCare, admission: Admission, hello: m.Hello) -> OpenedMedia | None:
    participant_id, edge_node_id = admission.participant.id, admission.claims.edge_node_id
    standing = None
    if edge_node_id is not None and edge_node_id != session.placement.node_id:
        standing = await _adopt_at_edge(session, care, participant_id, edge_node_id)
    if standing is None:
        # Nothing stands there any more; after a move it may at the origin.
        edge_node_id, standing = None, await session.needs.media.adopt(session.placement, participant_id)
    if standing is None or standing.recv_transport_id is None:
        return None
    at = session.placement if edge_node_id is None else session.edge(edge_node_id)
    opened = OpenedMedia(
        recv_transport_id=standing.recv_transport_id,
        is_kept=True,
        kept=standing,
        at=at,
        edge_node_id=edge_node_id,
    )
    has = set(standing.consumer_ids)
    missing = [
        producer_id
        for producer_id in session.roster.tracks_of_others(participant_id)
        if name_consumer(standing.recv_transport_id, producer_id) not in has
    ]
    if missing:
        made = await care.edges.consume(
            at,
            participant_id,
            transport_id=standing.recv_transport_id,
            rtp_capabilities=hello.rtp_capabilities,
            producer_ids=missing,
        )
        _note(opened, made)
    return opened


async def _adopt_at_edge(
    session: Session, care: MediaCare, participant_id: ParticipantId, node_id: NodeId
) -> contract.ParticipantMedia | None:
    """What stands on the edge that the token names; None also when that edge is gone."""
    try:
        standing = await session.needs.media.adopt(session.edge(node_id), participant_id)
        if standing is not None:
            await care.edges.carry(node_id, [])
    except Unavailable:
        return None
    return standing


async def _make_somewhere(session: Session, care: MediaCare, admission: Admission, hello: m.Hello) -> OpenedMedia:
    """On an edge when the session's own node is full, else there."""
    edge_node_id = care.edges.choose(admission.participant.grant)
    if edge_node_id is not None:
        try:
            await care.edges.carry(edge_node_id, session.roster.tracks_of_others(admission.participant.id))
        except EdgeGone as error:
            log.warning("edge_not_used", node_id=str(edge_node_id), reason=error.message)
        else:
            try:
                return await _make(session, admission, hello, edge_node_id)
            except MediaMoved:
                care.edges.lose(edge_node_id, "room_not_open")
            except Unavailable as error:
                log.warning("edge_not_used", node_id=str(edge_node_id), reason=error.message)
    return await _make(session, admission, hello, None)


async def _make(session: Session, admission: Admission, hello: m.Hello, edge_node_id: NodeId | None) -> OpenedMedia:
    """One flight: close what an earlier socket left, make the transport, consume. The node keeps their order."""
    at, participant_id, media = session.placement, admission.participant.id, session.needs.media
    transport_id = str(session.needs.ids.new())
    producer_ids = session.roster.tracks_of_others(participant_id)
    steps: list[Awaitable[object]] = []
    if _may_have_media(session, participant_id, hello):
        steps.extend(media.close_participant(place, participant_id) for place in session.places())
    if edge_node_id is not None:
        at = session.edge(edge_node_id)
    steps.append(media.create_transport(at, participant_id, transport_id, "recv", bitrates=admission.bitrates))
    if producer_ids:
        steps.append(
            media.consume(
                at,
                participant_id,
                transport_id=transport_id,
                rtp_capabilities=hello.rtp_capabilities,
                producer_ids=producer_ids,
            )
        )
    results = await asyncio.gather(*steps, return_exceptions=True)
    opened = OpenedMedia(recv_transport_id=transport_id, at=at, edge_node_id=edge_node_id)
    for result in results:
        if isinstance(result, contract.TransportOptions):
            opened.recv_transport = result
        elif isinstance(result, contract.ConsumersCreated):
            _note(opened, result)
    # Without consumers the welcome is still good: they are offered after it.
    _raise_worst(results, has_transport=opened.recv_transport is not None)
    for producer_id in session.roster.tracks_of(participant_id):
        await session.tell(
            events.ProducerGone(live_session_id=session.id, participant_id=participant_id, producer_id=producer_id)
        )
    return opened


def _may_have_media(session: Session, participant_id: ParticipantId, hello: m.Hello) -> bool:
    return hello.resume_token is not None or participant_id in session.roster.people


def _note(opened: OpenedMedia, made: contract.ConsumersCreated) -> None:
    opened.consumers = made.consumers
    opened.refused = [refused.producer_id for refused in made.refused if refused.code == "unsupported"]


def _raise_worst(results: list[object], *, has_transport: bool) -> None:
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, DomainError) or isinstance(failure, InvalidInput):
            raise failure
    if not has_transport:
        for failure in failures:
            if isinstance(failure, MediaMoved):
                raise failure
        raise Unavailable("The room's media is away.") from failures[0]


def take_in(session: Session, care: MediaCare, connection: Connection, hello: m.Hello, opened: OpenedMedia) -> None:
    """Build the welcome, send it, and let the socket hear what comes. No await in here: that is the promise."""
    session.apply(events.ParticipantJoined(live_session_id=session.id, participant=connection.admission.participant))
    if opened.at is not None and opened.at.epoch != session.placement.epoch:
        # Rebuilt or moved meanwhile. Where it moved, what was made still stands, and would hold the old node.
        care.moves.close_at(opened.at, connection.participant_id)
        opened = OpenedMedia()
    connection.edge_node_id = opened.edge_node_id
    _remember(session, connection, opened)
    connection.told_epoch = session.placement.epoch
    tracks = session.roster.tracks
    consumers = [consumer for consumer in opened.consumers if consumer.producer_id in tracks]
    connection.consumers.update({consumer.id: consumer.producer_id for consumer in consumers})
    connection.producer_ids.update(session.roster.tracks_of(connection.participant_id))
    feed = (
        []
        if not connection.reads_feed
        else session.feed.newest(NEWEST)
        if hello.resume_after_seq is None
        else session.feed.after(hello.resume_after_seq)[-WINDOW:]
    )
    connection.welcomed_at_s = asyncio.get_running_loop().time()
    connection.socket.answer(hello.id, _welcome(session, connection, opened, consumers, feed))
    session.enter(connection)
    greet(session, connection)
    if opened.recv_transport_id is not None:
        has = set(connection.consumers.values()) | set(opened.refused)
        missing = [known for known in session.roster.tracks_of_others(connection.participant_id) if known not in has]
        care.offer(connection, missing)
    elif session.has_media:
        # The room is fine but this socket got nothing: it builds anew, as after a reset.
        care.send_reset(connection, "late")


def _remember(session: Session, connection: Connection, opened: OpenedMedia) -> None:
    if opened.recv_transport_id is not None:
        connection.add_transport(opened.recv_transport_id, "recv")
    if opened.kept is None or opened.recv_transport_id is None:
        return
    if opened.kept.send_transport_id is not None:
        connection.add_transport(opened.kept.send_transport_id, "send")
    connection.producer_ids.update(fact.producer_id for fact in opened.kept.producers)
    standing = set(opened.kept.consumer_ids)
    for producer_id in session.roster.tracks_of_others(connection.participant_id):
        consumer_id = name_consumer(opened.recv_transport_id, producer_id)
        if consumer_id in standing:
            connection.consumers[consumer_id] = producer_id


def _welcome(
    session: Session,
    connection: Connection,
    opened: OpenedMedia,
    consumers: list[contract.ConsumerOptions],
    feed: list[events.FeedEvent],
) -> m.Welcome:
    admission = connection.admission
    return m.Welcome(
        participant_id=connection.participant_id,
        live_session_id=session.id,
        room_id=session.room_id,
        room_name=admission.room_name,
        organization_id=session.organization_id,
        role=admission.participant.role,
        grant=connection.grant,
        epoch=session.placement.epoch,
        started_at=session.started_at,
        server_time=session.needs.clock.now(),
        resume_token=admission.resume_token,
        ice_servers=session.needs.turn.ice_servers(connection.participant_id),
        recv_transport=opened.recv_transport,
        consumers=consumers,
        participants=session.roster.views(),
        last_seq=session.feed.told_seq,
        feed=feed,
        media_kept=opened.is_kept,
        refused_producer_ids=opened.refused,
    )

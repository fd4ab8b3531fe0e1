"""One short function per request: may they, do it, answer. Errors are DomainErrors; the connection answers with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from control_plane.domain import events
from control_plane.domain.abilities import require_on_socket
from control_plane.domain.alerts import AlertDraft, AlertStep
from control_plane.domain.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from control_plane.domain.ids import AlertId, MessageId, ParticipantId, StepId
from control_plane.domain.roles import Permission
from control_plane.services.media import MediaMoved, Placement
from control_plane.signaling import messages as m
from control_plane.signaling.connection import Connection, LaneName
from control_plane.signaling.departures import leave
from control_plane.signaling.media_care import MediaCare
from control_plane.signaling.needs import Author
from control_plane.signaling.renewing import renew
from control_plane.signaling.session import Session
from control_plane.signaling.wire import method_of
from media_plane.contract.messages import Direction

MAX_PRODUCERS = 8
"""Tracks one person may publish at once: camera, microphone, and some screens with their sound."""
MAX_IDS = 200
"""Ids one request may list."""
EMPTY = m.Empty()


class Room:
    """What every handler gets besides the request: the session, its media, and whose socket asks."""

    def __init__(self, session: Session, care: MediaCare, connection: Connection) -> None:
        self.session = session
        self.care = care
        self.connection = connection

    @property
    def at(self) -> Placement:
        """Where the media of whoever asks is."""
        return self.session.place_of(self.connection)

    @property
    def participant_id(self) -> ParticipantId:
        """Who asks."""
        return self.connection.participant_id

    def require(self, allowed: bool, permission: Permission) -> None:  # noqa: FBT001 - a grant's own flag
        """Refuse unless the grant says so.

        Raises:
            Forbidden: facts name the permission.
        """
        if not allowed:
            raise Forbidden("Your role does not allow this.", permission=permission.value)

    def require_transport(self, transport_id: str, direction: Direction | None = None) -> None:
        """Refuse transports this socket did not open.

        Raises:
            NotFound: not its own, or of the other direction.
        """
        known = self.connection.transports.get(transport_id)
        if known is None or (direction is not None and known != direction):
            raise NotFound("There is no such transport.")

    def require_producer(self, producer_id: str) -> None:
        """Refuse tracks this participant does not publish. Raises NotFound, also for someone else's."""
        if producer_id not in self.connection.producer_ids:
            raise NotFound("There is no such track.")


# --- transports ---------------------------------------------------------------------------------------------------


async def create_transport(room: Room, request: m.TransportCreate) -> m.TransportCreated:
    """`transport.create`."""
    connection = room.connection
    if request.direction == "send":
        require_on_socket(connection.admission.abilities, "producer.create")
        room.require(connection.grant.can_publish, Permission.PUBLISH_MEDIA)
    transport_id = str(request.transport_id)
    if request.direction == "send":
        room.care.moves.send_home(connection)
    at = await room.care.edges.settle(connection)
    made = await room.session.needs.media.create_transport(
        at, room.participant_id, transport_id, request.direction, bitrates=connection.admission.bitrates
    )
    if at == room.at:
        connection.add_transport(transport_id, request.direction)
    elif connection.left_behind is None or connection.left_behind.at != at:
        # It was made while everything moved or was rebuilt. What is left behind there closes with the rest of it.
        room.care.moves.close_at(at, room.participant_id)
    return m.TransportCreated(transport=made)


async def connect_transport(room: Room, request: m.TransportConnect) -> m.Empty:
    """`transport.connect`."""
    transport_id = str(request.transport_id)
    room.require_transport(transport_id)
    await room.session.needs.media.connect_transport(
        room.at, room.participant_id, transport_id, request.dtls_parameters
    )
    return EMPTY


async def restart_ice(room: Room, request: m.TransportRestartIce) -> m.IceRestarted:
    """`transport.restartIce`."""
    transport_id = str(request.transport_id)
    room.require_transport(transport_id)
    parameters = await room.session.needs.media.restart_ice(room.at, room.participant_id, transport_id)
    return m.IceRestarted(ice_parameters=parameters)


# --- producers ----------------------------------------------------------------------------------------------------


async def create_producer(room: Room, request: m.ProducerCreate) -> m.ProducerCreated:
    """`producer.create`: publish, then tell everyone; here the viewers get their offers."""
    connection = room.connection
    room.require(connection.grant.can_publish, Permission.PUBLISH_MEDIA)
    transport_id, producer_id = str(request.transport_id), str(request.producer_id)
    room.require_transport(transport_id, "send")
    if producer_id not in connection.producer_ids and len(connection.producer_ids) >= MAX_PRODUCERS:
        raise Conflict("Too many tracks.")
    at = room.care.at
    facts = await room.session.needs.media.create_producer(
        at,
        room.participant_id,
        transport_id=transport_id,
        producer_id=producer_id,
        kind=request.kind,
        source=request.source,
        rtp_parameters=request.rtp_parameters,
        paused=request.paused,
    )
    if not connection.grant.can_publish:
        # Their role changed while the node made it.
        await room.session.needs.media.close_producer(at, room.participant_id, producer_id)
        room.require(False, Permission.PUBLISH_MEDIA)  # noqa: FBT003 - refuses
    connection.producer_ids.add(producer_id)
    await room.session.tell(
        events.ProducerOpened(
            live_session_id=room.session.id,
            participant_id=room.participant_id,
            producer_id=producer_id,
            kind=facts.kind,
            source=facts.source,
            paused=facts.paused,
            epoch=at.epoch,
        )
    )
    return m.ProducerCreated(producer_id=producer_id)


async def pause_producer(room: Room, request: m.ProducerPause) -> m.Empty:
    """`producer.pause`."""
    return await _set_paused(room, str(request.producer_id), paused=True)


async def resume_producer(room: Room, request: m.ProducerResume) -> m.Empty:
    """`producer.resume`."""
    return await _set_paused(room, str(request.producer_id), paused=False)


async def _set_paused(room: Room, producer_id: str, *, paused: bool) -> m.Empty:
    room.require_producer(producer_id)
    media, behind = room.session.needs.media, room.connection.left_behind
    if behind is not None:
        # While it moves it flows at both ends, or at the old one only; the new one is made as it is now.
        with suppress(DomainError):
            await media.set_producer_paused(behind.at, room.participant_id, producer_id, paused=paused)
    try:
        await media.set_producer_paused(room.care.at, room.participant_id, producer_id, paused=paused)
    except NotFound:
        if behind is None:
            raise
    await room.session.tell(
        events.ProducerPausedChanged(
            live_session_id=room.session.id,
            participant_id=room.participant_id,
            producer_id=producer_id,
            paused=paused,
        )
    )
    return EMPTY


async def close_producer(room: Room, request: m.ProducerClose) -> m.Empty:
    """`producer.close`."""
    producer_id = str(request.producer_id)
    room.require_producer(producer_id)
    behind = room.connection.left_behind
    if behind is not None:
        with suppress(DomainError):
            await room.session.needs.media.close_producer(behind.at, room.participant_id, producer_id)
    await room.session.needs.media.close_producer(room.care.at, room.participant_id, producer_id)
    room.connection.producer_ids.discard(producer_id)
    await room.session.tell(
        events.ProducerGone(
            live_session_id=room.session.id, participant_id=room.participant_id, producer_id=producer_id
        )
    )
    return EMPTY


# --- consumers ----------------------------------------------------------------------------------------------------


async def create_consumers(room: Room, request: m.ConsumerCreate) -> m.ConsumersCreated:
    """`consumer.create`: after a reset the browser says itself what it wants on its new receive transport."""
    transport_id = str(request.transport_id)
    room.require_transport(transport_id, "recv")
    _check_ids(request.producer_ids)
    tracks, connection = room.session.roster.tracks, room.connection
    wanted = [str(known) for known in request.producer_ids if str(known) not in connection.producer_ids]
    is_here = room.session.roster.is_here
    live = [known for known in dict.fromkeys(wanted) if known in tracks and is_here(tracks[known])]
    if not live:
        return m.ConsumersCreated()
    made = await room.care.edges.consume(
        room.at,
        room.participant_id,
        transport_id=transport_id,
        rtp_capabilities=connection.rtp_capabilities,
        producer_ids=live,
    )
    if connection.recv_transport_id == transport_id:
        connection.consumers.update({consumer.id: consumer.producer_id for consumer in made.consumers})
    return m.ConsumersCreated(
        consumers=made.consumers,
        refused_producer_ids=[refused.producer_id for refused in made.refused if refused.code == "unsupported"],
    )


async def resume_consumers(room: Room, request: m.ConsumerResume) -> m.Empty:
    """`consumer.resume`."""
    return await _hold(room, request, paused=False)


async def pause_consumers(room: Room, request: m.ConsumerPause) -> m.Empty:
    """`consumer.pause`."""
    return await _hold(room, request, paused=True)


async def _hold(room: Room, request: m.ConsumerResume | m.ConsumerPause, *, paused: bool) -> m.Empty:
    _check_ids(request.consumer_ids)
    known = [str(consumer_id) for consumer_id in request.consumer_ids if str(consumer_id) in room.connection.consumers]
    if known:
        await room.session.needs.media.set_consumers_paused(room.at, room.participant_id, known, paused=paused)
    return EMPTY


async def set_preferred_layers(room: Room, request: m.ConsumerSetPreferredLayers) -> m.Empty:
    """`consumer.setPreferredLayers`."""
    consumer_id = str(request.consumer_id)
    if consumer_id not in room.connection.consumers:
        raise NotFound("There is no such consumer.")
    if not 0 <= request.spatial_layer <= 7 or not 0 <= (request.temporal_layer or 0) <= 7:
        raise InvalidInput("A layer is 0 to 7.", field="spatialLayer")
    await room.session.needs.media.set_preferred_layers(
        room.at,
        room.participant_id,
        consumer_id,
        spatial_layer=request.spatial_layer,
        temporal_layer=request.temporal_layer,
    )
    return EMPTY


async def set_priority(room: Room, request: m.ConsumerSetPriority) -> m.Empty:
    """`consumer.setPriority`."""
    consumer_id = str(request.consumer_id)
    if consumer_id not in room.connection.consumers:
        raise NotFound("There is no such consumer.")
    if not 1 <= request.priority <= 255:
        raise InvalidInput("A priority is 1 to 255.", field="priority")
    await room.session.needs.media.set_priority(room.at, room.participant_id, consumer_id, priority=request.priority)
    return EMPTY


async def end_move(room: Room, request: m.MediaMoved) -> m.Empty:
    """`media.moved`: what the browser left behind may go."""
    if request.epoch == room.connection.told_epoch:
        await room.care.moves.finish(room.connection)
    return EMPTY


def _check_ids(ids: list[Any]) -> None:
    if len(ids) > MAX_IDS:
        raise InvalidInput(f"At most {MAX_IDS} ids at once.")


# --- talk ---------------------------------------------------------------------------------------------------------


def _author(room: Room) -> Author:
    participant, grant = room.connection.admission.participant, room.connection.grant
    return Author(
        organization_id=room.session.organization_id,
        room_id=room.session.room_id,
        user_id=participant.user_id,
        display_name=participant.display_name,
        role=participant.role,
        can_post_chat=grant.can_post_chat,
        can_post_alert=grant.can_post_alert,
    )


async def post_chat(room: Room, request: m.ChatPost) -> m.Posted:
    """`chat.post`."""
    room.require(room.connection.grant.can_post_chat, Permission.POST_CHAT)
    event = await room.session.needs.chat.post(_author(room), MessageId(request.message_id), request.text)
    return m.Posted(seq=event.seq)


async def post_alert(room: Room, request: m.AlertPost) -> m.Posted:
    """`alert.post`."""
    room.require(room.connection.grant.can_post_alert, Permission.POST_ALERT)
    draft = AlertDraft(
        symbol=request.symbol,
        side=request.side,
        entry=request.entry,
        stop=request.stop,
        targets=request.targets,
        note=request.note,
    )
    event = await room.session.needs.alerts.post(_author(room), AlertId(request.alert_id), draft)
    return m.Posted(seq=event.seq)


async def step_alert(room: Room, request: m.AlertStep) -> m.Posted:
    """`alert.step`."""
    room.require(room.connection.grant.can_post_alert, Permission.POST_ALERT)
    step = AlertStep(kind=request.kind, price=request.price, fraction=request.fraction, target=request.target)
    event = await room.session.needs.alerts.step(
        _author(room), AlertId(request.alert_id), StepId(request.step_id), step
    )
    return m.Posted(seq=event.seq)


async def read_feed(room: Room, request: m.FeedRead) -> m.FeedPage:
    """`feed.read`."""
    if not 1 <= request.limit <= 200:
        raise InvalidInput("limit is 1 to 200.", field="limit")
    if request.after < 0:
        raise InvalidInput("after is 0 or more.", field="after")
    entries, last_seq = await room.session.needs.feed.read(
        room.session.organization_id, room.session.room_id, after=request.after, limit=request.limit
    )
    return m.FeedPage(events=list(entries), last_seq=last_seq)


# --- people -------------------------------------------------------------------------------------------------------


async def remove_participant(room: Room, request: m.ParticipantRemove) -> m.Empty:
    """`participant.remove`: the row first, then whoever holds the socket closes it; the media closes here."""
    admission = room.connection.admission
    room.require(room.connection.grant.can_moderate, Permission.MODERATE)
    participant_id = ParticipantId(request.participant_id)
    await room.session.needs.live.remove(admission, participant_id)
    await room.session.close_media(participant_id)
    return EMPTY


async def renew_session(room: Room, request: m.SessionRenew) -> m.SessionRenewed:
    """`session.renew`."""
    return await renew(room.session.needs, room.connection, request.access_token)


async def leave_room(room: Room, _: m.RoomLeave) -> m.Empty:
    """`room.leave`: the connection closes the socket after the answer."""
    connection = room.connection
    await leave(room.session, connection.admission, "left")
    if room.session.connections.get(connection.participant_id) is connection:
        del room.session.connections[connection.participant_id]
    return EMPTY


# --- the table ----------------------------------------------------------------------------------------------------

Handler = Callable[[Room, Any], Awaitable[m.Wire]]
HANDLERS: dict[type[m.RequestBase], tuple[Handler, LaneName]] = {
    m.TransportCreate: (create_transport, "media"),
    m.TransportConnect: (connect_transport, "media"),
    m.TransportRestartIce: (restart_ice, "media"),
    m.ProducerCreate: (create_producer, "media"),
    m.ProducerPause: (pause_producer, "media"),
    m.ProducerResume: (resume_producer, "media"),
    m.ProducerClose: (close_producer, "media"),
    m.ConsumerCreate: (create_consumers, "media"),
    m.ConsumerResume: (resume_consumers, "media"),
    m.ConsumerPause: (pause_consumers, "media"),
    m.ConsumerSetPreferredLayers: (set_preferred_layers, "media"),
    m.ConsumerSetPriority: (set_priority, "media"),
    m.MediaMoved: (end_move, "media"),
    m.ChatPost: (post_chat, "posts"),
    m.AlertPost: (post_alert, "posts"),
    m.AlertStep: (step_alert, "posts"),
    m.FeedRead: (read_feed, "reads"),
    m.ParticipantRemove: (remove_participant, "reads"),
    m.SessionRenew: (renew_session, "reads"),
    m.RoomLeave: (leave_room, "media"),
}
"""Every request but hello: who does it, and in which lane it keeps its order."""


def lane_of(request: m.Request) -> LaneName:
    """Which lane a request runs in."""
    return HANDLERS[type(request)][1]


async def handle(room: Room, request: m.Request) -> m.Wire:
    """Do what a request asks, if the API token they may have joined by is good for it. Raises DomainError."""
    require_on_socket(room.connection.admission.abilities, method_of(request))
    at = room.at
    try:
        return await HANDLERS[type(request)][0](room, request)
    except MediaMoved:
        # Whoever notices first has the room rebuilt; this request is refused, `media.reset` follows.
        room.care.miss(at)
        raise

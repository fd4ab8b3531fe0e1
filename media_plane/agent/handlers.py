"""One function per request of the node link. Each finds what is meant, does it, and answers in the contract's words.

Errors: every function raises `LinkError` only; what the media plane raises becomes one in `dispatch`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog

from media_plane.agent.node_pipes import NodePipes
from media_plane.agent.participants import LinkEnd, ParticipantState
from media_plane.agent.room_media import RouterGroup
from media_plane.agent.rooms import Rooms
from media_plane.contract import messages as m
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.ortc.errors import NegotiationError
from media_plane.ortc.errors import UnsupportedError as NothingInCommonError
from media_plane.sfu.errors import ChannelTimeout, InvalidState, InvalidValue, MediaError, WorkerRejected

EMPTY = m.Empty()

log = structlog.get_logger("handlers")


# --- rooms --------------------------------------------------------------------------------------------------------


async def open_room(rooms: Rooms, link: LinkEnd, request: m.RoomOpen) -> m.RoomOpenAnswer:
    """`room.open`: make sure the RouterGroup exists; tell what survived in it."""
    if request.epoch < 1:
        raise LinkError(LinkErrorCode.MALFORMED, "epoch must be 1 or more.")
    group = await rooms.open(link, request.live_session_id, request.epoch)
    return m.RoomOpenAnswer(
        rtp_capabilities=group.rtp_capabilities,
        participants=group.publishers(),
        piped_producer_ids=group.pipes.incoming_ids(),
    )


async def close_room(rooms: Rooms, link: LinkEnd, request: m.RoomClose) -> m.Empty:
    """`room.close`: close everything of a live session."""
    await rooms.close_room(link, request.live_session_id, request.epoch)
    return EMPTY


# --- participants -------------------------------------------------------------------------------------------------


async def adopt_participant(rooms: Rooms, link: LinkEnd, request: m.ParticipantAdopt) -> m.ParticipantMedia:
    """`participant.adopt`: this link hears about the participant from now on."""
    async with _held(rooms, link, request) as (group, participant):
        if not participant.transports:
            raise LinkError(LinkErrorCode.NOT_FOUND, "Nothing is left of this participant.")
        group.wants.tell_again(participant)
        return participant.media()


async def close_participant(rooms: Rooms, link: LinkEnd, request: m.ParticipantClose) -> m.Empty:
    """`participant.close`: close all its transports; whoever consumed from it is told."""
    async with _held_if_any(rooms, link, request) as (group, participant):
        if group is None or participant is None:
            return EMPTY
        if request.once_unwatched:
            group.consumers.close(participant, list(participant.consumers))
            participant.is_leaving = True
        else:
            group.close_participant(participant)
    return EMPTY


# --- transports ---------------------------------------------------------------------------------------------------


async def create_transport(rooms: Rooms, link: LinkEnd, request: m.TransportCreate) -> m.TransportOptions:
    """`transport.create`: the first one makes the participant."""
    async with _held(rooms, link, request, create=True) as (group, participant):
        return await group.create_transport(participant, request)


async def connect_transport(rooms: Rooms, link: LinkEnd, request: m.TransportConnect) -> m.Empty:
    """`transport.connect`: hand over the browser's DTLS parameters."""
    async with _held(rooms, link, request) as (group, participant):
        await group.connect_transport(participant, request.transport_id, request.dtls_parameters)
    return EMPTY


async def restart_ice(rooms: Rooms, link: LinkEnd, request: m.TransportRestartIce) -> m.IceRestarted:
    """`transport.restartIce`: new credentials, same DTLS."""
    async with _held(rooms, link, request) as (group, participant):
        return m.IceRestarted(ice_parameters=await group.restart_ice(participant, request.transport_id))


# --- producers ----------------------------------------------------------------------------------------------------


async def create_producer(rooms: Rooms, link: LinkEnd, request: m.ProducerCreate) -> m.ProducerCreated:
    """`producer.create`: publish a track."""
    async with _held(rooms, link, request) as (group, participant):
        return m.ProducerCreated(producer=await group.create_producer(participant, request))


async def pause_producer(rooms: Rooms, link: LinkEnd, request: m.ProducerPause) -> m.Empty:
    """`producer.pause`: stop forwarding it."""
    async with _held(rooms, link, request) as (group, participant):
        await group.set_producer_paused(participant, request.producer_id, paused=True)
    return EMPTY


async def resume_producer(rooms: Rooms, link: LinkEnd, request: m.ProducerResume) -> m.Empty:
    """`producer.resume`: forward it again."""
    async with _held(rooms, link, request) as (group, participant):
        await group.set_producer_paused(participant, request.producer_id, paused=False)
    return EMPTY


async def close_producer(rooms: Rooms, link: LinkEnd, request: m.ProducerClose) -> m.Empty:
    """`producer.close`: its consumers close with it."""
    async with _held_if_any(rooms, link, request) as (group, participant):
        if group is not None and participant is not None:
            group.close_producer(participant, request.producer_id)
    return EMPTY


# --- consumers ----------------------------------------------------------------------------------------------------


async def create_consumers(rooms: Rooms, link: LinkEnd, request: m.ConsumerCreate) -> m.ConsumersCreated:
    """`consumer.create`: several at once, each paused."""
    async with _held(rooms, link, request) as (group, participant):
        return await group.consumers.create(participant, request)


async def resume_consumers(rooms: Rooms, link: LinkEnd, request: m.ConsumerResume) -> m.Empty:
    """`consumer.resume`: let them flow."""
    async with _held(rooms, link, request) as (group, participant):
        await group.consumers.set_paused(participant, request.consumer_ids, paused=False)
    return EMPTY


async def pause_consumers(rooms: Rooms, link: LinkEnd, request: m.ConsumerPause) -> m.Empty:
    """`consumer.pause`: hold them."""
    async with _held(rooms, link, request) as (group, participant):
        await group.consumers.set_paused(participant, request.consumer_ids, paused=True)
    return EMPTY


async def close_consumers(rooms: Rooms, link: LinkEnd, request: m.ConsumerClose) -> m.Empty:
    """`consumer.close`: the participant wants them no more."""
    async with _held_if_any(rooms, link, request) as (group, participant):
        if group is not None and participant is not None:
            group.consumers.close(participant, request.consumer_ids)
    return EMPTY


async def set_preferred_layers(rooms: Rooms, link: LinkEnd, request: m.ConsumerSetPreferredLayers) -> m.Empty:
    """`consumer.setPreferredLayers`: cap what is sent."""
    async with _held(rooms, link, request) as (group, participant):
        await group.consumers.set_preferred_layers(participant, request)
    return EMPTY


# --- pipes to other nodes ----------------------------------------------------------------------------------------


async def open_pipe(rooms: Rooms, link: LinkEnd, request: m.PipeOpen) -> m.PipeOpened:
    """`pipe.open`: make this node's end."""
    async with _piping(rooms, link, request) as pipes:
        return await pipes.open(request)


async def connect_pipe(rooms: Rooms, link: LinkEnd, request: m.PipeConnect) -> m.Empty:
    """`pipe.connect`: tell it where the other end is."""
    async with _piping(rooms, link, request) as pipes:
        await pipes.connect(request)
    return EMPTY


async def send_into_pipe(rooms: Rooms, link: LinkEnd, request: m.PipeSend) -> m.PipeSent:
    """`pipe.send`: producers flow to the other node."""
    async with _piping(rooms, link, request) as pipes:
        return await pipes.send(request)


async def receive_from_pipe(rooms: Rooms, link: LinkEnd, request: m.PipeReceive) -> m.Empty:
    """`pipe.receive`: they can be consumed here."""
    async with _piping(rooms, link, request) as pipes:
        await pipes.receive(request)
    return EMPTY


async def drop_from_pipe(rooms: Rooms, link: LinkEnd, request: m.PipeDrop) -> m.Empty:
    """`pipe.drop`: they flow no more, or the whole end goes."""
    try:
        group = await rooms.find(link, request.live_session_id, request.epoch)
    except LinkError:
        return EMPTY  # Not open, or another placement: whatever it was is gone.
    group.pipes.drop(request)
    return EMPTY


async def set_priority(rooms: Rooms, link: LinkEnd, request: m.ConsumerSetPriority) -> m.Empty:
    """`consumer.setPriority`: who gets bits first."""
    async with _held(rooms, link, request) as (group, participant):
        await group.consumers.set_priority(participant, request)
    return EMPTY


# --- the table and the way in -------------------------------------------------------------------------------------

Handler = Callable[[Rooms, LinkEnd, Any], Awaitable[m.Wire]]
HANDLERS: dict[type[msgspec.Struct], Handler] = {
    m.RoomOpen: open_room,
    m.RoomClose: close_room,
    m.ParticipantAdopt: adopt_participant,
    m.ParticipantClose: close_participant,
    m.TransportCreate: create_transport,
    m.TransportConnect: connect_transport,
    m.TransportRestartIce: restart_ice,
    m.ProducerCreate: create_producer,
    m.ProducerPause: pause_producer,
    m.ProducerResume: resume_producer,
    m.ProducerClose: close_producer,
    m.ConsumerCreate: create_consumers,
    m.ConsumerResume: resume_consumers,
    m.ConsumerPause: pause_consumers,
    m.ConsumerClose: close_consumers,
    m.ConsumerSetPreferredLayers: set_preferred_layers,
    m.ConsumerSetPriority: set_priority,
    m.PipeOpen: open_pipe,
    m.PipeConnect: connect_pipe,
    m.PipeSend: send_into_pipe,
    m.PipeReceive: receive_from_pipe,
    m.PipeDrop: drop_from_pipe,
}
"""Every request but `hello`, which the link answers itself."""


async def dispatch(rooms: Rooms, link: LinkEnd, request: m.Request) -> m.Wire:
    """Do what a request asks.

    Raises:
        LinkError: whatever went wrong, in the contract's words.
    """
    try:
        return await HANDLERS[type(request)](rooms, link, request)
    except (MediaError, NegotiationError) as error:
        raise to_link_error(error) from error


def to_link_error(error: MediaError | NegotiationError) -> LinkError:
    """What the caller is told of an error of the media plane: a code, a sentence, no ids of others and no stack.

    A worker's own `TypeError` means values it can't accept; its other refusals mean our picture of it is wrong.
    """
    if isinstance(error, NegotiationError):
        unsupported = isinstance(error, NothingInCommonError)
        code = LinkErrorCode.UNSUPPORTED if unsupported else LinkErrorCode.MALFORMED
        return LinkError(code, str(error), field=error.field)
    if isinstance(error, WorkerRejected):
        log.warning("worker_rejected", method=error.method, error=error.error, reason=error.reason)
        if error.error == "TypeError":
            return LinkError(LinkErrorCode.MALFORMED, "The media worker can't accept these values.")
        return LinkError(LinkErrorCode.CONFLICT, "The media worker refused this in its present state.")
    if isinstance(error, InvalidValue):
        return LinkError(LinkErrorCode.MALFORMED, str(error))
    if isinstance(error, InvalidState):
        return LinkError(LinkErrorCode.CONFLICT, "It is closed, or not in a state for this.")
    log.warning("worker_failed", error=type(error).__name__, detail=str(error))
    late = isinstance(error, ChannelTimeout)
    return LinkError(
        LinkErrorCode.WORKER_FAILED, f"The media worker {'did not answer in time' if late else 'is gone'}."
    )


@asynccontextmanager
async def _held(
    rooms: Rooms,
    link: LinkEnd,
    request: m.ParticipantRequest,
    *,
    create: bool = False,
) -> AsyncIterator[tuple[RouterGroup, ParticipantState]]:
    """The participant a request names, adopted by its link and locked until the request is done.

    Raises:
        LinkError: room_not_open, stale_epoch, or not_found unless `create`.
    """
    group = await rooms.find(link, request.live_session_id, request.epoch)
    async with group.locked(request.participant_id, create=create) as participant:
        if participant is None:
            raise LinkError(LinkErrorCode.NOT_FOUND, "Nothing of this participant is open.")
        # Waiting for the lock takes time, in which the link may have dropped: then nobody adopts.
        if not link.is_closed:
            participant.adopt(link)
        try:
            yield group, participant
        except MediaError as error:
            if group.is_closed:
                raise LinkError(LinkErrorCode.ROOM_NOT_OPEN, "The live session closed meanwhile.") from error
            raise


@asynccontextmanager
async def _piping(
    rooms: Rooms, link: LinkEnd, request: m.PipeOpen | m.PipeConnect | m.PipeSend | m.PipeReceive
) -> AsyncIterator[NodePipes]:
    """The pipes of the live session a request names. Raises LinkError room_not_open, stale_epoch."""
    group = await rooms.find(link, request.live_session_id, request.epoch)
    try:
        yield group.pipes
    except MediaError as error:
        if group.is_closed:
            raise LinkError(LinkErrorCode.ROOM_NOT_OPEN, "The live session closed meanwhile.") from error
        raise


@asynccontextmanager
async def _held_if_any(
    rooms: Rooms,
    link: LinkEnd,
    request: m.ParticipantRequest,
) -> AsyncIterator[tuple[RouterGroup | None, ParticipantState | None]]:
    """As `_held`, for requests that are content when there is nothing to close."""
    try:
        group = await rooms.find(link, request.live_session_id, request.epoch)
    except LinkError as error:
        if error.code is not LinkErrorCode.ROOM_NOT_OPEN:
            raise
        yield None, None
        return
    async with group.locked(request.participant_id) as participant:
        if participant is not None and not link.is_closed:
            participant.adopt(link)
        yield group, participant

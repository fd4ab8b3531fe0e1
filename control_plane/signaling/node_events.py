"""What media nodes tell, turned into what browsers are told."""

from __future__ import annotations

from uuid import UUID

import msgspec

from control_plane.domain import events
from control_plane.domain.ids import NodeId, ParticipantId
from control_plane.signaling import messages as m
from control_plane.signaling.connection import Connection
from control_plane.signaling.delivery import hear_layers
from control_plane.signaling.media_care import MediaCare
from control_plane.signaling.session import Session
from media_plane.contract import messages as contract


def hear_node(session: Session, care: MediaCare, node_id: NodeId, notification: contract.Notification) -> None:
    """Take in a notification about the session, of its own node, an edge, or one that its people move away from."""
    if isinstance(notification, contract.RoomLost):
        _lose_room(session, care, node_id, notification)
    elif isinstance(notification, contract.ParticipantNotification):
        participant_id = ParticipantId(UUID(notification.participant_id))
        connection = session.connections.get(participant_id)
        place = session.placement if connection is None else session.place_of(connection)
        if place.node_id != node_id:
            return  # Of what they left behind; what is told of it is ours to know, not theirs.
        if isinstance(notification, contract.ParticipantClosed):
            _lose_media(session, participant_id)
        elif isinstance(notification, contract.ProducerClosed):
            _close_track(session, participant_id, notification.producer_id)
        elif isinstance(notification, contract.ProducerLayersWanted):
            hear_layers(session, notification)
        elif participant_id in session.connections:
            _tell_owner(session.connections[participant_id], notification)


def _lose_room(session: Session, care: MediaCare, node_id: NodeId, lost: contract.RoomLost) -> None:
    if care.moves.left_room(node_id, lost.epoch):
        care.moves.settle(msgspec.structs.replace(session.placement, node_id=node_id, epoch=lost.epoch))
        return
    if node_id != session.placement.node_id:
        care.edges.lose(node_id, lost.reason)
        return
    # `replaced` tells of a higher epoch, which the row knows; `closed` is checked against the row as well.
    if lost.epoch >= session.placement.epoch:
        care.rebuild(lost.reason)


def _lose_media(session: Session, participant_id: ParticipantId) -> None:
    """The node closed an orphan. Every process is told so, so nobody tells it on."""
    connection = session.connections.get(participant_id)
    if connection is not None:
        for transport_id in list(connection.transports):
            connection.tell(m.TransportClosed(transport_id=transport_id, reason="orphaned"))
        connection.forget_media()
    for producer_id in session.roster.tracks_of(participant_id):
        session.apply(_gone(session, participant_id, producer_id))


def _close_track(session: Session, participant_id: ParticipantId, producer_id: str) -> None:
    connection = session.connections.get(participant_id)
    if connection is not None:
        connection.producer_ids.discard(producer_id)
    session.spawn(session.tell(_gone(session, participant_id, producer_id)))


def _gone(session: Session, participant_id: ParticipantId, producer_id: str) -> events.ProducerGone:
    return events.ProducerGone(live_session_id=session.id, participant_id=participant_id, producer_id=producer_id)


def _tell_owner(connection: Connection, notification: contract.ParticipantNotification) -> None:
    match notification:
        case contract.TransportClosed():
            connection.drop_transport(notification.transport_id)
            connection.tell(m.TransportClosed(transport_id=notification.transport_id, reason=notification.reason))
        case contract.ConsumerClosed():
            if connection.consumers.pop(notification.consumer_id, None) is not None:
                connection.tell(m.ConsumerClosed(consumer_id=notification.consumer_id))
        case contract.ConsumerLayersChanged():
            connection.tell(
                m.ConsumerLayersChanged(
                    consumer_id=notification.consumer_id,
                    spatial_layer=notification.spatial_layer,
                    temporal_layer=notification.temporal_layer,
                )
            )
        case _:
            pass  # Pausing is told by the bus; ICE and DTLS states are the browser's to see.

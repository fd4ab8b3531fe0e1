"""What nodes tell of delivery, turned into what browsers are told: layers nobody wants, and how connections are.

Who hears whose connection: everyone their own in full, and of those who publish whether it is good; moderators also of
everyone else's as soon as it is not good. A good one stays unsaid, but for the first time: good is quiet.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from control_plane.domain.ids import ParticipantId
from control_plane.domain.quality import Level
from control_plane.signaling import messages as m
from control_plane.signaling.connection import Connection
from control_plane.signaling.session import Session
from control_plane.signaling.wire import encode_notification
from media_plane.contract import messages as contract


def hear_layers(session: Session, notification: contract.ProducerLayersWanted) -> None:
    """Tell a sender which layers are wanted; kept for when its socket comes back."""
    session.ratings.unwanted[notification.producer_id] = notification.spatial_layer
    connection = session.connections.get(ParticipantId(UUID(notification.participant_id)))
    if connection is not None:
        connection.tell(
            m.ProducerLayersWanted(producer_id=notification.producer_id, spatial_layer=notification.spatial_layer)
        )


def hear_quality(session: Session, told: contract.QualityTold) -> list[m.QualityView]:
    """Take in measurements and tell the sockets here.

    Returns:
        What is known now of those who have a socket here.
    """
    roster, ratings = session.roster, session.ratings
    publishers = {track.participant_id for track in roster.tracks.values()}
    for_everyone, for_moderators, own = [], [], []
    for measured in told.participants:
        participant_id = ParticipantId(UUID(measured.participant_id))
        if participant_id not in roster.people:
            continue
        view, is_new = ratings.rate(participant_id, measured)
        if participant_id in publishers:
            for_moderators.append(view)
            if is_new:
                for_everyone.append(_only_level(view))
        elif is_new or view.level is not Level.GOOD:
            for_moderators.append(view)
        if participant_id in session.connections:
            own.append(view)
            session.connections[participant_id].tell(m.ParticipantQuality(participants=[view]))
    _tell(session, for_everyone, moderators=False)
    _tell(session, for_moderators, moderators=True)
    ratings.keep_only(roster.people, _published(session))
    return own


def greet(session: Session, connection: Connection) -> None:
    """A socket was welcomed: tell it what was told before it came."""
    publishers = {track.participant_id for track in session.roster.tracks.values()}
    views = [view for view in session.ratings.views() if view.level is not Level.GOOD]
    if not connection.grant.can_moderate:
        views = [_only_level(view) for view in views if ParticipantId(view.participant_id) in publishers]
    if views:
        connection.tell(m.ParticipantQuality(participants=views))
    for producer_id in connection.producer_ids & session.ratings.unwanted.keys():
        layer = session.ratings.unwanted[producer_id]
        connection.tell(m.ProducerLayersWanted(producer_id=producer_id, spatial_layer=layer))


def _published(session: Session) -> set[str]:
    """Every producer known here, also those whose opening is still on its way to the roster."""
    opening = {producer_id for one in session.connections.values() for producer_id in one.producer_ids}
    return opening | session.roster.tracks.keys()


def _tell(session: Session, views: list[m.QualityView], *, moderators: bool) -> None:
    """Tell those who moderate, or those who do not; encoded once."""
    if not views:
        return
    message = encode_notification(m.ParticipantQuality(participants=views))
    for connection in session.connections.values():
        if connection.grant.can_moderate is moderators:
            connection.socket.notify(message)


def _only_level(view: m.QualityView) -> m.QualityView:
    """What everyone may know of someone's connection."""
    return msgspec.structs.replace(
        view, rtt_ms=None, jitter_ms=None, send_loss=None, receive_loss=None, send_bps=None, receive_bps=None
    )

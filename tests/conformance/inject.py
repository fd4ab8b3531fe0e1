"""Notifications made by hand and put on an object's channel, for events a test can't bring about in time."""

from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.message import decode_message, encode_notification
from media_plane.channel.codec.tables import TableWriter, write_bytes, write_optional_text, write_text, write_vector
from media_plane.channel.fbs.FBS.Consumer import ConsumerScore
from media_plane.channel.fbs.FBS.Consumer import ScoreNotification as ConsumerScoreNotification
from media_plane.channel.fbs.FBS.Notification.Body import Body
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Producer import Score, VideoOrientationChangeNotification
from media_plane.channel.fbs.FBS.Producer import ScoreNotification as ProducerScoreNotification
from media_plane.channel.fbs.FBS.Transport import Tuple as TupleModule
from media_plane.channel.fbs.FBS.WebRtcTransport import (
    DtlsStateChangeNotification,
    IceSelectedTupleChangeNotification,
    IceStateChangeNotification,
)
from media_plane.channel.framing import LENGTH_BYTES
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.producer import Producer
from media_plane.sfu.webrtc_transport import WebRtcTransport


def consumer_score(consumer: Consumer, *, score: int, producer_score: int, producer_scores: list[int]) -> None:
    builder = Builder(128)
    table = TableWriter(ConsumerScore)(
        builder,
        score=score,
        producer_score=producer_score,
        producer_scores=write_bytes(builder, bytes(producer_scores)),
    )
    body = TableWriter(ConsumerScoreNotification)(builder, score=table)
    _put(consumer, Event.CONSUMER_SCORE, builder, Body.Consumer_ScoreNotification, body)


def producer_score(producer: Producer, *scores: tuple[int, int, int]) -> None:
    """Scores are encoding index, SSRC, score."""
    builder = Builder(128)
    tables = [TableWriter(Score)(builder, encoding_idx=index, ssrc=ssrc, score=score) for index, ssrc, score in scores]
    body = TableWriter(ProducerScoreNotification)(builder, scores=write_vector(builder, tables))
    _put(producer, Event.PRODUCER_SCORE, builder, Body.Producer_ScoreNotification, body)


def video_orientation(producer: Producer, *, camera: bool, flip: bool, rotation: int) -> None:
    builder = Builder(128)
    body = TableWriter(VideoOrientationChangeNotification)(builder, camera=camera, flip=flip, rotation=rotation)
    event = Event.PRODUCER_VIDEO_ORIENTATION_CHANGE
    _put(producer, event, builder, Body.Producer_VideoOrientationChangeNotification, body)


def ice_state(transport: WebRtcTransport, state: int) -> None:
    builder = Builder(128)
    body = TableWriter(IceStateChangeNotification)(builder, ice_state=state)
    event = Event.WEBRTCTRANSPORT_ICE_STATE_CHANGE
    _put(transport, event, builder, Body.WebRtcTransport_IceStateChangeNotification, body)


def ice_selected_tuple(transport: WebRtcTransport, *, local: tuple[str, int], remote: tuple[str, int]) -> None:
    builder = Builder(128)
    table = TableWriter(TupleModule)(
        builder,
        local_address=write_text(builder, local[0]),
        local_port=local[1],
        remote_ip=write_text(builder, remote[0]),
        remote_port=remote[1],
    )
    body = TableWriter(IceSelectedTupleChangeNotification)(builder, tuple=table)
    event = Event.WEBRTCTRANSPORT_ICE_SELECTED_TUPLE_CHANGE
    _put(transport, event, builder, Body.WebRtcTransport_IceSelectedTupleChangeNotification, body)


def dtls_state(transport: WebRtcTransport, state: int, certificate: str | None = None) -> None:
    builder = Builder(128)
    body = TableWriter(DtlsStateChangeNotification)(
        builder, dtls_state=state, remote_cert=write_optional_text(builder, certificate)
    )
    event = Event.WEBRTCTRANSPORT_DTLS_STATE_CHANGE
    _put(transport, event, builder, Body.WebRtcTransport_DtlsStateChangeNotification, body)


def _put(target: Any, event: int, builder: Builder, body_type: int, body: int) -> None:
    data = encode_notification(event, target.id, builder=builder, body_type=body_type, body=body)
    notification = decode_message(data[LENGTH_BYTES:])
    target._channel._handlers[target.id](notification)

"""Observers of audio. Schemas: rtpObserver.fbs, activeSpeakerObserver.fbs, audioLevelObserver.fbs."""

from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.message import Notification, RequestMessage, encode_request, read_nothing
from media_plane.channel.codec.tables import Offset, TableWriter, read_text, read_vector, write_text
from media_plane.channel.fbs.FBS.ActiveSpeakerObserver import ActiveSpeakerObserverOptions
from media_plane.channel.fbs.FBS.ActiveSpeakerObserver.DominantSpeakerNotification import DominantSpeakerNotification
from media_plane.channel.fbs.FBS.AudioLevelObserver import AudioLevelObserverOptions
from media_plane.channel.fbs.FBS.AudioLevelObserver.VolumesNotification import VolumesNotification
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.RtpObserver import AddProducerRequest, RemoveProducerRequest

DOMINANT_SPEAKER: int = Event.ACTIVESPEAKEROBSERVER_DOMINANT_SPEAKER
SILENCE: int = Event.AUDIOLEVELOBSERVER_SILENCE
VOLUMES: int = Event.AUDIOLEVELOBSERVER_VOLUMES

_write_active_speaker_options = TableWriter(ActiveSpeakerObserverOptions)
_write_audio_level_options = TableWriter(AudioLevelObserverOptions)
_add_producer = TableWriter(AddProducerRequest)
_remove_producer = TableWriter(RemoveProducerRequest)


def write_active_speaker_options(builder: Builder, *, interval_ms: int) -> Offset:
    """Write what an active speaker observer is created with."""
    return _write_active_speaker_options(builder, interval=interval_ms)


def write_audio_level_options(builder: Builder, *, max_entries: int, threshold: int, interval_ms: int) -> Offset:
    """Write what an audio level observer is created with; the threshold is dBov, -127..0."""
    return _write_audio_level_options(builder, max_entries=max_entries, threshold=threshold, interval=interval_ms)


def pause(observer_id: str) -> RequestMessage[None]:
    """Stop observing."""
    return encode_request(Method.RTPOBSERVER_PAUSE, observer_id, read_nothing)


def resume(observer_id: str) -> RequestMessage[None]:
    """Observe again."""
    return encode_request(Method.RTPOBSERVER_RESUME, observer_id, read_nothing)


def add_producer(observer_id: str, producer_id: str) -> RequestMessage[None]:
    """Observe one more producer."""
    builder = Builder(128)
    body = _add_producer(builder, producer_id=write_text(builder, producer_id))
    return encode_request(
        Method.RTPOBSERVER_ADD_PRODUCER,
        observer_id,
        read_nothing,
        builder=builder,
        body_type=Body.RtpObserver_AddProducerRequest,
        body=body,
    )


def remove_producer(observer_id: str, producer_id: str) -> RequestMessage[None]:
    """Observe one producer less."""
    builder = Builder(128)
    body = _remove_producer(builder, producer_id=write_text(builder, producer_id))
    return encode_request(
        Method.RTPOBSERVER_REMOVE_PRODUCER,
        observer_id,
        read_nothing,
        builder=builder,
        body_type=Body.RtpObserver_RemoveProducerRequest,
        body=body,
    )


def read_dominant_speaker(notification: Notification) -> str:
    """Read the id of the producer that speaks now."""
    return read_text(notification.read(DominantSpeakerNotification).ProducerId())


def read_volumes(notification: Notification) -> list[tuple[str, int]]:
    """Read producer ids and their volumes in dBov (-127..0), loudest first."""

    def read_volume(table: Any) -> tuple[str, int]:
        return read_text(table.ProducerId()), table.Volume()

    return read_vector(notification.read(VolumesNotification), "Volumes", read_volume)

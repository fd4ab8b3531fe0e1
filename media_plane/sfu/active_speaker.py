"""Tells who speaks."""

from typing import Any, ClassVar

from typing_extensions import override

from media_plane.channel.codec import rtp_observer as codec
from media_plane.channel.codec.message import Notification
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.producer import Producer
from media_plane.sfu.rtp_observer import ObserverSide, RtpObserver, RtpObserverType


class ActiveSpeakerObserver(RtpObserver):
    """Tells who speaks, by speech activity over some seconds. Made by `Router.create_active_speaker_observer`.

    Producers must send the header extension `ssrc-audio-level`.

    Attributes:
        on_dominant_speaker: told the producer that speaks, each time it is another one.
    """

    type: ClassVar[RtpObserverType] = "activespeaker"

    def __init__(self, side: ObserverSide, observer_id: str, app_data: Any = None) -> None:
        super().__init__(side, observer_id, app_data)
        self.on_dominant_speaker: Listeners[[Producer]] = Listeners()

    @override
    def _hear(self, notification: Notification) -> None:
        if notification.event == codec.DOMINANT_SPEAKER:
            producer = self._side.find_producer(codec.read_dominant_speaker(notification))
            # It may have closed on our side meanwhile.
            if producer is not None:
                self.on_dominant_speaker.tell(producer)

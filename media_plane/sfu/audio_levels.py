"""Tells how loud the loudest are."""

from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import override

from media_plane.channel.codec import rtp_observer as codec
from media_plane.channel.codec.message import Notification
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.producer import Producer
from media_plane.sfu.rtp_observer import ObserverSide, RtpObserver, RtpObserverType


@dataclass(slots=True, frozen=True)
class Volume:
    """How loud a producer was on average over the last interval: dBov, -127 (silence) to 0 (loudest)."""

    producer: Producer
    volume: int


class AudioLevelObserver(RtpObserver):
    """Tells how loud the loudest are. Made by `Router.create_audio_level_observer`.

    Producers must send the header extension `ssrc-audio-level`.

    Attributes:
        on_volumes: told the loudest producers over the threshold, loudest first, at least one.
        on_silence: told when nobody is over the threshold any more.
    """

    type: ClassVar[RtpObserverType] = "audiolevel"

    def __init__(self, side: ObserverSide, observer_id: str, app_data: Any = None) -> None:
        super().__init__(side, observer_id, app_data)
        self.on_volumes: Listeners[[list[Volume]]] = Listeners()
        self.on_silence: Listeners[[]] = Listeners()

    @override
    def _hear(self, notification: Notification) -> None:
        if notification.event == codec.SILENCE:
            self.on_silence.tell()
        elif notification.event == codec.VOLUMES:
            found = ((self._side.find_producer(name), volume) for name, volume in codec.read_volumes(notification))
            # A producer may have closed on our side meanwhile.
            volumes = [Volume(producer, volume) for producer, volume in found if producer is not None]
            if volumes:
                self.on_volumes.tell(volumes)

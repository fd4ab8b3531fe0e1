"""What observers of audio share: which producers they hear, pausing, closing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import router as router_codec
from media_plane.channel.codec import rtp_observer as codec
from media_plane.channel.codec.message import Notification
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.errors import InvalidState
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.producer import Producer

RtpObserverType: TypeAlias = Literal["activespeaker", "audiolevel"]


@dataclass(slots=True, frozen=True, kw_only=True)
class ObserverSide:
    """What an observer needs of its router, without knowing it.

    Attributes:
        channel: to the router's worker.
        router_id: the router's id.
        find_producer: a producer of the router by id.
        forget_observer: an observer that closed.
    """

    channel: Channel
    router_id: str
    find_producer: Callable[[str], Producer | None]
    forget_observer: Callable[["RtpObserver"], None]


class RtpObserver(Closable):
    """Listens to the audio levels of some of a router's producers. Made by the router; this is the part kinds share.

    Attributes:
        type: the kind.
        id: as chosen by the caller.
        paused: whether it observes nothing for now.
        app_data: whatever the caller wants to find here again.
        on_pause, on_resume: told when it changes between the two.
        on_add_producer, on_remove_producer: told whom it hears from now on, or no longer; a closed producer tells nothing.
    """

    type: ClassVar[RtpObserverType]

    def __init__(self, side: ObserverSide, observer_id: str, app_data: Any = None) -> None:
        super().__init__()
        self._side = side
        self._channel = side.channel
        self.id = observer_id
        self.paused = False
        self.app_data = app_data
        self.on_pause: Listeners[[]] = Listeners()
        self.on_resume: Listeners[[]] = Listeners()
        self.on_add_producer: Listeners[[Producer]] = Listeners()
        self.on_remove_producer: Listeners[[Producer]] = Listeners()
        self._channel.subscribe(observer_id, self._hear)

    async def pause(self) -> None:
        """Observe nothing for now. Harmless when paused. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.pause(self.id))
        if not self.paused:
            self.paused = True
            self.on_pause.tell()

    async def resume(self) -> None:
        """Observe again. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.resume(self.id))
        if self.paused:
            self.paused = False
            self.on_resume.tell()

    async def add_producer(self, *, producer_id: str) -> None:
        """Hear one more audio producer of the router; it leaves by itself when it closes.

        Raises:
            InvalidState: the observer is closed, or the router has no such producer.
            MediaError: see `errors`.
        """
        producer = self._require_producer(producer_id)
        await self._channel.request(codec.add_producer(self.id, producer_id))
        self.on_add_producer.tell(producer)

    async def remove_producer(self, *, producer_id: str) -> None:
        """Hear one producer less.

        Raises:
            InvalidState: the observer is closed, or the router has no such producer.
            MediaError: see `errors`.
        """
        producer = self._require_producer(producer_id)
        await self._channel.request(codec.remove_producer(self.id, producer_id))
        self.on_remove_producer.tell(producer)

    def _require_producer(self, producer_id: str) -> Producer:
        self.require_open()
        producer = self._side.find_producer(producer_id)
        if producer is None:
            raise InvalidState("The router has no such producer.")
        return producer

    @override
    def _shut(self, reason: CloseReason) -> None:
        self._channel.unsubscribe(self.id)
        if reason == "closed":
            self._channel.post(router_codec.close_rtp_observer(self._side.router_id, self.id))
        self._side.forget_observer(self)

    def _hear(self, notification: Notification) -> None:
        """Take a notification of the worker; kinds say what there is to hear."""

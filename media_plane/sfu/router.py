"""A router: passes media and data from the producers of its transports to their consumers."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import router as codec
from media_plane.channel.codec import worker as worker_codec
from media_plane.channel.values.worker import RouterDump
from media_plane.ortc import capabilities, consuming, validate
from media_plane.ortc.header_extensions import EXCLUDED_HEADER_EXTENSIONS
from media_plane.ortc.rtp import RtpCapabilities, RtpCodecCapability
from media_plane.sfu.active_speaker import ActiveSpeakerObserver
from media_plane.sfu.audio_levels import AudioLevelObserver
from media_plane.sfu.closable import CloseReason
from media_plane.sfu.creator import choose_id
from media_plane.sfu.errors import InvalidValue
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.router_pipes import RouterPipes
from media_plane.sfu.rtp_observer import ObserverSide, RtpObserver

T = TypeVar("T", bound=RtpObserver)

_LOWEST_VOLUME = -127


class Router(RouterPipes):
    """Passes media and data between transports of one worker. Made by `Worker.create_router`.

    Attributes:
        id: as chosen by the caller.
        rtp_capabilities: what it can pass on, for browsers to be shown.
        app_data: whatever the caller wants to find here again.
        on_new_transport, on_new_rtp_observer: told each one made.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        router_id: str,
        rtp_capabilities: RtpCapabilities,
        forget: Callable[["Router"], None],
        excluded_header_extensions: frozenset[str] = EXCLUDED_HEADER_EXTENSIONS,
        app_data: Any = None,
    ) -> None:
        super().__init__(channel=channel, router_id=router_id, rtp_capabilities=rtp_capabilities)
        self._forget = forget
        self._excluded_header_extensions = excluded_header_extensions
        self._rtp_observers: dict[str, RtpObserver] = {}
        self.app_data = app_data
        self.on_new_rtp_observer: Listeners[[RtpObserver]] = Listeners()
        self._observer_side = ObserverSide(
            channel=channel,
            router_id=router_id,
            find_producer=self._producers.get,
            forget_observer=self._forget_observer,
        )

    @property
    def rtp_observers(self) -> list[RtpObserver]:
        """Open observers, oldest first."""
        return list(self._rtp_observers.values())

    def can_consume(self, *, producer_id: str, rtp_capabilities: RtpCapabilities) -> bool:
        """Whether somebody can be sent a producer's track.

        Args:
            producer_id: of this router; one it doesn't have can't be consumed.
            rtp_capabilities: what the receiver can receive.

        Raises:
            NegotiationError: the capabilities make no sense.
        """
        producer = self._producers.get(producer_id)
        if producer is None:
            return False
        validate.validate_rtp_capabilities(rtp_capabilities)
        return consuming.can_consume(producer.consumable_rtp_parameters, rtp_capabilities)

    def update_media_codecs(self, media_codecs: Sequence[RtpCodecCapability]) -> None:
        """Change what it can pass on from now on; producers that are there stay as they are.

        Args:
            media_codecs: preferred first, without RTX.

        Raises:
            NegotiationError: codecs the worker doesn't have. Nothing has changed then.
        """
        self.rtp_capabilities = capabilities.generate_router_rtp_capabilities(
            media_codecs, excluded_header_extensions=self._excluded_header_extensions
        )

    async def create_active_speaker_observer(
        self, *, observer_id: str | None = None, interval_ms: int = 300, app_data: Any = None
    ) -> ActiveSpeakerObserver:
        """Make an observer that tells who speaks.

        Args:
            observer_id: unique in the worker; None makes one.
            interval_ms: how often it decides, 0..65535.
            app_data: kept on the observer.

        Raises:
            InvalidState: the router is closed, or was meanwhile, or the id is taken.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        chosen = choose_id(observer_id)
        await self._creator.create(
            chosen,
            codec.create_active_speaker_observer(self.id, chosen, interval_ms=interval_ms),
            lambda: codec.close_rtp_observer(self.id, chosen),
            self,
        )
        return self._keep_observer(ActiveSpeakerObserver(self._observer_side, chosen, app_data))

    async def create_audio_level_observer(
        self,
        *,
        observer_id: str | None = None,
        max_entries: int = 1,
        threshold: int = -80,
        interval_ms: int = 1000,
        app_data: Any = None,
    ) -> AudioLevelObserver:
        """Make an observer that tells how loud the loudest are.

        Args:
            observer_id: unique in the worker; None makes one.
            max_entries: how many of the loudest it tells, 1..65535.
            threshold: dBov a producer must reach on average, -127..0.
            interval_ms: how often it tells, 0..65535.
            app_data: kept on the observer.

        Raises:
            InvalidState: the router is closed, or was meanwhile, or the id is taken.
            InvalidValue: a number out of range.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        if max_entries < 1 or not _LOWEST_VOLUME <= threshold <= 0:
            raise InvalidValue("At least one entry and a threshold from -127 to 0 are needed.")
        chosen = choose_id(observer_id)
        await self._creator.create(
            chosen,
            codec.create_audio_level_observer(
                self.id, chosen, max_entries=max_entries, threshold=threshold, interval_ms=interval_ms
            ),
            lambda: codec.close_rtp_observer(self.id, chosen),
            self,
        )
        return self._keep_observer(AudioLevelObserver(self._observer_side, chosen, app_data))

    async def dump(self) -> RouterDump:
        """The router as the worker sees it. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    @override
    def _shut(self, reason: CloseReason) -> None:
        if reason == "closed":
            self._channel.post(worker_codec.close_router(self.id))
        for child in (*self.transports, *self.rtp_observers):
            child.closed_by("router_closed")
        self._forget(self)

    def _keep_observer(self, observer: T) -> T:
        self._rtp_observers[observer.id] = observer
        self.on_new_rtp_observer.tell(observer)
        return observer

    def _forget_observer(self, observer: RtpObserver) -> None:
        self._rtp_observers.pop(observer.id, None)
        self._creator.release(observer.id)

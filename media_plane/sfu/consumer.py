"""A consumer: one producer's track sent to one receiver."""

from collections.abc import Callable, Sequence
from typing import Any

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import consumer as codec
from media_plane.channel.codec.message import Notification
from media_plane.channel.values.media import (
    ConsumerDump,
    ConsumerLayers,
    ConsumerScore,
    ConsumerTraceType,
    MediaTrace,
    RtpStreamStats,
    StreamType,
)
from media_plane.ortc.rtp import MediaKind, RtpParameters
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.listeners import Listeners

DEFAULT_PRIORITY = 1
"""Priority of a new consumer, the lowest. Source: mediasoup 3.27.1, node/lib/Consumer.js."""


class Consumer(Closable):
    """One producer's track sent to one receiver. Made by `Transport.consume`.

    Attributes:
        id: as chosen by the caller.
        producer_id: whom it listens to.
        kind: "audio" or "video".
        type: the producer's type, or "pipe" for all its streams.
        rtp_parameters: how we send, for the receiver to be shown.
        paused: whether it is paused itself.
        producer_paused: whether its producer is paused.
        priority: 1..255, who gets bandwidth first.
        score: quality of what is sent and of what feeds it.
        preferred_layers: the most it should send, None for no limit or no layers.
        current_layers: what it sends now, None for nothing or no layers.
        app_data: whatever the caller wants to find here again.
        on_pause, on_resume: told when it stops or starts sending, by its own pause or the producer's.
        on_producer_pause, on_producer_resume: told when the producer changes.
        on_score: told the new score.
        on_layers_change: told the layers sent now.
        on_trace: told what `enable_trace_event` asked for.
        on_rtp: told each RTP packet, on a direct transport.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        transport_id: str,
        consumer_id: str,
        producer_id: str,
        kind: MediaKind,
        stream_type: StreamType,
        rtp_parameters: RtpParameters,
        state: codec.Consuming,
        forget: Callable[["Consumer"], None],
        app_data: Any = None,
    ) -> None:
        super().__init__()
        self._channel = channel
        self._transport_id = transport_id
        self._forget = forget
        self.id = consumer_id
        self.producer_id = producer_id
        self.kind = kind
        self.type = stream_type
        self.rtp_parameters = rtp_parameters
        self.paused = state.paused
        self.producer_paused = state.producer_paused
        self.priority = DEFAULT_PRIORITY
        self.score: ConsumerScore = state.score
        self.preferred_layers: ConsumerLayers | None = state.preferred_layers
        self.current_layers: ConsumerLayers | None = None
        self.app_data = app_data
        self.on_pause: Listeners[[]] = Listeners()
        self.on_resume: Listeners[[]] = Listeners()
        self.on_producer_pause: Listeners[[]] = Listeners()
        self.on_producer_resume: Listeners[[]] = Listeners()
        self.on_score: Listeners[[ConsumerScore]] = Listeners()
        self.on_layers_change: Listeners[[ConsumerLayers | None]] = Listeners()
        self.on_trace: Listeners[[MediaTrace]] = Listeners()
        self.on_rtp: Listeners[[bytes]] = Listeners()
        channel.subscribe(consumer_id, self._hear)

    async def pause(self) -> None:
        """Stop sending. Harmless when paused. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.pause(self.id))
        self._set_paused(paused=True)

    async def resume(self) -> None:
        """Send, beginning with a key frame. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.resume(self.id))
        self._set_paused(paused=False)

    async def set_preferred_layers(self, *, spatial_layer: int, temporal_layer: int | None = None) -> None:
        """Limit the layers sent, for simulcast and SVC; nothing happens for others.

        Args:
            spatial_layer: the highest wanted, from 0; too high means the highest there is.
            temporal_layer: the highest wanted, from 0; None means the highest there is.

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        wanted = ConsumerLayers(spatial_layer=spatial_layer, temporal_layer=temporal_layer)
        self.preferred_layers = await self._channel.request(codec.set_preferred_layers(self.id, wanted))

    async def set_priority(self, priority: int) -> None:
        """Set who gets bandwidth first.

        Args:
            priority: 1 (last) to 255 (first).

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        self.priority = await self._channel.request(codec.set_priority(self.id, priority))

    async def unset_priority(self) -> None:
        """Go back to the lowest priority. Raises MediaError."""
        await self.set_priority(DEFAULT_PRIORITY)

    async def request_key_frame(self) -> None:
        """Ask the sender for a key frame; nothing happens for audio or while paused. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.request_key_frame(self.id))

    async def get_stats(self) -> list[RtpStreamStats]:
        """Traffic of the stream sent ("outbound-rtp"), then of the one feeding it ("inbound-rtp"). Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.get_stats(self.id))

    async def dump(self) -> ConsumerDump:
        """The consumer as the worker sees it. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    async def enable_trace_event(self, types: Sequence[ConsumerTraceType] = ()) -> None:
        """Choose what `on_trace` is told; nothing by default. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.enable_trace_event(self.id, types))

    @override
    def _shut(self, reason: CloseReason) -> None:
        self._channel.unsubscribe(self.id)
        if reason == "closed":
            self._channel.post(codec.close_consumer(self._transport_id, self.id))
        self._forget(self)

    def _hear(self, notification: Notification) -> None:
        event = notification.event
        if event == codec.RTP:
            self.on_rtp.tell(codec.read_rtp(notification))
        elif event == codec.PRODUCER_CLOSE:
            self.closed_by("producer_closed")
        elif event == codec.PRODUCER_PAUSE:
            self._set_producer_paused(paused=True)
        elif event == codec.PRODUCER_RESUME:
            self._set_producer_paused(paused=False)
        elif event == codec.SCORE:
            self.score = codec.read_score(notification)
            self.on_score.tell(self.score)
        elif event == codec.LAYERS_CHANGE:
            self.current_layers = codec.read_layers_change(notification)
            self.on_layers_change.tell(self.current_layers)
        elif event == codec.TRACE:
            self.on_trace.tell(codec.read_trace(notification))

    def _set_paused(self, *, paused: bool) -> None:
        if self.paused == paused:
            return
        self.paused = paused
        if not self.producer_paused:
            (self.on_pause if paused else self.on_resume).tell()

    def _set_producer_paused(self, *, paused: bool) -> None:
        if self.producer_paused == paused:
            return
        self.producer_paused = paused
        (self.on_producer_pause if paused else self.on_producer_resume).tell()
        if not self.paused:
            (self.on_pause if paused else self.on_resume).tell()

"""A producer: one track sent to a router."""

from collections.abc import Callable, Sequence
from typing import Any

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import producer as codec
from media_plane.channel.codec.message import Notification
from media_plane.channel.values.media import (
    MediaTrace,
    ProducerDump,
    ProducerScore,
    ProducerTraceType,
    RtpStreamStats,
    StreamType,
    VideoOrientation,
)
from media_plane.ortc.rtp import MediaKind, RtpParameters
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.offers import Offers


class Producer(Closable):
    """One track sent to a router. Made by `Transport.produce`.

    Attributes:
        id: as chosen by the caller.
        kind: "audio" or "video".
        type: "simple", "simulcast" or "svc".
        rtp_parameters: how the sender sends.
        consumable_rtp_parameters: how the router can pass it on.
        offers: what endpoints are sent of it. For the transports of this package.
        paused: whether its packets are held back here.
        score: quality of each stream received so far.
        app_data: whatever the caller wants to find here again.
        on_pause, on_resume: told when it changes between the two.
        on_score: told the scores of all streams.
        on_video_orientation_change: told how to turn the picture.
        on_trace: told what `enable_trace_event` asked for.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        transport_id: str,
        producer_id: str,
        kind: MediaKind,
        stream_type: StreamType,
        rtp_parameters: RtpParameters,
        consumable_rtp_parameters: RtpParameters,
        paused: bool,
        forget: Callable[["Producer"], None],
        app_data: Any = None,
    ) -> None:
        super().__init__()
        self._channel = channel
        self._transport_id = transport_id
        self._forget = forget
        self.id = producer_id
        self.kind = kind
        self.type = stream_type
        self.rtp_parameters = rtp_parameters
        self.consumable_rtp_parameters = consumable_rtp_parameters
        self.offers = Offers(consumable_rtp_parameters)
        self.paused = paused
        self.score: list[ProducerScore] = []
        self.app_data = app_data
        self.on_pause: Listeners[[]] = Listeners()
        self.on_resume: Listeners[[]] = Listeners()
        self.on_score: Listeners[[list[ProducerScore]]] = Listeners()
        self.on_video_orientation_change: Listeners[[VideoOrientation]] = Listeners()
        self.on_trace: Listeners[[MediaTrace]] = Listeners()
        channel.subscribe(producer_id, self._hear)

    async def pause(self) -> None:
        """Hold its packets back; its consumers are told. Harmless when paused. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.pause(self.id))
        self._set_paused(paused=True)

    async def resume(self) -> None:
        """Pass its packets on again, beginning with a key frame. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.resume(self.id))
        self._set_paused(paused=False)

    def post_paused(self, *, paused: bool) -> None:
        """Pause or resume without waiting for the worker's word; requests keep their order. Harmless when closed."""
        if not self.closed:
            self._channel.post(codec.pause(self.id) if paused else codec.resume(self.id))
            self._set_paused(paused=paused)

    def send(self, packet: bytes) -> None:
        """Hand in an RTP packet, as if it came over the network; only on a direct transport.

        Args:
            packet: one RTP packet (RFC 3550) under one of the producer's payload types and SSRCs.

        Raises:
            InvalidState: it is closed.
            BrokenMessage: the packet is too long for the worker.
        """
        self.require_open()
        self._channel.notify(codec.send(self.id, packet))

    async def get_stats(self) -> list[RtpStreamStats]:
        """Traffic of each stream received, "inbound-rtp". Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.get_stats(self.id))

    async def dump(self) -> ProducerDump:
        """The producer as the worker sees it. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    async def enable_trace_event(self, types: Sequence[ProducerTraceType] = ()) -> None:
        """Choose what `on_trace` is told; nothing by default. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.enable_trace_event(self.id, types))

    @override
    def _shut(self, reason: CloseReason) -> None:
        self._channel.unsubscribe(self.id)
        if reason == "closed":
            self._channel.post(codec.close_producer(self._transport_id, self.id))
        self._forget(self)

    def _set_paused(self, *, paused: bool) -> None:
        if self.paused == paused:
            return
        self.paused = paused
        (self.on_pause if paused else self.on_resume).tell()

    def _hear(self, notification: Notification) -> None:
        if notification.event == codec.SCORE:
            self.score = codec.read_score(notification)
            self.on_score.tell(self.score)
        elif notification.event == codec.VIDEO_ORIENTATION_CHANGE:
            self.on_video_orientation_change.tell(codec.read_video_orientation(notification))
        elif notification.event == codec.TRACE:
            self.on_trace.tell(codec.read_trace(notification))

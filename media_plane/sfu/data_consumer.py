"""A data consumer: one data producer's messages sent to one receiver."""

from collections.abc import Callable, Sequence
from typing import Any

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import data_consumer as codec
from media_plane.channel.codec.message import Notification
from media_plane.channel.values.data import DataConsumerDump, DataConsumerStats
from media_plane.ortc import sctp
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.listeners import Listeners


class DataConsumer(Closable):
    """One data producer's messages sent to one receiver. Made by a transport's `consume_data`.

    Attributes:
        id: as chosen by the caller.
        data_producer_id: whom it listens to.
        type: "direct" when messages come to us by `on_message`, else "sctp".
        sctp_stream_parameters: how we send, for the receiver to be shown; None when direct.
        label, protocol: the data producer's.
        paused: whether it is paused itself.
        data_producer_paused: whether its data producer is paused.
        subchannels: numbers it subscribes to, 0..65535, in no order; none means everything without a required one.
        buffered_amount_low_threshold: bytes waiting, or fewer, at which `on_buffered_amount_low` is told.
        app_data: whatever the caller wants to find here again.
        on_pause, on_resume: told when it stops or starts sending, by its own pause or the data producer's.
        on_data_producer_pause, on_data_producer_resume: told when the data producer changes.
        on_message: told each message's bytes and payload protocol identifier, on a direct transport.
        on_sctp_send_buffer_full: told when a message was lost because too many bytes wait.
        on_buffered_amount_low: told how many bytes wait, when they fell to the threshold.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        transport_id: str,
        dump: DataConsumerDump,
        forget: Callable[["DataConsumer"], None],
        app_data: Any = None,
    ) -> None:
        super().__init__()
        self._channel = channel
        self._transport_id = transport_id
        self._forget = forget
        self.id = dump.id
        self.data_producer_id = dump.data_producer_id
        self.type = dump.type
        self.sctp_stream_parameters = dump.sctp_stream_parameters
        self.label = dump.label
        self.protocol = dump.protocol
        self.paused = dump.paused
        self.data_producer_paused = dump.data_producer_paused
        self.subchannels = dump.subchannels
        self.buffered_amount_low_threshold = dump.buffered_amount_low_threshold
        self.app_data = app_data
        self.on_pause: Listeners[[]] = Listeners()
        self.on_resume: Listeners[[]] = Listeners()
        self.on_data_producer_pause: Listeners[[]] = Listeners()
        self.on_data_producer_resume: Listeners[[]] = Listeners()
        self.on_message: Listeners[[bytes, int]] = Listeners()
        self.on_sctp_send_buffer_full: Listeners[[]] = Listeners()
        self.on_buffered_amount_low: Listeners[[int]] = Listeners()
        channel.subscribe(self.id, self._hear)

    async def pause(self) -> None:
        """Lose messages until it is resumed. Harmless when paused. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.pause(self.id))
        self._set_paused(paused=True)

    async def resume(self) -> None:
        """Send messages again. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.resume(self.id))
        self._set_paused(paused=False)

    async def send(self, message: str | bytes, *, ppid: int | None = None) -> int:
        """Send a message of our own to the receiver; not on a direct transport.

        Args:
            message: text or bytes, also empty ones.
            ppid: payload protocol identifier; None says text or bytes by the message's type (RFC 8831 section 6.6).

        Returns:
            Bytes waiting to be sent now, >= 0.

        Raises:
            WorkerRejected: on a direct transport, too long for the transport, or too much waits already.
            MediaError: see `errors`.
        """
        self.require_open()
        chosen, data = sctp.frame_message(message, ppid)
        return await self._channel.request(codec.send(self.id, ppid=chosen, data=data))

    async def get_buffered_amount(self) -> int:
        """Bytes waiting to be sent, >= 0. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.get_buffered_amount(self.id))

    async def set_buffered_amount_low_threshold(self, threshold: int) -> None:
        """Choose at how many waiting bytes, or fewer, `on_buffered_amount_low` is told.

        Args:
            threshold: bytes, 0..2**32-1.

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        await self._channel.request(codec.set_buffered_amount_low_threshold(self.id, threshold))
        self.buffered_amount_low_threshold = threshold

    async def set_subchannels(self, subchannels: Sequence[int]) -> None:
        """Subscribe to these and no others, each 0..65535. Raises MediaError."""
        self.require_open()
        self.subchannels = await self._channel.request(codec.set_subchannels(self.id, subchannels))

    async def add_subchannel(self, subchannel: int) -> None:
        """Subscribe to one more, 0..65535. Harmless when subscribed. Raises MediaError."""
        self.require_open()
        self.subchannels = await self._channel.request(codec.add_subchannel(self.id, subchannel))

    async def remove_subchannel(self, subchannel: int) -> None:
        """Subscribe to one less. Harmless when not subscribed. Raises MediaError."""
        self.require_open()
        self.subchannels = await self._channel.request(codec.remove_subchannel(self.id, subchannel))

    async def get_stats(self) -> DataConsumerStats:
        """Messages sent. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.get_stats(self.id))

    async def dump(self) -> DataConsumerDump:
        """The data consumer as the worker sees it. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    @override
    def _shut(self, reason: CloseReason) -> None:
        self._channel.unsubscribe(self.id)
        if reason == "closed":
            self._channel.post(codec.close_data_consumer(self._transport_id, self.id))
        self._forget(self)

    def _hear(self, notification: Notification) -> None:
        event = notification.event
        if event == codec.MESSAGE:
            self.on_message.tell(*codec.read_message(notification))
        elif event == codec.DATA_PRODUCER_CLOSE:
            self.closed_by("data_producer_closed")
        elif event == codec.DATA_PRODUCER_PAUSE:
            self._set_data_producer_paused(paused=True)
        elif event == codec.DATA_PRODUCER_RESUME:
            self._set_data_producer_paused(paused=False)
        elif event == codec.SCTP_SEND_BUFFER_FULL:
            self.on_sctp_send_buffer_full.tell()
        elif event == codec.BUFFERED_AMOUNT_LOW:
            self.on_buffered_amount_low.tell(codec.read_buffered_amount_low(notification))

    def _set_paused(self, *, paused: bool) -> None:
        if self.paused == paused:
            return
        self.paused = paused
        if not self.data_producer_paused:
            (self.on_pause if paused else self.on_resume).tell()

    def _set_data_producer_paused(self, *, paused: bool) -> None:
        if self.data_producer_paused == paused:
            return
        self.data_producer_paused = paused
        (self.on_data_producer_pause if paused else self.on_data_producer_resume).tell()
        if not self.paused:
            (self.on_pause if paused else self.on_resume).tell()

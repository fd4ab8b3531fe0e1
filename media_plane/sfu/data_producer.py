"""A data producer: one stream of messages sent to a router."""

from collections.abc import Callable, Sequence
from typing import Any

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import data_producer as codec
from media_plane.channel.values.data import DataProducerDump, DataProducerStats
from media_plane.ortc import sctp
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.listeners import Listeners


class DataProducer(Closable):
    """One stream of messages sent to a router. Made by a transport's `produce_data`.

    Attributes:
        id: as chosen by the caller.
        type: "direct" when messages come from us by `send`, else "sctp".
        sctp_stream_parameters: how the sender sends, None when direct.
        label, protocol: of the data channel; whatever the sender wrote there.
        paused: whether its messages are held back; those are lost.
        app_data: whatever the caller wants to find here again.
        on_pause, on_resume: told when it changes between the two.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        transport_id: str,
        dump: DataProducerDump,
        forget: Callable[["DataProducer"], None],
        app_data: Any = None,
    ) -> None:
        super().__init__()
        self._channel = channel
        self._transport_id = transport_id
        self._forget = forget
        self.id = dump.id
        self.type = dump.type
        self.sctp_stream_parameters = dump.sctp_stream_parameters
        self.label = dump.label
        self.protocol = dump.protocol
        self.paused = dump.paused
        self.app_data = app_data
        self.on_pause: Listeners[[]] = Listeners()
        self.on_resume: Listeners[[]] = Listeners()

    async def pause(self) -> None:
        """Lose its messages until it is resumed; its consumers are told. Harmless when paused. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.pause(self.id))
        self._set_paused(paused=True)

    async def resume(self) -> None:
        """Pass its messages on again. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.resume(self.id))
        self._set_paused(paused=False)

    def send(
        self,
        message: str | bytes,
        *,
        ppid: int | None = None,
        subchannels: Sequence[int] = (),
        required_subchannel: int | None = None,
        ignored_subchannel: int | None = None,
    ) -> None:
        """Hand in a message; only on a direct transport.

        Args:
            message: text or bytes, also empty ones.
            ppid: payload protocol identifier; None says text or bytes by the message's type (RFC 8831 section 6.6).
            subchannels: only for consumers subscribed to one of these, and those with no subscription; empty for all.
            required_subchannel: only for consumers subscribed to this one.
            ignored_subchannel: not for consumers subscribed to this one.

        Raises:
            InvalidState: it is closed.
            InvalidValue: a number out of range.
            BrokenMessage: the message is too long for the worker.
        """
        self.require_open()
        chosen, data = sctp.frame_message(message, ppid)
        wanted = codec.Subchannels(any_of=subchannels, required=required_subchannel, ignored=ignored_subchannel)
        self._channel.notify(codec.send(self.id, ppid=chosen, data=data, subchannels=wanted))

    async def get_stats(self) -> DataProducerStats:
        """Messages received. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.get_stats(self.id))

    async def dump(self) -> DataProducerDump:
        """The data producer as the worker sees it. Raises MediaError."""
        self.require_open()
        return await self._channel.request(codec.dump(self.id))

    @override
    def _shut(self, reason: CloseReason) -> None:
        if reason == "closed":
            self._channel.post(codec.close_data_producer(self._transport_id, self.id))
        self._forget(self)

    def _set_paused(self, *, paused: bool) -> None:
        if self.paused == paused:
            return
        self.paused = paused
        (self.on_pause if paused else self.on_resume).tell()

"""What every transport is: an identity, limits, traces, and the order in which it closes."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from typing_extensions import override

from media_plane.channel.channel import Channel
from media_plane.channel.codec import router as router_codec
from media_plane.channel.codec import transport as codec
from media_plane.channel.codec.message import Notification
from media_plane.channel.values.transport import (
    SctpNegotiatedCapabilities,
    SctpParameters,
    SctpState,
    TransportTrace,
    TransportTraceType,
)
from media_plane.channel.values.transport_reports import TransportDump, TransportStats
from media_plane.ortc.rtp import RtpCapabilities
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.creator import Creator
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.producer import Producer

TransportType: TypeAlias = Literal["webrtc", "plain", "pipe", "direct"]


@dataclass(slots=True, frozen=True, kw_only=True)
class RouterSide:
    """What a transport needs of its router, without knowing it.

    Attributes:
        router_id: the router's id.
        get_rtp_capabilities: what the router can pass on now.
        find_producer: a producer of the router by id, whichever transport it came by.
        add_producer: a new producer for the router to find.
        forget_producer: a producer that closed.
        find_data_producer, add_data_producer, forget_data_producer: likewise.
        forget_transport: a transport that closed.
    """

    router_id: str
    get_rtp_capabilities: Callable[[], RtpCapabilities]
    find_producer: Callable[[str], Producer | None]
    add_producer: Callable[[Producer], None]
    forget_producer: Callable[[Producer], None]
    find_data_producer: Callable[[str], DataProducer | None]
    add_data_producer: Callable[[DataProducer], None]
    forget_data_producer: Callable[[DataProducer], None]
    forget_transport: Callable[["BaseTransport"], None]


class BaseTransport(Closable):
    """A path between a router and one peer. Made by the router; this is the part all kinds share.

    Attributes:
        type: the kind.
        id: as chosen by the caller.
        sctp_parameters: what the peer must know for data, None without SCTP.
        sctp_state: None without SCTP.
        sctp_negotiated_capabilities: what both ends agreed on, None until then.
        app_data: whatever the caller wants to find here again.
        on_sctp_state_change: told the new state.
        on_trace: told what `enable_trace_event` asked for.
    """

    type: ClassVar[TransportType]

    def __init__(self, *, channel: Channel, router: RouterSide, dump: TransportDump, app_data: Any = None) -> None:
        super().__init__()
        self._channel = channel
        self._router = router
        self._children: dict[str, Closable] = {}
        self._creator = Creator(channel)
        self.id = dump.id
        self.sctp_parameters: SctpParameters | None = dump.sctp_parameters
        self.sctp_state: SctpState | None = dump.sctp_state
        # Until the association is there, the worker answers zeros.
        self.sctp_negotiated_capabilities: SctpNegotiatedCapabilities | None = None
        self.app_data = app_data
        self.on_sctp_state_change: Listeners[[SctpState]] = Listeners()
        self.on_trace: Listeners[[TransportTrace]] = Listeners()
        channel.subscribe(self.id, self._hear)

    @abstractmethod
    async def get_stats(self) -> TransportStats:
        """Traffic of the transport. Raises MediaError."""

    @abstractmethod
    async def dump(self) -> TransportDump:
        """The transport as the worker sees it. Raises MediaError."""

    async def set_max_incoming_bitrate(self, bitrate: int) -> None:
        """Limit what the peer is told to send.

        Args:
            bitrate: bits per second, >= 0; 0 means no limit.

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        await self._channel.request(codec.set_max_incoming_bitrate(self.id, bitrate))

    async def set_max_outgoing_bitrate(self, bitrate: int) -> None:
        """Limit what we send.

        Args:
            bitrate: bits per second, 0 for no limit, else at least 30,000 and not under the minimum set.

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        await self._channel.request(codec.set_max_outgoing_bitrate(self.id, bitrate))

    async def set_min_outgoing_bitrate(self, bitrate: int) -> None:
        """Never estimate less than this for the way out.

        Args:
            bitrate: bits per second, 0 for no floor, else at least 30,000 and not over the maximum set.

        Raises:
            MediaError: see `errors`.
        """
        self.require_open()
        await self._channel.request(codec.set_min_outgoing_bitrate(self.id, bitrate))

    async def enable_trace_event(self, types: Sequence[TransportTraceType] = ()) -> None:
        """Choose what `on_trace` is told; nothing by default. Raises MediaError."""
        self.require_open()
        await self._channel.request(codec.enable_trace_event(self.id, types))

    @override
    def _shut(self, reason: CloseReason) -> None:
        self._channel.unsubscribe(self.id)
        if reason == "closed":
            self._channel.post(router_codec.close_transport(self._router.router_id, self.id))
        for child in tuple(self._children.values()):
            child.closed_by("transport_closed")
        if self.sctp_state is not None:
            self.sctp_state = "closed"
        self._router.forget_transport(self)

    def _hear(self, notification: Notification) -> None:
        """Take a notification of the worker; kinds add their own."""
        if notification.event == codec.SCTP_STATE_CHANGE:
            self.sctp_state = codec.read_sctp_state_change(notification)
            self.on_sctp_state_change.tell(self.sctp_state)
        elif notification.event == codec.SCTP_NEGOTIATED_CAPABILITIES:
            self.sctp_negotiated_capabilities = codec.read_sctp_negotiated(notification)
        elif notification.event == codec.TRACE:
            self.on_trace.tell(codec.read_trace(notification))

    def _forget_child(self, child_id: str) -> None:
        self._children.pop(child_id, None)
        self._creator.release(child_id)

"""Piping from one router to another of the same process: one pair of pipe transports for everything between the two.

Whoever pipes first makes the pair, in a task of its own, so that one caller who gives up does not take it from the
others; when all have given up, or the only one failed, nothing of it is left.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

from media_plane.channel.channel import Channel
from media_plane.channel.values.transport import ListenInfo, SctpOptions
from media_plane.ortc.rtp import RtpCapabilities
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.data_consumer import DataConsumer
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.errors import InvalidState, InvalidValue
from media_plane.sfu.pipe_transport import PipeTransport
from media_plane.sfu.producer import Producer
from media_plane.sfu.router_transports import RouterTransports

LOOPBACK = ListenInfo(ip="127.0.0.1")
DEFAULT_SCTP = SctpOptions()

Pair: TypeAlias = Mapping["RouterPipes", PipeTransport]
"""Each router's own end."""


@dataclass(slots=True, frozen=True)
class PipedMedia:
    """A producer piped to another router: the consumer on this side and the producer on the other live together."""

    consumer: Consumer
    producer: Producer


@dataclass(slots=True, frozen=True)
class PipedData:
    """A data producer piped to another router: the data consumer here and the data producer there live together."""

    data_consumer: DataConsumer
    data_producer: DataProducer


class Pairing:
    """A pair of pipe transports, from the moment somebody wants it.

    Attributes:
        users: callers waiting for it, and things piped over it.
    """

    def __init__(self, making: Coroutine[Any, Any, Pair], forget: Callable[[], None]) -> None:
        self._task = asyncio.ensure_future(making)
        self._forget = forget
        self.users = 0
        self._task.add_done_callback(self._made)

    async def join(self) -> Pair:
        """Wait for the pair and count as its user. Raises what making it raises."""
        self.users += 1
        try:
            return await asyncio.shield(self._task)
        except BaseException:
            self.give_up()
            raise

    def give_up(self) -> None:
        """Stop being its user because of a failure; the last one takes the pair with it."""
        self.users -= 1
        if self.users > 0:
            return
        self._forget()
        if not self._task.done():
            self._task.cancel()
        elif not self._task.cancelled() and self._task.exception() is None:
            for end in self._task.result().values():
                end.close()

    def leave(self) -> None:
        """Stop being its user; the pair stays for the next one."""
        self.users -= 1

    def _made(self, task: "asyncio.Task[Pair]") -> None:
        if task.cancelled() or task.exception() is not None:
            self._forget()
            return
        for end in task.result().values():
            end.on_close(lambda _reason: self._forget())


class RouterPipes(RouterTransports):
    """The part of a router that pipes to others.

    Attributes:
        pairings: the pair of pipe transports to each router, shared by both. For this class.
    """

    def __init__(self, *, channel: Channel, router_id: str, rtp_capabilities: RtpCapabilities) -> None:
        super().__init__(channel=channel, router_id=router_id, rtp_capabilities=rtp_capabilities)
        self.pairings: dict[RouterPipes, Pairing] = {}

    @overload
    async def pipe_to_router(
        self,
        *,
        router: "RouterPipes",
        producer_id: str,
        keep_id: bool = True,
        listen_info: ListenInfo = LOOPBACK,
        sctp: SctpOptions | None = DEFAULT_SCTP,
        enable_rtx: bool = False,
        enable_srtp: bool = False,
    ) -> PipedMedia: ...

    @overload
    async def pipe_to_router(
        self,
        *,
        router: "RouterPipes",
        data_producer_id: str,
        keep_id: bool = True,
        listen_info: ListenInfo = LOOPBACK,
        sctp: SctpOptions | None = DEFAULT_SCTP,
        enable_rtx: bool = False,
        enable_srtp: bool = False,
    ) -> PipedData: ...

    async def pipe_to_router(
        self,
        *,
        router: "RouterPipes",
        producer_id: str | None = None,
        data_producer_id: str | None = None,
        keep_id: bool = True,
        listen_info: ListenInfo = LOOPBACK,
        sctp: SctpOptions | None = DEFAULT_SCTP,
        enable_rtx: bool = False,
        enable_srtp: bool = False,
    ) -> PipedMedia | PipedData:
        """Make a producer or data producer of this router available in another one.

        Closing, pausing and resuming it reach the other side; so does closing either half of the pipe. The pair of
        pipe transports is made at the first call between the two routers, with that call's settings.

        Args:
            router: another router of this process, on the same worker or another.
            producer_id: what to pipe, or
            data_producer_id: likewise; exactly one of the two.
            keep_id: the other router knows it by the same id; not possible within one worker.
            listen_info: where both ends listen.
            sctp: limits for data; None means no data over this pair.
            enable_rtx: ask for lost packets again.
            enable_srtp: encrypt.

        Raises:
            InvalidState: a router is closed, or was meanwhile, there is no such producer, it closed meanwhile, or the id is
                taken on the other worker.
            InvalidValue: both ids or none, or this router itself.
            WorkerRejected: no address to listen on.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the workers.
        """
        if (producer_id is None) == (data_producer_id is None):
            raise InvalidValue("Give either a producer or a data producer to pipe.")
        if router is self:
            raise InvalidValue("A router can't pipe to itself.")
        self.require_open()
        router.require_open()
        media = self._side.find_producer(producer_id or "")
        data = self._side.find_data_producer(data_producer_id or "")
        if media is None and data is None:
            raise InvalidState("The router has no such producer.")
        pairing = self.pairings.get(router)
        if pairing is None:
            making = self._make_pair(
                router, listen_info=listen_info, sctp=sctp, enable_rtx=enable_rtx, enable_srtp=enable_srtp
            )
            pairing = Pairing(making, lambda: self._forget_pairing(router))
            self.pairings[router] = router.pairings[self] = pairing
        if media is not None:
            return await self._pipe_media(router, pairing, media, keep_id=keep_id)
        assert data is not None
        return await self._pipe_data(router, pairing, data, keep_id=keep_id)

    async def _make_pair(
        self,
        router: "RouterPipes",
        *,
        listen_info: ListenInfo,
        sctp: SctpOptions | None,
        enable_rtx: bool,
        enable_srtp: bool,
    ) -> Pair:
        with ExitStack() as undo:
            ends: list[PipeTransport] = []
            for owner in (self, router):
                end = await owner.create_pipe_transport(
                    listen_info=listen_info, sctp=sctp, enable_rtx=enable_rtx, enable_srtp=enable_srtp
                )
                undo.callback(end.close)
                ends.append(end)
            near, far = ends
            near.on_close(lambda _reason: far.close())
            far.on_close(lambda _reason: near.close())
            for end, other in ((near, far), (far, near)):
                await end.connect(
                    ip=other.tuple.local_address,
                    port=other.tuple.local_port,
                    srtp_parameters=other.srtp_parameters,
                )
            near.require_open()
            undo.pop_all()
        return {self: near, router: far}

    async def _pipe_media(
        self, router: "RouterPipes", pairing: Pairing, origin: Producer, *, keep_id: bool
    ) -> PipedMedia:
        pair = await pairing.join()
        with ExitStack() as undo:
            undo.callback(pairing.give_up)
            consumer = await pair[self].consume(producer_id=origin.id)
            undo.callback(consumer.close)
            producer = await pair[router].produce(
                producer_id=origin.id if keep_id else None,
                kind=consumer.kind,
                rtp_parameters=consumer.rtp_parameters,
                paused=consumer.producer_paused,
                app_data=origin.app_data,
            )
            undo.callback(producer.close)
            origin.require_open()
            consumer.require_open()
            undo.pop_all()
        consumer.on_pause(lambda: producer.post_paused(paused=True))
        consumer.on_resume(lambda: producer.post_paused(paused=False))
        if producer.paused != consumer.producer_paused:
            producer.post_paused(paused=consumer.producer_paused)
        consumer.on_close(lambda _reason: pairing.leave())
        consumer.on_close(lambda _reason: producer.close())
        producer.on_close(lambda _reason: consumer.close())
        return PipedMedia(consumer, producer)

    async def _pipe_data(
        self, router: "RouterPipes", pairing: Pairing, origin: DataProducer, *, keep_id: bool
    ) -> PipedData:
        pair = await pairing.join()
        with ExitStack() as undo:
            undo.callback(pairing.give_up)
            data_consumer = await pair[self].consume_data(data_producer_id=origin.id)
            undo.callback(data_consumer.close)
            data_producer = await pair[router].produce_data(
                data_producer_id=origin.id if keep_id else None,
                sctp_stream_parameters=data_consumer.sctp_stream_parameters,
                label=data_consumer.label,
                protocol=data_consumer.protocol,
                app_data=origin.app_data,
            )
            undo.callback(data_producer.close)
            origin.require_open()
            data_consumer.require_open()
            undo.pop_all()
        data_consumer.on_close(lambda _reason: pairing.leave())
        data_consumer.on_close(lambda _reason: data_producer.close())
        data_producer.on_close(lambda _reason: data_consumer.close())
        return PipedData(data_consumer, data_producer)

    def _forget_pairing(self, router: "RouterPipes") -> None:
        self.pairings.pop(router, None)
        router.pairings.pop(self, None)

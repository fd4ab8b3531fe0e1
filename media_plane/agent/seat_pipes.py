"""Tracks of a live session's origin router as its other routers can hand them out: a book of pipes.

A producer is piped to a router when the first consumer there needs it, is shared by all of them, and is taken out again
a while after the last one is gone. Media and data are piped alike. Pausing, closing and requests for key frames travel
along the pipe by themselves (`sfu.router_pipes`), so nothing of them is repeated here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, Protocol, TypeVar

from media_plane.agent.router_seats import UNPIPE_AFTER_S, RouterSeat
from media_plane.sfu.closable import CloseReason
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.errors import InvalidState
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.producer import Producer


class FarEnd(Protocol):
    """What comes out of a pipe: a `Producer` or a `DataProducer`. Closing it closes the end where it goes in."""

    on_close: Listeners[[CloseReason]]

    @property
    def closed(self) -> bool:
        """Whether it is closed, for whatever reason."""

    def close(self) -> None:
        """Close it. Idempotent."""


Source = TypeVar("Source", Producer, DataProducer)
End = TypeVar("End", bound=FarEnd)


class Feed(Generic[End]):
    """A user's claim to a producer.

    Attributes:
        producer: the producer on the user's own router.

    Args:
        producer: see above.
        on_release: called once, when the claim ends.
    """

    __slots__ = ("_on_release", "producer")

    def __init__(self, producer: End, on_release: Callable[[], None] | None = None) -> None:
        self.producer = producer
        self._on_release = on_release

    def release(self) -> None:
        """The user is gone. May be called twice."""
        on_release, self._on_release = self._on_release, None
        if on_release is not None:
            on_release()


class _Pipe(Generic[End]):
    """One pipe, from the moment somebody wants it.

    Attributes:
        making: brings its far end.
        users: those who wait for it and those who have it.
        end_timer: runs while nobody uses it.
    """

    __slots__ = ("end_timer", "making", "users")

    def __init__(self, making: asyncio.Task[End]) -> None:
        self.making = making
        self.users = 0
        self.end_timer: asyncio.TimerHandle | None = None


class PipeBook(Generic[End]):
    """Pipes by key: each made once, however many ask at once, and closed some time after its last user left.

    Args:
        linger_s: how long one nobody uses is kept, >= 0.
    """

    def __init__(self, linger_s: float) -> None:
        self._linger_s = linger_s
        self._pipes: dict[Hashable, _Pipe[End]] = {}
        self._is_closed = False

    def __len__(self) -> int:
        """Pipes that stand or are being made."""
        return len(self._pipes)

    async def take(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, End]]) -> Feed[End]:
        """Use a pipe; make it when there is none.

        Args:
            key: which pipe.
            make: makes it, and leaves nothing behind when cancelled. Called in a task of its own: a user who gives up
                does not take it from the others; when all have, it is cancelled.

        Raises:
            InvalidState: the book or the pipe closed meanwhile.
            Exception: what `make` raises, to all who wait for it. The next one tries anew.
        """
        if self._is_closed:
            raise InvalidState("The routers are closed.")
        pipe = self._pipes.get(key)
        if pipe is None:
            pipe = self._begin(key, make)
        pipe.users += 1
        if pipe.end_timer is not None:
            pipe.end_timer.cancel()
            pipe.end_timer = None
        try:
            await asyncio.wait({pipe.making})
            if pipe.making.cancelled() or (pipe.making.exception() is None and pipe.making.result().closed):
                raise InvalidState("The pipe closed meanwhile.")  # noqa: TRY301 - the same end as when making it fails
            end = pipe.making.result()
        except BaseException:
            self._leave(key, pipe)
            raise
        return Feed(end, lambda: self._leave(key, pipe))

    def close(self) -> None:
        """Close every pipe and stop making those that do not stand yet. May be called twice."""
        self._is_closed = True
        for key, pipe in list(self._pipes.items()):
            self._end(key, pipe)

    def _begin(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, End]]) -> _Pipe[End]:
        pipe = self._pipes[key] = _Pipe(asyncio.ensure_future(make()))

        def made(task: asyncio.Task[End]) -> None:
            if task.cancelled() or task.exception() is not None:
                self._forget(key, pipe)
                return
            # Its worker, its router or its source ended: whoever comes next must not be given what is dead.
            task.result().on_close(lambda _reason: self._forget(key, pipe))
            if task.result().closed:
                self._forget(key, pipe)

        pipe.making.add_done_callback(made)
        return pipe

    def _leave(self, key: Hashable, pipe: _Pipe[End]) -> None:
        pipe.users -= 1
        if pipe.users > 0 or self._pipes.get(key) is not pipe:
            return
        if not pipe.making.done():
            self._end(key, pipe)
            return
        pipe.end_timer = asyncio.get_running_loop().call_later(self._linger_s, self._end, key, pipe)

    def _end(self, key: Hashable, pipe: _Pipe[End]) -> None:
        self._forget(key, pipe)
        if not pipe.making.done():
            pipe.making.cancel()
        elif not pipe.making.cancelled() and pipe.making.exception() is None:
            pipe.making.result().close()

    def _forget(self, key: Hashable, pipe: _Pipe[End]) -> None:
        if self._pipes.get(key) is pipe:
            del self._pipes[key]
        if pipe.end_timer is not None:
            pipe.end_timer.cancel()
            pipe.end_timer = None


class SeatPipes:
    """The pipes from the origin router of a live session to its edges.

    Args:
        origin: where the producers are.
        linger_s: how long a pipe nobody uses is kept.
    """

    def __init__(self, origin: RouterSeat, *, linger_s: float = UNPIPE_AFTER_S) -> None:
        self._origin = origin
        self._media: PipeBook[Producer] = PipeBook(linger_s)
        self._data: PipeBook[DataProducer] = PipeBook(linger_s)

    def __len__(self) -> int:
        """Pipes that stand or are being made."""
        return len(self._media) + len(self._data)

    async def feed(self, seat: RouterSeat, source: Producer) -> Feed[Producer]:
        """A track as this seat's router can hand it out.

        Args:
            seat: where it is needed.
            source: a producer of the origin router.

        Raises:
            InvalidState: it closed, or the seat did.
            MediaError: a worker is gone or refused. Cancelled or failed, nothing is left.
        """
        if seat is self._origin:
            return Feed(source)
        return await self._media.take((seat, source), lambda: self._pipe_media(seat, source))

    async def feed_data(self, seat: RouterSeat, source: DataProducer) -> Feed[DataProducer]:
        """As `feed`, for data."""
        if seat is self._origin:
            return Feed(source)
        return await self._data.take((seat, source), lambda: self._pipe_data(seat, source))

    def close(self) -> None:
        """Close every pipe. May be called twice."""
        self._media.close()
        self._data.close()

    async def _pipe_media(self, seat: RouterSeat, source: Producer) -> Producer:
        # A busy kernel drops packets between two workers of one machine too: with RTX the edge asks for them again,
        # instead of all its viewers for a key frame.
        piped = await self._origin.router.pipe_to_router(router=seat.router, producer_id=source.id, enable_rtx=True)
        self._count(piped.producer)
        return piped.producer

    async def _pipe_data(self, seat: RouterSeat, source: DataProducer) -> DataProducer:
        piped = await self._origin.router.pipe_to_router(
            router=seat.router, data_producer_id=source.id, enable_rtx=True
        )
        self._count(piped.data_producer)
        return piped.data_producer

    def _count(self, end: Producer | DataProducer) -> None:
        """A pipe is one more stream for the origin's worker to send."""
        load = self._origin.load
        load.consumers += 1

        def uncount(_reason: CloseReason) -> None:
            load.consumers -= 1

        end.on_close(uncount)

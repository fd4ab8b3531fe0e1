"""Requests, answers and notifications over the worker's two sockets.

Ordering hazards, and what is done about them:

- A notification can come before the answer it depends on, in the same read or an earlier one. Notifications are handed
  on after all answers of the same read have woken their callers, and those for an object still being created are held
  until its creator subscribes (`creates`).
- A caller may be cancelled, or give up, after its request went out. The worker then makes an object nobody owns; the
  request's `undo` follows it on the same ordered socket and closes it again.
- Requests made in one turn of the loop go out in one write, in order. While the socket is full, new requests wait.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from typing_extensions import override

from media_plane.channel.codec.message import Log, Notification, RequestMessage, Response, decode_message
from media_plane.channel.errors import (
    BrokenMessage,
    ChannelClosed,
    ChannelTimeout,
    MediaError,
    WorkerRejected,
)
from media_plane.channel.framing import Splitter

T = TypeVar("T")
NotificationHandler = Callable[[Notification], None]

log = logging.getLogger(__name__)
worker_log = logging.getLogger("media_plane.worker")

DEFAULT_DEADLINE_S = 5.0
"""How long a request may take. Source: docs/architecture.md, "three wires"; the worker answers within 1 ms."""
_LAST_REQUEST_ID = 2**32 - 1
_LOG_LEVELS = {"D": logging.DEBUG, "W": logging.WARNING, "E": logging.ERROR, "X": logging.INFO}
"""First character of a log line. Source: mediasoup 3.27.1, worker/include/Logger.hpp."""


@dataclass(slots=True)
class _Pending:
    method: str
    answer: asyncio.Future[Response]


class _Reader(asyncio.Protocol):
    """The worker's fd 4."""

    def __init__(self, on_data: Callable[[bytes], None], on_lost: Callable[[], None]) -> None:
        self._on_data = on_data
        self._on_lost = on_lost

    @override
    def data_received(self, data: bytes) -> None:
        self._on_data(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()


class _Writer(asyncio.Protocol):
    """The worker's fd 3."""

    def __init__(self, on_full: Callable[[bool], None], on_lost: Callable[[], None]) -> None:
        self._on_full = on_full
        self._on_lost = on_lost

    @override
    def pause_writing(self) -> None:
        self._on_full(True)  # noqa: FBT003 - the callback's only argument

    @override
    def resume_writing(self) -> None:
        self._on_full(False)  # noqa: FBT003 - the callback's only argument

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()


class Channel:
    """The conversation with one worker. Belongs to one event loop."""

    def __init__(self, *, deadline_s: float = DEFAULT_DEADLINE_S) -> None:
        """An unconnected channel; subscribe what must not be missed, then `connect`.

        Args:
            deadline_s: seconds a request may take unless it says otherwise, > 0.
        """
        self._loop = asyncio.get_running_loop()
        self._deadline_s = deadline_s
        self._splitter = Splitter()
        self._last_id = 0
        self._pending: dict[int, _Pending] = {}
        self._handlers: dict[str, NotificationHandler] = {}
        self._held: dict[str, list[Notification]] = {}
        self._arrived: list[Notification] = []
        self._outgoing: list[bytes | bytearray] = []
        self._writable = asyncio.Event()
        self._writable.set()
        self._writer: asyncio.WriteTransport | None = None
        self._reader: asyncio.Transport | None = None
        self._closed_with: Callable[[], MediaError] | None = None
        self._on_lost: Callable[[], None] | None = None
        self._is_lost = False

    async def connect(
        self, requests: socket.socket, answers: socket.socket, *, on_lost: Callable[[], None] | None = None
    ) -> None:
        """Start talking.

        Args:
            requests: our end of the worker's fd 3; closed with the channel.
            answers: our end of its fd 4; likewise.
            on_lost: called once when the worker's side ends or talks nonsense. Pending requests then wait for `close`
                to tell them why, or for their deadline. None closes the channel at once.
        """
        self._on_lost = on_lost
        try:
            writer, _ = await self._loop.create_unix_connection(
                lambda: _Writer(self._set_full, self._lose), sock=requests
            )
            # Kept before the next await: `close` must find it when we are cancelled there.
            self._writer = writer
            reader, _ = await self._loop.create_unix_connection(lambda: _Reader(self._read, self._lose), sock=answers)
            self._reader = reader
        except BaseException:
            self.close()
            requests.close()
            answers.close()
            raise
        if self._closed_with is not None:
            reader.close()
            writer.close()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed_with is not None

    @property
    def pending_count(self) -> int:
        """Requests waiting for their answer, >= 0."""
        return len(self._pending)

    @property
    def handler_count(self) -> int:
        """Objects that listen to notifications, and those being created, >= 0."""
        return len(self._handlers) + len(self._held)

    async def request(
        self,
        message: RequestMessage[T],
        *,
        deadline_s: float | None = None,
        creates: str | None = None,
        undo: Callable[[], RequestMessage[None]] | None = None,
    ) -> T:
        """Ask the worker and wait for its answer.

        Args:
            message: what to ask.
            deadline_s: seconds it may take, > 0; None means the channel's.
            creates: id of the object it makes, whose notifications are held until the caller subscribes; it must do
                so without awaiting anything after this returned.
            undo: makes the request that closes what this one makes; sent if the caller is cancelled or gives up.

        Returns:
            What the message reads from the answer.

        Raises:
            ChannelClosed, WorkerDied: the channel is closed, or was while waiting.
            ChannelTimeout: no answer in time.
            WorkerRejected: the worker said no.
            BrokenMessage: the answer could not be read.
        """
        deadline_s = self._deadline_s if deadline_s is None else deadline_s
        if not self._writable.is_set():
            await self._wait_until_writable(message.method, deadline_s)
        self._check_open()
        request_id = self._take_id()
        pending = _Pending(message.method, self._loop.create_future())
        self._pending[request_id] = pending
        if creates is not None:
            self._held[creates] = []
        timer = self._loop.call_later(deadline_s, _expire, pending, deadline_s)
        self._write(message.with_id(request_id))
        try:
            value = _decode(message, await pending.answer)
        except BaseException as error:
            if creates is not None:
                self._held.pop(creates, None)
            if undo is not None and not isinstance(error, WorkerRejected):
                self.post(undo())
            raise
        finally:
            timer.cancel()
            self._pending.pop(request_id, None)
            if pending.answer.done() and not pending.answer.cancelled():
                # A caller cancelled in the very turn the answer came never looked at it.
                pending.answer.exception()
        if creates is not None:
            # A caller that subscribes has done so by the time this runs.
            self._loop.call_soon(self._held.pop, creates, None)
        return value

    def post(self, message: RequestMessage[None]) -> None:
        """Ask without waiting for an answer, even while the socket is full. Nothing happens on a closed channel."""
        if self._closed_with is None:
            self._write(message.with_id(self._take_id()))

    def notify(self, data: bytes) -> None:
        """Tell the worker something. Nothing happens on a closed channel.

        Args:
            data: a finished notification with its length prefix.
        """
        if self._closed_with is None:
            self._write(data)

    def subscribe(self, handler_id: str, handler: NotificationHandler) -> None:
        """Hear an object's notifications, in the loop's next turn at the earliest.

        Args:
            handler_id: the object's id, or the worker's pid for the worker itself.
            handler: called for each; what it raises is logged.
        """
        self._handlers[handler_id] = handler
        held = self._held.pop(handler_id, None)
        if held:
            # Ahead of what came in the same read as the answer.
            self._arrived[:0] = held
            self._loop.call_soon(self._deliver)

    def is_named(self, object_id: str) -> bool:
        """Whether an object that listens, or one being created, bears this id anywhere in the worker."""
        return object_id in self._handlers or object_id in self._held

    def unsubscribe(self, handler_id: str) -> None:
        """Stop hearing an object. Harmless when nobody listens."""
        self._handlers.pop(handler_id, None)

    def close(self, reason: Callable[[], MediaError] | None = None) -> None:
        """Stop talking; what was written still goes out. Idempotent.

        Args:
            reason: makes the error for requests waiting and for those that come later; None means `ChannelClosed`.
        """
        if self._closed_with is not None:
            return
        self._flush()
        self._closed_with = reason or _closed
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(self._closed_with())
        self._pending.clear()
        self._handlers.clear()
        self._held.clear()
        self._arrived.clear()
        self._writable.set()
        for transport in (self._writer, self._reader):
            if transport is not None:
                transport.close()

    def _check_open(self) -> None:
        if self._closed_with is not None:
            raise self._closed_with()

    def _take_id(self) -> int:
        # After 2**32 requests the count starts again; an id still waiting then is skipped.
        while True:
            self._last_id = 1 if self._last_id == _LAST_REQUEST_ID else self._last_id + 1
            if self._last_id not in self._pending:
                return self._last_id

    async def _wait_until_writable(self, method: str, deadline_s: float) -> None:
        try:
            async with asyncio.timeout(deadline_s):
                await self._writable.wait()
        except TimeoutError as error:
            raise ChannelTimeout(method, deadline_s) from error

    def _write(self, data: bytes | bytearray) -> None:
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(data)

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if outgoing and self._writer is not None and not self._writer.is_closing():
            self._writer.write(b"".join(outgoing))

    def _set_full(self, is_full: bool) -> None:  # noqa: FBT001 - a protocol callback
        if is_full and self._closed_with is None:
            self._writable.clear()
        else:
            self._writable.set()

    def _lose(self) -> None:
        if self._is_lost or self._closed_with is not None:
            return
        self._is_lost = True
        if self._on_lost is not None:
            self._on_lost()
        else:
            self.close()

    def _read(self, data: bytes) -> None:
        try:
            payloads = self._splitter.feed(data)
        except BrokenMessage:
            log.exception("The stream from the worker is broken.")
            self._lose()
            return
        for payload in payloads:
            try:
                message = decode_message(payload)
            except BrokenMessage:
                log.exception("A message from the worker was left out.")
                continue
            if isinstance(message, Response):
                self._settle(message)
            elif isinstance(message, Notification):
                self._arrived.append(message)
            else:
                _log_worker_line(message)
        if self._arrived:
            # Behind the wake-ups of everybody this read has answered.
            self._loop.call_soon(self._deliver)

    def _settle(self, response: Response) -> None:
        pending = self._pending.get(response.request_id)
        if pending is None:
            # Posted without waiting, or given up on.
            if not response.accepted:
                log.debug("The worker refused request %d: %s", response.request_id, response.reason)
        elif pending.answer.done():
            return
        elif response.accepted:
            pending.answer.set_result(response)
        else:
            pending.answer.set_exception(WorkerRejected(pending.method, response.reason, response.error or "Error"))

    def _deliver(self) -> None:
        notifications, self._arrived = self._arrived, []
        for notification in notifications:
            handler = self._handlers.get(notification.handler_id)
            if handler is not None:
                try:
                    handler(notification)
                except Exception:
                    log.exception("Handling a notification of %s failed.", notification.handler_id)
            elif notification.handler_id in self._held:
                self._held[notification.handler_id].append(notification)
            else:
                log.debug("Nobody hears event %d of %s.", notification.event, notification.handler_id)


def _decode(message: RequestMessage[T], response: Response) -> T:
    """Read an answer. Raises BrokenMessage, also where offsets, numbers or texts in it lead nowhere."""
    try:
        return message.decode(response)
    except (struct.error, LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise BrokenMessage(f"The answer to {message.method} could not be read.") from error


def _expire(pending: _Pending, deadline_s: float) -> None:
    if not pending.answer.done():
        pending.answer.set_exception(ChannelTimeout(pending.method, deadline_s))


def _closed() -> MediaError:
    return ChannelClosed("The channel to the worker is closed.")


def _log_worker_line(line: Log) -> None:
    worker_log.log(_LOG_LEVELS.get(line.text[:1], logging.INFO), "%s", line.text[1:])

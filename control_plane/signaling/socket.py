"""One WebSocket: frames in and out, its clock for hello, its speed limits, its bounded write queue.

Knows nothing of rooms. What a browser does wrong costs it an error or its socket, never another's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport
from typing_extensions import override

from control_plane.domain.errors import DomainError, RateLimited
from control_plane.signaling.limits import TokenBucket
from control_plane.signaling.messages import MAX_MESSAGE_BYTES, MAX_REQUESTS_PER_S, CloseCode, Hello, Request, Wire
from control_plane.signaling.needs import Times
from control_plane.signaling.wire import (
    BadRequest,
    Unreadable,
    decode_request,
    encode_answer,
    encode_refusal,
    method_of,
)

MAX_FRAMES_PER_S = 300
"""Frames a second above which a socket is closed with TOO_FAST: no browser of ours talks like that."""
MAX_QUEUE_BYTES = 1024 * 1024
"""Bytes that may wait for a browser that reads slowly; past it pushes are dropped and a resync is owed (targets.md F11)."""
CLOSE_PATIENCE_S = 1.0
"""How long the browser may take to answer our close frame, seconds. Until then we read on: closing a TCP socket with
unread bytes resets it, and the close code would be lost."""

NO_CODE = 1005
"""A close frame without a code (RFC 6455, 7.1.5)."""
MAX_REASON_BYTES = 123
"""Room for the reason in a close frame (RFC 6455, 5.5). Refusals quote names of a browser's own fields, in any script."""


class SocketOwner(Protocol):
    """Who is told about sockets."""

    def hello(self, socket: Socket, hello: Hello) -> None:
        """The first message, once."""

    def closed(self, socket: Socket, code: int) -> None:
        """The socket is closed or lost, whoever did it. Called once for every socket that connected."""

    def connected(self, socket: Socket) -> None:
        """The upgrade is done."""

    def count_request(self, method: str, outcome: str) -> None:
        """A request was refused before it reached its handler."""

    def count_resync(self) -> None:
        """Pushes were dropped."""


class Socket(WSListener):
    """A browser's socket.

    Args:
        owner: told of hello and of the end.
        times: the deadlines.
    """

    def __init__(self, owner: SocketOwner, times: Times) -> None:
        super().__init__()
        self._owner = owner
        self._times = times
        self._loop = asyncio.get_running_loop()
        self._transport: WSTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drain_timer: asyncio.TimerHandle | None = None
        self._fragments: bytearray | None = None
        now_s = self._loop.time()
        self._requests = TokenBucket(2 * MAX_REQUESTS_PER_S, MAX_REQUESTS_PER_S, now_s)
        self._frames = TokenBucket(MAX_FRAMES_PER_S, MAX_FRAMES_PER_S, now_s)
        self._queue: deque[tuple[bytes, bool]] = deque()
        self._queue_bytes = 0
        self._is_paused = False
        self._said_hello = False
        self.owes_resync = False
        self.is_closed = False
        self.heard_at_s = now_s
        """When the browser was last heard, by the loop's clock."""
        self.on_request: Callable[[Request], None] | None = None
        """Takes requests after the welcome."""
        self.on_drained: Callable[[], None] | None = None
        """Called when a slow browser has read everything again: the resync is due."""

    # --- writing ------------------------------------------------------------------------------------------------

    def answer(self, request_id: int, data: Wire) -> None:
        """Send the good answer to a request."""
        self._write(encode_answer(request_id, data), may_drop=False)

    def refuse(self, request_id: int, error: DomainError) -> None:
        """Send the bad answer to a request."""
        self._write(encode_refusal(request_id, error), may_drop=False)

    def notify(self, message: bytes) -> None:
        """Push an encoded notification; dropped while a resync is owed."""
        if not self.owes_resync:
            self._write(message, may_drop=True)

    def ping(self, message: bytes) -> None:
        """Push the ping notification and a WebSocket ping, whose pong tells that the browser is there."""
        if self._is_paused or self.is_closed or self._transport is None:
            return
        self.notify(message)
        self._transport.send_ping()

    def close(self, code: int, reason: str = "") -> None:
        """Close the socket. May be called twice.

        Args:
            code: a `CloseCode`, or one of RFC 6455 section 7.4.1.
            reason: a few words for people who read logs; what is over `MAX_REASON_BYTES` is cut off.
        """
        transport = self._transport
        if self.is_closed or transport is None:
            return
        # picows takes any number here, its type stub only the registered ones.
        transport.send_close(cast("WSCloseCode", int(code)), _as_reason(reason))
        self._loop.call_later(CLOSE_PATIENCE_S, transport.disconnect, False)  # noqa: FBT003 - picows' own signature
        self._end(int(code))

    def _write(self, message: bytes, *, may_drop: bool) -> None:
        transport = self._transport
        if self.is_closed or transport is None:
            return
        if not self._is_paused and not self._queue:
            transport.send(WSMsgType.TEXT, message)
            return
        self._queue.append((message, may_drop))
        self._queue_bytes += len(message)
        if self._queue_bytes > MAX_QUEUE_BYTES:
            self._shed()

    def _shed(self) -> None:
        """Too much waits: drop the pushes, keep the answers, owe a resync."""
        kept = [entry for entry in self._queue if not entry[1]]
        self._queue = deque(kept)
        self._queue_bytes = sum(len(message) for message, _ in kept)
        if self._queue_bytes > MAX_QUEUE_BYTES:
            self.close(CloseCode.TOO_SLOW, "answers are not read")
        elif not self.owes_resync:
            self.owes_resync = True
            self._owner.count_resync()
            self._drain_timer = self._loop.call_later(
                self._times.drain_s, self.close, CloseCode.TOO_SLOW, "pushes are not read"
            )

    @override
    def pause_writing(self) -> None:
        """The browser reads more slowly than we write."""
        self._is_paused = True

    @override
    def resume_writing(self) -> None:
        """It has caught up with what TCP held: go on with what waits here."""
        self._is_paused = False
        transport = self._transport
        # A write may pause us again at once.
        while self._queue and not self._is_paused and transport is not None and not self.is_closed:
            message, _ = self._queue.popleft()
            self._queue_bytes -= len(message)
            transport.send(WSMsgType.TEXT, message)
        if self.owes_resync and not self._queue and not self._is_paused and not self.is_closed:
            self.owes_resync = False
            if self._drain_timer is not None:
                self._drain_timer.cancel()
            if self.on_drained is not None:
                self.on_drained()

    # --- what picows tells us -----------------------------------------------------------------------------------

    @override
    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done; the clock for hello starts."""
        self._transport = transport
        self._owner.connected(self)
        self._timer = self._loop.call_later(
            self._times.hello_s, self.close, CloseCode.HELLO_TIMEOUT, "no hello in time"
        )

    @override
    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection is gone, whoever closed it."""
        self._end(WSCloseCode.ABNORMAL_CLOSURE.value)

    @override
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Gather fragments into messages; refuse what is not text; count everything."""
        if frame.msg_type == WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            self._end(int.from_bytes(payload[:2], "big") if payload else NO_CODE)
            transport.send_close()
            transport.disconnect()
            return
        if self.is_closed:
            return
        self.heard_at_s = self._loop.time()
        if self._frames.take(self.heard_at_s) > 0:
            self.close(CloseCode.TOO_FAST, "far too many frames")
        elif frame.msg_type == WSMsgType.BINARY:
            self.close(CloseCode.BAD_MESSAGE, "text only")
        elif frame.msg_type in {WSMsgType.TEXT, WSMsgType.CONTINUATION}:
            self._gather(frame)

    def _gather(self, frame: WSFrame) -> None:
        if (frame.msg_type == WSMsgType.TEXT) is (self._fragments is not None):
            self.close(CloseCode.BAD_MESSAGE, "fragments out of order")
            return
        fragments = self._fragments if self._fragments is not None else bytearray()
        if len(fragments) + frame.payload_size > MAX_MESSAGE_BYTES:
            self.close(CloseCode.TOO_LARGE, "over 64 KiB")
            return
        fragments += frame.get_payload_as_memoryview()
        self._fragments = None if frame.fin else fragments
        if frame.fin:
            self._receive(bytes(fragments))

    # --- requests -----------------------------------------------------------------------------------------------

    def _receive(self, message: bytes) -> None:
        try:
            request = decode_request(message)
        except BadRequest as bad:
            if self._said_hello:
                self._owner.count_request("unknown", bad.error.code)
                self.refuse(bad.request_id, bad.error)
            else:
                self.close(CloseCode.BAD_MESSAGE, "hello first")
        except Unreadable:
            self.close(CloseCode.BAD_MESSAGE, "not a request")
        else:
            self._take(request)

    def _take(self, request: Request) -> None:
        if isinstance(request, Hello) is self._said_hello:
            self.close(CloseCode.BAD_MESSAGE, "hello is the first request, and only that")
            return
        if isinstance(request, Hello):
            self._said_hello = True
            self._stop_timers()
            self._owner.hello(self, request)
            return
        wait_s = self._requests.take(self.heard_at_s)
        if wait_s > 0:
            self._owner.count_request(method_of(request), RateLimited.code)
            self.refuse(request.id, RateLimited("Too many requests.", retry_after_s=round(wait_s, 3)))
        elif self.on_request is None:
            self.close(CloseCode.BAD_MESSAGE, "wait for the welcome")
        else:
            self.on_request(request)

    # --- the end ------------------------------------------------------------------------------------------------

    def _end(self, code: int) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._stop_timers()
        self._queue.clear()
        self._owner.closed(self, code)

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._drain_timer):
            if timer is not None:
                timer.cancel()


def _as_reason(text: str) -> bytes:
    """As much of a text as a close frame holds, cut between characters."""
    return text.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore").encode()

"""HTTP/1.1 of the REST door: uvicorn's protocol on llhttp, with limits it has not, and a straight way for whole answers.

It runs in the event loop's own thread: granian, which stood here before, handed every request from thread to thread, which
took a sixth of a rooms page's CPU time (docs/performance.md, 2026-11-23). What uvicorn leaves open is bounded here: the
bytes of a head, how long a head and a body may take, and how long nothing may come.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, cast

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from control_plane.rest.answers import Answer
from control_plane.rest.heads import headers_of

HEAD_MAX_BYTES = 128 * 1024
"""Of a request's head. Tokens are looked at up to 8 KiB; longer ones deserve an answer that says so."""
HEAD_TIMEOUT_S = 10.0
"""How long a client may take to send a request's head, and to begin after it connected."""
BODY_TIMEOUT_S = 30.0
"""How long it may take to send a body; the largest has 64 KiB."""
KEEP_ALIVE_S = 75.0
"""How long a connection may lie idle: longer than the 60 s of common load balancers, which must be the ones to close it."""
STOP_TIMEOUT_S = 8
"""How long requests may take to end once the process was told to stop."""
BACKLOG = 1024
"""Connections that wait to be accepted."""
_UNUSUAL = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
"""A request with one of these goes by ASGI."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Straight(Protocol):
    """What answers some requests as a whole; `room_listing.StraightRooms`. lines: headers of every answer, as sent."""

    lines: bytes

    def find(self, scope: Any) -> Any | None: ...  # noqa: D102 - said there

    async def answer(self, scope: Any, asked: Any) -> Answer: ...  # noqa: D102


class Http1(HttpToolsProtocol):
    """One connection.

    Args:
        straight: asked before the ASGI app.
        config, server_state, app_state, _loop: as uvicorn hands them in.
    """

    def __init__(self, straight: Straight, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._straight = straight
        self._is_in_head = True
        self._head_bytes = 0
        self._deadline_s = self.loop.time() + HEAD_TIMEOUT_S
        """By the loop's clock: when we no longer wait for what the client has to send."""

    @override
    def data_received(self, data: bytes) -> None:
        """Read on, as far as heads may go."""
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > HEAD_MAX_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    @override
    def on_message_begin(self) -> None:
        """A head begins."""
        self._deadline_s = self.loop.time() + HEAD_TIMEOUT_S
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        """A head is there: answer straight, or hand it on to ASGI."""
        self._is_in_head, self._head_bytes = False, 0
        self._deadline_s = self.loop.time() + BODY_TIMEOUT_S
        if not self._begin_straight():
            super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        """All of a request is there."""
        self._is_in_head = True
        self._deadline_s = math.inf
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        """It is answered: begin the next one, or wait for it."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._is_in_head and self._head_bytes == 0:
            self._deadline_s = self.loop.time() + KEEP_ALIVE_S

    def close_if_late(self, now_s: float) -> None:
        """Hang up on who keeps us waiting."""
        if now_s > self._deadline_s and not self.transport.is_closing():
            self.transport.close()

    def _begin_straight(self) -> bool:
        """Begin the answer to a request that is for `straight`; whether it is."""
        url, query = self.url, b""
        if b"?" in url:
            url, _, query = url.partition(b"?")
        scope: Any = self.scope
        scope["path"], scope["query_string"] = url.decode("latin-1"), query
        scope["method"] = self.parser.get_method().decode()
        asked = self._straight.find(scope)
        is_ours = (
            asked is not None
            and self._is_free()
            and _UNUSUAL.isdisjoint(headers_of(scope))
            and self.parser.get_http_version() == "1.1"
        )
        if is_ours:
            scope["raw_path"] = url
            cycle: Any = _Cycle(self, self.parser.should_keep_alive())
            self.cycle = cycle
            task = self.loop.create_task(cycle.run(self._straight, scope, asked))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        return is_ours

    def _is_free(self) -> bool:
        """Whether the request before was answered."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete


class _Nobody:
    """Stands for an event nobody waits for."""

    def set(self) -> None:
        """Nothing."""


class _Cycle:
    """A request that is answered as a whole; what `HttpToolsProtocol` reads and writes of its `RequestResponseCycle`."""

    __slots__ = ("_protocol", "disconnected", "keep_alive", "message_event", "more_body", "response_complete")
    _NOBODY = _Nobody()

    def __init__(self, protocol: Http1, keep_alive: bool) -> None:  # noqa: FBT001 - made in one place
        self._protocol = protocol
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.more_body = False
        self.message_event = self._NOBODY

    async def run(self, straight: Straight, scope: Any, asked: Any) -> None:
        """Wait for the answer and send it."""
        answer = await straight.answer(scope, asked)
        protocol = self._protocol
        if protocol.flow.write_paused and not self.disconnected:
            await protocol.flow.drain()
        if self.disconnected:
            return
        own = [b"%b: %b\r\n" % header for header in answer.headers]
        date = [b"%b: %b\r\n" % header for header in protocol.server_state.default_headers]
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        protocol.transport.write(b"".join([STATUS_LINE[answer.status], *own, *date, straight.lines, end, answer.body]))
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


class HttpServer(uvicorn.Server):
    """Serves until `should_exit`; who made it listens for signals.

    Args:
        app: the ASGI application, without a lifespan.
        straight: asked before it.
    """

    def __init__(self, app: Any, straight: Straight) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=cast("Any", partial(Http1, straight)),
                ws="none",
                loop="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=STOP_TIMEOUT_S,
            )
        )

    def stop(self) -> None:
        """Take no more requests, and end when those that run are answered or STOP_TIMEOUT_S are over."""
        self.should_exit = True

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield

    @override
    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: once in ten, hang up on the late."""
        if counter % 10 == 0:
            now_s = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast("Http1", connection).close_if_late(now_s)
        return await super().on_tick(counter)


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections, to itself alone. Raises OSError: somebody has the port, or there is no such host."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=host == "::")

"""HTTP/1.1 of the REST door: uvicorn's protocol on llhttp, with limits it has not, and a straight way for whole answers.

It runs in the event loop's own thread: granian, which stood here before, handed every request from thread to thread, which
took a sixth of a rooms page's CPU time (docs/performance.md, 2026-11-23). What uvicorn leaves open is bounded here: the
bytes and lines of a head, what stands between a body's pieces, requests that wait, how long a head and a body may take,
and how long nothing may come or be read. Bodies are bounded by the application; what it does not read is left in the socket.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn, Protocol, cast

import httptools
import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from control_plane.rest.answers import Answer
from control_plane.rest.heads import headers_of
from control_plane.rest.refusals import (
    HEAD_TOO_LARGE,
    MALFORMED,
    PIPELINE_TOO_LONG,
    REFUSED,
    TRAILER,
    Refusal,
    RefusedError,
    why_not,
)

HEAD_MAX_BYTES = 128 * 1024
"""Of a request's head. Tokens are looked at up to 8 KiB; longer ones deserve an answer that says so."""
HEADERS_MAX = 100
"""Lines of a head; browsers behind two proxies send thirty."""
CHUNK_LINE_MAX_BYTES = 4096
"""Between two pieces of a body; a chunk's size with its CRLFs has a dozen. One read more may come."""
PIPELINE_MAX = 32
"""Requests that wait on one connection for the ones before them."""
HEAD_TIMEOUT_S = 10.0
"""How long a client may take to send a request's head, and to begin after it connected."""
BODY_TIMEOUT_S = 30.0
"""How long it may take to send a body; the largest has 64 KiB."""
KEEP_ALIVE_S = 75.0
"""How long a connection may lie idle: longer than the 60 s of common load balancers, which must be the ones to close it."""
UNREAD_TIMEOUT_S = 30.0
"""How long a client may read nothing of what waits for it."""
UNREAD_AT_STOP_S = 2.0
"""The same, once the process was told to stop."""
STOP_TIMEOUT_S = 8
"""How long requests may take to end once the process was told to stop."""
BACKLOG = 1024
"""Connections that wait to be accepted."""
_UNUSUAL = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
"""A request with one of these goes by ASGI."""


class Straight(Protocol):
    """What answers some requests as a whole; `room_listing.StraightRooms`. lines: headers of every answer, as sent."""

    lines: bytes

    def find(self, scope: Any) -> Any | None: ...  # noqa: D102 - said there

    async def answer(self, scope: Any, asked: Any) -> Answer: ...  # noqa: D102


class Http1(HttpToolsProtocol):
    """One connection. What is unusual is refused and the connection closed, every buffer has a bound, every wait an end.

    Args:
        straight: asked before the ASGI app.
        config, server_state, app_state, _loop: as uvicorn hands them in.
    """

    def __init__(self, straight: Straight, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._straight = straight
        self._running: Any = None
        """The cycle that is being answered; `cycle` is the newest one."""
        self._is_over = False
        """Nothing more is read of this connection."""
        self._is_begun = False
        """A message has begun and is not all there."""
        self._is_in_head = True
        self._head_bytes = 0
        self._quiet_bytes = 0
        """Read within a body since a piece of it came."""
        self._refusal: Refusal | None = None
        self._deadline_s = self.loop.time() + HEAD_TIMEOUT_S
        """By the loop's clock: when we no longer wait for what the client has to send."""
        self._unsent_bytes = 0
        self._moved_at_s = math.inf
        """When the client was last seen reading, while something is unsent."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection."""
        super().connection_made(cast("asyncio.Transport", transport))
        self.flow = _Flow(self.transport, self.pipeline)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._abandon()  # uvicorn tells the newest request alone.
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Read on, as far as heads and bodies may go."""
        if self._is_over:
            return
        if self._is_in_head:
            self._head_bytes += len(data)
        else:
            self._quiet_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._is_over = True  # What follows is no HTTP of ours, or was sent by somebody who thinks so.
            return
        except httptools.HttpParserError:
            self._refuse(self._refusal or MALFORMED)
            return
        if self._is_in_head:
            if self._head_bytes > HEAD_MAX_BYTES:
                self._refuse(HEAD_TOO_LARGE)
        elif self._quiet_bytes > CHUNK_LINE_MAX_BYTES:
            self._refuse(MALFORMED)

    @override
    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_begun = True
        self._deadline_s = self.loop.time() + HEAD_TIMEOUT_S
        super().on_message_begin()

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. One behind the body would get past whoever looked at the head before us."""
        if not self._is_in_head:
            self._stop_parsing(TRAILER)
        if len(self.headers) >= HEADERS_MAX:
            self._stop_parsing(HEAD_TOO_LARGE)
        # uvicorn's own lines: a call more for each header is felt.
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    @override
    def on_headers_complete(self) -> None:
        """A head is there: answer straight, or hand it on to ASGI."""
        self._is_in_head, self._head_bytes, self._quiet_bytes = False, 0, 0
        self._deadline_s = self.loop.time() + BODY_TIMEOUT_S
        if len(self.pipeline) >= PIPELINE_MAX:
            self._stop_parsing(PIPELINE_TOO_LONG)
        if self._begin_straight():
            return
        version, offers_other = self.parser.get_http_version(), self.parser.should_upgrade()
        refusal = why_not(version, self.parser.get_method(), offers_other, headers_of(self.scope))
        if refusal is not None:
            self._stop_parsing(refusal)
        if version == "1.0":
            self.expect_100_continue = False  # RFC 9110, 10.1.1
        super().on_headers_complete()
        if offers_other:
            self.cycle.keep_alive = False

    @override
    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._quiet_bytes = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        """All of a request is there."""
        self._is_begun, self._is_in_head = False, True
        is_answered = self.cycle.response_complete
        self._deadline_s = self.loop.time() + KEEP_ALIVE_S if is_answered else math.inf
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        """It is answered: begin the next one, or wait for it."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._is_begun:
            self._deadline_s = self.loop.time() + KEEP_ALIVE_S
        self.flow.resume_reading()

    @override
    def shutdown(self) -> None:
        """End with what is asked now, and soon if nobody reads it."""
        super().shutdown()
        self._look_at_unsent(self.loop.time())
        self.loop.call_later(UNREAD_AT_STOP_S, self._abort_if_unread, UNREAD_AT_STOP_S)

    def close_if_late(self, now_s: float) -> None:
        """Hang up on who keeps us waiting, with what they have to send or to read."""
        if self._look_at_unsent(now_s) > UNREAD_TIMEOUT_S:
            REFUSED.labels("unread").inc()
            self.transport.abort()
        elif self.flow.read_paused:
            # It is we who do not read: they have their time when we do again.
            self._deadline_s = max(self._deadline_s, now_s + HEAD_TIMEOUT_S)
        elif now_s > self._deadline_s and not self.transport.is_closing():
            self._abandon()
            self.transport.close()

    def _look_at_unsent(self, now_s: float) -> float:
        """How long the client has read nothing of what waits for it, seconds."""
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes == 0:
            self._moved_at_s = math.inf
        elif unsent_bytes < self._unsent_bytes or self._moved_at_s == math.inf:
            self._moved_at_s = now_s
        self._unsent_bytes = unsent_bytes
        return now_s - self._moved_at_s

    def _abort_if_unread(self, patience_s: float) -> None:
        """Leave who has read nothing for this long."""
        if self._look_at_unsent(self.loop.time()) >= patience_s:
            self.transport.abort()
        elif self._unsent_bytes > 0:
            self.loop.call_later(patience_s, self._abort_if_unread, patience_s)

    def _stop_parsing(self, refusal: Refusal) -> NoReturn:
        """Leave the parser for good; `data_received` refuses."""
        self._refusal = refusal
        raise RefusedError

    def _refuse(self, refusal: Refusal) -> None:
        """Hang up, with an answer where it can't be taken for another request's."""
        REFUSED.labels(refusal.why).inc()
        self._is_over = True
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle
        is_own = not self._is_in_head and cycle is self._running and not getattr(cycle, "response_started", True)
        if self._is_free() or is_own:
            self.transport.write(refusal.answer)
        self._abandon()
        self.transport.close()

    def _abandon(self) -> None:
        """Answer nothing any more."""
        self._is_over = True
        self.pipeline.clear()
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    @override
    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

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
            self.cycle = self._running = cycle
            task = self.loop.create_task(cycle.run(self._straight, scope, asked))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        return is_ours

    def _is_free(self) -> bool:
        """Whether the request before was answered."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete


class _Flow(FlowControl):
    """Reads nothing while requests wait; uvicorn's reads on whenever one that runs asks for its body."""

    def __init__(self, transport: asyncio.Transport, waiting: deque[Any]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    @override
    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


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
        protocol = self._protocol
        try:
            answer = await straight.answer(scope, asked)
        except BaseException:
            protocol.transport.close()  # Nobody else would end it.
            raise
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

"""The node's end of one node link: hello first, then requests, answers and notifications.

Wire: `media_plane/contract/messages.py`. One JSON text message per request; answers go out in the order in which requests
finish. What the peer does wrong costs it an error or its link, never another link's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

import msgspec
import structlog
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport
from typing_extensions import override

from media_plane.agent.wire import NO_ID, check_ids, decode_request, encode, encode_refusal, encode_response
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.contract.messages import (
    MAX_MESSAGE_BYTES,
    REQUEST_TIMEOUT_S,
    Hello,
    HelloAnswer,
    Notification,
    Request,
    Wire,
)

HELLO_TIMEOUT_S = 5.0
"""How long a link may stay silent before its hello, seconds."""
REQUEST_DEADLINE_S = REQUEST_TIMEOUT_S - 0.5
"""When the node gives up on a request: early enough that the caller hears why instead of timing out itself."""
MAX_UNANSWERED = 1000
"""Requests one link may have open. A proposal: one signaling process at 250 joins/s with 4 s of backlog."""
MAX_UNSENT_BYTES = 4 * 1024 * 1024
"""Bytes that may wait for a slow control plane before its link is cut. It dials again and adopts."""

CLOSE_UNAUTHENTICATED = 4401
CLOSE_VERSION_MISMATCH = 4406
"""WebSocket close codes of our own (RFC 6455 section 7.4.2 leaves 4000-4999 to applications)."""

log = structlog.get_logger("node_link")


class LinkOwner(Protocol):
    """What a link needs from the process around it."""

    def greet(self, hello: Hello) -> HelloAnswer:
        """Check a hello and introduce the node. Raises LinkError."""

    def dispatch(self, link: NodeLink, request: Request) -> Awaitable[Wire]:
        """Do what a request asks. Raises LinkError."""

    def link_connected(self, link: NodeLink) -> None:
        """The socket stands; nothing is known about the peer yet."""

    def link_opened(self, link: NodeLink) -> None:
        """The link said a good hello."""

    def link_closed(self, link: NodeLink) -> None:
        """The link is gone. Called once for every link, greeted or not."""

    def count_request(self, method: str, outcome: str) -> None:
        """A request was answered: outcome is `ok` or an error code."""

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run work in a task that outlives the link, so that half-done media is finished and recorded."""


class NodeLink(WSListener):
    """One WebSocket from a signaling process.

    Args:
        owner: the process around it.
        hello_timeout_s: see `HELLO_TIMEOUT_S`.
    """

    def __init__(self, owner: LinkOwner, hello_timeout_s: float = HELLO_TIMEOUT_S) -> None:
        super().__init__()
        self._owner = owner
        self._hello_timeout_s = hello_timeout_s
        self._transport: WSTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fragments = bytearray()
        self._unanswered = 0
        self.is_greeted = False
        self.is_closed = False

    # --- what the agent does with a link ------------------------------------------------------------------------

    def notify(self, notification: Notification) -> None:
        """Tell the control plane something; silently dropped when the link is closed."""
        self._send(encode(notification))

    def close(self, code: int = WSCloseCode.GOING_AWAY.value, reason: str = "") -> None:
        """Close the link. May be called twice.

        Args:
            code: WebSocket close code.
            reason: a few words for the peer's log, at most 123 bytes.
        """
        transport = self._transport
        if self.is_closed or transport is None:
            return
        self.is_closed = True
        # picows takes any number here, its type stub only the registered ones.
        transport.send_close(cast("WSCloseCode", code), reason.encode())
        transport.disconnect()

    # --- what picows tells us -----------------------------------------------------------------------------------

    @override
    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done; the clock for hello starts."""
        self._transport = transport
        self._owner.link_connected(self)
        self._timer = asyncio.get_running_loop().call_later(self._hello_timeout_s, self._hello_missing)

    @override
    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone, whoever closed it."""
        self.is_closed = True
        self._stop_timer()
        self._transport = None
        self._owner.link_closed(self)

    @override
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Gather fragments into messages; refuse what is not text."""
        if self.is_closed:
            return
        if frame.msg_type == WSMsgType.CLOSE:
            self.close(WSCloseCode.OK.value)
        elif frame.msg_type == WSMsgType.BINARY:
            self.close(WSCloseCode.UNSUPPORTED_DATA.value, "text only")
        elif frame.msg_type in {WSMsgType.TEXT, WSMsgType.CONTINUATION}:
            self._gather(frame)

    def _gather(self, frame: WSFrame) -> None:
        if len(self._fragments) + frame.payload_size > MAX_MESSAGE_BYTES:
            self.close(WSCloseCode.MESSAGE_TOO_BIG.value, LinkErrorCode.TOO_LARGE)
            return
        if frame.fin and not self._fragments:
            self._receive(frame.get_payload_as_bytes())
            return
        self._fragments += frame.get_payload_as_memoryview()
        if frame.fin:
            message, self._fragments = bytes(self._fragments), bytearray()
            self._receive(message)

    # --- requests -----------------------------------------------------------------------------------------------

    def _receive(self, message: bytes) -> None:
        try:
            request = decode_request(message)
        except LinkError as error:
            self._refuse(int(str(error.facts.pop("id", NO_ID))), "unknown", error)
            if not self.is_greeted:
                self.close(CLOSE_UNAUTHENTICATED, "hello first")
            return
        if not self.is_greeted or isinstance(request, Hello):
            self._greet(request)
        elif self._unanswered >= MAX_UNANSWERED:
            self._refuse(request.id, _method(request), LinkError(LinkErrorCode.OVERLOADED, "Too many open requests."))
        else:
            self._unanswered += 1
            # Tasks start in the order in which they are made, which is the order the contract promises.
            self._owner.start(lambda: self._answer(request))

    def _greet(self, request: Request) -> None:
        self._stop_timer()
        try:
            answer = self._owner.greet(self._hello(request))
        except LinkError as error:
            self._refuse(request.id, _method(request), error)
            is_version = error.code is LinkErrorCode.VERSION_MISMATCH
            self.close(CLOSE_VERSION_MISMATCH if is_version else CLOSE_UNAUTHENTICATED, error.code)
            return
        self.is_greeted = True
        self._accept(request.id, "hello", answer)
        self._owner.link_opened(self)

    def _hello(self, request: Request) -> Hello:
        if self.is_greeted or not isinstance(request, Hello):
            raise LinkError(LinkErrorCode.UNAUTHENTICATED, "The first request, and only that, must be hello.")
        return request

    async def _answer(self, request: Request) -> None:
        method = _method(request)
        try:
            if self.is_closed:
                return  # Nobody hears the answer, and a closed link must not adopt anyone.
            check_ids(request)
            async with asyncio.timeout(REQUEST_DEADLINE_S):
                data = await self._owner.dispatch(self, request)
            self._accept(request.id, method, data)
        except LinkError as error:
            self._refuse(request.id, method, error)
        except TimeoutError:
            late = LinkError(LinkErrorCode.WORKER_FAILED, "The media worker did not answer in time.")
            self._refuse(request.id, method, late)
        except Exception:
            # The door: what nobody foresaw is logged here with its stack, and the caller hears no detail.
            log.exception("request_failed", method=method)
            self._refuse(request.id, method, LinkError(LinkErrorCode.WORKER_FAILED, "The node could not do this."))
        finally:
            self._unanswered -= 1

    def _accept(self, request_id: int, method: str, data: Wire) -> None:
        message = encode_response(request_id, data)
        if len(message) > MAX_MESSAGE_BYTES:
            error = LinkError(
                LinkErrorCode.TOO_LARGE, "The answer is over the link's size limit; ask for less at once."
            )
            self._refuse(request_id, method, error)
            return
        self._owner.count_request(method, "ok")
        self._send(message)

    def _refuse(self, request_id: int, method: str, error: LinkError) -> None:
        self._owner.count_request(method, error.code)
        self._send(encode_refusal(request_id, error))

    # --- writing ------------------------------------------------------------------------------------------------

    def _send(self, message: bytes) -> None:
        transport = self._transport
        if self.is_closed or transport is None:
            return
        transport.send(WSMsgType.TEXT, message)
        unsent = cast("asyncio.WriteTransport", transport.underlying_transport).get_write_buffer_size()
        if unsent > MAX_UNSENT_BYTES:
            log.warning("link_too_slow", unsent_bytes=unsent)
            self.is_closed = True
            transport.disconnect(graceful=False)

    def _hello_missing(self) -> None:
        self._timer = None
        self.close(CLOSE_UNAUTHENTICATED, "hello missing")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _method(request: msgspec.Struct) -> str:
    """The wire name of a request, for metrics."""
    return str(request.__struct_config__.tag)

"""Our end of one node link: a WebSocket we dial to a node agent. Wire: `media_plane/contract/messages.py`.

hello with a fresh token first; then requests, answered in any order, and the node's notifications. The pool of links is
`node_pool.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self, TypeVar

import msgspec
import structlog
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from typing_extensions import override

from control_plane.domain.errors import Unavailable
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.contract.messages import (
    CONTRACT_VERSION,
    MAX_MESSAGE_BYTES,
    REQUEST_TIMEOUT_S,
    ErrorBody,
    Hello,
    HelloAnswer,
    Notification,
    RequestBase,
    Wire,
)

PING_AFTER_S = 2.0
"""A link silent this long is pinged, and cut when nothing comes for as long again: nodes tell their load every 2 s."""
_UNAVAILABLE = "The media node is away. Try again in a moment."

AnswerT = TypeVar("AnswerT", bound=Wire)
log = structlog.get_logger("node_link")


class _Incoming(msgspec.Struct):
    """What every message of the node has in part: responses an id, notifications a method."""

    id: int | None = None
    method: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    error: ErrorBody | None = None


_encoder = msgspec.json.Encoder()
_incoming = msgspec.json.Decoder(_Incoming)
_notifications: msgspec.json.Decoder[Notification] = msgspec.json.Decoder(Notification)


class NodeLink(WSListener):
    """One WebSocket to one node. Made by `open`; used up when closed.

    Args:
        on_notification: told every notification, in order.
        on_closed: told once when the link is gone, also when we closed it.
    """

    def __init__(self, on_notification: Callable[[Notification], None], on_closed: Callable[[NodeLink], None]) -> None:
        super().__init__()
        self._on_notification = on_notification
        self._on_closed = on_closed
        self._transport: WSTransport | None = None
        self._pending: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._last_id = 0
        self.is_closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        token: str,
        *,
        on_notification: Callable[[Notification], None],
        on_closed: Callable[[NodeLink], None],
    ) -> tuple[Self, HelloAnswer]:
        """Dial a node and say hello.

        Args:
            url: ws:// or wss:// address of the node's link.
            token: of `Tokens.issue_node_link`, used once.
            on_notification: as for the class.
            on_closed: as for the class.

        Returns:
            The link and the node's introduction.

        Raises:
            Unavailable: nobody answers there, or not in time.
            LinkError: the node refused the hello (unauthenticated, version_mismatch).
        """
        link = cls(on_notification, on_closed)
        await link._dial(url)
        try:
            hello = Hello(id=0, contract_version=CONTRACT_VERSION, token=token)
            return link, await link.call(hello, HelloAnswer)
        except BaseException:
            link.close()
            raise

    async def _dial(self, url: str) -> None:
        try:
            # When the node dies within the handshake picows returns as if all were well; `call` then finds no transport.
            await ws_connect(
                lambda: self,
                url,
                websocket_handshake_timeout=REQUEST_TIMEOUT_S,
                max_frame_size=MAX_MESSAGE_BYTES,
                max_redirects=0,
                enable_auto_ping=True,
                auto_ping_idle_timeout=PING_AFTER_S,
                auto_ping_reply_timeout=PING_AFTER_S,
            )
        except (OSError, WSError, TimeoutError) as error:
            raise Unavailable(_UNAVAILABLE, retry_after_s=2) from error

    async def call(self, request: RequestBase, answer: type[AnswerT]) -> AnswerT:
        """Send one request and wait for its answer. The request leaves before the first await: order is kept.

        Args:
            request: its `id` is filled in.
            answer: the type its answer is documented to have.

        Raises:
            LinkError: the node refused, or the request is over the link's size limit.
            Unavailable: the link is gone, or no answer came within REQUEST_TIMEOUT_S.
        """
        transport = self._transport
        if transport is None or self.is_closed:
            raise Unavailable(_UNAVAILABLE, retry_after_s=2)
        self._last_id += 1
        request_id = request.id = self._last_id
        message = _encoder.encode(request)
        if len(message) > MAX_MESSAGE_BYTES:
            raise LinkError(LinkErrorCode.TOO_LARGE, "The request is over the node link's size limit.")
        answered: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answered
        transport.send(WSMsgType.TEXT, message)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                data = await answered
        except TimeoutError as error:
            raise Unavailable("The media node did not answer in time.", retry_after_s=2) from error
        finally:
            self._pending.pop(request_id, None)
        try:
            return msgspec.json.decode(data, type=answer)
        except msgspec.MsgspecError as error:
            raise Unavailable("The media node answered something unreadable.", retry_after_s=2) from error

    def close(self) -> None:
        """Close the link; open requests fail. May be called twice."""
        transport = self._transport
        if transport is not None and not self.is_closed:
            transport.send_close()
            transport.disconnect()
        self._end()

    # --- what picows tells us -----------------------------------------------------------------------------------

    @override
    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done."""
        self._transport = transport

    @override
    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone, whoever closed it."""
        self._end()

    @override
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One message, or the node's goodbye. The node sends whole text frames only."""
        if frame.msg_type == WSMsgType.TEXT and frame.fin:
            self._receive(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            self.close()
        elif frame.msg_type not in {WSMsgType.PING, WSMsgType.PONG}:
            log.warning("node_link_frame_refused", kind=str(frame.msg_type))
            self.close()

    def _receive(self, message: bytes) -> None:
        try:
            incoming = _incoming.decode(message)
            if incoming.method is not None:
                self._on_notification(_notifications.decode(message))
                return
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            # A newer node may tell what we don't know yet.
            log.warning("node_message_unreadable", reason=str(error)[:200])
            return
        except Exception:
            # A listener's fault must not cost the link.
            log.exception("node_notification_failed")
            return
        self._answer(incoming)

    def _answer(self, incoming: _Incoming) -> None:
        answered = self._pending.get(incoming.id or 0)
        if answered is None or answered.done():
            return  # Too late: its caller has given up.
        if incoming.error is None:
            answered.set_result(incoming.data)
        else:
            answered.set_exception(_to_error(incoming.error))

    def _end(self) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._transport = None
        for answered in self._pending.values():
            if not answered.done():
                answered.set_exception(Unavailable(_UNAVAILABLE, retry_after_s=2))
        self._on_closed(self)


def _to_error(body: ErrorBody) -> LinkError | Unavailable:
    try:
        code = LinkErrorCode(body.code)
    except ValueError:
        return Unavailable("The media node refused for a reason we don't know.", retry_after_s=2)
    facts = {name: value for name, value in body.facts.items() if name not in {"code", "message"}}
    return LinkError(code, body.message, **facts)

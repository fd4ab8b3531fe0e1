"""The live socket: requests with deadlines, responses, notifications kept until someone looks, the close code."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from typing_extensions import override

from control_plane.signaling.messages import (
    Empty,
    ErrorBody,
    Hello,
    Notification,
    RequestBase,
    Response,
    RoomLeave,
    Welcome,
)

AnswerT = TypeVar("AnswerT")
NotificationT = TypeVar("NotificationT")

REQUEST_TIMEOUT_S = 10.0
"""How long one answer may take, seconds."""
CONNECT_TIMEOUT_S = 5.0
"""How long the WebSocket handshake may take, seconds."""
KEPT_NOTIFICATIONS = 5_000
"""Notifications kept for `expect`; older ones are dropped."""


class SignalingError(Exception):
    """The server refused a request.

    Attributes:
        code: the DomainError's code.
        facts: its facts.
    """

    def __init__(self, method: str, error: ErrorBody) -> None:
        super().__init__(f"{method}: {error.code}: {error.message}")
        self.code = error.code
        self.facts = error.facts


class SocketClosed(Exception):
    """The socket is closed.

    Attributes:
        close_code: what the server said (a CloseCode or RFC 6455's); 1006 when it said nothing.
    """

    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__(f"socket closed with {close_code} {reason}".rstrip())
        self.close_code = close_code


class _Envelope(msgspec.Struct):
    id: int | msgspec.UnsetType = msgspec.UNSET


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_RESPONSE = msgspec.json.Decoder(Response)
_NOTIFICATION: msgspec.json.Decoder[Notification] = msgspec.json.Decoder(Notification)
_ENCODER = msgspec.json.Encoder()


class _Listener(WSListener):
    """Joins frames to messages and hands them on."""

    def __init__(self, client: SignalingClient) -> None:
        self._client = client
        self._parts: list[bytes] = []

    @override
    def on_ws_connected(self, transport: WSTransport) -> None:
        self._client._is_connected = True  # noqa: SLF001 - one unit

    @override
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self._client._note_close(code, payload[2:].decode(errors="replace"))  # noqa: SLF001 - one unit
            transport.send_close()
            transport.disconnect()
        elif frame.msg_type in {WSMsgType.TEXT, WSMsgType.CONTINUATION}:
            self._parts.append(frame.get_payload_as_bytes())
            if frame.fin:
                message, self._parts = b"".join(self._parts), []
                self._client._take(message)  # noqa: SLF001 - as above

    @override
    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._client._lose()  # noqa: SLF001 - as above


class SignalingClient:
    """One participant's socket. Open it with `connect`, then say hello.

    Notifications are handed to `on_notification` as they come, and kept for `expect`.
    """

    def __init__(self) -> None:
        self.on_notification: Callable[[Notification], None] | None = None
        self.close_code: int | None = None
        """What the socket was closed with; None while it is open."""
        self.unknown_messages: list[bytes] = []
        """Messages this client could not read; a test may want none."""
        self._close_reason = ""
        self._transport: WSTransport | None = None
        self._is_connected = False
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[Response]] = {}
        self._kept: deque[Notification] = deque(maxlen=KEPT_NOTIFICATIONS)
        self._changed = asyncio.Event()

    @classmethod
    async def connect(cls, url: str, *, origin: str | None = None) -> Self:
        """Open the socket.

        Args:
            url: `ws://…/signaling`, from the join answer.
            origin: what a browser would send as Origin; None sends none.

        Raises:
            SocketClosed: the server refused the handshake or does not answer.
        """
        client = cls()
        headers = {"Origin": origin} if origin else None
        try:
            client._transport, _ = await ws_connect(
                lambda: _Listener(client), url, extra_headers=headers, websocket_handshake_timeout=CONNECT_TIMEOUT_S
            )
        except (WSError, OSError, TimeoutError) as error:
            raise SocketClosed(1006, f"({url}: {error})") from error
        if not client._is_connected:  # picows answers even when the peer went away during the handshake
            raise SocketClosed(1006, f"({url}: gone during the handshake)")
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- requests

    async def hello(self, *, token: str, rtp_capabilities: msgspec.Raw) -> Welcome:
        """The first request, with the join answer's token. Raises SocketClosed (bad token), TimeoutError."""
        return await self.request(Hello(id=0, token=token, rtp_capabilities=rtp_capabilities), Welcome)

    async def request(
        self, request: RequestBase, answer: type[AnswerT], *, timeout_s: float = REQUEST_TIMEOUT_S
    ) -> AnswerT:
        """Send a request (its id is filled in) and decode its answer.

        Raises:
            SignalingError: refused.
            SocketClosed: the socket is or gets closed.
            TimeoutError: no answer in time.
        """
        method = str(request.__struct_config__.tag)
        transport = self._open_transport()
        self._last_id += 1
        request = msgspec.structs.replace(request, id=self._last_id)
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[self._last_id] = future
        try:
            transport.send(WSMsgType.TEXT, _ENCODER.encode(request))
            async with asyncio.timeout(timeout_s):
                response = await future
        except TimeoutError as error:
            raise TimeoutError(f"{method}: no answer in {timeout_s} s") from error
        finally:
            self._waiting.pop(request.id, None)
        if isinstance(response.error, ErrorBody):
            raise SignalingError(method, response.error)
        return msgspec.json.decode(bytes(response.data or b"{}"), type=answer)

    def send_raw(self, message: bytes) -> None:
        """Send any bytes as one text frame: for tests of bad input. Raises SocketClosed."""
        self._open_transport().send(WSMsgType.TEXT, message)

    # --- notifications

    async def expect(
        self,
        kind: type[NotificationT],
        matches: Callable[[NotificationT], bool] = lambda _: True,
        *,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> NotificationT:
        """The first kept or coming notification of a kind for which `matches` holds; it is taken out.

        Raises:
            TimeoutError: none came in time.
            SocketClosed: the socket closed before.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for notification in self._kept:
                        if isinstance(notification, kind) and matches(notification):
                            self._kept.remove(notification)
                            return notification
                    if self.close_code is not None:
                        raise SocketClosed(self.close_code, self._close_reason)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise TimeoutError(f"no {kind.__name__} in {timeout_s} s") from error

    async def wait_closed(self, *, timeout_s: float = REQUEST_TIMEOUT_S) -> int:
        """The code the server closes with. Raises TimeoutError: it stays open."""
        async with asyncio.timeout(timeout_s):
            while self.close_code is None:
                self._changed.clear()
                await self._changed.wait()
        return self.close_code

    # --- closing

    async def leave(self) -> None:
        """Say that we go, and wait until the server closes. Raises SocketClosed, TimeoutError."""
        await self.request(RoomLeave(id=0), Empty)
        await self.wait_closed()

    async def close(self) -> None:
        """Close from our side with 1000. May be called twice."""
        transport = self._transport
        if transport is None:
            return
        if self.close_code is None:
            self._note_close(1000, "by us")
            transport.send_close()
        transport.disconnect()
        await transport.wait_disconnected()
        self._transport = None

    def abort(self) -> None:
        """Drop the connection without a word, as a dying browser does."""
        if self._transport is not None:
            self._transport.underlying_transport.abort()

    # --- from the listener

    def _open_transport(self) -> WSTransport:
        if self._transport is None or self.close_code is not None:
            raise SocketClosed(self.close_code or 1006, self._close_reason)
        return self._transport

    def _take(self, message: bytes) -> None:
        try:
            if _ENVELOPE.decode(message).id is msgspec.UNSET:
                notification = _NOTIFICATION.decode(message)
                self._kept.append(notification)
                if self.on_notification is not None:
                    self.on_notification(notification)
            else:
                response = _RESPONSE.decode(message)
                future = self._waiting.get(response.id)
                if future is not None and not future.done():
                    future.set_result(response)
        except msgspec.MsgspecError:
            self.unknown_messages.append(message)
        self._changed.set()

    def _note_close(self, code: int, reason: str) -> None:
        if self.close_code is None:
            self.close_code, self._close_reason = code, reason

    def _lose(self) -> None:
        self._note_close(1006, "connection lost")
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(SocketClosed(self.close_code or 1006, self._close_reason))
        self._changed.set()

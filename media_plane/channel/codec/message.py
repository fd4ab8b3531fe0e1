"""The envelope: requests and notifications to the worker; answers, notifications and logs from it.

Schemas: message.fbs, request.fbs, response.fbs, notification.fbs and log.fbs of mediasoup 3.27.1.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flatbuffers import Builder
from flatbuffers.table import Table

from media_plane.channel.codec.quick import follow, read_places, read_text_at, read_uint32
from media_plane.channel.codec.tables import Offset, TableWriter
from media_plane.channel.errors import BrokenMessage
from media_plane.channel.fbs.FBS.Message import Message as MessageModule
from media_plane.channel.fbs.FBS.Message.Body import Body as MessageBody
from media_plane.channel.fbs.FBS.Notification import Notification as NotificationModule
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request import Request as RequestModule
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.framing import LENGTH_BYTES, MAX_MESSAGE_BYTES

T = TypeVar("T")

METHOD_NAMES: dict[int, str] = {number: name for name, number in vars(Method).items() if name.isupper()}
EVENT_NAMES: dict[int, str] = {number: name for name, number in vars(Event).items() if name.isupper()}

_request: Any = RequestModule
_write_message = TableWriter(MessageModule)
_write_notification = TableWriter(NotificationModule)
_ID = struct.Struct("<I")
_ID_PLACEHOLDER = 0xFFFFFFFF
"""Any number but the schema's default 0, which would leave the field out."""

_MOST_BODILESS = 1024
_SHORTEST_COPIED = 16
"""Shorter handler ids might be taken for other bytes of the message."""
_bodiless: dict[tuple[int, int], tuple[bytes | bytearray, int, int]] = {}
"""Requests without a body by method and length of the handler id: bytes, place of the handler id, place of the id."""


@dataclass(slots=True, frozen=True)
class Response:
    """An answer of the worker, its body not read yet.

    Attributes:
        request_id: the id of the request it answers.
        accepted: whether the worker did what was asked.
        error: the worker's class of error, empty when accepted.
        reason: its sentence, empty when accepted.
        body_type: number in the schema's union `Response.Body`, 0 for none.
        body: the union's table for `Init`, None for none.
    """

    request_id: int
    accepted: bool
    error: str
    reason: str
    body_type: int
    body: Any

    def read(self, table_class: type[Any]) -> Any:
        """The body as an instance of its generated class.

        Raises:
            BrokenMessage: the answer has no body.
        """
        return _init_table(self.body, table_class, "answer")


@dataclass(slots=True, frozen=True)
class Notification:
    """Something the worker tells about one of its objects, its body not read yet.

    Attributes:
        handler_id: id of the object it is about; the worker's pid, as text, for the worker itself.
        event: number in the schema's enum `Notification.Event`.
        body: the union's table, None for none.
    """

    handler_id: str
    event: int
    body: Any

    def read(self, table_class: type[Any]) -> Any:
        """The body as an instance of its generated class.

        Raises:
            BrokenMessage: the notification has no body.
        """
        return _init_table(self.body, table_class, "notification")


@dataclass(slots=True, frozen=True)
class Log:
    """A log line of the worker: its first character is the level (D, W, E or X for a dump)."""

    text: str


def _init_table(body: Any, table_class: type[Any], what: str) -> Any:
    if body is None:
        raise BrokenMessage(f"The worker's {what} has no {table_class.__name__}.")
    table = table_class()
    table.Init(body.Bytes, body.Pos)
    return table


def read_nothing(response: Response) -> None:
    """For requests whose answer has no body worth reading."""
    del response


@dataclass(slots=True, frozen=True)
class RequestMessage(Generic[T]):
    """A finished request with a hole for its id, and how to read its answer.

    Attributes:
        method: name in the schema's enum `Request.Method`.
        data: the message with its length prefix.
        id_offset: where in `data` the 4-byte little-endian request id stands.
        decode: turns an accepted answer into a value.
    """

    method: str
    data: bytes | bytearray
    id_offset: int
    decode: Callable[[Response], T]

    def with_id(self, request_id: int) -> bytearray:
        """The bytes for the wire.

        Args:
            request_id: 1..2**32-1, unique among the requests waiting.
        """
        data = bytearray(self.data)
        _ID.pack_into(data, self.id_offset, request_id)
        return data

    def read_by(self, decode: Callable[[Response], T]) -> "RequestMessage[T]":
        """The same request whose answer is read another way."""
        return RequestMessage(self.method, self.data, self.id_offset, decode)


def encode_request(
    method: int,
    handler_id: str,
    decode: Callable[[Response], T],
    *,
    builder: Builder | None = None,
    body_type: int | None = None,
    body: Offset | None = None,
) -> RequestMessage[T]:
    """Wrap a body into a request.

    Args:
        method: number in `Request.Method`.
        handler_id: id of the object asked, empty for the worker itself.
        decode: reads the accepted answer.
        builder: the one that holds the body; None when there is no body.
        body_type: number in the union `Request.Body`.
        body: the body's offset.

    Raises:
        BrokenMessage: the message is too long for the worker.
    """
    if builder is None:
        return _copy_bodiless(method, handler_id, decode)
    return _build_request(method, handler_id, decode, builder, body_type, body)


def _copy_bodiless(method: int, handler_id: str, decode: Callable[[Response], T]) -> RequestMessage[T]:
    """A request without a body, copied from one whose handler id has the same length."""
    encoded = handler_id.encode()
    if len(encoded) < _SHORTEST_COPIED:
        return _build_request(method, handler_id, decode, Builder(128), None, None)
    key = (method, len(encoded))
    known = _bodiless.get(key)
    if known is None:
        if len(_bodiless) >= _MOST_BODILESS:
            _bodiless.clear()
        built = _build_request(method, "\x7f" * len(encoded), decode, Builder(128), None, None)
        known = _bodiless[key] = (built.data, built.data.rfind(b"\x7f" * len(encoded)), built.id_offset)
    data, place, id_offset = known
    return RequestMessage(
        METHOD_NAMES[method], data[:place] + encoded + data[place + len(encoded) :], id_offset, decode
    )


def _build_request(  # noqa: PLR0917 - the arguments of `encode_request`
    method: int,
    handler_id: str,
    decode: Callable[[Response], T],
    builder: Builder,
    body_type: int | None,
    body: Offset | None,
) -> RequestMessage[T]:
    handler = builder.CreateString(handler_id)
    # The id goes first into the table: nothing stands before it, so its place counted from the end is known.
    _request.RequestStart(builder)
    _request.RequestAddId(builder, _ID_PLACEHOLDER)
    id_from_end = builder.Offset()
    _request.RequestAddMethod(builder, method)
    _request.RequestAddHandlerId(builder, handler)
    if body is not None:
        _request.RequestAddBodyType(builder, body_type)
        _request.RequestAddBody(builder, body)
    request = _request.RequestEnd(builder)
    data = _finish(builder, MessageBody.Request, request)
    return RequestMessage(METHOD_NAMES[method], data, len(data) - id_from_end, decode)


def encode_notification(
    event: int,
    handler_id: str,
    *,
    builder: Builder | None = None,
    body_type: int | None = None,
    body: Offset | None = None,
) -> bytes:
    """A notification, ready for the wire.

    Args:
        event: number in `Notification.Event`.
        handler_id: id of the object told, empty for the worker itself.
        builder: the one that holds the body; None when there is no body.
        body_type: number in the union `Notification.Body`.
        body: the body's offset.

    Raises:
        BrokenMessage: the message is too long for the worker.
    """
    builder = builder or Builder(128)
    handler = builder.CreateString(handler_id)
    offset = _write_notification(builder, handler_id=handler, event=event, body_type=body_type, body=body)
    return _finish(builder, MessageBody.Notification, offset)


def _finish(builder: Builder, body_type: int, body: Offset) -> bytes:
    builder.FinishSizePrefixed(_write_message(builder, data_type=body_type, data=body))
    data = bytes(builder.Output())
    if len(data) > MAX_MESSAGE_BYTES:
        raise BrokenMessage(f"A message of {len(data)} bytes is too long for the worker.")
    return data


def decode_message(payload: bytes) -> Response | Notification | Log:
    """Read one message from the worker, without its length prefix.

    Raises:
        BrokenMessage: it is no message the worker may send us.
    """
    try:
        root = follow(payload, 0)
        kind_place, data_place, *_ = read_places(payload, root)
        kind = payload[root + kind_place] if kind_place else 0
        if kind in _READERS and data_place:
            return _READERS[kind](payload, follow(payload, root + data_place))
    except (struct.error, IndexError, ValueError, TypeError) as error:
        raise BrokenMessage(f"A message of {len(payload)} bytes could not be read.") from error
    raise BrokenMessage(f"The worker sent a message of kind {kind}.")


def _read_response(data: bytes, table: int) -> Response:
    request_id, accepted, body_type, body, error, reason, *_ = read_places(data, table)
    return Response(
        request_id=read_uint32(data, table + request_id) if request_id else 0,
        accepted=bool(accepted and data[table + accepted]),
        error=read_text_at(data, table + error) if error else "",
        reason=read_text_at(data, table + reason) if reason else "",
        body_type=data[table + body_type] if body_type else 0,
        body=Table(data, follow(data, table + body)) if body else None,
    )


def _read_notification(data: bytes, table: int) -> Notification:
    handler_id, event, _, body, *_ = read_places(data, table)
    return Notification(
        handler_id=read_text_at(data, table + handler_id) if handler_id else "",
        event=data[table + event] if event else 0,
        body=Table(data, follow(data, table + body)) if body else None,
    )


def _read_log(data: bytes, table: int) -> Log:
    text = read_places(data, table)[0]
    return Log(read_text_at(data, table + text) if text else "")


_READERS: dict[int, Callable[[bytes, int], Response | Notification | Log]] = {
    MessageBody.Response: _read_response,
    MessageBody.Notification: _read_notification,
    MessageBody.Log: _read_log,
}


__all__ = [
    "EVENT_NAMES",
    "LENGTH_BYTES",
    "METHOD_NAMES",
    "Log",
    "Notification",
    "RequestMessage",
    "Response",
    "decode_message",
    "encode_notification",
    "encode_request",
    "read_nothing",
]

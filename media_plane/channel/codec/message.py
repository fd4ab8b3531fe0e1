"""The envelope: requests and notifications to the worker; answers, notifications and logs from it.

Schemas: message.fbs, request.fbs, response.fbs, notification.fbs and log.fbs of mediasoup 3.27.1.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flatbuffers import Builder

from media_plane.channel.codec.tables import Offset, TableWriter, read_text
from media_plane.channel.errors import BrokenMessage
from media_plane.channel.fbs.FBS.Log.Log import Log as FbsLog
from media_plane.channel.fbs.FBS.Message import Message as MessageModule
from media_plane.channel.fbs.FBS.Message.Body import Body as MessageBody
from media_plane.channel.fbs.FBS.Notification import Notification as NotificationModule
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request import Request as RequestModule
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.Response.Response import Response as FbsResponse
from media_plane.channel.framing import LENGTH_BYTES, MAX_MESSAGE_BYTES

T = TypeVar("T")

METHOD_NAMES: dict[int, str] = {number: name for name, number in vars(Method).items() if name.isupper()}
EVENT_NAMES: dict[int, str] = {number: name for name, number in vars(Event).items() if name.isupper()}

_request: Any = RequestModule
_message: Any = MessageModule
_write_message = TableWriter(MessageModule)
_write_request = TableWriter(RequestModule)
_write_notification = TableWriter(NotificationModule)
_ID = struct.Struct("<I")
_ID_PLACEHOLDER = 0xFFFFFFFF
"""Any number but the schema's default 0, which would leave the field out."""


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
    data: bytes
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
    builder = builder or Builder(128)
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
        message = _message.Message.GetRootAs(payload, 0)
        kind = message.DataType()
        data = message.Data()
        if kind == MessageBody.Response:
            return _read_response(_init_table(data, FbsResponse, "message"))
        if kind == MessageBody.Notification:
            return _read_notification(_init_table(data, NotificationModule.Notification, "message"))
        if kind == MessageBody.Log:
            return Log(read_text(_init_table(data, FbsLog, "message").Data()))
    except (struct.error, IndexError, ValueError, TypeError) as error:
        raise BrokenMessage(f"A message of {len(payload)} bytes could not be read.") from error
    raise BrokenMessage(f"The worker sent a message of kind {kind}.")


def _read_response(table: Any) -> Response:
    return Response(
        request_id=table.Id(),
        accepted=table.Accepted(),
        error=read_text(table.Error()),
        reason=read_text(table.Reason()),
        body_type=table.BodyType(),
        body=table.Body(),
    )


def _read_notification(table: Any) -> Notification:
    return Notification(handler_id=read_text(table.HandlerId()), event=table.Event(), body=table.Body())


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

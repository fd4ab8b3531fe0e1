"""Bytes of the signaling socket to the structs of `messages` and back."""

from __future__ import annotations

import msgspec

from control_plane.domain.errors import DomainError, InvalidInput
from control_plane.signaling.messages import ErrorBody, NotificationBase, Request, Response, Wire

MAX_ID = 2**53 - 1
"""Largest request id: beyond it JavaScript's numbers are not exact."""

_encoder = msgspec.json.Encoder(decimal_format="string")
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


class _Numbered(msgspec.Struct):
    id: int


_numbered = msgspec.json.Decoder(_Numbered)


class Unreadable(Exception):
    """A frame that is no request, and whose id can't be read either: nobody can be answered."""


class BadRequest(Exception):
    """A frame whose id can be read, but that is no known request or has bad fields.

    Args:
        request_id: whom to answer.
        error: what to answer.
    """

    def __init__(self, request_id: int, error: InvalidInput) -> None:
        super().__init__(str(error))
        self.request_id = request_id
        self.error = error


def decode_request(message: bytes) -> Request:
    """Read one request.

    Args:
        message: one text frame.

    Raises:
        BadRequest: its id is readable, the rest is not.
        Unreadable: not even the id is.
    """
    try:
        request = _requests.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        request_id = _id_of(message)
        # msgspec names the field by its path, never a value of it.
        reason = str(error)[:200] if isinstance(error, msgspec.ValidationError) else "This is not a request."
        raise BadRequest(request_id, InvalidInput(reason)) from error
    if not 0 <= request.id <= MAX_ID:
        raise Unreadable("id out of range")
    return request


def _id_of(message: bytes) -> int:
    try:
        request_id = _numbered.decode(message).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("no id") from error
    if not 0 <= request_id <= MAX_ID:
        raise Unreadable("id out of range")
    return request_id


def encode_answer(request_id: int, data: Wire) -> bytes:
    """The good answer to a request."""
    return _encoder.encode(Response(id=request_id, data=msgspec.Raw(_encoder.encode(data))))


def encode_refusal(request_id: int, error: DomainError) -> bytes:
    """The bad answer to a request: code, one sentence, facts."""
    body = ErrorBody(code=error.code, message=error.message, facts=error.facts)
    return _encoder.encode(Response(id=request_id, error=body))


def encode_notification(notification: NotificationBase) -> bytes:
    """A notification; encode once, send to many."""
    return _encoder.encode(notification)


def method_of(request: msgspec.Struct) -> str:
    """The wire name of a request, for metrics and logs."""
    return str(request.__struct_config__.tag)

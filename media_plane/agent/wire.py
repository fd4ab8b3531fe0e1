"""Bytes of the node link to the contract's structs and back."""

from __future__ import annotations

import re

import msgspec

from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.contract.messages import ErrorBody, Request, Response, Wire

NO_ID = 0
"""Id of the answer to a message whose own id can't be read."""
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
"""The text form of RFC 9562, lower case, so that one object has one name."""

_LEADING_ID = re.compile(rb'\s*\{\s*(?:"method"\s*:\s*"[\w.]{1,64}"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*[,}]')

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


class _Numbered(msgspec.Struct):
    id: int


_numbered = msgspec.json.Decoder(_Numbered)


def encode(message: Wire) -> bytes:
    """A message as UTF-8 JSON."""
    return _encoder.encode(message)


def encode_response(request_id: int, data: Wire) -> bytes:
    """The good answer to a request."""
    return _encoder.encode(Response(id=request_id, data=msgspec.Raw(_encoder.encode(data))))


def encode_refusal(request_id: int, error: LinkError) -> bytes:
    """The bad answer to a request: code, one sentence, facts."""
    return _encoder.encode(
        Response(id=request_id, error=ErrorBody(code=error.code, message=error.message, facts=error.facts)),
    )


def decode_request(message: bytes) -> Request:
    """Read one request.

    Raises:
        LinkError: `malformed`; its fact `id` is the request's id where that much could be read, else `NO_ID`.
    """
    try:
        return _requests.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        sentence = str(error) if isinstance(error, msgspec.ValidationError) else "Not a JSON message of this link."
        raise LinkError(LinkErrorCode.MALFORMED, sentence[:300], id=_id_of(message)) from error


def _id_of(message: bytes) -> int:
    try:
        return _numbered.decode(message).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Sealed values of a browser may be what can't be read (too deep, say). The caller waits, so look at the start,
        # where every encoder of ours puts the id.
        found = _LEADING_ID.match(message)
        return int(found[1]) if found else NO_ID


def check_ids(request: msgspec.Struct) -> None:
    """Make sure every id a request names is a UUID in lower case.

    Raises:
        LinkError: `malformed`, naming the field.
    """
    for field in request.__struct_fields__:
        value = getattr(request, field)
        if field.endswith("_id"):
            _check(field, [value] if value or field != "pipe_id" else [])
        elif field.endswith("_ids"):
            _check(field, value)
        elif field == "wishes":
            for wish in value:
                check_ids(wish)
        elif field == "tracks":
            for track in value:
                check_ids(track.producer)


def _check(field: str, ids: list[str]) -> None:
    for text in ids:
        if not UUID.fullmatch(text):
            raise LinkError(LinkErrorCode.MALFORMED, f"{field} must be a UUID in lower case.")

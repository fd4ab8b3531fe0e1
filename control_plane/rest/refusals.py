"""What HTTP/1.1 of the REST door refuses before there is a request: by a bare status, counted and not logged."""

from __future__ import annotations

from typing import NamedTuple

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

REFUSED = Counter("tr_http_refused", "Connections hung up on for what came, or was not read.", ["why"])
"""Counted, not logged: strangers could fill the log."""


class Refusal(NamedTuple):
    """why: a word for the metrics; answer: all that is sent."""

    why: str
    answer: bytes


class RefusedError(Exception):
    """A request is refused while llhttp reads it."""


def refusal_of(why: str, status: int) -> Refusal:
    """The refusal by this status; the connection is closed with it."""
    return Refusal(why, STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")


MALFORMED = refusal_of("malformed", 400)
TRAILER = refusal_of("trailer", 400)
UPGRADE_WITH_BODY = refusal_of("upgrade_with_body", 400)
PIPELINE_TOO_LONG = refusal_of("pipeline_too_long", 429)
HEAD_TOO_LARGE = refusal_of("head_too_large", 431)
VERSION = refusal_of("version", 505)

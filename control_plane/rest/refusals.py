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


def why_not(version: str, method: bytes, offers_other: bool, headers: dict[bytes, bytes]) -> Refusal | None:  # noqa: FBT001 - as llhttp says
    """Why a request is refused whose head llhttp took; None: it is not.

    Args:
        version: as `1.1`.
        method: in capitals.
        offers_other: to speak another protocol from here on (Upgrade, CONNECT).
        headers: by lower-case name, lines of the same name joined by commas.
    """
    if version not in {"1.0", "1.1"}:
        return VERSION
    host = headers.get(b"host")
    if (host is None and version == "1.1") or (host is not None and b"," in host):
        return MALFORMED  # RFC 9112, 3.2: exactly one.
    coding = headers.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or version == "1.0"):
        return MALFORMED  # RFC 9112, 6.1: we decode no other, and 1.0 has none.
    # Behind an offer of another protocol llhttp takes a body for that protocol, or for the next request.
    has_body = coding is not None or headers.get(b"content-length", b"0") != b"0"
    return UPGRADE_WITH_BODY if offers_other and (has_body or method == b"CONNECT") else None

"""How an operation says that it will go (docs/api.md, "Versions"): in its answers, and in the document.

@get("/old", operation_id="oldThing", **going(since=date(2027, 1, 1), gone_on=date(2028, 2, 1), instead="/api/v1/new"))
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any

from litestar.datastructures import ResponseHeader

NOTICE_DAYS = 365
"""How long what is to go is still there, at least."""


def going(*, since: date, gone_on: date, instead: str | None = None) -> dict[str, Any]:
    """Arguments of a route that is to go: `deprecated` in the document; Deprecation, Sunset and Link in good answers.

    Args:
        since: when it was said, 00:00 UTC.
        gone_on: the first day it may be missing, NOTICE_DAYS after that or later.
        instead: address of what takes its place; None: nothing does.

    Raises:
        ValueError: the notice is too short, which is our own mistake and ends the process at its start.
    """
    if (gone_on - since).days < NOTICE_DAYS:
        raise ValueError(f"what is to go stays for {NOTICE_DAYS} days")
    headers = [
        # RFC 9745, 2.1: a Date of RFC 9651, 3.3.7.
        ResponseHeader(name="Deprecation", value=f"@{int(_midnight(since).timestamp())}"),
        # RFC 8594, 3: an HTTP-date.
        ResponseHeader(name="Sunset", value=format_datetime(_midnight(gone_on), usegmt=True)),
    ]
    if instead is not None:
        headers.append(ResponseHeader(name="Link", value=f'<{instead}>; rel="successor-version"'))
    return {"deprecated": True, "response_headers": headers}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

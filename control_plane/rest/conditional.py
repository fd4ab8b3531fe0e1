"""An ETag on every JSON answer of a GET, `If-None-Match` to save it, `If-Match` to overwrite nothing unseen.

The tag is a hash of the answer, so it is strong, and the same on every process. A PATCH, PUT or DELETE with `If-Match` reads
the thing first, as the same caller; who writes a thing by REST holds a lock on its path meanwhile, so nobody changes it
between that look and the write. Without Redis there is no lock, and `If-Match` waits for it (503). Of a path without a GET
nobody has seen a tag, so `If-Match` is refused there (422).
"""

from __future__ import annotations

import hashlib
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.domain.errors import DomainError, InvalidInput, PreconditionFailed, Unavailable
from control_plane.rest.bodies import given_again, read_whole
from control_plane.rest.callers import identify
from control_plane.rest.heads import headers_of, with_headers
from control_plane.rest.problems import HttpRefusal, send_problem
from control_plane.services.platform import Platform

WRITES = frozenset({"PATCH", "PUT", "DELETE"})
MAX_BYTES = 1024 * 1024
"""A larger answer gets no tag: it is an export, and is sent as it comes."""


class Conditional:
    """The ASGI app that tags and compares.

    Args:
        app: what answers.
        platform: knows callers, and locks of paths.
        max_body_bytes: of a write.
    """

    def __init__(self, app: ASGIApp, platform: Platform, max_body_bytes: int) -> None:
        self._app = app
        self._platform = platform
        self._locks = platform.locks
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no business of conditions."""
        if scope["type"] != ScopeType.HTTP or not scope["path"].startswith("/api/v1/"):
            await self._app(scope, receive, send)
        elif scope["method"] in {"GET", "HEAD"}:
            await self._read(scope, receive, send)
        elif scope["method"] in WRITES:
            await self._write(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Any = None

        async def send_tagged(message: Any) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                body = message.get("body", b"")
                if message.get("more_body", False) or len(body) > MAX_BYTES or not _is_taggable(start):
                    await send(start)
                else:
                    status, headers, body = tagged(scope, start["headers"], body)
                    start = {**start, "status": status, "headers": headers}
                    message = {**message, "body": body}
                    await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, send_tagged)

    async def _write(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = _header(scope, b"if-match")
        # A lock is held for the API's own time only: nobody holds one who is not known, or while their body is on its way.
        try:
            await identify(scope, self._platform)
            receive = given_again(await read_whole(receive, self._max_body_bytes))
        except (Unavailable, HttpRefusal) as error:
            await send_problem(scope, send, error)
            return
        except DomainError:
            await self._app(scope, receive, send)  # which refuses, before any condition
            return
        path = scope["path"].lower()
        try:
            held = await self._locks.take(f"write:{path}")
        except Unavailable as error:
            if wanted is not None:
                await send_problem(scope, send, error)
                return
            held = None
        try:
            refusal = None if wanted is None else await self._look(scope, wanted)
            if refusal is not None:
                await send_problem(scope, send, refusal)
                return
            await self._app(scope, receive, send)
        finally:
            if held is not None:
                await self._locks.release(f"write:{path}", held)

    async def _look(self, scope: Scope, wanted: bytes) -> DomainError | None:
        """Why the write must not be, if the caller's GET of the same path has none of these tags.

        What the GET is refused for, the write will be, too.
        """
        status, parts = 0, []

        async def collect(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        async def receive_nothing() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        headers = [(name, value) for name, value in scope["headers"] if name in {b"authorization", b"accept"}]
        # A scope of its own: the framework writes into it.
        look = {**with_headers(scope, headers), "method": "GET", "query_string": b"", "state": {}}
        for name in [name for name in look if name.startswith(("_ls", "litestar"))]:
            del look[name]
        await self._app(cast("Scope", look), receive_nothing, collect)
        if status == 405:
            # Passing over a condition would overwrite what somebody asked to spare; "read it again" would lead nowhere.
            return InvalidInput("There is nothing to read at this path: ask without If-Match.", field="If-Match")
        if status >= 500:
            return Unavailable("What is there now can't be read. Try again in a moment.", retry_after_s=1)
        if status != 200 or _matches(wanted, tag_of(b"".join(parts))):
            return None
        return PreconditionFailed("This was changed since you read it. Read it again.")


def tagged(
    scope: Scope, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of a good answer to a GET: 200 with its ETag, or 304 to who has it already."""
    tag = tag_of(body)
    headers = [*headers, (b"etag", tag)]
    if _matches(_header(scope, b"if-none-match"), tag):
        return 304, [(name, value) for name, value in headers if not name.lower().startswith(b"content-")], b""
    return 200, headers, body


def tag_of(body: bytes) -> bytes:
    """The ETag of an answer."""
    # Processors have instructions for SHA-256: half the time of BLAKE2b on a page of rooms (2026-11-23).
    return b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'


def _is_taggable(start: Message) -> bool:
    message = cast("Any", start)
    content_type = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
    return message["status"] == 200 and content_type.startswith(b"application/json")


def _matches(wanted: bytes | None, tag: bytes) -> bool:
    """Whether a list of tags, or `*`, holds this one; weak marks are passed over, ours are all strong."""
    if wanted is None:
        return False
    tags = {part.strip().removeprefix(b"W/") for part in wanted.split(b",")}
    return b"*" in tags or tag in tags


def _header(scope: Scope, name: bytes) -> bytes | None:
    return headers_of(scope).get(name)

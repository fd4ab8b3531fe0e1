"""In front of the framework's router: the document, the pages about it, and forms of bodies that nobody here speaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.domain.errors import NotFound
from control_plane.rest.docs_page import docs_page
from control_plane.rest.docs_style import style_of
from control_plane.rest.heads import headers_of
from control_plane.rest.openapi import PATH, document_of
from control_plane.rest.problems import HttpRefusal, send_problem

SPOKEN = ("application/json", "application/problem+json", "application/x-ndjson", "text/csv")
"""What answers may be; which one, the operation says."""
DOCS, DOCS_STYLE = "/docs", "/docs/style.css"
_PAGE_POLICY = (
    b"default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'"
)


class Negotiating:
    """The ASGI app that knows the documents and refuses foreign forms.

    Args:
        app: what answers the rest.
        api: whose document it is.
        fonts: of the page about it, as `docs_style.find_fonts` finds them; the system's where there are none.
    """

    def __init__(self, app: ASGIApp, api: Litestar, fonts: Mapping[str, str] | None = None) -> None:
        self._app = app
        document = document_of(api)
        self._methods = [
            (re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)), sorted(method.upper() for method in item))
            for path, item in document["paths"].items()
        ]
        self._files = {
            PATH: (b"application/json", msgspec.json.encode(document)),
            DOCS: (b"text/html; charset=utf-8", docs_page(document).encode()),
            DOCS_STYLE: (b"text/css; charset=utf-8", style_of(fonts or {}).encode()),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a document, refuse a form, or pass on."""
        path = scope["path"]
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
        elif path in self._files:
            await self._show(scope, send)
        elif path.startswith((PATH + "/", DOCS + "/")):
            await send_problem(scope, send, NotFound("There is no such page."))
        elif path.startswith("/api/v1/") and not accepts(_header(scope, b"accept")):
            await send_problem(scope, send, HttpRefusal(406, f"Answers are {', '.join(SPOKEN)}."))
        elif path.startswith("/api/v1/") and _is_foreign(_header(scope, b"content-type")):
            await send_problem(scope, send, HttpRefusal(415, "A body is application/json."))
        elif _method(scope) not in {"GET", "POST"} and (allowed := self._find_methods(scope)) is not None:
            await self._answer_method(scope, receive, send, allowed)
        else:
            await self._app(scope, receive, send)

    def _find_methods(self, scope: Scope) -> list[str] | None:
        """The methods of a path; None: it is none of the document's, or a browser asks for another page's sake (CORS)."""
        if _header(scope, b"access-control-request-method"):
            return None
        return next((methods for pattern, methods in self._methods if pattern.fullmatch(scope["path"])), None)

    async def _answer_method(self, scope: Scope, receive: Receive, send: Send, allowed: list[str]) -> None:
        """405 before anybody looks at conditions, and OPTIONS with all methods of a path, not only of one handler."""
        allow = (b"allow", ", ".join(["OPTIONS", *allowed]).encode())
        if _method(scope) == "OPTIONS":
            start = {"type": "http.response.start", "status": 204, "headers": [allow]}
            await send(cast("Message", start))
            await send(cast("Message", {"type": "http.response.body", "body": b"", "more_body": False}))
        elif _method(scope) not in allowed:
            await send_problem(scope, send, HttpRefusal(405, "This path has no such method."), [allow])
        else:
            await self._app(scope, receive, send)

    async def _show(self, scope: Scope, send: Send) -> None:
        if _method(scope) not in {"GET", "HEAD"}:
            await send_problem(scope, send, HttpRefusal(405, "Read it by GET."), [(b"allow", b"GET, HEAD")])
            return
        cast("dict[str, Any]", scope)["path_template"] = scope["path"]
        content_type, body = self._files[scope["path"]]
        headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
        headers.append((b"cache-control", b"no-cache"))
        if scope["path"] != PATH:
            headers.append((b"content-security-policy", _PAGE_POLICY))
        await send(cast("Message", {"type": "http.response.start", "status": 200, "headers": headers}))
        content = b"" if _method(scope) == "HEAD" else body
        await send(cast("Message", {"type": "http.response.body", "body": content, "more_body": False}))


@lru_cache(maxsize=256)
def accepts(accept: str) -> bool:
    """Whether an Accept header (RFC 9110, 12.5.1) takes any of what we speak; none at all takes everything."""
    if not accept.strip():
        return True
    for part in accept.split(","):
        form, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if any(piece.replace(" ", "") in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for piece in parameters):
            continue
        if form in {"*/*", "application/*", "text/*"} or form in SPOKEN:
            return True
    return False


def _is_foreign(content_type: str) -> bool:
    form = content_type.partition(";")[0].strip().lower()
    return bool(form) and form != "application/json"


def _method(scope: Scope) -> str:
    return str(cast("Any", scope)["method"])


def _header(scope: Scope, name: bytes) -> str:
    return headers_of(scope).get(name, b"").decode("latin-1")

"""The built web app, from memory: pages of it are one index.html, assets have their hash in their name.

Read once at start: nothing of a request ever becomes a file name.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

OURS = ("/docs", "/dev", "/api", "/auth", "/internal", "/webhooks", "/realtime", "/health", "/ready", "/metrics")
"""What the API answers; every other GET is the web app's."""
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/wasm")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, ready to send. packed: gzip, None where that does not pay."""

    body: bytes
    packed: bytes | None
    content_type: str
    cache_control: str
    etag: str


class WebApp:
    """The ASGI app that serves pages and passes everything else on.

    Args:
        folder: the build, with an index.html; hashed files lie in its `assets/`.
        api: what answers the rest.
        headers: added to every page and asset.
        facts: put into every page as `<meta>`, so that it need not ask: ours, never a request's.
    """

    def __init__(
        self, folder: Path, api: ASGIApp, headers: Mapping[str, str], facts: Mapping[str, str] | None = None
    ) -> None:
        self._api = api
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._assets = {
            "/" + path.relative_to(folder).as_posix(): _load(path, is_hashed=path.parent.name == "assets")
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        if facts:
            self._assets["/index.html"] = _with_facts(self._assets["/index.html"], facts)
        self._index = self._assets["/index.html"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD of a page or asset; pass on anything else."""
        if scope["type"] != ScopeType.HTTP or is_ours(scope["path"]) or _method(scope) not in {"GET", "HEAD"}:
            await self._api(scope, receive, send)
            return
        scope["path_template"] = "web app"
        asset = self._assets.get(scope["path"])
        if asset is None and ("." in scope["path"].rsplit("/", 1)[-1] or scope["path"].startswith("/assets/")):
            # A file that is not there, such as an asset of an older build: a page in its place would be run as a script.
            await self._api(scope, receive, send)
            return
        await self._send(asset or self._index, scope, send)

    async def _send(self, asset: Asset, scope: HTTPScope, send: Send) -> None:
        request = {name.lower(): value for name, value in scope["headers"]}
        is_known = asset.etag.encode() in request.get(b"if-none-match", b"")
        is_packed = asset.packed is not None and b"gzip" in request.get(b"accept-encoding", b"")
        body = asset.packed if is_packed and asset.packed is not None else asset.body
        headers = [
            (b"content-type", asset.content_type.encode()),
            (b"cache-control", asset.cache_control.encode()),
            (b"etag", asset.etag.encode()),
            (b"vary", b"accept-encoding"),
            *self._headers,
        ]
        if is_packed and not is_known:
            headers.append((b"content-encoding", b"gzip"))
        if not is_known:
            headers.append((b"content-length", str(len(body)).encode()))
        start = {"type": "http.response.start", "status": 304 if is_known else 200, "headers": headers}
        await send(cast("Message", start))
        content = b"" if is_known or scope["method"] == "HEAD" else body
        await send(cast("Message", {"type": "http.response.body", "body": content, "more_body": False}))


def is_ours(path: str) -> bool:
    """Whether the API answers this path."""
    return any(path == start or path.startswith(start + "/") for start in OURS)


def page_headers(*other_urls: str) -> dict[str, str]:
    """Headers of pages: what a page may load, and whom it may call (decisions.md 5).

    Args:
        other_urls: the other origins a page talks to: the signaling door, and hosted Supabase where people sign in there.
    """
    others = " ".join(f"{url.scheme}://{url.netloc}" for url in map(urlsplit, other_urls))
    policy = {
        "default-src": "'self'",
        "script-src": "'self'",
        # Elements' own style attributes, which component libraries set; no inline style sheets.
        "style-src": "'self'",
        "style-src-attr": "'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "font-src": "'self'",
        "connect-src": f"'self' {others}",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _method(scope: Scope) -> str:
    return str(cast("HTTPScope", scope)["method"])


def _load(path: Path, *, is_hashed: bool) -> Asset:
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if content_type == "text/javascript" or path.suffix == ".mjs":
        content_type = "application/javascript"
    return _make(path.read_bytes(), content_type, is_hashed=is_hashed)


def _with_facts(page: Asset, facts: Mapping[str, str]) -> Asset:
    metas = "".join(f'<meta name="{escape(name)}" content="{escape(value)}" />' for name, value in facts.items())
    body = page.body.replace(b"<head>", b"<head>" + metas.encode(), 1)
    return _make(body, "text/html", is_hashed=False)


def _make(body: bytes, content_type: str, *, is_hashed: bool) -> Asset:
    packed = gzip.compress(body, 6, mtime=0) if content_type.startswith(COMPRESSIBLE) and len(body) > 512 else None
    return Asset(
        body=body,
        packed=packed,
        content_type=f"{content_type}; charset=utf-8" if content_type.startswith(COMPRESSIBLE) else content_type,
        cache_control=IMMUTABLE if is_hashed else REVALIDATED,
        etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
    )

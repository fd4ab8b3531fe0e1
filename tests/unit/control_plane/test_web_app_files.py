"""The web app's files as they are served, without a socket."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest

from control_plane.rest.webapp import WebApp, page_headers

SCRIPT = "console.log('hello');" * 100


async def _api(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"x-answered-by", b"api")]})
    await send({"type": "http.response.body", "body": b"api"})


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><p>app")
    (folder / "assets" / "index-abc123.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    app = WebApp(folder, _api, page_headers("wss://signaling.example:8001/signaling"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost:8000")  # type: ignore[arg-type]  # Litestar's ASGI types


@pytest.mark.parametrize("path", ["/", "/rooms/abc", "/sign-in", "/apiary", "/authors"])
async def test_every_page_is_the_index(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.text.endswith("app")
    assert answer.headers["cache-control"] == "no-cache"


async def test_an_asset_is_kept_for_ever_and_packed(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/index-abc123.js")

    assert answer.text == SCRIPT
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "application/javascript; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(gzip.compress(SCRIPT.encode())) + 20


async def test_who_takes_no_gzip_gets_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/index-abc123.js", headers={"accept-encoding": "identity"})

    assert "content-encoding" not in answer.headers
    assert answer.text == SCRIPT


async def test_what_the_browser_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    etag = (await client.get("/")).headers["etag"]

    answer = await client.get("/", headers={"if-none-match": etag})

    assert (answer.status_code, answer.content) == (304, b"")


async def test_a_page_may_talk_to_the_signaling_server_and_nobody_else(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/")).headers["content-security-policy"]

    assert "connect-src 'self' wss://signaling.example:8001;" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/me",
        "/auth/v1/user",
        "/health",
        "/assets/old-build.js",
        "/favicon.ico",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
    ],
)
async def test_what_is_no_page_is_the_apis_to_answer(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.headers["x-answered-by"] == "api"


async def test_a_post_is_never_a_page(client: httpx.AsyncClient) -> None:
    assert (await client.post("/")).headers["x-answered-by"] == "api"


async def test_a_head_has_no_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/")

    assert (answer.status_code, answer.content) == (200, b"")


async def test_facts_stand_in_every_page(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><head><title>app</title></head>")
    app = WebApp(tmp_path, _api, {}, {"demo": "on"})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost:8000") as client:  # type: ignore[arg-type]  # Litestar's ASGI types
        answer = await client.get("/sign-in")

    assert '<head><meta name="demo" content="on" /><title>' in answer.text

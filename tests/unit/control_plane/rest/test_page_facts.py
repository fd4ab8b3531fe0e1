"""What the REST door writes into the pages it serves, so that they need not ask."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from control_plane.rest.server import create_app
from control_plane.settings import read_settings

SIGNALING = "wss://rooms.example:8001/signaling"
WEBAPP = Path(__file__).resolve().parents[4] / "webapp" / "src"


async def _page(tmp_path: Path, path: str, **more: str) -> str:
    """A page as the whole door serves it; the platform is asked nothing for one."""
    (tmp_path / "index.html").write_text("<!doctype html><html><head><title>t</title></head><body></body></html>")
    settings = read_settings(
        {
            "DATABASE_URL": "postgresql://nobody@localhost/none",
            "REDIS_URL": "redis://localhost",
            "TR_SECRET_KEY": "00" * 32,
            "TR_NODE_ENROLMENT_TOKEN": "0" * 16,
            "TR_SIGNALING_URL": SIGNALING,
            "TR_WEBAPP_DIR": str(tmp_path),
            **more,
        }
    )
    app = create_app(cast("Any", _NoPlatform()), settings)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # Litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return answer.text


class _NoPlatform:
    """In place of the platform: whatever is looked up is nothing, and calling it fails."""

    def __getattr__(self, _: str) -> None:
        return None


def _facts(page: str) -> dict[str, str]:
    return dict(re.findall(r'<meta name="([^"]+)" content="([^"]*)"', page))


@pytest.mark.parametrize("path", ["/", "/o/1/rooms/2", "/sign-in"])
async def test_every_page_tells_where_the_signaling_door_is(tmp_path: Path, path: str) -> None:
    page = await _page(tmp_path, path)

    assert _facts(page)["signaling-url"] == SIGNALING
    assert page.index("signaling-url") < page.index("</head>")


def test_the_room_page_reads_the_name_that_is_written() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (WEBAPP / "features" / "live-room").glob("*.tsx"))

    assert 'meta[name="signaling-url"]' in source

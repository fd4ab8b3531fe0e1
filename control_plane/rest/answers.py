"""An answer as a whole: what stands in front of the framework makes one and sends it at once."""

from __future__ import annotations

from typing import Any, NamedTuple


class Answer(NamedTuple):
    """status: HTTP's; headers: names in lower case, Content-Length among them where there is a body; body: all of it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def send_answer(send: Any, answer: Answer) -> None:
    """Send it as ASGI's two messages."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})

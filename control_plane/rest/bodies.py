"""Bodies of requests, for what stands in front of the framework and reads them before it."""

from __future__ import annotations

from typing import Any, cast

from litestar.types import Receive

from control_plane.rest.problems import HttpRefusal


async def read_whole(receive: Receive, max_bytes: int) -> bytes:
    """The whole body. Raises HttpRefusal: it is larger than any may be, or whoever sent it hung up before its end."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = cast("Any", await receive())
        if message["type"] == "http.disconnect":
            raise HttpRefusal(400, "The body did not arrive whole.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            raise HttpRefusal(413, f"A body is {max_bytes} bytes at most.")
        if not message.get("more_body", False):
            return b"".join(parts)


def given_again(body: bytes) -> Receive:
    """A receive that hands a body on that was read already."""
    is_given = False

    async def receive_again() -> Any:
        nonlocal is_given
        if is_given:
            return {"type": "http.disconnect"}
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again

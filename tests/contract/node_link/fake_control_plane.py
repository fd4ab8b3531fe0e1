"""The control plane's HTTP side, as small as a node needs it: takes enrolments, hands out keys."""

from __future__ import annotations

import asyncio

import msgspec

from media_plane.contract import messages as m
from tests.contract.node_link.client import Signer


class ControlPlane:
    """Answers `POST /internal/media-nodes`. `status` other than 200 makes it refuse.

    Attributes:
        enrolments: bodies received, with their Authorization header.
    """

    TOKEN = "enrol-me"

    def __init__(self) -> None:
        self.signer = Signer()
        self.status = 200
        self.enrolments: list[tuple[str, m.NodeEnrolment]] = []
        self.url = ""
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on a free port, or this one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def until_enrolled(self, count: int = 1, timeout_s: float = 10.0) -> None:
        """Wait for so many enrolments in all."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: len(self.enrolments) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            headers = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            assert head.startswith("POST /internal/media-nodes ")
            enrolment = msgspec.json.decode(body, type=m.NodeEnrolment)
            answer = msgspec.json.encode(m.NodeEnrolled(link_jwks=msgspec.Raw(self.signer.jwks)))
            if headers.get("authorization") != f"Bearer {self.TOKEN}":
                self.status = 401
            writer.write(
                f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n".encode()
                + answer
            )
            await writer.drain()
            async with self._changed:
                self.enrolments.append((headers.get("authorization", ""), enrolment))
                self._changed.notify_all()
        finally:
            writer.close()

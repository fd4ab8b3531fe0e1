"""Both ends of the REST door's HTTP/1.1 in tests: something that answers, and a connection by bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from control_plane.rest.answers import Answer, send_answer
from control_plane.rest.http1 import HttpServer, listen

DEADLINE_S = 30
STRAIGHT = b"GET /straight HTTP/1.1\r\nHost: x\r\n\r\n"


class Desk:
    """Answers /straight as a whole, the rest by ASGI; each answer says which way it came.

    /unread is answered before its body is read, /large with 16 MiB, and /until-gone waits until the client is gone.

    gate: what answers wait for; asked: somebody waits there; gone: /until-gone was told; headers: of the last ASGI request.
    """

    lines = b"x-fixed: yes\r\n"
    LARGE_BYTES = 16 * 1024 * 1024

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()
        self.headers: list[tuple[bytes, bytes]] = []

    def find(self, scope: Any) -> str | None:
        return "found" if scope["path"] == "/straight" else None

    async def answer(self, scope: Any, asked: str) -> Answer:
        assert (scope["path"], asked) == ("/straight", "found")
        return await self._say(b"straight")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers = scope["headers"]
        path = scope["path"]
        if path == "/unread":
            await send_answer(send, Answer(200, [(b"content-length", b"6")], b"unread"))
            return
        if path == "/large":
            large = b"x" * self.LARGE_BYTES
            await send_answer(send, Answer(200, [(b"content-length", b"%d" % len(large))], large))
            return
        if path == "/until-gone":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.gone.set()
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        await send_answer(send, await self._say(b"asgi " + path.encode() + b" " + body))

    async def _say(self, text: bytes) -> Answer:
        self.asked.set()
        await self.gate.wait()
        return Answer(200, [(b"content-length", b"%d" % len(text))], text)


class Client:
    """A connection, by bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def read(self) -> tuple[bytes, bytes]:
        """The next answer's head and body."""
        async with asyncio.timeout(DEADLINE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            [length] = [line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"content-length")]
            return head, await self.reader.readexactly(int(length))

    async def read_to_the_end(self) -> bytes:
        """What comes until the server hangs up."""
        async with asyncio.timeout(DEADLINE_S):
            try:
                return await self.reader.read()
            except ConnectionResetError:  # it hung up while more was on its way
                return b""


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110 - a plain value
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(desk: Desk) -> AsyncIterator[HttpServer]:
    """A server in front of a desk, which knows its port; when it ends, whoever waits at the gate goes on."""
    server = HttpServer(desk, desk)
    listener = listen("127.0.0.1", 0)
    server.port = listener.getsockname()[1]  # type: ignore[attr-defined]  # for `connect`
    task = asyncio.create_task(server.serve([listener]))
    yield server
    desk.gate.set()
    server.stop()
    await asyncio.wait_for(task, DEADLINE_S)


async def connect(server: Any) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", server.port))

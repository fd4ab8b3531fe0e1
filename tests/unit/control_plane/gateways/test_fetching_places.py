"""How many requests one server may have at once, so that a slow one takes no other one's place."""

from __future__ import annotations

import asyncio

from control_plane.gateways.fetching import MAX_CONNECTIONS, MAX_PER_SERVER, GuardedFetcher


class _Slow:
    """A server on loopback that answers once it is let. waiting: requests it holds now; is_full: as many as may be."""

    def __init__(self) -> None:
        self.waiting = 0
        self.most = 0
        self.may_answer, self.is_full = asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        if self.waiting >= MAX_PER_SERVER:
            self.is_full.set()
        await self.may_answer.wait()
        self.waiting -= 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()


async def test_a_server_that_answers_slowly_leaves_the_places_of_others_free() -> None:
    slow, quick = _Slow(), _Slow()
    quick.may_answer.set()
    fetcher = GuardedFetcher(allows_private=True)
    held = await asyncio.start_server(slow.serve, "127.0.0.1", 0)
    free = await asyncio.start_server(quick.serve, "127.0.0.1", 0)
    slow_url, quick_url = (
        f"{host}:{made.sockets[0].getsockname()[1]}/"
        for host, made in (("http://127.0.0.1", held), ("http://localhost", free))
    )
    async with held, free:
        asked = [asyncio.create_task(fetcher.get(slow_url)) for _ in range(MAX_CONNECTIONS)]
        async with asyncio.timeout(20):
            await slow.is_full.wait()

        answer = await fetcher.get(quick_url)
        slow.may_answer.set()
        answers = await asyncio.gather(*asked)

        await fetcher.close()
    assert (answer, {*answers}, slow.most) == (b"ok", {b"ok"}, MAX_PER_SERVER)

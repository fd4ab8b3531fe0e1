"""The REST door's HTTP/1.1 against strangers, by bytes: what is unusual is refused and hung up on, and nothing grows."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from control_plane.rest import http1
from control_plane.rest.http1 import HttpServer
from control_plane.rest.refusals import REFUSED
from tests.support.http_desk import STRAIGHT, Client, Desk, connect, serving, until

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
OFFER = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
MANY = 64
"""Pieces of 64 KiB, more than any limit here."""


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def server(desk: Desk) -> AsyncIterator[HttpServer]:
    async with serving(desk) as server:
        yield server


@pytest.fixture
async def client(server: Any) -> AsyncIterator[Client]:
    client = await connect(server)
    yield client
    client.writer.close()


async def _send_until_refused(client: Client, piece: bytes) -> bytes:
    """Send many of these; what came back, empty where a reset took it. Fails where the server never hangs up."""
    try:
        for _ in range(MANY):
            await client.send(piece)
    except (ConnectionResetError, BrokenPipeError):
        return b""
    return await client.read_to_the_end()


def _connection(server: Any) -> Any:
    [connection] = server.server_state.connections
    return connection


@pytest.mark.parametrize("trailer", [b"X-Forwarded-For: 6.6.6.6\r\n", b"a:\r\n", b"Authorization: Bearer x\r\n"])
async def test_a_trailer_is_refused_and_never_becomes_a_header(client: Client, desk: Desk, trailer: bytes) -> None:
    desk.gate.clear()
    await client.send(CHUNKED + b"2\r\nhi\r\n0\r\n")
    await client.send(trailer + b"\r\n")

    everything = await client.read_to_the_end()

    assert everything.startswith(b"HTTP/1.1 400 ")
    assert b"200 OK" not in everything
    assert all(name not in {b"x-forwarded-for", b"authorization", b"a"} for name, _ in desk.headers)


@pytest.mark.parametrize(
    "endless", [b"0\r\na: ", b"0\r\na", b"2;", b"2;a=", b"0;"], ids=["value", "name", "extension", "its value", "last"]
)
async def test_a_line_within_a_body_has_an_end(server: Any, client: Client, endless: bytes) -> None:
    await client.send(CHUNKED + endless)
    await until(lambda: len(server.server_state.tasks) == 1)

    answer = await _send_until_refused(client, b"b" * 64 * 1024)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    await until(lambda: not server.server_state.connections)


async def test_a_body_in_the_smallest_chunks_is_read(client: Client) -> None:
    await client.send(CHUNKED + b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n")

    assert (await client.read())[1] == b"asgi /a " + b"a" * 20_000


@pytest.mark.parametrize("body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
async def test_an_offer_of_another_protocol_with_a_body_is_refused(client: Client, desk: Desk, body: bytes) -> None:
    offer = b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    await client.send(offer + body)

    everything = await client.read_to_the_end()

    assert everything.startswith(b"HTTP/1.1 400 ")
    assert not desk.asked.is_set()


async def test_a_body_behind_an_offer_is_no_request(client: Client, desk: Desk) -> None:
    inner = GET.replace(b"/a", b"/inner")
    offer = b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(
        inner
    )
    await client.send(offer)
    await client.send(inner)

    everything = await client.read_to_the_end()

    assert everything.count(b"HTTP/1.1 ") <= 1
    assert b"/inner" not in everything
    assert not desk.asked.is_set()


@pytest.mark.parametrize("behind", [b"", GET])
async def test_an_offer_without_a_body_is_answered_and_the_connection_closed(client: Client, behind: bytes) -> None:
    await client.send(OFFER + behind)

    everything = await client.read_to_the_end()

    assert everything.count(b"HTTP/1.1 200 OK") == 1
    assert b"\r\nconnection: close\r\n" in everything


@pytest.mark.parametrize("one", [GET, STRAIGHT])
async def test_who_sends_on_and_on_without_waiting_is_hung_up_on(
    server: Any, client: Client, desk: Desk, one: bytes
) -> None:
    desk.gate.clear()

    assert await _send_until_refused(client, one * 2000) == b""

    await until(lambda: not server.server_state.connections)


async def test_as_many_as_may_wait_are_answered(client: Client, desk: Desk) -> None:
    desk.gate.clear()
    await client.send(GET * (http1.PIPELINE_MAX + 1))
    await desk.asked.wait()
    desk.gate.set()

    bodies = [(await client.read())[1] for _ in range(http1.PIPELINE_MAX + 1)]

    assert bodies == [b"asgi /a "] * (http1.PIPELINE_MAX + 1)


async def test_nothing_is_read_while_a_request_waits(server: Any, client: Client, desk: Desk) -> None:
    desk.gate.clear()
    body = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n"
    await client.send(GET + body)
    await until(lambda: len(server.server_state.connections) == 1 and len(_connection(server).pipeline) == 1)
    client.writer.write(b"y" * 400_000)
    desk.gate.set()

    bodies = [(await client.read())[1] for _ in range(2)]

    assert [len(body) for body in bodies] == [8, 8 + 400_000]


async def test_asking_for_a_body_reads_nothing_while_another_request_waits(
    server: Any, client: Client, desk: Desk
) -> None:
    desk.gate.clear()
    await client.send(GET + GET)
    await desk.asked.wait()
    connection = _connection(server)
    await until(lambda: len(connection.pipeline) == 1)

    connection.flow.resume_reading()  # as a cycle's `receive` does

    assert connection.flow.read_paused


@pytest.mark.parametrize("late", [b"hello", b"hel"])
async def test_who_was_answered_before_their_body_came_is_not_kept_for_ever(
    monkeypatch: pytest.MonkeyPatch, client: Client, late: bytes
) -> None:
    monkeypatch.setattr(http1, "KEEP_ALIVE_S", 0.01)
    monkeypatch.setattr(http1, "BODY_TIMEOUT_S", 0.01)
    await client.send(b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
    assert (await client.read())[1] == b"unread"
    await client.send(late)

    assert await client.read_to_the_end() == b""


async def test_a_stray_line_end_keeps_no_connection(
    monkeypatch: pytest.MonkeyPatch, server: Any, client: Client, desk: Desk
) -> None:
    monkeypatch.setattr(http1, "KEEP_ALIVE_S", 0.01)
    desk.gate.clear()
    await client.send(GET)
    await desk.asked.wait()
    await client.send(b"\r\n")
    await until(lambda: _connection(server)._head_bytes == 2)  # it was read
    desk.gate.set()
    await client.read()

    assert await client.read_to_the_end() == b""


async def _unread(server: Any, more: bytes = b"") -> socket.socket:
    """A client that asks for more than the system holds for it, and reads nothing."""
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect(("127.0.0.1", server.port))
    lazy.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
    await until(lambda: any(one.transport.get_write_buffer_size() > 0 for one in server.server_state.connections))
    return lazy


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
async def test_who_reads_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, server: Any, more: bytes) -> None:
    monkeypatch.setattr(http1, "UNREAD_TIMEOUT_S", 0.01)
    lazy = await _unread(server, more)

    await until(lambda: not server.server_state.connections)

    lazy.close()


async def test_a_stop_does_not_wait_for_who_reads_nothing(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    monkeypatch.setattr(http1, "UNREAD_AT_STOP_S", 0.01)
    async with serving(desk) as server:
        server.config.timeout_graceful_shutdown = 600  # past the deadline of `serving`
        lazy = await _unread(server)

    lazy.close()
    assert not server.server_state.connections


async def test_who_reads_slowly_gets_everything(monkeypatch: pytest.MonkeyPatch, server: Any) -> None:
    monkeypatch.setattr(http1, "UNREAD_TIMEOUT_S", 5.0)
    client = await connect(server)
    await client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: any(one.transport.get_write_buffer_size() > 0 for one in server.server_state.connections))

    assert len((await client.read())[1]) == Desk.LARGE_BYTES
    client.writer.close()


async def test_nonsense_behind_a_request_is_never_its_answer(client: Client, desk: Desk) -> None:
    desk.gate.clear()
    await client.send(GET)
    await desk.asked.wait()
    await client.send(b"nonsense\r\n\r\n")

    assert await client.read_to_the_end() == b""


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /a HTTP/1.1\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET /a HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 100 + b"\r\n", 431),
    ],
    ids=["no host", "two hosts", "another coding", "chunks in 1.0", "connect", "2.0", "lines"],
)
async def test_an_unusual_head_is_refused(client: Client, desk: Desk, head: bytes, status: int) -> None:
    await client.send(head)

    everything = await client.read_to_the_end()

    assert everything.startswith(b"HTTP/1.1 %d " % status)
    assert not desk.asked.is_set()


async def test_a_client_of_http_1_0_is_never_told_to_continue(client: Client) -> None:
    await client.send(b"POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    await client.send(b"hi")

    everything = await client.read_to_the_end()

    assert everything.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_who_waits_for_us_to_go_on_is_told_to(client: Client) -> None:
    await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await client.send(b"hi")

    assert (await client.read())[1] == b"asgi /a hi"


async def test_all_requests_of_a_client_that_left_are_told_so(server: Any, client: Client, desk: Desk) -> None:
    await client.send(b"GET /until-gone HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    await until(lambda: len(server.server_state.connections) == 1 and len(_connection(server).pipeline) == 1)
    _connection(server).transport.abort()

    await until(lambda: not server.server_state.tasks)

    assert desk.gone.is_set()


async def test_what_is_refused_is_counted_and_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    counted = REFUSED.labels("malformed")
    before = counted._value.get()
    await client.send(b"nonsense\r\n\r\n")
    await client.read_to_the_end()

    assert counted._value.get() == before + 1
    assert not [record for record in caplog.records if record.name.startswith("uvicorn") and record.levelno > 20]

"""The REST door's HTTP/1.1 by bytes on a socket: order, limits of what a client may send and how slowly, and the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from control_plane.rest import http1
from control_plane.rest.http1 import HttpServer, listen
from tests.support.http_desk import STRAIGHT, Client, Desk, connect, serving, until


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


async def test_requests_sent_together_are_answered_in_their_order(client: Client, desk: Desk) -> None:
    desk.gate.clear()
    post = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
    await client.send(STRAIGHT + b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n" + STRAIGHT + post)
    await desk.asked.wait()
    desk.gate.set()

    bodies = [(await client.read())[1] for _ in range(4)]

    assert bodies == [b"straight", b"asgi /a ", b"asgi /straight ", b"asgi /b hi"]


async def test_one_connection_carries_straight_and_other_requests_by_turns(client: Client) -> None:
    bodies = []
    for request in (STRAIGHT, b"GET /a?q=1 HTTP/1.1\r\nHost: x\r\n\r\n", STRAIGHT):
        await client.send(request)
        bodies.append((await client.read())[1])

    assert bodies == [b"straight", b"asgi /a ", b"straight"]


async def test_a_straight_answer_carries_the_fixed_headers_and_a_date(client: Client) -> None:
    await client.send(STRAIGHT)

    head, _ = await client.read()

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nx-fixed: yes\r\n" in head
    assert b"\r\ndate: " in head


@pytest.mark.parametrize(
    "more", [b"Content-Length: 2\r\n\r\nhi", b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"]
)
async def test_a_request_with_a_body_never_goes_straight(client: Client, more: bytes) -> None:
    await client.send(b"GET /straight HTTP/1.1\r\nHost: x\r\n" + more)

    assert (await client.read())[1] == b"asgi /straight hi"


@pytest.mark.parametrize(
    "request_line", [b"GET /straight HTTP/1.0\r\n", b"GET /straight HTTP/1.1\r\nConnection: close\r\n"]
)
async def test_who_wants_the_connection_closed_gets_it_closed(client: Client, request_line: bytes) -> None:
    await client.send(request_line + b"Host: x\r\n\r\n")

    everything = await client.read_to_the_end()

    assert everything.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in everything


async def test_a_head_without_an_end_is_refused(client: Client) -> None:
    await client.send(b"GET /straight HTTP/1.1\r\nHost: x\r\nX-Long: ")
    with_a_reset = False
    try:
        for _ in range(64):
            await client.send(b"y" * 64 * 1024)
    except (ConnectionResetError, BrokenPipeError):
        with_a_reset = True

    everything = await client.read_to_the_end()

    assert with_a_reset or everything.startswith(b"HTTP/1.1 431 ")


async def test_a_head_as_long_as_a_token_may_be_is_read(client: Client) -> None:
    token = b"y" * 64 * 1024
    await client.send(b"GET /straight HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n\r\n")

    assert (await client.read())[1] == b"straight"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 0x2\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"X-Folded: a\r\n b\r\n",
        b"X Space: a\r\n",
    ],
)
async def test_a_head_that_two_servers_could_read_differently_is_refused(client: Client, headers: bytes) -> None:
    await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n2\r\nhi\r\n0\r\n\r\n")

    everything = await client.read_to_the_end()

    assert everything.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("HEAD_TIMEOUT_S", b""),
        ("HEAD_TIMEOUT_S", b"GET /a HTTP/1.1\r\nHo"),
        ("BODY_TIMEOUT_S", b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhal"),
    ],
)
async def test_who_keeps_us_waiting_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, server: Any, limit: str, sent: bytes
) -> None:
    monkeypatch.setattr(http1, limit, 0.01)
    client = await connect(server)
    await client.send(sent)

    assert await client.read_to_the_end() == b""
    client.writer.close()


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr(http1, "KEEP_ALIVE_S", 0.01)
    await client.send(STRAIGHT)
    await client.read()

    assert await client.read_to_the_end() == b""


@pytest.mark.parametrize("request_bytes", [STRAIGHT, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_request_that_runs_is_answered_before_the_server_ends(
    server: HttpServer, client: Client, desk: Desk, request_bytes: bytes
) -> None:
    desk.gate.clear()
    await client.send(request_bytes)
    await desk.asked.wait()

    server.stop()
    await until(lambda: not any(one.is_serving() for one in server.servers))
    desk.gate.set()
    everything = await client.read_to_the_end()

    assert everything.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_client_that_leaves_meanwhile_harms_nobody(server: Any, client: Client, desk: Desk) -> None:
    desk.gate.clear()
    gone = await connect(server)
    await gone.send(STRAIGHT)
    await desk.asked.wait()
    gone.writer.transport.abort()
    await until(lambda: len(server.server_state.connections) == 1)
    desk.gate.set()

    await client.send(STRAIGHT)

    assert (await client.read())[1] == b"straight"


def test_a_port_somebody_has_is_not_shared() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1])

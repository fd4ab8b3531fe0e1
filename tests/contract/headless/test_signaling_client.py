"""The headless socket against a server that misbehaves on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server
from typing_extensions import override

from control_plane.signaling.messages import CloseCode, Empty, FeedRead, Ping, RoomLeave
from scripts.headless.signaling import SignalingClient, SignalingError, SocketClosed

Answer = Callable[[WSTransport, dict[str, Any]], None]


class Server(WSListener):
    """Answers each request as the test says."""

    answer: Answer

    @override
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            Server.answer(transport, msgspec.json.decode(frame.get_payload_as_bytes()))
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()


def tell(transport: WSTransport, message: object) -> None:
    """Send one JSON message."""
    transport.send(WSMsgType.TEXT, msgspec.json.encode(message))


@pytest.fixture
async def client() -> AsyncIterator[SignalingClient]:
    def accept(_request: WSUpgradeRequest) -> WSListener:
        return Server()

    server = await ws_create_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, await SignalingClient.connect(f"ws://127.0.0.1:{port}/signaling") as client:
        yield client


def answering(answer: Answer) -> None:
    """What the server does from now on."""
    Server.answer = staticmethod(answer)  # a bare function on a class would be bound


async def test_answers_find_their_requests_in_any_order(client: SignalingClient) -> None:
    held: list[dict[str, Any]] = []

    def swap(transport: WSTransport, request: dict[str, Any]) -> None:
        held.append(request)
        if len(held) == 2:
            for one in reversed(held):
                tell(transport, {"id": one["id"], "data": {"events": [], "lastSeq": one["after"]}})

    answering(swap)

    pages = await asyncio.gather(
        client.request(FeedRead(id=0, after=7), dict[str, Any]), client.request(FeedRead(id=0, after=8), dict[str, Any])
    )

    assert [page["lastSeq"] for page in pages] == [7, 8]


async def test_a_refusal_carries_code_and_facts(client: SignalingClient) -> None:
    error = {"code": "forbidden", "message": "Your role does not allow this.", "facts": {"permission": "alerts.post"}}
    answering(lambda transport, request: tell(transport, {"id": request["id"], "error": error}))

    with pytest.raises(SignalingError, match=r"room\.leave: forbidden") as refused:
        await client.request(RoomLeave(id=0), Empty)

    assert (refused.value.code, refused.value.facts) == ("forbidden", {"permission": "alerts.post"})


async def test_silence_ends_at_the_deadline(client: SignalingClient) -> None:
    answering(lambda _transport, _request: None)

    with pytest.raises(TimeoutError, match=r"room\.leave: no answer"):
        await client.request(RoomLeave(id=0), Empty, timeout_s=0.05)


async def test_a_close_ends_waiting_requests_and_later_ones_with_its_code(client: SignalingClient) -> None:
    def close(transport: WSTransport, _request: dict[str, Any]) -> None:
        transport.send(WSMsgType.CLOSE, int(CloseCode.BAD_TOKEN).to_bytes(2, "big") + b"bad token")

    answering(close)

    for _ in range(2):
        with pytest.raises(SocketClosed) as closed:
            await client.request(RoomLeave(id=0), Empty)
        assert closed.value.close_code == CloseCode.BAD_TOKEN
    assert await client.wait_closed() == CloseCode.BAD_TOKEN


async def test_a_lost_connection_counts_as_1006(client: SignalingClient) -> None:
    answering(lambda transport, _request: transport.underlying_transport.abort())

    with pytest.raises(SocketClosed) as closed:
        await client.request(RoomLeave(id=0), Empty)

    assert closed.value.close_code == 1006


async def test_notifications_are_kept_until_expected_and_unreadable_ones_are_counted(client: SignalingClient) -> None:
    def talk(transport: WSTransport, request: dict[str, Any]) -> None:
        transport.send(WSMsgType.TEXT, b'{"method":"ping","lastSeq":', fin=False)
        transport.send(WSMsgType.CONTINUATION, b'4,"serverTime":"2026-11-22T12:00:00Z"}')
        tell(transport, {"method": "never.heard.of"})
        tell(transport, {"id": request["id"], "data": {}})

    answering(talk)
    heard: list[object] = []
    client.on_notification = heard.append

    await client.request(RoomLeave(id=0), Empty)

    assert (await client.expect(Ping)).last_seq == 4
    assert len(heard) == 1
    assert client.unknown_messages == [b'{"method":"never.heard.of"}']
    with pytest.raises(TimeoutError, match="no Ping"):
        await client.expect(Ping, timeout_s=0.05)


async def test_nobody_listening_is_a_closed_socket() -> None:
    with pytest.raises(SocketClosed):
        await SignalingClient.connect("ws://127.0.0.1:1/signaling")

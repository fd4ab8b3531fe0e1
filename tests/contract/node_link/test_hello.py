"""Who gets onto a node link, and what bad behaviour costs. No worker needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import cast

import msgspec
import pytest
from picows import WSMsgType

from media_plane.agent.health import HealthReport
from media_plane.agent.link import CLOSE_UNAUTHENTICATED, CLOSE_VERSION_MISMATCH, MAX_UNANSWERED, NodeLink
from media_plane.agent.link_server import LinkServer
from media_plane.agent.link_tokens import LinkTokens
from media_plane.agent.metrics import NodeMetrics
from media_plane.contract import messages as m
from media_plane.contract.errors import LinkError, LinkErrorCode
from tests.contract.node_link.client import LinkClient, Refused, Signer

NODE_ID = "6f1f9f64-5b1e-4a8e-9d0a-3d7d8b5b0c11"
ROOM_ID = "018f3b6e-7c1a-7000-8000-000000000001"
LOAD = m.NodeLoad(cpu=0.0, workers=1, rooms=0, transports=0, producers=0, consumers=0)


class StubNode:
    """A node without media: answers `room.close`, holds `room.open` until told, breaks on `participant.close`."""

    def __init__(self, hello_timeout_s: float = 5.0) -> None:
        self.node_id = NODE_ID
        self.worker_version = "0.0.0"
        self.signer = Signer()
        self.tokens = LinkTokens(NODE_ID, time.time)
        self.tokens.replace_keys(self.signer.jwks)
        self.link_closed: asyncio.Future[NodeLink] = asyncio.get_running_loop().create_future()
        self.asked_for_keys = 0
        self.gate = asyncio.Event()
        self.server = LinkServer(
            facts=self,
            tokens=self.tokens,
            metrics=NodeMetrics(self.load),
            dispatch=self.dispatch,
            on_link_closed=self._on_link_closed,
            hello_timeout_s=hello_timeout_s,
        )
        self.port = 0

    def _on_link_closed(self, link: NodeLink) -> None:
        if not self.link_closed.done():
            self.link_closed.set_result(link)

    def load(self) -> m.NodeLoad:
        return LOAD

    def health(self) -> HealthReport:
        return HealthReport(workers_wanted=1, workers_running=1, is_enrolled=True, is_draining=False)

    def keys_wanted(self) -> None:
        self.asked_for_keys += 1

    async def dispatch(self, _link: NodeLink, request: m.Request) -> m.Wire:
        if isinstance(request, m.RoomOpen):
            await self.gate.wait()
        if isinstance(request, m.ParticipantClose):
            raise ZeroDivisionError("a bug, with secrets in it")
        if isinstance(request, m.ParticipantAdopt):
            return m.ParticipantMedia(participant_id=ROOM_ID, consumer_ids=["x" * 1000] * 300)
        if isinstance(request, m.RoomClose) and request.epoch == 0:
            raise LinkError(LinkErrorCode.STALE_EPOCH, "Too old.", epoch=9)
        return m.Empty()

    def token(self) -> str:
        return self.signer.token(NODE_ID)


@pytest.fixture
async def node() -> AsyncIterator[StubNode]:
    node = StubNode()
    node.port = await node.server.listen("127.0.0.1", 0)
    yield node
    node.gate.set()
    await node.server.close()


@pytest.fixture
async def link(node: StubNode) -> AsyncIterator[LinkClient]:
    link = await LinkClient.dial(node.port, node.token())
    yield link
    await link.close()


async def test_a_good_hello_is_answered_with_the_node(node: StubNode) -> None:
    link = await LinkClient.dial(node.port)

    answer = await link.hello(node.token())

    assert answer == m.HelloAnswer(
        contract_version=m.CONTRACT_VERSION, node_id=NODE_ID, worker_version="0.0.0", load=LOAD
    )
    await link.close()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": "another"}, id="wrong aud"),
        pytest.param({"iss": "another"}, id="wrong issuer"),
        pytest.param({"exp": 1_000_000_000}, id="expired"),
        pytest.param({"exp": 4_000_000_000}, id="too long"),
        pytest.param({"jti": None}, id="no jti"),
    ],
)
async def test_a_bad_token_is_refused_and_the_link_closed(node: StubNode, changes: dict[str, object]) -> None:
    link = await LinkClient.dial(node.port)

    with pytest.raises(Refused, match="unauthenticated") as refused:
        await link.hello(node.signer.token(NODE_ID, **changes))

    assert "exp" not in refused.value.message
    assert await link.until_closed() == CLOSE_UNAUTHENTICATED
    assert not node.link_closed.done()


async def test_a_forged_token_is_refused_and_newer_keys_are_asked_for(node: StubNode) -> None:
    link = await LinkClient.dial(node.port)

    with pytest.raises(Refused, match="unauthenticated"):
        await link.hello(Signer("other").token(NODE_ID))

    assert node.asked_for_keys == 1
    assert await link.until_closed() == CLOSE_UNAUTHENTICATED


async def test_a_token_opens_one_link_only(node: StubNode) -> None:
    token = node.token()
    first = await LinkClient.dial(node.port, token)
    second = await LinkClient.dial(node.port)

    with pytest.raises(Refused, match="unauthenticated"):
        await second.hello(token)

    assert await second.until_closed() == CLOSE_UNAUTHENTICATED
    assert not first.is_closed
    await first.close()


async def test_another_contract_version_is_refused(node: StubNode) -> None:
    link = await LinkClient.dial(node.port)

    with pytest.raises(Refused, match="version_mismatch") as refused:
        await link.hello(node.token(), version=m.CONTRACT_VERSION + 1)

    assert refused.value.facts == {"contract_version": m.CONTRACT_VERSION}
    assert await link.until_closed() == CLOSE_VERSION_MISMATCH


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (msgspec.json.encode(m.RoomClose(id=5, live_session_id=ROOM_ID, epoch=1)), "unauthenticated"),
        (b"hello", "malformed"),
        (b'{"id":5,"method":"hello"}', "malformed"),
    ],
)
async def test_whatever_comes_before_hello_closes_the_link(node: StubNode, message: bytes, code: str) -> None:
    link = await LinkClient.dial(node.port)

    link.send(message)

    assert await link.until_closed() == CLOSE_UNAUTHENTICATED
    assert isinstance(link.answers[0].error, m.ErrorBody)
    assert link.answers[0].error.code == code


async def test_a_second_hello_closes_the_link(node: StubNode, link: LinkClient) -> None:
    with pytest.raises(Refused, match="unauthenticated"):
        await link.hello(node.token())

    assert await link.until_closed() == CLOSE_UNAUTHENTICATED


async def test_silence_instead_of_hello_closes_the_link() -> None:
    node = StubNode(hello_timeout_s=0.05)
    port = await node.server.listen("127.0.0.1", 0)
    link = await LinkClient.dial(port)

    assert await link.until_closed() == CLOSE_UNAUTHENTICATED

    await node.server.close()


@pytest.mark.parametrize(
    ("message", "request_id"),
    [
        (b"", 0),
        (b"\xff", 0),
        (b"[1]", 0),
        (b'{"id":9}', 9),
        (b'{"id":9,"method":"room.explode"}', 9),
        (b'{"id":9,"method":"room.close","liveSessionId":"x","epoch":1}', 9),
        (b'{"id":9,"method":"room.close","liveSessionId":"x","epoch":"1"}', 9),
        (b'{"id":9,"method":' + b"[" * 50_000, 9),
    ],
)
async def test_a_malformed_request_is_answered_and_the_link_lives(
    link: LinkClient, message: bytes, request_id: int
) -> None:
    link.send(message)

    (_, answer) = await link.until_answers(2)
    assert answer.id == request_id
    assert isinstance(answer.error, m.ErrorBody)
    assert answer.error.code == "malformed"
    await link.request(m.RoomClose(id=10, live_session_id=ROOM_ID, epoch=1), m.Empty)


async def test_an_oversized_message_closes_the_link_and_no_other(node: StubNode, link: LinkClient) -> None:
    other = await LinkClient.dial(node.port, node.token())

    link.send(b" " * (m.MAX_MESSAGE_BYTES + 1))

    assert await link.until_closed() == 1009
    await other.request(m.RoomClose(id=10, live_session_id=ROOM_ID, epoch=1), m.Empty)
    await other.close()


async def test_fragments_make_one_message_within_the_limit(link: LinkClient) -> None:
    message = msgspec.json.encode(m.RoomClose(id=10, live_session_id=ROOM_ID, epoch=1))
    assert link.transport is not None

    link.transport.send(WSMsgType.TEXT, message[:5], fin=False)
    link.transport.send(WSMsgType.CONTINUATION, message[5:9], fin=False)
    link.transport.send(WSMsgType.CONTINUATION, message[9:])

    (_, answer) = await link.until_answers(2)
    assert answer.id == 10
    for _ in range(5):
        link.transport.send(WSMsgType.TEXT, b" " * (m.MAX_MESSAGE_BYTES // 4), fin=False)
    assert await link.until_closed() == 1009


async def test_binary_messages_are_not_spoken_here(link: LinkClient) -> None:
    assert link.transport is not None

    link.transport.send(WSMsgType.BINARY, b"{}")

    assert await link.until_closed() == 1003


async def test_an_error_carries_code_sentence_and_facts(link: LinkClient) -> None:
    with pytest.raises(Refused) as refused:
        await link.request(m.RoomClose(id=10, live_session_id=ROOM_ID, epoch=0), m.Empty)

    assert (refused.value.code, refused.value.message, refused.value.facts) == ("stale_epoch", "Too old.", {"epoch": 9})


async def test_a_bug_behind_the_door_is_answered_without_detail(link: LinkClient) -> None:
    request = m.ParticipantClose(id=10, live_session_id=ROOM_ID, epoch=1, participant_id=ROOM_ID)

    with pytest.raises(Refused, match="worker_failed") as refused:
        await link.request(request, m.Empty)

    assert "secret" not in refused.value.message


async def test_an_answer_over_the_limit_is_an_error(link: LinkClient) -> None:
    request = m.ParticipantAdopt(id=10, live_session_id=ROOM_ID, epoch=1, participant_id=ROOM_ID)

    with pytest.raises(Refused, match="too_large"):
        await link.request(request, m.ParticipantMedia)


async def test_a_slow_request_does_not_hold_up_others(node: StubNode, link: LinkClient) -> None:
    slow = link.start(m.RoomOpen(id=10, live_session_id=ROOM_ID, epoch=1))

    await link.request(m.RoomClose(id=11, live_session_id=ROOM_ID, epoch=1), m.Empty)

    assert not slow.done()
    node.gate.set()
    assert (await slow).id == 10


async def test_too_many_open_requests_are_refused(node: StubNode, link: LinkClient) -> None:
    waiting = [link.start(m.RoomOpen(id=100 + n, live_session_id=ROOM_ID, epoch=1)) for n in range(MAX_UNANSWERED)]

    with pytest.raises(Refused, match="overloaded"):
        await link.request(m.RoomClose(id=11, live_session_id=ROOM_ID, epoch=1), m.Empty)

    node.gate.set()
    await asyncio.gather(*waiting)


async def test_everyone_hears_what_is_told_to_all(node: StubNode, link: LinkClient) -> None:
    stranger = await LinkClient.dial(node.port)
    other = await LinkClient.dial(node.port, node.token())

    node.server.tell_all(m.LoadTold(load=LOAD))

    assert (await link.until(m.LoadTold)).load == LOAD
    assert (await other.until(m.LoadTold)).load == LOAD
    assert stranger.notifications == []
    await stranger.close()
    await other.close()


async def test_a_reader_that_stops_reading_is_cut(node: StubNode, link: LinkClient) -> None:
    assert link.transport is not None
    cast("asyncio.ReadTransport", link.transport.underlying_transport).pause_reading()
    notice = m.RoomLost(live_session_id=ROOM_ID, epoch=1, reason="x" * 100_000)

    for _ in range(200):
        node.server.tell_all(notice)

    assert node.server.links == []
    cast("asyncio.ReadTransport", link.transport.underlying_transport).resume_reading()
    await link.until_closed()


async def test_the_node_hears_of_a_dropped_link(node: StubNode) -> None:
    link = await LinkClient.dial(node.port, node.token())

    link.drop()

    await asyncio.wait_for(node.link_closed, 5)
    assert node.server.links == []


async def test_stopping_closes_links_with_going_away(node: StubNode, link: LinkClient) -> None:
    await node.server.close()

    assert await link.until_closed() == 1001


async def http(port: int, path: str, headers: str = "") -> tuple[int, bytes]:
    """One plain GET; status and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/health", "", 200, b'"ok"'),
        ("/ready", "", 200, b'"ready"'),
        ("/metrics", "", 200, b"tr_node_workers 1.0"),
        ("/", "", 404, b""),
        ("/other", UPGRADE, 404, b""),
        ("/", UPGRADE + "Origin: http://evil.example\r\n", 403, b""),
    ],
)
async def test_the_port_answers_plain_questions(
    node: StubNode, path: str, headers: str, status: int, words: bytes
) -> None:
    answer = await http(node.port, path, headers)

    assert answer[0] == status
    assert words in answer[1]

"""The way in: origin, hello, tokens; and what a browser may not send."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Never
from uuid import uuid4

import msgspec
import pytest
from picows import WSMsgType

from control_plane.domain.errors import InvalidInput, Unavailable
from control_plane.domain.ids import LiveSessionId, ParticipantId
from control_plane.domain.roles import Role
from control_plane.signaling import messages as m
from control_plane.signaling.messages import CloseCode
from scripts.headless.signaling import SignalingClient, SignalingError, SocketClosed
from tests.contract.signaling.conftest import World, close_code, until
from tests.contract.signaling.fake_node import SEALED


async def get(port: int, path: str) -> tuple[int, bytes]:
    def ask() -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    return await asyncio.to_thread(ask)


async def test_foreign_origin_is_refused_before_the_upgrade(world: World) -> None:
    with pytest.raises(SocketClosed, match="403"):
        await world.connect(origin="https://evil.example")


async def test_client_without_origin_is_no_browser_and_may_enter(world: World) -> None:
    client = await world.connect(origin=None)

    assert client.close_code is None


async def test_other_paths_are_not_found(world: World) -> None:
    with pytest.raises(SocketClosed, match="404"):
        await SignalingClient.connect(f"ws://127.0.0.1:{world.processes[0].port}/else")


async def test_health_readiness_and_metrics_answer_on_the_same_port(world: World) -> None:
    await world.enter()
    port = world.processes[0].port

    health, ready, metrics = await get(port, "/health"), await get(port, "/ready"), await get(port, "/metrics")

    assert health == (200, b'{"status":"ok"}')
    assert ready[0] == 200
    assert json.loads(ready[1])["checks"] == {"redis": True}
    assert b"tr_signaling_sockets 1.0" in metrics[1]
    assert b'tr_signaling_requests_total{method="hello",outcome="ok"} 1.0' in metrics[1]


async def test_silent_socket_is_closed(world: World) -> None:
    assert await close_code(await world.connect()) == CloseCode.HELLO_TIMEOUT


@pytest.mark.parametrize(
    "message",
    [b"", b"{", b"[]", b"null", b'{"id":1}', b'{"id":1,"method":"chat.post"}', b'{"id":"x","method":"hello"}', b"\xff"],
)
async def test_anything_but_a_good_hello_first_closes(world: World, message: bytes) -> None:
    client = await world.connect()

    client.send_raw(message)

    assert await close_code(client) == CloseCode.BAD_MESSAGE


@pytest.mark.parametrize("tokens", [{}, {"token": "a", "resumeToken": "b"}])
async def test_hello_carries_exactly_one_token(world: World, tokens: dict[str, str]) -> None:
    client = await world.connect()

    client.send_raw(msgspec.json.encode({"id": 1, "method": "hello", "rtpCapabilities": {}, **tokens}))

    assert await close_code(client) == CloseCode.BAD_MESSAGE


@pytest.mark.parametrize("token", ["join:forged", "x" * 60_000])
async def test_bad_token_closes(world: World, token: str) -> None:
    client = await world.connect()

    client.send_raw(msgspec.json.encode({"id": 1, "method": "hello", "rtpCapabilities": {}, "token": token}))

    assert await close_code(client) == CloseCode.BAD_TOKEN


async def test_join_token_is_good_once(world: World) -> None:
    _, token = world.live.invite()
    first, second = await world.connect(), await world.connect()
    await first.request(m.Hello(id=0, token=token, rtp_capabilities=SEALED), m.Welcome)

    second.send_raw(msgspec.json.encode(m.Hello(id=1, token=token, rtp_capabilities=SEALED)))

    assert await close_code(second) == CloseCode.BAD_TOKEN


async def test_resume_token_is_good_once(world: World) -> None:
    guest = await world.enter()
    await world.resume(guest)
    late = await world.connect()

    late.send_raw(msgspec.json.encode(m.Hello(id=1, resume_token=guest.welcome.resume_token, rtp_capabilities=SEALED)))

    assert await close_code(late) == CloseCode.BAD_TOKEN


async def test_database_away_at_hello_says_try_again(world: World) -> None:
    _, token = world.live.invite()
    world.live.failure = Unavailable("away")
    client = await world.connect()

    client.send_raw(msgspec.json.encode(m.Hello(id=1, token=token, rtp_capabilities=SEALED)))

    assert await close_code(client) == CloseCode.TRY_AGAIN


async def test_unforeseen_fault_at_hello_says_try_again(world: World) -> None:
    _, token = world.live.invite()
    world.live.failure = RuntimeError("nobody foresaw this")
    client = await world.connect()

    client.send_raw(msgspec.json.encode(m.Hello(id=1, token=token, rtp_capabilities=SEALED)))

    assert await close_code(client) == CloseCode.TRY_AGAIN


async def test_whoever_was_admitted_and_not_welcomed_is_gone_after_the_grace_with_what_was_made_for_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    participant, token = world.live.invite()

    def refuse(_: object) -> Never:
        raise InvalidInput("These capabilities make no sense.")

    monkeypatch.setattr(world.node, "_consumer_create", refuse)
    client = await world.connect()
    client.send_raw(msgspec.json.encode(m.Hello(id=1, token=token, rtp_capabilities=SEALED)))

    assert await close_code(client) == CloseCode.BAD_MESSAGE
    assert str(participant.id) in world.node.transports
    await until(lambda: (participant.id, "lost") in world.live.left)
    await until(lambda: str(participant.id) not in world.node.transports)


async def test_a_resume_that_fails_after_its_admission_leaves_with_the_older_socket_that_still_stood(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    guest = await world.enter()
    participant_id = guest.participant.id

    def refuse(_: object) -> Never:
        raise InvalidInput("These capabilities make no sense.")

    monkeypatch.setattr(world.node, "_consumer_create", refuse)
    with pytest.raises(SocketClosed):
        await world.resume(guest)
    assert guest.client.close_code is None
    assert str(participant_id) in world.node.transports

    guest.client.abort()

    await until(lambda: (participant_id, "lost") in world.live.left)
    await until(lambda: str(participant_id) not in world.node.transports)


async def test_a_hello_that_fails_late_takes_nothing_from_who_came_in_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await world.enter(Role.HOST)
    await host.publish()
    guest = await world.enter()
    participant_id = guest.participant.id
    gate = world.node.gate = asyncio.Event()
    slow = asyncio.create_task(world.resume(guest))
    await until(lambda: world.live.generations[participant_id] == 2)
    world.node.gate = None
    token = f"join:{participant_id}"
    world.live.tokens.add(token)
    newer = await world.connect()
    await newer.request(m.Hello(id=0, token=token, rtp_capabilities=SEALED), m.Welcome)

    def refuse(_: object) -> Never:
        raise InvalidInput("These capabilities make no sense.")

    monkeypatch.setattr(world.node, "_consumer_create", refuse)
    gate.set()
    with pytest.raises(SocketClosed):
        await slow
    newer.abort()

    await until(lambda: (participant_id, "lost") in world.live.left)


async def test_a_session_that_nobody_here_is_in_is_swept_for_the_lost_until_it_is_let_go(world: World) -> None:
    sweeps: list[object] = []
    present = world.presence.present

    async def count(live_session_id: LiveSessionId) -> set[ParticipantId]:
        sweeps.append(live_session_id)
        return await present(live_session_id)

    guest = await world.enter()
    await guest.client.request(m.RoomLeave(id=0), m.Empty)
    await until(lambda: not any(session.connections for session in world.processes[0].hub.sessions()))
    world.presence.present = count  # type: ignore[method-assign]  # what it is asked is looked at, nothing else

    await until(lambda: len(sweeps) > 0)


async def test_redis_away_at_the_first_hello_says_try_again_and_later_lets_in(world: World) -> None:
    _, token = world.live.invite()
    world.bus.is_away = True
    client = await world.connect()
    client.send_raw(msgspec.json.encode(m.Hello(id=1, token=token, rtp_capabilities=SEALED)))
    assert await close_code(client) == CloseCode.TRY_AGAIN

    world.bus.is_away = False

    assert (await world.enter()).welcome.room_name == "Futures"


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "unknown"},
        {"method": "chat.post"},
        {"method": "chat.post", "messageId": "no uuid", "text": "hi"},
        {"method": "chat.post", "messageId": str(uuid4()), "text": 5},
        {"method": "chat.post", "messageId": str(uuid4()), "text": "hi", "surprise": 1},
        {"method": "alert.post", "alertId": str(uuid4()), "symbol": "ES", "side": "up", "entry": "1"},
        {"method": "feed.read", "after": -1},
        {"method": "feed.read", "after": 0, "limit": 0},
        {"method": "transport.create", "transportId": str(uuid4()), "direction": "sideways"},
        {"method": "consumer.resume", "consumerIds": "all"},
    ],
)
async def test_bad_request_with_an_id_is_answered_and_the_socket_stays(world: World, fields: dict[str, object]) -> None:
    guest = await world.enter(Role.HOST)
    answered: asyncio.Future[m.Response] = asyncio.get_running_loop().create_future()
    guest.client._waiting[77] = answered

    guest.client.send_raw(msgspec.json.encode({"id": 77, **fields}))
    response = await asyncio.wait_for(answered, 5)

    assert isinstance(response.error, m.ErrorBody)
    assert response.error.code == "invalid_input"
    assert await guest.say("still here") == 1


@pytest.mark.parametrize("message", [b"{", b"[1]", b'{"id":-1,"method":"room.leave"}', b'{"id":99999999999999999999}'])
async def test_unreadable_message_closes(world: World, message: bytes) -> None:
    guest = await world.enter()

    guest.client.send_raw(message)

    assert await close_code(guest.client) == CloseCode.BAD_MESSAGE


async def test_second_hello_closes(world: World) -> None:
    guest = await world.enter()

    guest.client.send_raw(msgspec.json.encode(m.Hello(id=9, token="t", rtp_capabilities=SEALED)))

    assert await close_code(guest.client) == CloseCode.BAD_MESSAGE


async def test_binary_frame_closes(world: World) -> None:
    guest = await world.enter()

    guest.client._open_transport().send(WSMsgType.BINARY, b"{}")

    assert await close_code(guest.client) == CloseCode.BAD_MESSAGE


async def test_frame_over_the_limit_closes(world: World) -> None:
    guest = await world.enter()

    guest.client.send_raw(b" " * (m.MAX_MESSAGE_BYTES + 1))

    assert await close_code(guest.client) == CloseCode.TOO_LARGE


async def test_fragments_over_the_limit_close(world: World) -> None:
    guest = await world.enter()
    transport = guest.client._open_transport()

    transport.send(WSMsgType.TEXT, b" " * 40_000, fin=False)
    transport.send(WSMsgType.CONTINUATION, b" " * 40_000)

    assert await close_code(guest.client) == CloseCode.TOO_LARGE


async def test_request_in_fragments_is_read(world: World) -> None:
    guest = await world.enter()
    transport, message = guest.client._open_transport(), uuid4()
    request = msgspec.json.encode(m.ChatPost(id=5, message_id=message, text="in two parts"))

    transport.send(WSMsgType.TEXT, request[:20], fin=False)
    transport.send(WSMsgType.CONTINUATION, request[20:])

    assert (await guest.client.expect(m.FeedAppended)).event.subject_id == message


async def test_deep_json_does_not_hurt(world: World) -> None:
    guest = await world.enter()

    guest.client.send_raw(b'{"id":1,"method":"chat.post","text":' + b"[" * 30_000 + b"]" * 30_000 + b"}")

    assert (await world.enter()).welcome.room_name == "Futures"


async def test_requests_over_the_rate_are_refused_and_the_socket_stays(world: World) -> None:
    guest = await world.enter()

    results = await asyncio.gather(*(guest.say(str(number)) for number in range(90)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, SignalingError)]

    assert 20 <= len(refused) <= 30
    assert {error.code for error in refused} == {"rate_limited"}
    assert guest.client.close_code is None


async def test_flood_closes(world: World) -> None:
    guest = await world.enter()

    for _ in range(400):
        guest.client.send_raw(b'{"id":1,"method":"feed.read","after":0}')

    assert await close_code(guest.client) == CloseCode.TOO_FAST


async def test_repeated_id_of_an_open_request_is_refused(world: World) -> None:
    guest = await world.enter(Role.HOST)
    world.node.gate = asyncio.Event()
    request = {"id": 50, "method": "transport.create", "transportId": str(uuid4()), "direction": "send"}
    answered: asyncio.Future[m.Response] = asyncio.get_running_loop().create_future()
    guest.client._waiting[50] = answered

    guest.client.send_raw(msgspec.json.encode(request))
    guest.client.send_raw(msgspec.json.encode(request))
    response = await asyncio.wait_for(answered, 5)

    assert isinstance(response.error, m.ErrorBody)
    assert response.error.facts == {"field": "id"}
    world.node.gate.set()


async def test_stopping_server_says_try_again(world: World) -> None:
    guest = await world.enter()

    await world.processes[0].server.close()

    assert await close_code(guest.client) == CloseCode.TRY_AGAIN
    assert world.live.left == []


async def test_reason_of_a_close_fits_in_its_frame_in_any_script(world: World) -> None:
    _, token = world.live.invite()
    world.live.failure = InvalidInput("é" * 200)
    client = await world.connect()

    client.send_raw(msgspec.json.encode(m.Hello(id=1, token=token, rtp_capabilities=SEALED)))

    assert await close_code(client) == CloseCode.BAD_MESSAGE
    assert client._close_reason == "é" * 61

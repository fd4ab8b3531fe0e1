"""The way to a live socket, with the platform's own tokens (targets.md A5); other ways of the hello: contract/signaling."""

from __future__ import annotations

import io
import logging

import msgspec
import pytest
import structlog

from control_plane.domain.roles import Role
from control_plane.signaling import messages as m
from control_plane.signaling.messages import CloseCode
from scripts.headless.signaling import SignalingClient, SocketClosed
from tests.contract.bad_input.stage import ORIGIN, Stage
from tests.factories import make_member

pytestmark = [pytest.mark.worker, pytest.mark.stack]

CAPABILITIES = msgspec.Raw(b'{"codecs": []}')


async def _say_hello(stage: Stage, *, token: str | None = None, resume_token: str | None = None) -> int:
    """What the door closes a socket with that says this hello."""
    client = await stage.connect()
    client.send_raw(
        msgspec.json.encode(m.Hello(id=1, rtp_capabilities=CAPABILITIES, token=token, resume_token=resume_token))
    )
    return await client.wait_closed()


async def test_a_foreign_origin_is_refused_before_the_upgrade(stage: Stage) -> None:
    for origin in ("https://evil.example", "null", "https://rooms.example.evil.example", ORIGIN + ":444"):
        with pytest.raises(SocketClosed, match="403"):
            await SignalingClient.connect(stage.url, origin=origin)


async def test_a_ticket_is_good_once(stage: Stage) -> None:
    viewer = await make_member(stage.platform, stage.attacked, Role.VIEWER)
    token = await stage.token(stage.attacked, viewer)
    first = await stage.connect()
    await first.hello(token=token, rtp_capabilities=CAPABILITIES)

    assert await _say_hello(stage, token=token) == CloseCode.BAD_TOKEN
    assert first.close_code is None


async def test_a_ticket_opens_the_room_it_was_issued_for_and_no_other(stage: Stage) -> None:
    viewer = await make_member(stage.platform, stage.attacked, Role.VIEWER)

    client = await stage.connect()
    welcome = await client.hello(token=await stage.token(stage.attacked, viewer), rtp_capabilities=CAPABILITIES)

    # The socket's address names no room: the signed ticket alone does, and nothing in a hello can say otherwise.
    assert welcome.room_id == stage.attacked.room_id
    assert {one.id for one in welcome.participants} & {
        one.id for one in stage.quiet_viewer.welcome.participants
    } == set()


async def test_tickets_and_credentials_for_something_else_are_refused(stage: Stage) -> None:
    viewer = await make_member(stage.platform, stage.attacked, Role.VIEWER)
    ticket = await stage.token(stage.attacked, viewer)
    resume = stage.quiet_viewer.welcome.resume_token

    assert await _say_hello(stage, token=viewer.token) == CloseCode.BAD_TOKEN
    assert await _say_hello(stage, token=resume) == CloseCode.BAD_TOKEN
    assert await _say_hello(stage, resume_token=ticket) == CloseCode.BAD_TOKEN
    assert await _say_hello(stage, token=ticket[:-4] + "AAAA") == CloseCode.BAD_TOKEN


async def test_no_token_is_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    written = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.PrintLoggerFactory(written)
    )
    viewer = await make_member(stage.platform, stage.attacked, Role.VIEWER)
    tokens = [await stage.token(stage.attacked, viewer), viewer.token]

    with caplog.at_level(logging.DEBUG):
        client = await stage.connect()
        welcome = await client.hello(token=tokens[0], rtp_capabilities=CAPABILITIES)
        tokens.append(welcome.resume_token)
        for token in tokens:
            await _say_hello(stage, token=token)
        client.send_raw(msgspec.json.encode(m.Hello(id=9, rtp_capabilities=CAPABILITIES, token=tokens[0])))
        await client.wait_closed()

    told = written.getvalue() + caplog.text
    assert "hello_refused" in told
    assert [token for token in tokens if token in told or token.rpartition(".")[2] in told] == []

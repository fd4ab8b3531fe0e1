"""The worker's end of a channel, by hand: sees requests, answers what a test wants."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flatbuffers import Builder

from media_plane.channel.channel import Channel
from media_plane.channel.codec.message import METHOD_NAMES
from media_plane.channel.codec.tables import TableWriter, write_optional_text, write_text, write_texts
from media_plane.channel.fbs.FBS.Log import Log as LogModule
from media_plane.channel.fbs.FBS.Message import Message as MessageModule
from media_plane.channel.fbs.FBS.Message.Body import Body
from media_plane.channel.fbs.FBS.Notification import Notification as NotificationModule
from media_plane.channel.fbs.FBS.Request.Request import Request
from media_plane.channel.fbs.FBS.Response import Response as ResponseModule
from media_plane.channel.fbs.FBS.Response.Body import Body as ResponseBody
from media_plane.channel.fbs.FBS.Worker import ChannelMessageHandlers, DumpResponse
from media_plane.channel.framing import Splitter

_message = TableWriter(MessageModule)
_response = TableWriter(ResponseModule)
_notification = TableWriter(NotificationModule)
_log = TableWriter(LogModule)
_dump = TableWriter(DumpResponse)
_handlers = TableWriter(ChannelMessageHandlers)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    request_id: int
    method: str
    handler_id: str


def _finish(builder: Builder, kind: int, offset: int) -> bytes:
    builder.FinishSizePrefixed(_message(builder, data_type=kind, data=offset))
    return bytes(builder.Output())


def answer(request_id: int, *, reason: str | None = None, error: str | None = None) -> bytes:
    """An answer without a body: accepted, or refused with a reason."""
    builder = Builder(128)
    offset = _response(
        builder,
        id=request_id,
        accepted=reason is None,
        error=write_optional_text(builder, error),
        reason=write_optional_text(builder, reason),
    )
    return _finish(builder, Body.Response, offset)


def dump_answer(request_id: int, pid: int) -> bytes:
    """The answer of a worker without objects to a dump."""
    builder = Builder(128)
    handlers = _handlers(
        builder,
        channel_request_handlers=write_texts(builder, []),
        channel_notification_handlers=write_texts(builder, []),
    )
    dump = _dump(
        builder,
        pid=pid,
        web_rtc_server_ids=write_texts(builder, []),
        router_ids=write_texts(builder, []),
        channel_message_handlers=handlers,
    )
    offset = _response(builder, id=request_id, accepted=True, body_type=ResponseBody.Worker_DumpResponse, body=dump)
    return _finish(builder, Body.Response, offset)


def notification(handler_id: str, event: int) -> bytes:
    """A notification without a body."""
    builder = Builder(128)
    handler = write_text(builder, handler_id)
    return _finish(builder, Body.Notification, _notification(builder, handler_id=handler, event=event))


def log_line(text: str) -> bytes:
    """A log line, its level first."""
    builder = Builder(128)
    return _finish(builder, Body.Log, _log(builder, data=write_text(builder, text)))


async def until(condition: Callable[[], object]) -> None:
    """Wait for what the loop brings about; fails the test after 5 s."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the condition is a plain value
            await asyncio.sleep(0)


class FarEnd:
    """Both sockets as the worker holds them. Make it with `open`, which connects a channel to it."""

    def __init__(self, requests: socket.socket, answers: socket.socket) -> None:
        self.requests = requests
        self.answers = answers
        self._splitter = Splitter()
        self._waiting: list[Asked] = []

    @classmethod
    async def open(cls, *, deadline_s: float = 5.0, **options: Any) -> "tuple[FarEnd, Channel]":
        ours, requests = socket.socketpair()
        their_answers, answers = socket.socketpair()
        for end in (requests, answers):
            end.settimeout(0)
        channel = Channel(deadline_s=deadline_s)
        await channel.connect(ours, their_answers, **options)
        return cls(requests, answers), channel

    async def read(self) -> bytes:
        """The next bytes, empty when the channel's end closed."""
        async with asyncio.timeout(20):
            return await asyncio.get_running_loop().sock_recv(self.requests, 65536)

    async def asked(self) -> Asked:
        """The next request."""
        while not self._waiting:
            for payload in self._splitter.feed(await self.read()):
                message: Any = MessageModule.Message.GetRootAs(payload, 0)  # type: ignore[no-untyped-call]
                request: Any = Request()
                request.Init(message.Data().Bytes, message.Data().Pos)
                self._waiting.append(Asked(request.Id(), METHOD_NAMES[request.Method()], request.HandlerId().decode()))
        return self._waiting.pop(0)

    async def say(self, *messages: bytes) -> None:
        """Send messages in one write."""
        await asyncio.get_running_loop().sock_sendall(self.answers, b"".join(messages))

    def close(self) -> None:
        self.requests.close()
        self.answers.close()

"""The control plane's end of a node link, as small as tests need it. It speaks the contract and nothing else."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any, TypeVar, cast

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from typing_extensions import override

from media_plane.contract import messages as m

PATIENCE_S = 30.0
Answer = TypeVar("Answer")


class Signer:
    """A control plane's signing key.

    Args:
        kid: name of the key in the JWKS.
    """

    def __init__(self, kid: str = "test-key") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.kid = kid

    @property
    def jwks(self) -> bytes:
        """The public half as JSON."""
        jwk: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return msgspec.json.encode({"keys": [jwk | {"kid": self.kid, "use": "sig", "alg": "ES256"}]})

    def token(self, node_id: str, **changes: Any) -> str:
        """A good link token; `changes` overwrite claims, None leaves one out."""
        now = int(time.time())
        claims = {"iss": "tradingroom", "aud": node_id, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": self.kid})


class Refused(Exception):
    """The node answered with an error."""

    def __init__(self, body: m.ErrorBody) -> None:
        super().__init__(f"{body.code}: {body.message}")
        self.code = body.code
        self.message = body.message
        self.facts = body.facts


class LinkClient(WSListener):
    """One link. `request` waits for the answer; notifications are kept until asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.transport: WSTransport | None = None
        self.answers: list[m.Response] = []
        self.notifications: list[m.Notification] = []
        self.close_code: int | None = None
        self.is_closed = False
        self._waiting: dict[int, asyncio.Future[m.Response]] = {}
        self._changed = asyncio.Event()
        self._next_id = 0

    @classmethod
    async def dial(cls, port: int, token: str | None = None) -> LinkClient:
        """Open a link; with a token, say hello too."""
        _, client = await ws_connect(cls, f"ws://127.0.0.1:{port}/")
        assert isinstance(client, cls)
        if token is not None:
            await client.hello(token)
        return client

    # --- picows ---

    @override
    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    @override
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            self.close_code = int(cast("int", frame.get_close_code()))
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            self._take(frame.get_payload_as_bytes())

    @override
    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.is_closed = True
        for future in self._waiting.values():
            future.cancel()
        self._changed.set()

    def _take(self, message: bytes) -> None:
        assert len(message) <= m.MAX_MESSAGE_BYTES
        if b'"method"' in message[:20]:
            notification: m.Notification = msgspec.json.decode(message, type=m.Notification)
            self.notifications.append(notification)
        else:
            response = msgspec.json.decode(message, type=m.Response)
            assert (response.data is msgspec.UNSET) is not (response.error is msgspec.UNSET)
            self.answers.append(response)
            future = self._waiting.pop(response.id, None)
            if future is not None and not future.done():
                future.set_result(response)
        self._changed.set()

    # --- what tests do ---

    def send(self, message: bytes) -> None:
        """Send any bytes as one text message."""
        assert self.transport is not None
        self.transport.send(WSMsgType.TEXT, message)

    def number(self) -> int:
        """A fresh request id."""
        self._next_id += 1
        return self._next_id

    def start(self, request: m.RequestBase) -> asyncio.Future[m.Response]:
        """Send a request now; the future brings its answer."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = future
        self.send(msgspec.json.encode(request))
        return future

    async def request(self, request: m.RequestBase, answer: type[Answer]) -> Answer:
        """Send a request and decode its answer. Raises Refused."""
        return read(await asyncio.wait_for(self.start(request), PATIENCE_S), answer)

    async def hello(self, token: str, version: int = m.CONTRACT_VERSION) -> m.HelloAnswer:
        """Say hello. Raises Refused."""
        return await self.request(m.Hello(id=self.number(), contract_version=version, token=token), m.HelloAnswer)

    async def until(self, kind: type[Answer], timeout_s: float = PATIENCE_S) -> Answer:
        """The first notification of this kind, taken out; those before it stay."""
        async with asyncio.timeout(timeout_s):
            while True:
                for notification in self.notifications:
                    if isinstance(notification, kind):
                        self.notifications.remove(notification)
                        return notification
                await self._wait()

    async def until_closed(self, timeout_s: float = PATIENCE_S) -> int | None:
        """The close code the node sent; None when it just cut the line."""
        async with asyncio.timeout(timeout_s):
            while not self.is_closed:
                await self._wait()
        return self.close_code

    async def until_answers(self, count: int, timeout_s: float = PATIENCE_S) -> list[m.Response]:
        """All answers so far, once there are `count`."""
        async with asyncio.timeout(timeout_s):
            while len(self.answers) < count:
                await self._wait()
        return self.answers

    def drop(self) -> None:
        """Cut the line without a word, as a killed process does."""
        assert self.transport is not None
        self.transport.disconnect(graceful=False)

    async def close(self) -> None:
        """Close and wait until it is done."""
        if not self.is_closed and self.transport is not None:
            self.transport.disconnect()
            await self.until_closed()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def read(response: m.Response, answer: type[Answer]) -> Answer:
    """Decode an answer. Raises Refused."""
    if isinstance(response.error, m.ErrorBody):
        raise Refused(response.error)
    assert isinstance(response.data, msgspec.Raw)
    return msgspec.json.decode(response.data, type=answer)

"""Sequences of signaling requests that make no sense together or by themselves, and the socket they are sent over."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self, cast
from uuid import UUID

import msgspec
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from typing_extensions import override

from tests import hostile
from tests.contract.bad_input.stage import ORIGIN

ANSWER_TIMEOUT_S = 20.0
LARGEST_MESSAGE = 64 * 1024
Fields = dict[str, Any]


class Answer(msgspec.Struct):
    """A response, as far as anybody here looks."""

    id: int
    error: Fields | None = None
    data: Any = None


@dataclass
class Lore:
    """Ids that exist or existed: one's own, and everybody's an attacker may have seen or guessed.

    Attributes:
        others: what everybody knows; None for that one itself.
        ids: by kind: transport, send (those among them), producer, consumer, message, alert, nobody.
    """

    others: Lore | None = None
    ids: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def learn(self, kind: str, name: str) -> str:
        """Remember an id, for oneself and for everybody; old ones are forgotten."""
        self.ids[kind].append(name)
        del self.ids[kind][:-50]
        if self.others is not None:
            self.others.learn(kind, name)
        return name

    def pick(self, draw: Random, kind: str) -> str:
        """One's own id of this kind, more often than not; else anybody's, one of another kind, or a fresh one."""
        chance = draw.random()
        known = self.ids[kind]
        if self.others is not None and (chance > 0.7 or not known):
            known = self.others.ids[kind]
        if chance > 0.9:
            known = draw.choice([list(ids) for ids in self.ids.values()] or [[]])
        if not known or chance > 0.95:
            return fresh_id(draw)
        # The newest is the likeliest to stand.
        return known[-1] if chance < 0.5 else draw.choice(known)


def fresh_id(draw: Random) -> str:
    """A UUID nobody has."""
    return str(UUID(int=draw.getrandbits(128), version=4))


# --- requests -----------------------------------------------------------------------------------------------------


def well_formed(draw: Random, lore: Lore) -> Fields:
    """A request the decoder takes; what it asks may be nonsense."""
    method = draw.choice(_METHODS)
    return {"method": method, **_MAKERS[method](draw, lore)}


def _create_transport(draw: Random, lore: Lore) -> Fields:
    direction = draw.choice(("send", "send", "recv"))
    if draw.random() < 0.2:
        return {"transportId": lore.pick(draw, "transport"), "direction": direction}
    name = lore.learn("transport", fresh_id(draw))
    if direction == "send":
        lore.learn("send", name)
    return {"transportId": name, "direction": direction}


def first_request(draw: Random, lore: Lore, request_id: int) -> bytes:
    """A send transport as it should be, so that what follows gets further; viewers are refused it."""
    name = lore.learn("send", lore.learn("transport", fresh_id(draw)))
    request = {"id": request_id, "method": "transport.create", "transportId": name, "direction": "send"}
    return hostile.encode(request)


def _connect(draw: Random, lore: Lore) -> Fields:
    return {"transportId": lore.pick(draw, "transport"), "dtlsParameters": hostile.senseless_dtls(draw)}


def _produce(draw: Random, lore: Lore) -> Fields:
    kind, parameters = hostile.senseless_parameters(draw)
    sources = ("microphone",) if kind == "audio" else ("camera", "screen")
    name = lore.pick(draw, "producer") if draw.random() < 0.2 else lore.learn("producer", fresh_id(draw))
    return {
        "transportId": lore.pick(draw, draw.choice(("send", "send", "send", "transport"))),
        "producerId": name,
        "kind": kind,
        "source": draw.choice(sources) if draw.random() < 0.9 else draw.choice(("camera", "screen", "microphone")),
        "rtpParameters": parameters,
        "paused": draw.random() < 0.3,
    }


def _one(kind: str, name: str) -> Callable[[Random, Lore], Fields]:
    return lambda draw, lore: {name: lore.pick(draw, kind)}


def _several(kind: str, name: str) -> Callable[[Random, Lore], Fields]:
    return lambda draw, lore: {name: [lore.pick(draw, kind) for _ in range(draw.choice((0, 1, 3, 199, 201)))]}


def _layers(draw: Random, lore: Lore) -> Fields:
    layers = (0, 1, 7, 8, -1, 255, 256, 2**31, 2**63)
    return {
        "consumerId": lore.pick(draw, "consumer"),
        "spatialLayer": draw.choice(layers),
        "temporalLayer": draw.choice(layers),
    }


def _priority(draw: Random, lore: Lore) -> Fields:
    return {"consumerId": lore.pick(draw, "consumer"), "priority": draw.choice((0, 1, 255, 256, -1, 2**63))}


def _chat(draw: Random, lore: Lore) -> Fields:
    name = lore.pick(draw, "message") if draw.random() < 0.3 else lore.learn("message", fresh_id(draw))
    return {"messageId": name, "text": draw.choice((*hostile.TEXTS, "hello"))}


_PRICES = (
    "181.20",
    "0",
    "-1",
    "NaN",
    "sNaN",
    "Infinity",
    "1e400",
    "1E-400",
    "0.000000000000000000001",
    "9" * 60,
    "1_0",
    "١٢",
)


def _alert(draw: Random, lore: Lore) -> Fields:
    name = lore.pick(draw, "alert") if draw.random() < 0.3 else lore.learn("alert", fresh_id(draw))
    price = [draw.choice(_PRICES) if draw.random() < 0.1 else str(draw.randrange(1, 500)) for _ in range(6)]
    return {
        "alertId": name,
        "symbol": draw.choice(("SPY", "ES", *hostile.TEXTS) if draw.random() < 0.3 else ("SPY",)),
        "side": draw.choice(("long", "short")),
        "entry": price[0],
        "stop": draw.choice((None, price[1])),
        "targets": price[2 : 2 + draw.randrange(4)],
        "note": draw.choice((*hostile.TEXTS, "note") if draw.random() < 0.3 else ("note",)),
    }


def _step(draw: Random, lore: Lore) -> Fields:
    kinds = ("filled", "stop_moved", "trimmed", "target_hit", "closed", "cancelled")
    return {
        "alertId": lore.pick(draw, "alert"),
        "stepId": fresh_id(draw),
        "kind": draw.choice(kinds),
        "price": draw.choice((None, None, "181.20", draw.choice(_PRICES))),
        "fraction": draw.choice((None, None, "0.5", draw.choice(_PRICES))),
        "target": draw.choice((None, None, None, 1, 0, -1, 2**63)),
    }


def _read(draw: Random, _: Lore) -> Fields:
    numbers = (0, 1, -1, 200, 201, 2**31, 2**53, 2**63, 2**64, 10**40)
    return {"after": draw.choice(numbers), "limit": draw.choice((1, 100, 200, *numbers))}


_MAKERS: dict[str, Callable[[Random, Lore], Fields]] = {
    "transport.create": _create_transport,
    "transport.connect": _connect,
    "transport.restartIce": _one("transport", "transportId"),
    "producer.create": _produce,
    "producer.pause": _one("producer", "producerId"),
    "producer.resume": _one("producer", "producerId"),
    "producer.close": _one("producer", "producerId"),
    "consumer.create": lambda draw, lore: (
        _one("transport", "transportId")(draw, lore) | _several("producer", "producerIds")(draw, lore)
    ),
    "consumer.resume": _several("consumer", "consumerIds"),
    "consumer.pause": _several("consumer", "consumerIds"),
    "consumer.setPreferredLayers": _layers,
    "consumer.setPriority": _priority,
    "media.moved": lambda draw, _: {"epoch": draw.choice((0, 1, 2, -1, 2**31, 2**63))},
    "chat.post": _chat,
    "alert.post": _alert,
    "alert.step": _step,
    "feed.read": _read,
    "participant.remove": _one("nobody", "participantId"),
    "session.renew": lambda draw, _: {"accessToken": draw.choice(("", "trt_", "e30.e30.e30", *hostile.TEXTS))},
}
"""Every request but those of `LEFT_OUT`; `participant.remove` names nobody, since the removed may not come back."""
LEFT_OUT = {"hello", "room.leave"}
"""Requests a sequence begins or ends with."""
DRAWN = frozenset(_MAKERS)
"""Names of the requests that are drawn."""


_METHODS = (
    *_MAKERS,
    *("producer.create",) * 6,
    *("transport.create", "transport.connect", "alert.step", "alert.post") * 2,
)
"""What is drawn from: the requests that get far ask for more of the same."""


def raw_message(draw: Random, lore: Lore, request_id: int) -> bytes:
    """One text message: a request as it should be, one with spoiled fields, or now and then what ends the socket."""
    fields = well_formed(draw, lore)
    chance = draw.random()
    if chance < 0.65:
        return hostile.encode({"id": request_id, **fields})
    if chance < 0.95:
        spoiled = hostile.spoil(draw, fields, times=draw.choice((1, 1, 2, 4)))
        return hostile.encode({"id": request_id, **(spoiled if isinstance(spoiled, dict) else {"method": spoiled})})
    if chance < 0.98:
        everything = {name: hostile.anything(draw) for name in fields}
        return hostile.encode({"id": request_id, **everything, "method": fields["method"]})
    if chance < 0.99:
        return hostile.encode({"id": request_id, **fields, "text": "x" * (LARGEST_MESSAGE - 2_000)})
    return _unreadable(draw, {"id": request_id, **fields})


def _unreadable(draw: Random, request: Fields) -> bytes:
    how = draw.randrange(4)
    if how == 0:
        return hostile.encode(hostile.spoil(draw, request, times=1) | {"id": draw.choice(hostile.NUMBERS)})
    if how == 1:
        return hostile.encode(hostile.anything(draw))
    if how == 2:
        return b" " * (LARGEST_MESSAGE + 1)
    return draw.choice((b"", b"{", b"\xff\xfe", b"null", b'{"id":1,"id":2}', b'{"id":1e3}', draw.randbytes(60)))


# --- the socket ---------------------------------------------------------------------------------------------------


class AttackSocket(WSListener):
    """A socket that sends anything and notes what comes.

    Attributes:
        answers: by request id; a second answer to one id is kept in `doubled`.
        close_code: of the server's close frame; 1006 when the line was cut; None while it is open.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[int, Answer] = {}
        self.errors: list[Fields] = []
        self.notifications: list[Fields] = []
        self.doubled: list[int] = []
        self.close_code: int | None = None
        self._transport: WSTransport | None = None
        self._changed = asyncio.Event()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open it. Raises ConnectionError."""
        try:
            transport, made = await ws_connect(cls, url, extra_headers={"Origin": ORIGIN}, max_frame_size=2**24)
        except (WSError, OSError) as error:
            raise ConnectionError(str(error)) from error
        socket = cast("Self", made)
        socket._transport = transport
        return socket

    @override
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            self.close_code = int.from_bytes(payload[:2], "big") if payload else 1005
            transport.send_close()
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            self._take(msgspec.json.decode(frame.get_payload_as_bytes()))
        self._changed.set()

    @override
    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self.close_code is None:
            self.close_code = 1006
        self._changed.set()

    def _take(self, message: Fields) -> None:
        if "method" in message:
            self.notifications.append(message)
            return
        answer = msgspec.convert(message, Answer)
        if answer.id in self.answers:
            self.doubled.append(answer.id)
        if answer.error is not None:
            self.errors.append(answer.error)
        self.answers[answer.id] = answer

    def send(self, message: bytes, kind: WSMsgType = WSMsgType.TEXT, *, is_last: bool = True) -> None:
        """Send bytes as one frame; nothing when it is closed."""
        if self._transport is not None and self.close_code is None:
            self._transport.send(kind, message, is_last)

    async def settle(self, request_id: int) -> bool:
        """Wait until this is answered (True) or the socket is closed (False). Raises TimeoutError: the door hangs."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while request_id not in self.answers:
                if self.close_code is not None:
                    return False
                self._changed.clear()
                await self._changed.wait()
        return True

    async def close(self, *, abruptly: bool) -> None:
        """Go, with a close frame or without."""
        transport = self._transport
        if transport is None:
            return
        if self.close_code is None and abruptly:
            transport.underlying_transport.abort()
        elif self.close_code is None:
            transport.send_close()
            transport.disconnect()
        await transport.wait_disconnected()

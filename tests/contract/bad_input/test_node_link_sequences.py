"""Whatever a signaling process sends over a legal node link: an error in the contract's words, no harm to other rooms."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, get_args
from uuid import UUID

import pytest

from control_plane.domain.ids import NodeId
from media_plane.contract import messages as m
from media_plane.contract.errors import LinkErrorCode
from tests import hostile
from tests.contract.bad_input.sequences import Fields, Lore, fresh_id
from tests.contract.bad_input.stage import Stage, resident_bytes
from tests.contract.node_link.client import LinkClient

pytestmark = [pytest.mark.worker, pytest.mark.stack]

REFUSALS = {
    LinkErrorCode.MALFORMED,
    LinkErrorCode.STALE_EPOCH,
    LinkErrorCode.ROOM_NOT_OPEN,
    LinkErrorCode.NOT_FOUND,
    LinkErrorCode.CONFLICT,
    LinkErrorCode.UNSUPPORTED,
    LinkErrorCode.TOO_LARGE,
}
"""What nonsense may be answered with. Not worker_failed: no worker failed. Not unauthenticated: nobody says hello again."""
KINDS = [kind for kind in get_args(m.Request) if kind not in {m.Hello, m.NodeDrain}]
"""Every request; draining would close the node to the sequences after it."""
SEQUENCES = 250
ROOMS = 3
MOST_GROWTH_BYTES = 32 * 1024 * 1024
PATIENCE_S = 20.0


class Rooms:
    """Live sessions of the attack's own, and what is drawn for the fields of a request."""

    def __init__(self, draw: Random, lore: Lore) -> None:
        self.draw = draw
        self.lore = lore
        self.ids = [fresh_id(draw) for _ in range(ROOMS)]
        self.people = [fresh_id(draw) for _ in range(4)]

    def request(self, number: int, kind: type[m.RequestBase]) -> Fields:
        """A request of this kind whose fields are likely, or nearly so."""
        fields = {name: self._field(kind, name) for name in kind.__struct_fields__ if name != "id"}
        names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
        method = kind.__struct_config__.tag
        return {"id": number, "method": method, **{names[name]: value for name, value in fields.items()}}

    def close(self, link: LinkClient) -> None:
        """Close every room, whatever its epoch is by now."""
        for room_id in self.ids:
            request = {"id": link.number(), "method": "room.close", "liveSessionId": room_id, "epoch": 2**63}
            link.send(hostile.encode(request))

    def _field(self, kind: type[m.RequestBase], name: str) -> Any:  # noqa: PLR0911 - one line a field
        draw, lore = self.draw, self.lore
        if name == "live_session_id":
            return draw.choice(self.ids)
        if name == "participant_id":
            return draw.choice(self.people) if draw.random() < 0.9 else fresh_id(draw)
        if name == "epoch":
            return 1 if draw.random() < 0.97 else draw.choice((0, -1, 2, 2**62))
        if name.endswith("_id"):
            is_new = kind in {m.TransportCreate, m.ProducerCreate} and draw.random() < 0.8
            return lore.learn(name, fresh_id(draw)) if is_new else lore.pick(draw, name)
        if name.endswith("_ids"):
            return [lore.pick(draw, name[:-1]) for _ in range(draw.choice((0, 1, 3, 500)))]
        if name == "wishes":
            producers = [lore.pick(draw, "producer_id") for _ in range(draw.choice((1, 2, 64, 65)))]
            return [{"producerId": one, "consumerId": lore.learn("consumer_id", fresh_id(draw))} for one in producers]
        return self._value(name)

    def _value(self, name: str) -> Any:
        draw = self.draw
        if name.endswith("_bps"):
            return draw.choice((None, None, 30_000, 1_000_000, 0, -1, 2**31, 2**32, 2**63))
        makers: dict[str, Callable[[], Any]] = {
            "rtp_parameters": lambda: hostile.senseless_parameters(draw)[1],
            "rtp_capabilities": lambda: hostile.senseless_capabilities(draw),
            "dtls_parameters": lambda: hostile.senseless_dtls(draw),
            "direction": lambda: draw.choice(("send", "send", "recv")),
            "kind": lambda: draw.choice(("audio", "video")),
            "source": lambda: draw.choice(("camera", "screen", "microphone")),
            "ip": lambda: draw.choice(("127.0.0.1", "::1", "999.1.1.1", "", "localhost", "\x00")),
            "port": lambda: draw.choice((0, 1, 65_535, 65_536, -1, 40_000)),
            "paused": lambda: draw.random() < 0.5,
        }
        return makers[name]() if name in makers else hostile.scalar(draw)


async def _run(draw: Random, rooms: Rooms, link: LinkClient, counts: Counter[str]) -> None:
    """One sequence, pipelined; at its end everything that went before is answered."""
    link.answers.clear()
    first = link.number()
    for room_id in rooms.ids:
        link.send(hostile.encode({"id": link.number(), "method": "room.open", "liveSessionId": room_id, "epoch": 1}))
    for _ in range(draw.randrange(3, 30)):
        number = link.number()
        request = rooms.request(number, draw.choice(KINDS))
        chance = draw.random()
        if chance < 0.3:
            request = {**hostile.spoil(draw, request, times=draw.choice((1, 2, 4))), "id": number}
        message = hostile.encode(request)
        if len(message) <= m.MAX_MESSAGE_BYTES:
            link.send(message)
        else:
            first += 1  # One that is never sent needs no answer.
    sent = link.number() - first - 1
    await link.until_answers(sent, PATIENCE_S)
    counts.update(str(answer.error.code) for answer in link.answers if isinstance(answer.error, m.ErrorBody))
    counts["ok"] += sum(not isinstance(answer.error, m.ErrorBody) for answer in link.answers)


async def test_requests_without_sense_are_refused_and_harm_no_other_room(stage: Stage, draw: Random) -> None:
    pid, transports, lore = stage.worker_pid, stage.agent.load().transports, Lore()
    quiet = stage.quiet_viewer.welcome
    assert quiet.recv_transport is not None
    lore.ids["transport_id"].append(quiet.recv_transport.id)
    lore.ids["producer_id"] += [one.producer_id for one in quiet.consumers]
    lore.ids["consumer_id"] += [one.id for one in quiet.consumers]
    rooms, counts = Rooms(draw, lore), Counter[str]()
    token = await stage.platform.tokens.issue_node_link(NodeId(UUID(stage.agent.node_id)))
    link = await LinkClient.dial(stage.agent.port, token)
    memory_bytes = resident_bytes(pid)

    for number in range(SEQUENCES):
        await _run(draw, rooms, link, counts)
        link.notifications.clear()
        if number % 5 == 4:
            # A room whose epoch was raised refuses nearly everything.
            rooms.close(link)
            rooms = Rooms(draw, lore)
    rooms.close(link)
    async with asyncio.timeout(PATIENCE_S):
        while stage.agent.load().transports > transports:  # noqa: ASYNC110 - someone else's state
            await asyncio.sleep(0.05)
    await link.close()

    assert set(counts) - {"ok"} <= REFUSALS, counts
    assert min(counts["ok"], counts["malformed"], counts["not_found"]) > SEQUENCES // 2
    assert stage.worker_pid == pid
    assert resident_bytes(pid) - memory_bytes < MOST_GROWTH_BYTES
    assert await stage.quiet_viewer.sees_on()

"""Whatever a browser sends over the live socket (targets.md A6): a documented error to it, nothing to anybody else."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from random import Random
from typing import Any, get_args

import pytest
from picows import WSMsgType

from control_plane.domain.roles import Role
from control_plane.signaling.messages import CloseCode, Request
from tests import hostile
from tests.contract.bad_input.sequences import DRAWN, LEFT_OUT, AttackSocket, Lore, first_request, raw_message
from tests.contract.bad_input.stage import Stage, resident_bytes
from tests.factories import Person, make_member

pytestmark = [pytest.mark.worker, pytest.mark.stack]

REFUSALS = {
    *("not_found", "unauthenticated", "conflict", "forbidden", "invalid_input", "rate_limited"),
    *("alert_over", "alert_not_filled", "alert_already_filled", "target_already_hit"),
}
"""What a request that makes no sense may be answered with. Not `unavailable`: nothing was away."""
CLOSES = {*map(int, CloseCode), 1000, 1005, 1006, 1009} - {int(CloseCode.TRY_AGAIN)}
MOST_GROWTH_BYTES = 96 * 1024 * 1024
"""How much door, node and services may grow together after the first fifth, and how much the worker; a proposal."""
SETTLED_S = 60.0
"""Until the sweep has found whoever a refused hello left behind: a lease of 15 s, then 16 s (signaling/sweeping.py)."""
LARGEST_SPOILED_ID = 2**53 - 10**6
"""Ids above it are ours alone: what spoils requests makes no such number."""
ROLES = (Role.HOST, Role.CO_HOST, Role.HOST, Role.VIEWER, Role.MODERATOR, Role.VIEWER)


class Attack:
    """Some people of one room who send nonsense, one sequence after the other.

    Attributes:
        codes: errors answered; closes: close codes of the server.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.lore = Lore()
        self.codes: Counter[str] = Counter()
        self.closes: Counter[int] = Counter()
        self.tokens = ["", "x" * 1_000, "a.b.c"]
        quiet = stage.quiet_viewer.welcome
        assert quiet.recv_transport is not None
        self.lore.ids["transport"].append(quiet.recv_transport.id)
        self.lore.ids["consumer"] += [one.id for one in quiet.consumers]
        self.lore.ids["producer"] += [one.producer_id for one in quiet.consumers]
        self.lore.ids["nobody"] += [str(one.id) for one in quiet.participants]

    async def run(self, draw: Random, person: Person) -> None:
        """One sequence: a socket, a hello, requests, an end."""
        socket, lore = await AttackSocket.open(self.stage.url), Lore(others=self.lore)
        try:
            if await self._greet(draw, person, socket, lore):
                await self._talk(draw, socket, lore)
        finally:
            await socket.close(abruptly=draw.random() < 0.5)
        # Our own ids are used once; a spoiled request may bring any.
        assert [number for number in socket.doubled if number > LARGEST_SPOILED_ID] == []
        self.codes.update(str(error["code"]) for error in socket.errors)
        if socket.close_code is not None:
            self.closes[socket.close_code] += 1

    async def _greet(self, draw: Random, person: Person, socket: AttackSocket, lore: Lore) -> bool:
        if draw.random() < 0.05:
            socket.send(raw_message(draw, lore, 1))
        token = await self.stage.token(self.stage.attacked, person)
        if draw.random() < 0.1:
            token = draw.choice(self.tokens)
        self.tokens = [*self.tokens[-20:], token]
        capabilities = (
            hostile.likely_capabilities(draw) if draw.random() < 0.6 else hostile.senseless_capabilities(draw)
        )
        hello = {"method": "hello", "token": token, "rtpCapabilities": capabilities}
        if draw.random() < 0.1:
            hello = hostile.spoil(draw, hello, times=1)
        socket.send(hostile.encode({**hello, "id": 0}))
        if not await socket.settle(0) or socket.answers[0].error is not None:
            return False
        _learn(socket.answers[0].data, lore)
        return True

    async def _talk(self, draw: Random, socket: AttackSocket, lore: Lore) -> None:
        for number in range(1, draw.randrange(3, 30)):
            is_begun = number > 1 or draw.random() < 0.2
            message = raw_message(draw, lore, number) if is_begun else first_request(draw, lore, number)
            chance = draw.random()
            if chance < 0.005:
                socket.send(message, WSMsgType.BINARY)
            elif chance < 0.03:
                cut = draw.randrange(len(message) + 1)
                socket.send(message[:cut], is_last=False)
                socket.send(message[cut:], WSMsgType.CONTINUATION, is_last=draw.random() < 0.9)
            else:
                socket.send(message)
            if draw.random() < 0.4:
                await self._settle(socket, lore, LARGEST_SPOILED_ID + number)
        await self._settle(socket, lore, LARGEST_SPOILED_ID + 1_000)

    async def _settle(self, socket: AttackSocket, lore: Lore, request_id: int) -> None:
        """Every lane has done what was asked so far: a request at the end of each is answered, or the socket is closed."""
        socket.send(hostile.encode({"id": request_id, "method": "consumer.resume", "consumerIds": []}))
        socket.send(hostile.encode({"id": request_id + 10_000, "method": "feed.read", "after": 0, "limit": 1}))
        if await socket.settle(request_id):
            await socket.settle(request_id + 10_000)
        for told in socket.notifications:
            if told["method"] == "consumer.offered":
                lore.learn("consumer", told["consumer"]["id"])
        socket.notifications.clear()


def _learn(welcome: dict[str, Any], lore: Lore) -> None:
    if "recvTransport" in welcome:
        lore.learn("transport", welcome["recvTransport"]["id"])
    for consumer in welcome.get("consumers", ()):
        lore.learn("consumer", consumer["id"])


async def attack(stage: Stage, draw: Random, *, sequences: int) -> Attack:
    """Several people at once send that many sequences in all; what must hold afterwards is asserted."""
    pid, quiet_transports = stage.worker_pid, stage.agent.load().transports
    running = Attack(stage)
    people = [await make_member(stage.platform, stage.attacked, role) for role in ROLES]
    waiting = iter([draw.getrandbits(64) for _ in range(sequences)])

    async def one_after_the_other(person: Person, count: int) -> None:
        for _ in range(count):
            await running.run(Random(next(waiting)), person)  # noqa: S311 - replayable on purpose

    async def all_at_once(count: int) -> None:
        await asyncio.gather(*(one_after_the_other(person, count // len(people)) for person in people))

    await all_at_once(sequences // 5)
    before = resident_bytes(stage.worker_pid), resident_bytes_of_us()
    await all_at_once(sequences - sequences // 5)
    after = resident_bytes(stage.worker_pid), resident_bytes_of_us()

    assert stage.worker_pid == pid
    assert set(running.codes) <= REFUSALS, running.codes
    assert set(running.closes) <= CLOSES, running.closes
    assert max(after[0] - before[0], after[1] - before[1]) < MOST_GROWTH_BYTES
    assert await stage.quiet_viewer.sees_on()
    async with asyncio.timeout(SETTLED_S):
        while stage.agent.load().transports > quiet_transports:  # noqa: ASYNC110 - someone else's state
            await asyncio.sleep(0.05)
    return running


def resident_bytes_of_us() -> int:
    """Door, node and test live in this process."""
    return resident_bytes(os.getpid())


def test_every_request_is_drawn() -> None:
    named = {str(kind.__struct_config__.tag) for kind in get_args(Request)}

    assert named - LEFT_OUT == DRAWN


async def test_sequences_without_sense_are_refused_and_harm_nobody(stage: Stage, draw: Random) -> None:
    done = await attack(stage, draw, sequences=600)

    assert done.codes["invalid_input"] > 0
    assert done.codes["not_found"] > 0
    assert done.codes["forbidden"] > 0
    assert done.closes[CloseCode.BAD_MESSAGE] > 0


@pytest.mark.long
@pytest.mark.timeout(3_600)
async def test_ten_thousand_sequences_without_sense_are_refused_and_harm_nobody(stage: Stage, draw: Random) -> None:
    await attack(stage, draw, sequences=10_000)

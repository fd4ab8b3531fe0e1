"""`scripts/run --demo` as a visitor finds it: one stack for the module; the tests that hurt it come last."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiortc.mediastreams import MediaStreamError

from control_plane.domain.events import FeedEvent
from control_plane.signaling.messages import FeedAppended, ParticipantJoined
from scripts.demo.attendee import LOST
from scripts.demo.desk import INSTRUMENTS
from scripts.demo.reading import read_axis_price, read_symbol
from scripts.headless.client import Participant
from scripts.headless.reader import luma_of, mono_of
from scripts.headless.rest import Rest
from scripts.stack.reach import forget_data
from scripts.stack.seed import FILE_NAME, Demo
from tests.e2e.processes import wait_gone
from tests.e2e.running_stack import STOP_TIMEOUT_S, RunningStack, spawn_stack

FRAMES_A_VISIT = 150
"""Pictures in which an alert of the welcome is looked for: some twenty seconds of the presenter's."""

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

SURE = 0.97
"""A label that is there reaches it, another price does not (`scripts.demo.reading`)."""
MOVING_WITHIN_S = 10.0
"""From "ready" to a moving chart for a lone visitor (issue 3, item 4)."""
MOST_CPU = 0.25
"""Of one core, for the whole presenter (issue 3, item 4)."""
HEALED_WITHIN_S = 30.0
NOT_YET = (*LOST, MediaStreamError)


@pytest.fixture(scope="module")
def demo_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    data_dir = tmp_path_factory.mktemp("demo") / "data"
    stack = spawn_stack(data_dir, "--throw-away", "--demo")
    try:
        stack.wait_ready()
        yield stack
    finally:
        family = stack.everything()
        stack.stop()
        assert "does not end" not in stack.told()
        left = wait_gone(family, timeout_s=STOP_TIMEOUT_S)
        forget_data(data_dir)
        assert not left, f"left behind: {left}"


async def read_demo(stack: RunningStack) -> Demo:
    """The seeded people and their room, once it is there."""
    deadline = time.monotonic() + 20
    while "demo" not in stack.pids:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    return msgspec.json.decode((stack.data_dir / FILE_NAME).read_bytes(), type=Demo)


@contextlib.asynccontextmanager
async def sign_in(stack: RunningStack, role: str) -> AsyncIterator[tuple[Rest, str, str]]:
    """The first seeded person of a role, with the ids of organization and room."""
    demo = await read_demo(stack)
    person = next(one for one in demo.people if one.role == role)
    assert demo.organization_id is not None
    assert demo.room_id is not None
    async with Rest(stack.base_url) as rest:
        await rest.sign_in(person.email, person.password)
        yield rest, demo.organization_id, demo.room_id


@dataclass
class Visitor:
    """A viewer with the tracks themselves: frames and sound as they are decoded."""

    participant: Participant
    tracks: dict[str, Any]

    async def frame(self, *, timeout_s: float = 10.0) -> Any:
        async with asyncio.timeout(timeout_s):
            return await self.tracks["video"].recv()


@contextlib.asynccontextmanager
async def visit(stack: RunningStack) -> AsyncIterator[Visitor]:
    """Join as the first viewer, as soon as the room is live and the presenter publishes."""
    async with sign_in(stack, "viewer") as (rest, organization_id, room_id):
        deadline = time.monotonic() + HEALED_WITHIN_S
        while True:
            try:
                participant = await Participant.join(rest, organization_id, room_id, watch=False)
            except LOST:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
                continue
            if len(participant.welcome.consumers) == 2 and participant.welcome.recv_transport is not None:
                break
            await participant.close()
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        async with participant:
            await participant.media.open_receive(participant.welcome.recv_transport)
            tracks: dict[str, Any] = {
                one.kind: await participant.media.consume(one) for one in participant.welcome.consumers
            }
            yield Visitor(participant, tracks)


def alerts_of(events: list[FeedEvent]) -> list[dict[str, Any]]:
    return [json.loads(bytes(event.body)) for event in events if event.kind == "alert.posted"]


def read_alert(luma: Any, alerts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first alert whose symbol stands at the head of the chart and one of whose prices stands on its axis."""
    for alert in alerts:
        if read_symbol(luma, alert["symbol"]) < SURE:
            continue
        prices = [alert["entry"], alert["stop"], *alert["targets"]]
        if any(read_axis_price(luma, f"{float(price):,.2f}") > SURE for price in prices):
            return alert
    return None


async def test_a_lone_visitor_sees_the_chart_move_soon_after_ready(demo_stack: RunningStack) -> None:
    began = time.monotonic()
    async with visit(demo_stack) as visitor:
        first = luma_of(await visitor.frame()).copy()
        while (luma_of(await visitor.frame()) == first).all():
            pass

    assert time.monotonic() - began < MOVING_WITHIN_S


async def test_a_visitor_reads_an_alert_of_the_feed_back_from_the_chart(demo_stack: RunningStack) -> None:
    read = None
    async with asyncio.timeout(240):
        while read is None:
            # An alert posted after the welcome is none of it: then the chart shows another one, and the visitor comes anew.
            async with visit(demo_stack) as visitor:
                alerts = alerts_of(visitor.participant.welcome.feed)
                assert {alert["symbol"] for alert in alerts} <= {one.symbol for one in INSTRUMENTS}
                for _ in range(FRAMES_A_VISIT):
                    frame = await visitor.frame()
                    read = await asyncio.to_thread(read_alert, luma_of(frame).copy(), alerts)
                    if read is not None:
                        break

    assert (frame.width, frame.height) == (1280, 720)
    assert read["targets"]
    assert read["note"]


async def test_a_visitor_is_greeted_and_hears_quiet_chords(demo_stack: RunningStack) -> None:
    async with visit(demo_stack) as visitor:
        loudest = 0
        async with asyncio.timeout(60):
            while loudest < 50:
                loudest = max(loudest, int(abs(mono_of(await visitor.tracks["audio"].recv())).max()))
        # Who comes soon after another visitor is not greeted, and small talk comes after 80 s of silence at the latest.
        said = await visitor.participant.signaling.expect(
            FeedAppended, lambda one: one.event.kind == "chat.posted", timeout_s=150
        )
        names = {person.display_name for person in visitor.participant.welcome.participants}
        while len(names) < 4:
            # The first visitor of a new stack may be there before the members.
            joined = await visitor.participant.signaling.expect(ParticipantJoined, timeout_s=60)
            names.add(joined.participant.display_name)

    assert loudest < 6_000
    assert json.loads(bytes(said.event.body))["text"]


async def test_the_presenter_takes_at_most_a_quarter_of_a_core(demo_stack: RunningStack) -> None:
    pid = demo_stack.pids["demo"]

    def used_s() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async with visit(demo_stack) as visitor:
        await visitor.frame()
        began, used = time.monotonic(), used_s()
        while time.monotonic() - began < 12:
            await visitor.frame()
        share = (used_s() - used) / (time.monotonic() - began)

    assert share < MOST_CPU


@pytest.mark.parametrize("name", ["signaling", "agent", "demo", "rest"])
async def test_after_a_process_is_killed_the_chart_moves_again(demo_stack: RunningStack, name: str) -> None:
    async with visit(demo_stack):
        pass

    os.kill(demo_stack.pids[name], signal.SIGKILL)

    deadline = time.monotonic() + HEALED_WITHIN_S
    while True:
        try:
            async with visit(demo_stack) as visitor:
                # A dead presenter's tracks stay for the server's grace time: not to be waited for.
                first = luma_of(await visitor.frame(timeout_s=2)).copy()
                while (luma_of(await visitor.frame(timeout_s=2)) == first).all():
                    pass
                return
        except NOT_YET:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


async def test_an_ended_session_is_followed_by_a_new_one(demo_stack: RunningStack) -> None:
    async with visit(demo_stack) as visitor:
        ended = visitor.participant.welcome.live_session_id
    async with sign_in(demo_stack, "owner") as (rest, organization_id, room_id):
        await rest.end_session(organization_id, room_id)

    async with visit(demo_stack) as visitor:
        assert visitor.participant.welcome.live_session_id != ended


async def test_someone_who_signs_in_as_the_presenter_gets_the_seat_and_another_presents(
    demo_stack: RunningStack,
) -> None:
    async with (
        sign_in(demo_stack, "co_host") as (rest, organization_id, room_id),
        await Participant.join(rest, organization_id, room_id) as visitor,
    ):
        await visitor.wait_consumer("video", timeout_s=40)

        assert visitor.signaling.close_code is None


async def test_the_presenters_alerts_go_through_their_life(demo_stack: RunningStack) -> None:
    async with visit(demo_stack) as visitor, asyncio.timeout(HEALED_WITHIN_S):
        feed = list(visitor.participant.welcome.feed)
        while not any(event.kind == "alert.stepped" for event in feed):
            feed.append((await visitor.participant.signaling.expect(FeedAppended)).event)

    first = next(json.loads(bytes(event.body)) for event in feed if event.kind == "alert.stepped")
    assert first["step"]["kind"] == "filled"
    assert first["state"]["phase"] == "filled"
    assert first["alertId"] in {str(event.subject_id) for event in feed if event.kind == "alert.posted"}

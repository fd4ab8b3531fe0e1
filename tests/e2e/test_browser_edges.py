"""A room over two workers, watched by browsers: what a worker's end costs whom. The node's log says who stands where."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser

from scripts.browser.launch import chromium
from scripts.browser.pages import CAMERA_VIDEO, STAGE_VIDEO, RoomPage, new_context
from scripts.browser.probes import Picture, picture, until
from scripts.headless.scene import open_scene
from tests.e2e.running_stack import RunningStack, running_stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(400)]

CONSUMERS_PER_WORKER = 4
"""The host's place counts as 3 (nobody publishes when it is taken), the first viewer makes the worker full."""
AGAIN_S = 30.0
VIDEO = f"{STAGE_VIDEO}, {CAMERA_VIDEO}"


@pytest.fixture
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack whose workers are full soon."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TR_MAX_CONSUMERS_PER_WORKER", str(CONSUMERS_PER_WORKER))
        with running_stack(tmp_path_factory.mktemp("edges") / "data") as running:
            yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


def told(target: RunningStack, event: str) -> list[dict[str, Any]]:
    """What the node logged under this name, oldest first."""
    lines = (target.data_dir / "logs" / "agent.log").read_text(encoding="utf-8").splitlines()
    facts = [json.loads(line) for line in lines if f'"{event}"' in line]
    return [one for one in facts if one["event"] == event]


@dataclass
class Room:
    """A host who shows a camera, a viewer on the host's worker and one on another."""

    host: RoomPage
    near: RoomPage
    far: RoomPage
    edge: int
    pids: dict[int, int]


@pytest.fixture
async def room(target: RunningStack, browser: Browser) -> AsyncIterator[Room]:
    async with open_scene(target.base_url, viewers=2) as scene:
        where = (target.base_url, scene.organization_id, scene.room_id)
        pages = [
            await RoomPage.open(await new_context(browser, person), *where) for person in (scene.host, *scene.viewers)
        ]
        host, near, far = pages
        await host.enter()
        await host.toggle("camera")
        for viewer in (near, far):
            await viewer.enter()
            await viewer.screen_moves()
        edge = told(target, "edge_opened")
        assert len(edge) == 1
        pids = {one["worker"]: one["pid"] for one in told(target, "worker_started")}
        yield Room(host, near, far, edge[0]["worker"], pids)


async def moves_anew(viewer: RoomPage, before: Picture) -> None:
    """Wait until a viewer sees a picture that began after `before` and moves."""

    async def is_new() -> bool:
        now = await picture(viewer.page, VIDEO)
        return now is not None and 0 < now.frames < before.frames

    await until("a new picture", is_new, timeout_s=AGAIN_S)
    await viewer.screen_moves(timeout_s=AGAIN_S)


async def test_an_edge_that_is_killed_interrupts_its_own_viewer_only(target: RunningStack, room: Room) -> None:
    await room.far.screen_moves(frames=90)
    near, far = [await picture(one.page, VIDEO) for one in (room.near, room.far)]
    assert near is not None
    assert far is not None

    os.kill(room.pids[room.edge], signal.SIGKILL)
    await moves_anew(room.far, far)
    await room.near.screen_moves(frames=20)

    now = await picture(room.near.page, VIDEO)
    assert now is not None
    assert now.frames > near.frames, "the picture of the viewer on the other worker began anew"
    assert told(target, "room_lost") == []


async def test_a_hung_origin_is_replaced_and_everyone_sees_again(target: RunningStack, room: Room) -> None:
    await room.far.screen_moves(frames=90)
    before = [await picture(one.page, VIDEO) for one in (room.near, room.far)]
    pid = room.pids[1 - room.edge]

    os.kill(pid, signal.SIGSTOP)
    stopped_s = time.monotonic()
    for viewer, old in zip((room.near, room.far), before, strict=True):
        assert old is not None
        await moves_anew(viewer, old)

    assert time.monotonic() - stopped_s < AGAIN_S
    assert [one["pid"] for one in told(target, "worker_hung")] == [pid]
    assert len(told(target, "room_lost")) == 1

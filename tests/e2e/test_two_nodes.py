"""A live room over two media nodes: viewers beyond the first one's room, a drain nobody notices, and nodes that die.

Every node is a process of its own with a real worker. The stack's own node is the first; it is small, so that a viewer or
two fill it. A further node comes after the room is open: so the room begins on the stack's own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from control_plane.signaling import messages as m
from scripts.headless.client import Participant
from scripts.headless.scene import Scene, open_scene, publish_test_card, watch_test_card
from scripts.stack.layout import MEDIA_OFFSET, ROOT
from scripts.stack.ports import free_block, free_port
from tests.e2e.media_nodes import MediaNode, media_node, read_gauge
from tests.e2e.running_stack import WORKERS, RunningStack, running_stack

pytestmark = [pytest.mark.stack, pytest.mark.worker, pytest.mark.timeout(400)]

STANDSTILL_S = 4.0
"""Longest time without a decoded frame that a moving viewer may see. Frames come every 33 ms; the machine is shared."""


def own_node(stack: RunningStack, what: str) -> int:
    """How much the stack's own node carries."""
    return read_gauge(stack.port + 2, f"tr_node_{what}")


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    """Wait for a condition of another process."""
    deadline = time.monotonic() + timeout_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"not in {timeout_s} s: {what}"
        await asyncio.sleep(0.1)


@dataclass
class Watch:
    """Looks all the time at the pictures a viewer decodes, whichever transport they come by.

    longest_s: the longest time without one. frames: decoded in all.
    """

    viewer: Participant
    longest_s: float = 0.0
    frames: int = 0
    _seen: dict[int, int] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    async def _look(self) -> None:
        self._seen = {id(one): one.frames for one in self.viewer.pictures.values()}
        last_s = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            now_s = time.monotonic()
            counts = {id(one): one.frames for one in self.viewer.pictures.values()}
            fresh = sum(count - self._seen.get(key, 0) for key, count in counts.items())
            self._seen |= counts
            self.frames += fresh
            self.longest_s = max(self.longest_s, now_s - last_s)
            if fresh:
                last_s = now_s

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def sees_on(viewer: Participant) -> None:
    """The viewer decodes more pictures and more sound, whichever transport they come by. Fails when not."""

    def decoded() -> tuple[int, int]:
        return (sum(one.frames for one in viewer.pictures.values()), sum(one.frames for one in viewer.sounds.values()))

    pictures, sounds = decoded()
    deadline_s = time.monotonic() + 20
    while decoded() < (pictures + 30, 0) or decoded()[1] < sounds + 30:
        assert time.monotonic() < deadline_s, f"decoded since: {decoded()}, before: {(pictures, sounds)}"
        await asyncio.sleep(0.05)


@dataclass
class Stage:
    """A live room on the stack's own node, its publisher, and further nodes and viewers on demand."""

    stack: RunningStack
    scene: Scene
    host: Participant
    folder: Path
    people: AsyncExitStack
    nodes: int = 0

    async def viewer(self) -> Participant:
        """The next viewer, who sees and hears the host."""
        viewer = await self.people.enter_async_context(await self.scene.enter(self.scene.viewers.pop()))
        await watch_test_card(viewer)
        return viewer

    async def node(self, **environment: str) -> MediaNode:
        """One more node, known to the control plane."""
        self.nodes += 1
        node = self.people.enter_context(media_node(self.stack, self.folder / f"node{self.nodes}", **environment))
        await until(lambda: '"event": "link_opened"' in node.told() or "link_opened" in node.told(), "a link")
        await asyncio.sleep(2.5)  # One look at the registry, and one load, of the signaling process.
        return node


@asynccontextmanager
async def open_stage(stack: RunningStack, folder: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as people:
        scene = await people.enter_async_context(open_scene(stack.base_url, viewers=3))
        host = await people.enter_async_context(await scene.enter(scene.host, watch=False))
        await publish_test_card(host)
        yield Stage(stack, scene, host, folder, people)


@pytest.fixture
def small_stack(tmp_path: Path) -> Iterator[RunningStack]:
    """A stack whose own node is full with one viewer, and takes its time to stop."""
    environment = {"TR_NODE_CAPACITY_CONSUMERS": "2", "TR_NODE_DRAIN_S": "60"}
    with running_stack(tmp_path / "stack", environment=environment) as stack:
        yield stack


async def test_viewers_beyond_the_first_node_see_and_hear_from_the_second_and_only_they_rebuild_when_it_is_killed(
    small_stack: RunningStack, tmp_path: Path
) -> None:
    async with open_stage(small_stack, tmp_path) as stage:
        near = await stage.viewer()
        node = await stage.node()

        far = await stage.viewer()

        assert node.carries("consumers") == 2
        assert own_node(small_stack, "consumers") == 2
        assert node.carries("producers") == 2

        node.kill()
        reset = await far.signaling.expect(m.MediaReset, timeout_s=40)
        await until(lambda: own_node(small_stack, "consumers") == 4, "the viewer on the first node")
        await asyncio.gather(sees_on(far), sees_on(near))
        assert reset.epoch == far.welcome.epoch
        assert (far.mover.resets, near.mover.resets, stage.host.mover.resets) == (1, 0, 0)


async def test_a_draining_node_hands_its_room_on_while_people_watch_and_a_killed_one_is_replaced(
    small_stack: RunningStack, tmp_path: Path
) -> None:
    async with open_stage(small_stack, tmp_path) as stage:
        viewer = await stage.viewer()
        node = await stage.node()
        agent = small_stack.pids["agent"]

        async with Watch(viewer) as watch:
            os.kill(agent, signal.SIGTERM)
            await until(lambda: viewer.mover.moves == stage.host.mover.moves == 1, "everyone has moved")
            await sees_on(viewer)
            moved = watch.frames

        assert moved > 0
        assert watch.longest_s < STANDSTILL_S
        assert (viewer.mover.resets, stage.host.mover.resets) == (0, 0)
        assert (node.carries("consumers"), node.carries("producers")) == (2, 2)
        log = small_stack.data_dir / "logs" / "agent.log"
        await until(lambda: "drain_ended" in log.read_text() and '"is_empty": true' in log.read_text(), "an empty node")

        # The room is on the second node now. Kill it whole: the room is back on the first, which came up again.
        await until(lambda: small_stack.pids.get("agent") not in {None, agent}, "the first node again")
        await until(lambda: _is_ready(small_stack), "the first node's readiness")
        await asyncio.sleep(3)
        began_s = time.monotonic()
        node.kill()
        reset = await viewer.signaling.expect(m.MediaReset, timeout_s=40)
        took_s = time.monotonic() - began_s
        await until(lambda: own_node(small_stack, "producers") == 2, "the publisher's tracks")
        await until(lambda: own_node(small_stack, "consumers") == 2, "the viewer's consumers")
        await sees_on(viewer)
        assert reset.epoch == viewer.welcome.epoch + 2
        assert took_s < 20
        await stage.viewer()
        assert own_node(small_stack, "consumers") == 4


@pytest.mark.long
async def test_a_draining_edge_hands_its_viewers_on_and_ends_with_0(small_stack: RunningStack, tmp_path: Path) -> None:
    async with open_stage(small_stack, tmp_path) as stage:
        await stage.viewer()
        node = await stage.node(TR_NODE_DRAIN_S="60")
        far = await stage.viewer()
        assert node.carries("consumers") == 2

        async with Watch(far) as watch:
            node.drain()
            await until(lambda: far.mover.moves == 1, "the viewer has moved")
            await sees_on(far)

        assert watch.longest_s < STANDSTILL_S
        assert (far.mover.resets, stage.host.mover.moves) == (0, 0)
        assert await asyncio.to_thread(node.process.wait, 40) == 0


@pytest.mark.long
async def test_a_drain_with_nowhere_to_go_waits_until_its_deadline_and_a_second_signal_cuts_it_short(
    small_stack: RunningStack, tmp_path: Path
) -> None:
    async with open_stage(small_stack, tmp_path) as stage:
        viewer = await stage.viewer()
        agent = small_stack.pids["agent"]
        log = small_stack.data_dir / "logs" / "agent.log"

        os.kill(agent, signal.SIGTERM)
        await until(lambda: "drain_waits" in log.read_text(), "the drain says that it waits")
        signaling = small_stack.data_dir / "logs" / "signaling.log"
        await until(lambda: "drain_has_nowhere_to_go" in signaling.read_text(), "the drain says why")
        await sees_on(viewer)
        assert (viewer.mover.resets, viewer.mover.moves) == (0, 0)

        os.kill(agent, signal.SIGTERM)
        await until(lambda: "node_stopped" in log.read_text(), "the end", timeout_s=10)


class Cut:
    """A TCP relay to the node link that can be cut and healed: the control plane loses the node, browsers do not."""

    def __init__(self, link_port: int) -> None:
        self._link_port = link_port
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.is_cut = False
        self.port = free_port()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Drop what is open and take nothing new."""
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def heal(self) -> None:
        """Relay again."""
        self.is_cut = False

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.is_cut:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._link_port)
            self._writers.add(far_writer)
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        except OSError:
            pass
        finally:
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.transport.abort()


@pytest.mark.long
async def test_a_node_whose_link_is_cut_keeps_its_media_flowing_until_the_room_moved_once_and_never_gets_it_back(
    tmp_path: Path,
) -> None:
    port = free_block(MEDIA_OFFSET + WORKERS)
    async with Cut(port + 2) as link:
        environment = {"TR_NODE_LINK_URL": f"ws://127.0.0.1:{link.port}/"}
        with running_stack(tmp_path / "stack", port=port, environment=environment) as stack:
            async with open_stage(stack, tmp_path) as stage:
                viewer = await stage.viewer()
                node = await stage.node()

                link.cut()
                await sees_on(viewer)  # Nobody has told anyone yet: what flows, flows on.
                assert viewer.mover.resets == 0
                await viewer.signaling.expect(m.MediaReset, timeout_s=40)
                await until(lambda: node.carries("consumers") == 2, "the viewer on the other node")
                await sees_on(viewer)
                await asyncio.sleep(5)
                link.heal()
                await asyncio.sleep(8)  # Longer than the patience with links: time to flap, for whoever would.

                await sees_on(viewer)
                assert (viewer.mover.resets, stage.host.mover.resets) == (1, 1)
                assert node.carries("producers") == 2
                # What the first node still had is nobody's by now; it closes when its grace is over.
                await until(lambda: own_node(stack, "rooms") == 0, "the first node without the room", timeout_s=60)
                assert viewer.mover.resets == 1


def test_an_operator_lists_nodes_lets_one_drain_and_calls_it_off(small_stack: RunningStack) -> None:
    variables = Path(f"/proc/{small_stack.pids['rest']}/environ").read_text(encoding="utf-8").split("\0")
    environment = dict(line.split("=", 1) for line in variables if "=" in line)

    def operate(*words: str) -> str:
        command = (sys.executable, "-m", "control_plane.operator", *words)
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def wait_listed(state: str) -> str:
        deadline = time.monotonic() + 30
        while state not in (line := operate("nodes")):
            assert time.monotonic() < deadline, line
            time.sleep(0.2)
        return line.split()[0]

    node_id = wait_listed(" up ")
    assert operate("drain", node_id) == f"{node_id} drains"
    wait_listed(" draining ")
    assert operate("drain", node_id, "--undo") == f"{node_id} takes rooms again"
    wait_listed(" up ")


def _is_ready(stack: RunningStack) -> bool:
    try:
        return read_gauge(stack.port + 2, "tr_node_workers") > 0
    except OSError:
        return False

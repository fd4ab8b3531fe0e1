"""Two thousand people come, connect and leave, and the node is as it was: descriptors, objects of the worker, memory.

Agent and worker are processes of their own, so that nothing of the test's is in what is counted.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from scripts.benches.machine import resident_bytes
from scripts.benches.node import CAMERA, MICROPHONE, Guest, MediaNode, new_id
from scripts.benches.viewers import Viewer
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.media import Person

pytestmark = [pytest.mark.worker, pytest.mark.long]

WARM_UP = 500
"""People whose coming and going fills pools and caches; then the counting starts."""
PEOPLE = 2_000
AT_ONCE = 20
CONNECTED_OF_AT_ONCE = 2
"""So many of those at once connect by ICE and DTLS: a handshake costs this process more than all the rest."""
MEMORY_BOUND_BYTES = 2 << 20
"""How much each process may have grown: 1 KiB a person, a hundredth of what one holds while there."""


@pytest.fixture
def worker_binary() -> Path:
    """The worker of this run."""
    named = os.environ.get("MEDIASOUP_WORKER_BIN")
    if not named:
        pytest.skip("MEDIASOUP_WORKER_BIN is not set")
    return Path(named)


@dataclass(frozen=True)
class Held:
    """Open file descriptors of both processes, and what the node says it carries."""

    agent_descriptors: int
    worker_descriptors: int
    transports: float
    consumers: float

    @classmethod
    async def by(cls, node: MediaNode) -> Held:
        """What there is now."""
        gauges = await node.gauges()
        return cls(
            _descriptors(node.pid),
            _descriptors(node.worker_pid),
            gauges["tr_node_transports"],
            gauges["tr_node_consumers"],
        )

    def is_within(self, before: Held) -> bool:
        """Whether the media is as before, and no descriptor more is open."""
        return (
            (self.transports, self.consumers) == (before.transports, before.consumers)
            and self.agent_descriptors <= before.agent_descriptors
            and self.worker_descriptors <= before.worker_descriptors
        )


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def until_held(node: MediaNode, wanted: Held) -> None:
    """Wait until there is no more than there was; closing is not waited for by anybody.

    Descriptors may be fewer: the node's connection of enrolment, open at its start, ends by itself.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(30):
            while not (await Held.by(node)).is_within(wanted):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
    held = await Held.by(node)
    assert held.is_within(wanted), f"{held} where there was {wanted}"


async def visit(guest: Guest, tracks: list[str], capabilities: msgspec.Raw, viewer: Viewer | None) -> None:
    """One person comes, watches and goes."""
    server = await guest.arrive("recv")
    consumers = await guest.consume(tracks, capabilities)
    if viewer is not None:
        await guest.connect(viewer, server)
    await guest.resume(consumers)
    await guest.leave()
    if viewer is not None:
        await viewer.close()


async def visits(count: int, host: Guest, tracks: list[str], capabilities: msgspec.Raw) -> None:
    """So many people, `AT_ONCE` at once."""
    for _ in range(count // AT_ONCE):
        viewers: list[Viewer | None] = [*await Viewer.prepare(CONNECTED_OF_AT_ONCE)]
        viewers += [None] * (AT_ONCE - CONNECTED_OF_AT_ONCE)
        await asyncio.gather(
            *(visit(Guest(host.link, host.room_id), tracks, capabilities, viewer) for viewer in viewers)
        )


@pytest.mark.timeout(400)
async def test_two_thousand_joins_and_leaves_leave_no_descriptor_object_or_memory(worker_binary: Path) -> None:
    async with MediaNode.running(worker_binary) as node:
        host = Guest(node.link, new_id())
        capabilities = await host.open_room()
        await host.arrive("send")
        tracks = [await host.publish("microphone", MICROPHONE), await host.publish("camera", CAMERA)]
        before = await Held.by(node)
        await visits(WARM_UP, host, tracks, capabilities)
        await until_held(node, before)
        memory = resident_bytes(node.pid), resident_bytes(node.worker_pid)

        await visits(PEOPLE, host, tracks, capabilities)

        await until_held(node, before)
        agent_growth = resident_bytes(node.pid) - memory[0]
        worker_growth = resident_bytes(node.worker_pid) - memory[1]
        assert agent_growth <= MEMORY_BOUND_BYTES, f"the agent grew by {agent_growth} bytes"
        assert worker_growth <= MEMORY_BOUND_BYTES, f"the worker grew by {worker_growth} bytes"


async def test_the_router_holds_what_it_held_before_two_thousand_joins(node: Node, host: Person) -> None:
    capabilities = (await host.open()).rtp_capabilities
    camera = await host.produce("camera")
    worker = node.agent.fleet._slots[0].worker
    assert worker is not None
    (router,) = worker.routers
    before = await router.dump()

    async def visit_in_process() -> None:
        viewer = Person(host.link, host.room_id)
        await viewer.transport("recv")
        consumer_id = new_id()
        await viewer.consume(capabilities, {consumer_id: camera.producer_id})
        await viewer.resume(consumer_id)
        await viewer.leave()

    for _ in range(PEOPLE // AT_ONCE):
        await asyncio.gather(*(visit_in_process() for _ in range(AT_ONCE)))

    with suppress(TimeoutError):
        async with asyncio.timeout(30):
            while await router.dump() != before:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
    assert await router.dump() == before

"""What an idle viewer costs in memory, in the worker and in the agent: two consumers on a connected transport.

A media node runs in a process of its own. Its viewers come through the node link, as the signaling door brings them,
and connect by ICE and DTLS; nothing is sent. The first group is not counted: it fills pools and caches. The figure is
the growth of resident memory a viewer over the second group.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from scripts.benches.figures import Figure, print_figure
from scripts.benches.machine import digest, resident_bytes
from scripts.benches.node import CAMERA, MICROPHONE, Guest, MediaNode, new_id
from scripts.benches.viewers import Viewer
from scripts.worker.obtain import obtain

WARM_UP_VIEWERS = 100
VIEWERS = 200
FULL_VIEWERS = 400
AT_ONCE = 10
_SETTLE_S = 1.0
_KIB = 1024


@dataclass(frozen=True)
class _Memory:
    """Resident bytes of both processes."""

    agent: int
    worker: int

    @classmethod
    async def of(cls, node: MediaNode) -> _Memory:
        """Now, after a moment for what is still being closed or told."""
        await asyncio.sleep(_SETTLE_S)
        return cls(resident_bytes(node.pid), resident_bytes(node.worker_pid))


async def measure(*, is_full: bool = False) -> None:
    """Seat the viewers and print the growth of both processes.

    Args:
        is_full: twice as many viewers.

    Raises:
        TimeoutError: the node did not start, or a viewer did not connect.
    """
    binary = obtain()
    count = FULL_VIEWERS if is_full else VIEWERS
    async with MediaNode.running(binary) as node:
        host = Guest(node.link, new_id())
        capabilities = await host.open_room()
        await host.arrive("send")
        tracks = [await host.publish("microphone", MICROPHONE), await host.publish("camera", CAMERA)]

        async def seat(viewers: list[Viewer]) -> None:
            for start in range(0, len(viewers), AT_ONCE):
                async with asyncio.TaskGroup() as group:
                    for viewer in viewers[start : start + AT_ONCE]:
                        group.create_task(_seat(Guest(node.link, host.room_id), viewer))

        async def _seat(guest: Guest, viewer: Viewer) -> None:
            server = await guest.arrive("recv")
            consumers = await guest.consume(tracks, capabilities)
            await guest.connect(viewer, server)
            await guest.resume(consumers)

        first, second = await Viewer.prepare(WARM_UP_VIEWERS), await Viewer.prepare(count)
        await seat(first)
        before = await _Memory.of(node)
        await seat(second)
        after = await _Memory.of(node)
        await asyncio.gather(*(viewer.close() for viewer in (*first, *second)))
    for name, grown in (("worker", after.worker - before.worker), ("agent", after.agent - before.agent)):
        print_figure(
            Figure(
                name=f"viewer_memory_{name}",
                ours=round(grown / count / _KIB, 1),
                unit="KiB/viewer",
                samples=count,
                facts={"consumers": len(tracks), "worker_sha256": digest(binary)},
            )
        )

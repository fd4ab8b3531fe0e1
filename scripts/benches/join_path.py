"""How many people can join a second: `POST …/join`, then the socket's hello until the welcome.

Ten viewers of one live room join and leave over and over through the real stack on this machine. The room has a camera and a
microphone, so every welcome holds a receive transport and two consumers. Their media is not connected: this measures REST,
database, seats, signaling, node link and worker, with the clients on the same cores.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from scripts.benches.figures import Figure, percentile, print_figure
from scripts.headless.media import HeadlessMedia
from scripts.headless.rest import Rest
from scripts.headless.scene import Scene, open_scene
from scripts.headless.signaling import SignalingClient
from scripts.headless.tracks import CounterTrack, ToneTrack
from scripts.stack.layout import MEDIA_OFFSET, choose_ports, count_workers
from scripts.stack.ports import free_block
from scripts.stack.supervisor import Stack

CONCURRENCY = 10
WARM_UP_S = 2.0
MEASURED_S = 20.0


@dataclass(slots=True)
class _Samples:
    """Times of finished joins, milliseconds."""

    rest_ms: list[float] = field(default_factory=list)
    hello_ms: list[float] = field(default_factory=list)

    @property
    def total_ms(self) -> list[float]:
        return [one + other for one, other in zip(self.rest_ms, self.hello_ms, strict=True)]


async def measure(*, is_full: bool = False) -> None:
    """Start a throw-away stack, measure, print the figures, stop it.

    Args:
        is_full: measure three times as long.

    Raises:
        StackError: the stack does not start.
        RestError, SocketClosed, SignalingError: a join was refused.
    """
    workers = count_workers()
    with _throw_away_folder() as folder:
        ports = choose_ports(free_block(MEDIA_OFFSET + workers), workers)
        async with Stack(folder, ports, is_throw_away=True) as stack:
            samples, seconds = await _join_for_a_while(stack.layout.base_url, 3 * MEASURED_S if is_full else MEASURED_S)
    _report(samples, seconds)


@contextlib.contextmanager
def _throw_away_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tradingroom-bench-") as folder:
        yield Path(folder)


async def _join_for_a_while(base_url: str, seconds: float) -> tuple[_Samples, float]:
    loop = asyncio.get_running_loop()
    async with open_scene(base_url, viewers=CONCURRENCY) as scene, await scene.enter(scene.host, watch=False) as host:
        await host.publish(ToneTrack(), "microphone")
        await host.publish(CounterTrack(width=160, height=120, frames_per_s=5), "camera")
        capabilities = (await HeadlessMedia.load(host.joined.rtp_capabilities, [])).rtp_capabilities
        await _all_join(scene, capabilities, _Samples(), until=loop.time() + WARM_UP_S)
        samples, began = _Samples(), loop.time()
        await _all_join(scene, capabilities, samples, until=began + seconds)
        return samples, loop.time() - began


async def _all_join(scene: Scene, capabilities: msgspec.Raw, samples: _Samples, *, until: float) -> None:
    loop = asyncio.get_running_loop()

    async def keep_joining(viewer: Rest) -> None:
        while loop.time() < until:
            await _join_once(scene, viewer, capabilities, samples)

    async with asyncio.TaskGroup() as group:
        for viewer in scene.viewers:
            group.create_task(keep_joining(viewer))


async def _join_once(scene: Scene, viewer: Rest, capabilities: msgspec.Raw, samples: _Samples) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    joined = await viewer.join(scene.organization_id, scene.room_id)
    answered = loop.time()
    async with await SignalingClient.connect(joined.signaling_url, origin=viewer.base_url) as socket:
        await socket.hello(token=joined.token, rtp_capabilities=capabilities)
        welcomed = loop.time()
        samples.rest_ms.append((answered - began) * 1000)
        samples.hello_ms.append((welcomed - answered) * 1000)
        await socket.leave()


def _report(samples: _Samples, seconds: float) -> None:
    count = len(samples.rest_ms)
    print_figure(Figure(name="join_path", ours=round(count / seconds, 1), unit="joins/s", samples=count))
    for name, values in (("join", samples.total_ms), ("rest_join", samples.rest_ms), ("hello", samples.hello_ms)):
        for share in (50, 95):
            value = round(percentile(values, share / 100), 1)
            print_figure(Figure(name=f"{name}_p{share}", ours=value, unit="ms", samples=count))

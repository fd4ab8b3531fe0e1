"""How long a packet is inside the forwarder: from the sender's clock to the kernel's arrival, forty plain receivers.

Ours, Janus (`rtp_forward` of its video room) and a bare loop that does nothing but relay get the same packets in
turn. The times hold the kernel's part and, on a busy machine, the wait for a core: the bare loop shows how much that
is.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from media_plane.sfu import ListenInfo
from scripts.benches.figures import compare, percentile, print_figure
from scripts.benches.janus import VERSION, Janus
from scripts.benches.machine import digest, prefer
from scripts.benches.packets import Sender
from scripts.benches.sfu import DRAIN_TIMEOUT_S, NEEDED_SHARE, PACKETS_PER_S, SSRC, VIEWERS, VOID_ROUNDS
from scripts.benches.sinks import Sinks
from scripts.benches.viewers import HERE
from scripts.benches.watching import AIORTC_CAPABILITIES, Stage
from scripts.stack.processes import StackError
from scripts.worker.obtain import obtain

ROUND_S = 2.0
ROUNDS = 5
FULL_ROUNDS = 15
SHARES = (50, 99)
_ROOM = 1
_PUBLISHER = 77


@dataclass
class Side:
    """One forwarder with its receivers.

    Attributes:
        rounds: percentiles of each round that counted, microseconds, in the order of `SHARES`.
    """

    name: str
    sinks: Sinks
    sender: Sender
    rounds: list[tuple[float, ...]] = field(default_factory=list)

    async def round(self) -> bool:
        """Send, and note the percentiles; False when too little arrived."""
        latencies = self.sinks.latencies_ns
        latencies.clear()
        sent = await self.sender.send(ROUND_S) * VIEWERS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while len(latencies) < sent:  # noqa: ASYNC110 - no event for every packet
                    await asyncio.sleep(0.02)
        if len(latencies) < NEEDED_SHARE * sent:
            return False
        self.rounds.append(tuple(percentile(latencies, share / 100) / 1000 for share in SHARES))
        return True


async def measure(*, is_full: bool = False) -> None:
    """All three in turn.

    Args:
        is_full: more rounds.

    Raises:
        StackError: Janus is missing, or too much was lost.
    """
    binary = obtain()
    async with AsyncExitStack() as stack:
        sides = [
            await stack.enter_async_context(_ours()),
            await stack.enter_async_context(_janus()),
            await stack.enter_async_context(_bare_loop()),
        ]
        for side in sides:
            await side.round()
            side.rounds.clear()
        await _in_turn(sides, FULL_ROUNDS if is_full else ROUNDS)
    ours, peer, floor = ([list(values) for values in zip(*side.rounds, strict=True)] for side in sides)
    for share, mine, theirs, least in zip(SHARES, ours, peer, floor, strict=True):
        print_figure(
            compare(
                name=f"latency_p{share}",
                unit="us",
                ours=mine,
                peer=theirs,
                peer_name=f"{VERSION}, rtp_forward",
                less_is_better=True,
                digits=0,
                facts={
                    "receivers": VIEWERS,
                    "bare_loop": round(percentile(least, 0.5)),
                    "worker_sha256": digest(binary),
                },
            )
        )


async def _in_turn(sides: list[Side], rounds: int) -> None:
    void = 0
    for _ in range(rounds):
        for side in sides:
            while not await side.round():
                void += 1
                if void > VOID_ROUNDS:
                    raise StackError(f"{void} rounds were void, the last one of {side.name}")


@asynccontextmanager
async def _ours() -> AsyncIterator[Side]:
    async with Stage.open(obtain(), ssrc=SSRC) as stage:
        with Sinks(VIEWERS) as sinks:
            for port in sinks.ports:
                transport = await stage.router.create_plain_transport(listen_info=ListenInfo(ip=HERE), rtcp_mux=True)
                await transport.connect(ip=HERE, port=port)
                await transport.consume(
                    producer_id=stage.producer.id, rtp_capabilities=AIORTC_CAPABILITIES, paused=False
                )
            address = stage.source.tuple
            async with Sender.running(ip=HERE, port=address.local_port, ssrc=SSRC, rate=PACKETS_PER_S) as sender:
                prefer(stage.pid)
                yield Side("worker", sinks, sender)


@asynccontextmanager
async def _janus() -> AsyncIterator[Side]:
    async with Janus.running() as janus:
        handle = await janus.attach("janus.plugin.videoroom")
        await janus.ask(handle, {"request": "create", "room": _ROOM, "secret": "s", "publishers": 10})
        publisher = {
            "request": "add_remote_publisher",
            "room": _ROOM,
            "secret": "s",
            "id": _PUBLISHER,
            "iface": "127.0.0.1",
            "port": 0,
            "streams": [{"type": "video", "mindex": 0, "mid": "0", "codec": "vp8"}],
        }
        added = await janus.ask(handle, publisher)
        with Sinks(VIEWERS) as sinks:
            for port in sinks.ports:
                forward = {
                    "request": "rtp_forward",
                    "room": _ROOM,
                    "secret": "s",
                    "publisher_id": _PUBLISHER,
                    "host": HERE,
                    "streams": [{"mid": "0", "port": port}],
                }
                await janus.ask(handle, forward)
            port = int(added["plugindata"]["data"]["port"])
            # Janus wants this SSRC of the first stream.
            async with Sender.running(ip="127.0.0.1", port=port, ssrc=1000, rate=PACKETS_PER_S) as sender:
                prefer(janus.pid)
                yield Side(VERSION, sinks, sender)


@asynccontextmanager
async def _bare_loop() -> AsyncIterator[Side]:
    with Sinks(VIEWERS) as sinks:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "scripts.benches.relay",
            HERE,
            *map(str, sinks.ports),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            port = int(await process.stdout.readline())
            async with Sender.running(ip=HERE, port=port, ssrc=SSRC, rate=PACKETS_PER_S) as sender:
                prefer(process.pid)
                yield Side("bare loop", sinks, sender)
        finally:
            process.kill()
            await process.wait()

"""How fast the media plane drives the worker: joins a second beside the official Node library, same binary.

One join is two WebRTC transports on a WebRTC server, k consumers made paused, and k resumes; older joins leave
meanwhile. Nobody connects: this is the control path alone. Ours runs on uvloop, as the agent does. Each side is a
process of its own, and both run in turn, so that a busy machine slows both.

    python -m scripts.benches.joins CONSUMERS SECONDS      ours alone, one line of JSON
"""

from __future__ import annotations

import asyncio
import collections
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import uvloop

from media_plane.ortc.media_codecs import VP8
from media_plane.ortc.rtp import RtpCodecCapability, RtpCodecParameters, RtpEncodingParameters, RtpParameters
from media_plane.sfu import ListenInfo, Router, Transport, WebRtcServer, Worker
from scripts.benches.figures import compare, print_figure
from scripts.benches.machine import digest, resident_bytes
from scripts.benches.node_peers import NODE, PEERS, need_peers
from scripts.stack.processes import StackError
from scripts.worker.obtain import obtain

ROUNDS = 3
FULL_ROUNDS = 7
CONCURRENCY = 20
MEASURED_S = 1.5
FULL_MEASURED_S = 5.0
WARM_UP_S = 1.0
CONSUMER_COUNTS = (2, 6)
SIDE_TIMEOUT_S = 60.0
PEER_NAME = "mediasoup 3.27.1, Node 24"
_MIB = 1 << 20


class Figures(msgspec.Struct, frozen=True):
    """One side of one round: joins a second; CPU and memory of the driving process, not the worker's."""

    joins_per_s: float
    driver_cpu_ms_per_join: float
    driver_mib: float


@dataclass(slots=True)
class Scene:
    """A worker with somebody to watch.

    Attributes:
        producer_ids: whom each join consumes.
        open: transports of joins, oldest first.
    """

    router: Router
    server: WebRtcServer
    producer_ids: Sequence[str]
    open: collections.deque[Transport]

    @classmethod
    async def build(cls, worker: Worker, consumer_count: int) -> Scene:
        """Two producers, consumed in turn."""
        loopback = ListenInfo(ip="127.0.0.1")
        server = await worker.create_webrtc_server(listen_infos=[loopback, ListenInfo(ip="127.0.0.1", protocol="tcp")])
        opus = RtpCodecCapability(kind="audio", mime_type="audio/opus", clock_rate=48000, channels=2)
        router = await worker.create_router(media_codecs=[opus, VP8])
        source = await router.create_plain_transport(listen_info=loopback, comedia=True)
        audio = await source.produce(
            kind="audio",
            rtp_parameters=RtpParameters(
                mid="A",
                codecs=[RtpCodecParameters(mime_type="audio/opus", payload_type=100, clock_rate=48000, channels=2)],
                encodings=[RtpEncodingParameters(ssrc=1000)],
            ),
        )
        video = await source.produce(
            kind="video",
            rtp_parameters=RtpParameters(
                mid="V",
                codecs=[RtpCodecParameters(mime_type="video/VP8", payload_type=101, clock_rate=90000)],
                encodings=[RtpEncodingParameters(ssrc=2000 + layer, scalability_mode="L1T3") for layer in (1, 2, 3)],
            ),
        )
        ids = [(video if index % 2 else audio).id for index in range(consumer_count)]
        return cls(router, server, ids, collections.deque())

    async def join(self) -> None:
        """One person comes, and the one who came longest ago leaves."""
        transports = await asyncio.gather(
            *(self.router.create_webrtc_transport(webrtc_server=self.server, prefer_udp=True) for _ in range(2))
        )
        self.open.extend(transports)
        receive = transports[1]
        capabilities = self.router.rtp_capabilities
        consumers = await asyncio.gather(
            *(receive.consume(producer_id=name, rtp_capabilities=capabilities) for name in self.producer_ids)
        )
        await asyncio.gather(*(consumer.resume() for consumer in consumers))
        while len(self.open) > 4 * CONCURRENCY:
            self.open.popleft().close()

    async def measure(self, seconds: float) -> Figures:
        """Join over and over, `CONCURRENCY` people at once."""
        began, cpu = time.perf_counter(), _cpu_s()
        counts = await asyncio.gather(*(self._join_until(began + seconds) for _ in range(CONCURRENCY)))
        took, used = time.perf_counter() - began, _cpu_s() - cpu
        joins = sum(counts)
        return Figures(
            joins_per_s=joins / took,
            driver_cpu_ms_per_join=used * 1000 / joins,
            driver_mib=resident_bytes(os.getpid()) / _MIB,
        )

    async def _join_until(self, end: float) -> int:
        count = 0
        while time.perf_counter() < end:
            await self.join()
            count += 1
        return count


async def measure(*, is_full: bool = False) -> None:
    """Both sides in turn, for every number of consumers.

    Args:
        is_full: more and longer rounds.

    Raises:
        StackError: a side failed.
    """
    need_peers()
    binary = obtain()
    rounds, seconds = (FULL_ROUNDS, FULL_MEASURED_S) if is_full else (ROUNDS, MEASURED_S)
    for count in CONSUMER_COUNTS:
        ours: list[Figures] = []
        theirs: list[Figures] = []
        for _ in range(rounds):
            ours.append(
                await _run_side(binary, sys.executable, "-m", "scripts.benches.joins", str(count), str(seconds))
            )
            peer = (str(NODE), str(PEERS / "joins" / "joins.mjs"), str(count), str(CONCURRENCY), str(seconds))
            theirs.append(await _run_side(binary, *peer))
        _report(count, ours, theirs, digest(binary))


def _report(count: int, ours: Sequence[Figures], theirs: Sequence[Figures], worker: str) -> None:
    """Three figures: speed, what it cost the driver, and what the driver holds."""
    print_figure(
        compare(
            name=f"joins_k{count}",
            unit="joins/s",
            ours=[side.joins_per_s for side in ours],
            peer=[side.joins_per_s for side in theirs],
            peer_name=PEER_NAME,
            facts={"concurrency": CONCURRENCY, "worker_sha256": worker},
        )
    )
    print_figure(
        compare(
            name=f"joins_driver_cpu_k{count}",
            unit="ms/join",
            ours=[side.driver_cpu_ms_per_join for side in ours],
            peer=[side.driver_cpu_ms_per_join for side in theirs],
            peer_name=PEER_NAME,
            less_is_better=True,
            digits=3,
        )
    )
    print_figure(
        compare(
            name=f"joins_driver_memory_k{count}",
            unit="MiB",
            ours=[side.driver_mib for side in ours],
            peer=[side.driver_mib for side in theirs],
            peer_name=PEER_NAME,
            less_is_better=True,
        )
    )


async def _run_side(binary: Path, *command: str) -> Figures:
    """One round of one side. Raises StackError."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "MEDIASOUP_WORKER_BIN": str(binary)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SIDE_TIMEOUT_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise StackError(f"{command[0]} exited with {process.returncode}")
    return msgspec.json.decode(said, type=Figures)


async def measure_ours(binary: Path, consumer_count: int, seconds: float) -> Figures:
    """One round of ours, in this process."""
    worker = await Worker.create(binary=binary)
    scene = await Scene.build(worker, consumer_count)
    await scene.measure(WARM_UP_S)
    figures = await scene.measure(seconds)
    worker.close()
    await worker.wait_closed()
    return figures


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print one round of ours."""
    figures = uvloop.run(measure_ours(obtain(), int(sys.argv[1]), float(sys.argv[2])))
    sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")


if __name__ == "__main__":
    main()

"""How fast the media plane drives the worker: joins a second beside the official Node library, same binary.

One join is two WebRTC transports on a WebRTC server, k consumers made paused, and k resumes; older joins leave meanwhile.
Nobody connects: this is the control path alone. Ours runs on uvloop, as the agent does. Both sides run in turn, three times
each, so that a busy machine slows both; the ratio of the medians is the figure.

    python -m scripts.benches.driver
"""

import argparse
import asyncio
import collections
import hashlib
import json
import os
import resource
import statistics
import subprocess
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
from scripts.worker.obtain import obtain

ROUNDS = 3
CONCURRENCY = 20
MEASURED_S = 5.0
WARM_UP_S = 1.0
CONSUMER_COUNTS = (2, 6)
PEER = Path(__file__).parent / "peers" / "driver" / "joins.mjs"
NODE = Path(sys.executable).with_name("node")


class Figures(msgspec.Struct, frozen=True):
    """One side of one round: joins a second, and CPU of the driving process, not the worker's."""

    joins_per_s: float
    driver_cpu_ms_per_join: float


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
    open: "collections.deque[Transport]"

    @classmethod
    async def build(cls, worker: Worker, consumer_count: int) -> "Scene":
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
        return Figures(joins_per_s=joins / took, driver_cpu_ms_per_join=used * 1000 / joins)

    async def _join_until(self, end: float) -> int:
        count = 0
        while time.perf_counter() < end:
            await self.join()
            count += 1
        return count


async def measure_ours(binary: Path, consumer_count: int) -> Figures:
    """One round of ours."""
    worker = await Worker.create(binary=binary)
    scene = await Scene.build(worker, consumer_count)
    await scene.measure(WARM_UP_S)
    figures = await scene.measure(MEASURED_S)
    worker.close()
    await worker.wait_closed()
    return figures


def measure_node(binary: Path, consumer_count: int) -> Figures:
    """One round of the official Node library."""
    arguments = [str(consumer_count), str(CONCURRENCY), str(MEASURED_S)]
    done = subprocess.run(
        [str(NODE), str(PEER), *arguments],
        env={**os.environ, "MEDIASOUP_WORKER_BIN": str(binary)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return msgspec.json.decode(done.stdout, type=Figures)


def compare(binary: Path, consumer_count: int) -> dict[str, object]:
    """Both sides in turn; medians and their ratios."""
    ours: list[Figures] = []
    theirs: list[Figures] = []
    for _ in range(ROUNDS):
        ours.append(uvloop.run(measure_ours(binary, consumer_count)))
        theirs.append(measure_node(binary, consumer_count))
    mine, node = _median(ours), _median(theirs)
    return {
        "consumers": consumer_count,
        "concurrency": CONCURRENCY,
        "ours": msgspec.to_builtins(mine),
        "node": msgspec.to_builtins(node),
        "joins_ratio": round(mine.joins_per_s / node.joins_per_s, 3),
        "cpu_ratio": round(mine.driver_cpu_ms_per_join / node.driver_cpu_ms_per_join, 3),
        "worker_sha256": hashlib.sha256(binary.read_bytes()).hexdigest()[:16],
    }


def _median(figures: Sequence[Figures]) -> Figures:
    return Figures(
        joins_per_s=round(statistics.median(figure.joins_per_s for figure in figures), 1),
        driver_cpu_ms_per_join=round(statistics.median(figure.driver_cpu_ms_per_join for figure in figures), 3),
    )


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print one line of JSON for each number of consumers."""
    parser = argparse.ArgumentParser(description="Joins a second, ours beside the official Node library.")
    parser.add_argument("--ours", action="store_true", help="only ours, one round, for a look while working on it")
    arguments = parser.parse_args()
    binary = obtain()
    for consumer_count in CONSUMER_COUNTS:
        if arguments.ours:
            result: object = msgspec.to_builtins(uvloop.run(measure_ours(binary, consumer_count)))
        else:
            result = compare(binary, consumer_count)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

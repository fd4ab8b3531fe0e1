"""How much media a core forwards: RTP packets a CPU-second, beside Debian's Janus.

One video of 300 packets a second, 1,200 bytes each, goes to forty viewers who really are connected by ICE, DTLS and
SRTP and count what they can decrypt. Both servers hold their viewers all the time and get the same packets in turn,
round by round; only the CPU time of the one whose turn it is counts. A round in which less than 99.9 % of the packets
arrived is void and done again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from scripts.benches import janus
from scripts.benches.figures import compare, print_figure
from scripts.benches.machine import CpuClock, digest, prefer
from scripts.benches.packets import Sender
from scripts.benches.viewers import HERE, Viewer, total_received
from scripts.benches.watching import Stage
from scripts.stack.processes import StackError
from scripts.worker.binary import loads_system_srtp
from scripts.worker.obtain import obtain

VIEWERS = 40
PACKETS_PER_S = 300
ROUND_S = 3.0
ROUNDS = 5
FULL_ROUNDS = 15
FEWEST_ROUNDS = 3
LIMIT_S, FULL_LIMIT_S = 30.0, 120.0
SEATED_AT_ONCE = 8
VOID_ROUNDS = 4
"""How many rounds may be void before the measurement gives up."""
NEEDED_SHARE = 0.999
DRAIN_TIMEOUT_S = 5.0
SSRC = 1_000


class Length(TypedDict):
    """See `in_turn`."""

    rounds: int
    limit_s: float


def length(*, is_full: bool) -> Length:
    """How long a bench of rounds may be."""
    return Length(rounds=FULL_ROUNDS, limit_s=FULL_LIMIT_S) if is_full else Length(rounds=ROUNDS, limit_s=LIMIT_S)


class RoundVoid(Exception):
    """Too little arrived to compare."""


@dataclass(frozen=True)
class Side:
    """One server with its viewers, and the sender that feeds it.

    Attributes:
        pids: of the server's processes.
    """

    name: str
    pids: Sequence[int]
    viewers: Sequence[Viewer]
    sender: Sender

    async def round(self, seconds: float) -> float:
        """Packets delivered a CPU-second. Raises RoundVoid."""
        before = total_received(self.viewers)
        clocks = [CpuClock(pid) for pid in self.pids]
        sent = await self.sender.send(seconds) * len(self.viewers)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while total_received(self.viewers) - before < sent:  # noqa: ASYNC110 - no event for every packet
                    await asyncio.sleep(0.02)
        used_s = sum(clock.seconds() for clock in clocks)
        received = total_received(self.viewers) - before
        if received < NEEDED_SHARE * sent:
            raise RoundVoid(f"{self.name}: {received} of {sent} packets arrived")
        return received / used_s


async def in_turn(sides: Sequence[Side], *, rounds: int, limit_s: float, seconds: float = ROUND_S) -> list[list[float]]:
    """Every side once a round; void rounds are done again by all sides.

    Args:
        sides: two or more.
        rounds: at most so many.
        limit_s: no round begins later than this, once there are `FEWEST_ROUNDS`: on a busy machine they take longer.
        seconds: how long each side is sent packets.

    Returns:
        Packets a CPU-second, one list a side, in its order.

    Raises:
        StackError: too many rounds were void.
    """
    results: list[list[float]] = [[] for _ in sides]
    void = 0
    deadline_s = time.monotonic() + limit_s
    while len(results[0]) < rounds:
        if len(results[0]) >= FEWEST_ROUNDS and time.monotonic() > deadline_s:
            break
        try:
            values = [await side.round(seconds) for side in sides]
        except RoundVoid as error:
            void += 1
            if void > VOID_ROUNDS:
                raise StackError(f"{void} rounds were void, the last one because {error}") from error
            continue
        for result, value in zip(results, values, strict=True):
            result.append(value)
    return results


async def measure(*, is_full: bool = False) -> None:
    """Ours and Janus in turn.

    Args:
        is_full: more rounds.

    Raises:
        StackError: Janus is missing, or too much was lost.
    """
    binary = obtain()
    async with contextlib.AsyncExitStack() as stack:
        ours = await open_ours(stack, binary)
        peer = await stack.enter_async_context(janus.Janus.running())
        theirs = await open_side(stack, janus.VERSION, [peer.pid], ("127.0.0.1", peer.video_port), peer.seat)
        values, peer_values = await in_turn([ours, theirs], **length(is_full=is_full))
        profiles = f"{ours.viewers[0].srtp_profile}, {theirs.viewers[0].srtp_profile}"
    print_figure(
        compare(
            name="sfu",
            unit="packets/CPU-s",
            ours=values,
            peer=peer_values,
            peer_name=f"{janus.VERSION}, streaming plugin",
            digits=0,
            facts={
                "viewers": VIEWERS,
                "srtp": profiles,
                "libsrtp": "the system's" if loads_system_srtp(binary) else "on OpenSSL, linked in",
                "worker_sha256": digest(binary),
            },
        )
    )


async def compare_workers(ours: Path, other: Path, rounds: int, buffer_bytes: tuple[int, int] = (0, 0)) -> None:
    """Two worker binaries in turn, or one with two sizes of socket buffers."""
    async with contextlib.AsyncExitStack() as stack:
        sides = [await open_ours(stack, binary, size) for binary, size in zip((ours, other), buffer_bytes, strict=True)]
        values, peer_values = await in_turn(sides, rounds=rounds, limit_s=FULL_LIMIT_S)
    print_figure(
        compare(
            name="sfu_workers",
            unit="packets/CPU-s",
            ours=values,
            peer=peer_values,
            peer_name=f"worker {digest(other)}",
            digits=0,
            facts={"worker_sha256": digest(ours), "buffers": f"{buffer_bytes[0]}, {buffer_bytes[1]}"},
        )
    )


@dataclass(frozen=True)
class Audience:
    """How many watch, and how many packets a second each of them gets."""

    viewers: int = VIEWERS
    packets_per_s: int = PACKETS_PER_S


FORTY = Audience()


async def open_ours(
    stack: contextlib.AsyncExitStack, binary: Path, buffer_bytes: int = 0, audience: Audience = FORTY
) -> Side:
    """A worker with its viewers."""
    stage = await stack.enter_async_context(Stage.open(binary, ssrc=SSRC, buffer_bytes=buffer_bytes))

    async def seat(viewer: Viewer) -> None:
        await stage.seat(viewer, stage.producer.id)

    return await open_side(stack, "worker", [stage.pid], (HERE, stage.source.tuple.local_port), seat, audience=audience)


async def open_side(
    stack: contextlib.AsyncExitStack,
    name: str,
    pids: Sequence[int],
    address: tuple[str, int],
    seat: Callable[[Viewer], Coroutine[Any, Any, None]],
    *,
    audience: Audience = FORTY,
) -> Side:
    """Viewers on their seats, and a sender; what is opened is closed with the stack. The first second is not measured."""
    viewers = await Viewer.prepare(audience.viewers)
    for start in range(0, len(viewers), SEATED_AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for viewer in viewers[start : start + SEATED_AT_ONCE]:
                stack.push_async_callback(viewer.close)
                group.create_task(seat(viewer))
    sender = await stack.enter_async_context(
        Sender.running(ip=address[0], port=address[1], ssrc=SSRC, rate=audience.packets_per_s)
    )
    side = Side(name, pids, viewers, sender)
    for pid in pids:
        prefer(pid)
    with contextlib.suppress(RoundVoid):
        await side.round(1.0)
    return side


def main() -> None:
    """`python -m scripts.benches.sfu OTHER`: our worker beside another binary."""
    parser = argparse.ArgumentParser(description="Forwarding by two worker binaries in turn.")
    parser.add_argument("other", type=Path)
    parser.add_argument("--ours", type=Path, default=None, help="instead of the one scripts/worker obtains")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--buffers", type=int, nargs=2, default=(0, 0), help="bytes of socket buffers, of each")
    arguments = parser.parse_args()
    asyncio.run(
        compare_workers(arguments.ours or obtain(), arguments.other, arguments.rounds, tuple(arguments.buffers))
    )


if __name__ == "__main__":
    main()

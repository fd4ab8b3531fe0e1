"""What it costs to spread a room over two workers: packets a CPU-second, beside the same viewers on one.

Viewers as in `sfu`. Spread, half of them watch on the worker the video comes in at, the other half on a second one that
gets it once through a pipe, as the agent's RouterGroup does it. The CPU time of both workers counts. To be woken for a
packet costs a worker the same however many it then sends, so the ratio grows with the room: 160 viewers, and with
`--full` 40 too.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from scripts.benches.figures import compare, print_figure
from scripts.benches.machine import digest
from scripts.benches.sfu import SSRC, Audience, Side, in_turn, length, open_ours, open_side
from scripts.benches.viewers import HERE, Viewer
from scripts.benches.watching import Stage
from scripts.worker.obtain import obtain

OTHER_SSRC = 2_000
AUDIENCES = (Audience(viewers=160, packets_per_s=75),)
FULL_AUDIENCES = (Audience(viewers=40, packets_per_s=300), *AUDIENCES)
"""12,000 packets a second in all: what one process of Python can decrypt."""


async def measure(*, is_full: bool = False) -> None:
    """One worker and two in turn.

    Args:
        is_full: more rounds.

    Raises:
        StackError: too much was lost.
    """
    binary = obtain()
    for audience in FULL_AUDIENCES if is_full else AUDIENCES:
        await _compare(binary, audience, is_full=is_full)


async def _compare(binary: Path, audience: Audience, *, is_full: bool) -> None:
    async with AsyncExitStack() as stack:
        one = await open_ours(stack, binary, audience=audience)
        two = await _open_spread(stack, binary, audience)
        spread, alone = await in_turn([two, one], **length(is_full=is_full))
    print_figure(
        compare(
            name=f"pipe_{audience.viewers}",
            unit="packets/CPU-s",
            ours=spread,
            peer=alone,
            peer_name="the same viewers on one worker",
            digits=0,
            facts={"viewers": audience.viewers, "worker_sha256": digest(binary)},
        )
    )


async def _open_spread(stack: AsyncExitStack, binary: Path, audience: Audience) -> Side:
    """Two workers, a pipe between them, and every other viewer at the second."""
    origin = await stack.enter_async_context(Stage.open(binary, ssrc=SSRC))
    edge = await stack.enter_async_context(Stage.open(binary, ssrc=OTHER_SSRC))
    await origin.router.pipe_to_router(router=edge.router, producer_id=origin.producer.id, sctp=None, enable_rtx=True)
    seated = 0

    async def seat(viewer: Viewer) -> None:
        nonlocal seated
        seated += 1
        await (edge if seated % 2 else origin).seat(viewer, origin.producer.id)

    return await open_side(
        stack, "two workers", [origin.pid, edge.pid], (HERE, origin.source.tuple.local_port), seat, audience=audience
    )

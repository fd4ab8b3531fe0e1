"""What it costs to spread a room over two workers: packets a CPU-second, beside the same viewers on one.

Forty viewers as in `sfu`. Spread, half of them watch on the worker the video comes in at, the other half on a second
one that gets it once through a pipe. The CPU time of both workers counts.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from scripts.benches.figures import compare, print_figure
from scripts.benches.machine import digest
from scripts.benches.sfu import SSRC, VIEWERS, Side, in_turn, length, open_ours, open_side
from scripts.benches.viewers import HERE, Viewer
from scripts.benches.watching import Stage
from scripts.worker.obtain import obtain

OTHER_SSRC = 2_000


async def measure(*, is_full: bool = False) -> None:
    """One worker and two in turn.

    Args:
        is_full: more rounds.

    Raises:
        StackError: too much was lost.
    """
    binary = obtain()
    async with AsyncExitStack() as stack:
        one = await open_ours(stack, binary)
        two = await _open_spread(stack, binary)
        spread, alone = await in_turn([two, one], **length(is_full=is_full))
    print_figure(
        compare(
            name="pipe",
            unit="packets/CPU-s",
            ours=spread,
            peer=alone,
            peer_name="the same viewers on one worker",
            digits=0,
            facts={"viewers": VIEWERS, "worker_sha256": digest(binary)},
        )
    )


async def _open_spread(stack: AsyncExitStack, binary: Path) -> Side:
    """Two workers, a pipe between them, and every other viewer at the second."""
    origin = await stack.enter_async_context(Stage.open(binary, ssrc=SSRC))
    edge = await stack.enter_async_context(Stage.open(binary, ssrc=OTHER_SSRC))
    await origin.router.pipe_to_router(router=edge.router, producer_id=origin.producer.id, sctp=None, enable_rtx=True)
    seated = 0

    async def seat(viewer: Viewer) -> None:
        nonlocal seated
        seated += 1
        await (edge if seated % 2 else origin).seat(viewer, origin.producer.id)

    return await open_side(stack, "two workers", [origin.pid, edge.pid], (HERE, origin.source.tuple.local_port), seat)

"""Work beside the loop: never more of it at once than there are places, also when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading

import pytest

from control_plane.gateways.side_work import PLACES, SideWork


async def test_a_thread_whose_caller_went_away_keeps_its_place_until_it_ends() -> None:
    side_work, let_go, begun = SideWork(), threading.Event(), []

    def work() -> None:
        begun.append(1)
        let_go.wait(30)

    first = [asyncio.create_task(side_work.run(work)) for _ in range(PLACES)]
    while len(begun) < PLACES:  # noqa: ASYNC110 - threads tell
        await asyncio.sleep(0.01)
    for task in first:
        task.cancel()
    await asyncio.gather(*first, return_exceptions=True)
    late = asyncio.create_task(side_work.run(work))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(late), 0.2)
    begun_before = len(begun)
    let_go.set()
    await late

    assert begun_before == PLACES
    assert len(begun) == PLACES + 1


async def test_what_the_work_raises_is_raised_and_gives_the_place_back() -> None:
    side_work = SideWork()

    for _ in range(PLACES + 1):
        with pytest.raises(ZeroDivisionError):
            await side_work.run(lambda: 1 // 0)

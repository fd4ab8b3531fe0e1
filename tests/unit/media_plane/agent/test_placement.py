"""Which worker gets the next router."""

from __future__ import annotations

import pytest

from media_plane.agent.placement import WorkerFacts, choose_worker

LIMIT = 500


def worker(
    index: int,
    *,
    alive: bool = True,
    routers: int = 0,
    transports: int = 0,
    consumers: int = 0,
    cpu: float = 0.0,
) -> WorkerFacts:
    return WorkerFacts(
        index=index, is_alive=alive, routers=routers, transports=transports, consumers=consumers, cpu=cpu
    )


@pytest.mark.parametrize(
    ("workers", "chosen"),
    [
        pytest.param([], None, id="no workers"),
        pytest.param([worker(0)], 0, id="the only one"),
        pytest.param([worker(0), worker(1)], 0, id="equals: the first"),
        pytest.param([worker(1), worker(0)], 0, id="order of facts does not matter"),
        pytest.param([worker(0, consumers=2), worker(1, consumers=1)], 1, id="fewest consumers"),
        pytest.param([worker(0, transports=3), worker(1, transports=2)], 1, id="then fewest transports"),
        pytest.param([worker(0, routers=2), worker(1, routers=1)], 1, id="then fewest routers"),
        pytest.param([worker(0, routers=9), worker(1, consumers=1)], 0, id="consumers before routers"),
        pytest.param([worker(0, alive=False), worker(1, consumers=400)], 1, id="dead ones never"),
        pytest.param([worker(0, alive=False)], None, id="all dead"),
        pytest.param([worker(0, consumers=499)], 0, id="one below the limit"),
        pytest.param([worker(0, consumers=500)], None, id="full at the limit"),
        pytest.param([worker(0, cpu=0.95), worker(1, consumers=300, cpu=0.5)], 1, id="busy ones not"),
    ],
)
def test_the_next_router_goes_to_the_worker_with_most_room(workers: list[WorkerFacts], chosen: int | None) -> None:
    assert choose_worker(workers, max_consumers=LIMIT) == chosen

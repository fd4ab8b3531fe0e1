"""Which worker gets the next router, and which the next viewer."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_plane.agent.placement import BUSY_CPU, SATURATED_CPU, WorkerFacts, choose_seat, choose_worker

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


@pytest.mark.parametrize(
    ("workers", "edges", "chosen"),
    [
        pytest.param([worker(0, consumers=499), worker(1)], [], 0, id="the origin while it has room"),
        pytest.param([worker(0, consumers=400), worker(1)], [1], 0, id="the origin before an empty edge"),
        pytest.param(
            [worker(0, consumers=500), worker(1, consumers=9), worker(2)], [1], 1, id="an edge before a new one"
        ),
        pytest.param([worker(0, consumers=500), worker(1, consumers=9), worker(2)], [1, 2], 2, id="the emptiest edge"),
        pytest.param([worker(0, consumers=500), worker(1, consumers=500), worker(2)], [1], 2, id="then a new edge"),
        pytest.param([worker(0, cpu=0.95), worker(1)], [], 1, id="a busy origin has no room"),
        pytest.param([worker(0, alive=False), worker(1)], [], 1, id="nor has a silent one"),
        pytest.param([worker(0, consumers=500), worker(1, alive=False)], [1], 0, id="nor a silent edge"),
        pytest.param([worker(0, consumers=700), worker(1, consumers=600)], [1], 1, id="all full: where load is least"),
        pytest.param(
            [worker(1, consumers=600), worker(2, consumers=600), worker(0, consumers=700)], [2], 2, id="no pipe"
        ),
        pytest.param([worker(0, consumers=700), worker(1, cpu=0.99)], [], 0, id="not where a core is saturated"),
        pytest.param([worker(0, consumers=5, cpu=0.99), worker(1, cpu=1.0)], [1], None, id="all saturated"),
        pytest.param([worker(0, alive=False)], [], None, id="all dead"),
    ],
)
def test_a_viewer_goes_where_there_is_room_and_least_to_pipe(
    workers: list[WorkerFacts], edges: list[int], chosen: int | None
) -> None:
    assert choose_seat(workers, origin=0, edges=edges, max_consumers=LIMIT) == chosen


fleets = st.lists(
    st.builds(
        WorkerFacts,
        index=st.just(0),
        is_alive=st.booleans(),
        transports=st.integers(0, 1000),
        consumers=st.integers(0, 1000),
        cpu=st.floats(0, 1),
    ),
    min_size=1,
    max_size=8,
).map(lambda facts: [msgspec.structs.replace(one, index=index) for index, one in enumerate(facts)])


@given(workers=fleets, edges=st.sets(st.integers(1, 7)))
def test_a_viewer_is_refused_only_where_no_worker_could_carry_one(workers: list[WorkerFacts], edges: set[int]) -> None:
    usable = [one for one in workers if one.is_alive and one.cpu < SATURATED_CPU]

    index = choose_seat(workers, origin=0, edges=edges, max_consumers=LIMIT)

    assert (index is None) == (not usable)
    assert index is None or workers[index] in usable


@given(workers=fleets, edges=st.sets(st.integers(1, 7)))
def test_no_viewer_goes_to_a_full_worker_while_another_has_room(workers: list[WorkerFacts], edges: set[int]) -> None:
    roomy = {one.index for one in workers if one.is_alive and one.consumers < LIMIT and one.cpu < BUSY_CPU}

    index = choose_seat(workers, origin=0, edges=edges, max_consumers=LIMIT)

    assert not roomy or index in roomy
    assert not roomy & {0, *edges} or index in {0, *edges}

"""Who is measured when there is not time for all."""

from __future__ import annotations

from media_plane.agent.quality_meter import REQUESTS_PER_S, TICK_S, Candidate, choose_due
from media_plane.contract.delivery import QUALITY_INTERVAL_S

NEVER = float("-inf")


def viewer(index: int, measured_at_s: float = NEVER) -> Candidate:
    return Candidate(index, is_publisher=False, measured_at_s=measured_at_s, cost=2)


def test_publishers_come_first() -> None:
    viewers = [viewer(index) for index in range(10)]
    host = Candidate(10, is_publisher=True, measured_at_s=90.0, cost=4)

    assert choose_due([*viewers, host], now_s=100.0, budget=6)[0] == 10


def test_nobody_is_measured_again_within_the_interval() -> None:
    fresh = Candidate(0, is_publisher=True, measured_at_s=100.0, cost=2)
    due = viewer(1, 100.0 - QUALITY_INTERVAL_S)

    assert choose_due([fresh, due], now_s=100.0, budget=100) == [1]


def test_who_has_waited_longest_comes_next() -> None:
    waited = [viewer(index, 10.0 * index) for index in (3, 1, 2)]

    assert choose_due(waited, now_s=100.0, budget=4) == [1, 2]


def test_the_budget_is_never_overspent() -> None:
    crowd = [
        Candidate(index, is_publisher=index % 3 == 0, measured_at_s=NEVER, cost=1 + index % 4) for index in range(50)
    ]

    chosen = choose_due(crowd, now_s=0.0, budget=17)

    assert 14 <= sum(crowd[index].cost for index in chosen) <= 17


def test_each_of_a_thousand_viewers_is_measured_within_ten_seconds() -> None:
    measured_at_s = dict.fromkeys(range(1_000), NEVER)
    budget, now_s = round(REQUESTS_PER_S * TICK_S), 0.0

    while now_s < 10.0:
        people = [viewer(index, at_s) for index, at_s in measured_at_s.items()]
        measured_at_s |= dict.fromkeys(choose_due(people, now_s=now_s, budget=budget), now_s)
        now_s += TICK_S

    assert min(measured_at_s.values()) >= 0.0

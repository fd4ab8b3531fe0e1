from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from control_plane.signaling.limits import TokenBucket


def test_burst_then_wait_then_again() -> None:
    bucket = TokenBucket(2, 10, now_s=0.0)

    waits = [bucket.take(0.0) for _ in range(3)]

    assert waits == [0.0, 0.0, 0.1]
    assert bucket.take(0.1) == 0.0


@given(st.lists(st.floats(min_value=0, max_value=1), max_size=200))
def test_never_more_than_the_burst_and_the_rate(gaps_s: list[float]) -> None:
    bucket, now_s, allowed = TokenBucket(5, 10, now_s=0.0), 0.0, 0

    for gap_s in gaps_s:
        now_s += gap_s
        allowed += bucket.take(now_s) == 0.0

    assert allowed <= 5 + 10 * now_s + 1e-6

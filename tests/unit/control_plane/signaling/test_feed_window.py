from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.events import FeedEvent
from control_plane.signaling.feed_window import WINDOW, FeedWindow


def entry(seq: int) -> FeedEvent:
    return FeedEvent(
        seq=seq,
        kind="chat.posted",
        subject_id=UUID(int=seq),
        author_id=UUID(int=1),
        author_name="someone",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        body=msgspec.Raw(b"{}"),
    )


@given(st.lists(st.lists(st.integers(min_value=1, max_value=40)), max_size=30), st.integers(0, 10))
def test_entries_are_told_once_in_order_and_without_holes(arrivals: list[list[int]], start: int) -> None:
    window = FeedWindow([], start)

    told = [known.seq for batch in arrivals for known in window.add([entry(seq) for seq in batch])]

    assert told == list(range(start + 1, start + 1 + len(told)))
    seen = {seq for batch in arrivals for seq in batch}
    assert start + 1 + len(told) not in seen
    assert window.has_hole is any(seq > start + len(told) for seq in seen)


@given(st.permutations(list(range(1, 30))))
def test_any_order_of_arrival_ends_complete(order: list[int]) -> None:
    window = FeedWindow()

    told = [known.seq for seq in order for known in window.add([entry(seq)])]

    assert told == list(range(1, 30))
    assert not window.has_hole


def test_only_the_newest_entries_are_kept() -> None:
    window = FeedWindow()

    window.add([entry(seq) for seq in range(1, WINDOW + 51)])

    assert [known.seq for known in window.newest(3)] == [WINDOW + 48, WINDOW + 49, WINDOW + 50]
    assert len(window.after(0)) == WINDOW
    assert [known.seq for known in window.after(WINDOW + 49)] == [WINDOW + 50]
    assert window.newest(0) == []


def test_rows_that_are_ahead_make_a_hole() -> None:
    window = FeedWindow([entry(1)], 1)

    window.note_last_seq(3)

    assert window.has_hole
    assert (window.told_seq, window.last_seq) == (1, 3)

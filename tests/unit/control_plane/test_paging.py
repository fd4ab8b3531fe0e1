"""Pages and cursors."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.errors import InvalidInput
from control_plane.rest.paging import after_id, after_time, page_of, read_cursor, write_cursor


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    ids = sorted(uuid4() for _ in range(10))
    seen: list[UUID] = []
    cursor: str | None = None

    while True:
        position = after_id(cursor)
        rows = [one for one in ids if position is None or one > position][:4]
        page = page_of(rows, 3, lambda one: (one,))
        seen += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == ids


def test_a_page_that_ends_the_list_exactly_names_no_next_one() -> None:
    page = page_of([1, 2, 3], 3, lambda one: (one,))

    assert page.rows == [1, 2, 3]
    assert page.next_cursor is None


def test_a_cursor_of_a_time_and_an_id_keeps_both() -> None:
    key = (datetime(2026, 11, 22, 20, 0, 0, 123456, tzinfo=UTC), uuid4())

    assert after_time(write_cursor(key)) == key


@given(st.text(max_size=600))
def test_a_cursor_nobody_made_is_invalid_input(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_cursor(text, tuple[datetime, UUID])


def test_a_cursor_of_another_list_is_invalid_input() -> None:
    with pytest.raises(InvalidInput):
        after_id(write_cursor(["name", str(uuid4())]))

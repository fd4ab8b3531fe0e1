"""Pages of lists: `?limit=` and an opaque `?cursor=` in, `items` and `nextCursor` out.

Every list is ordered by something that never changes and names one row (ids are UUIDv7, so they order by age), and a page
begins after the last row of the one before: rows that come or go meanwhile shift nothing.

    @get(...)
    async def list_all(self, …, limit: Limit = PAGE_DEFAULT, cursor: CursorParameter = None) -> RoomList:
        rows = await platform.rooms.list_rooms(caller, …, after=after_id(cursor), limit=limit + 1)
        page = page_of(rows, limit, lambda row: (row.id,))
        return RoomList(items=[view(row) for row in page.rows], next_cursor=page.next_cursor)

The store is asked for one row more than the page holds, by `where ($2::uuid is null or id > $2) order by id limit $3`.

Filters are query parameters named like the field they look at, compared whole (`?role=viewer`); `q` searches text; times
are `since` (from there on) and `until` (before). A cursor belongs to the filters it came with: with others it is refused or
begins somewhere else, never an error of ours.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from control_plane.domain.errors import InvalidInput

PAGE_MAX = 200
"""Most rows of one page."""
PAGE_DEFAULT = 100
"""Rows of a page when nobody asked for a number."""
CURSOR_MAX_LENGTH = 512

Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description=f"Items at most, 1-{PAGE_MAX}.")]
"""For a handler's `limit`."""
CursorParameter = Annotated[
    str | None,
    QueryParameter(
        max_length=CURSOR_MAX_LENGTH,
        description="`nextCursor` of the page before, unread; left out for the first page.",
    ),
]
"""For a handler's `cursor`."""
RowT = TypeVar("RowT")
KeyT = TypeVar("KeyT")


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """rows: of this page, at most its limit. next_cursor: of the next one; None when this is the last."""

    rows: list[RowT]
    next_cursor: str | None


def page_of(rows: Sequence[RowT], limit: int, key: Callable[[RowT], Sequence[Any]]) -> Page[RowT]:
    """Cut a page out of `limit + 1` rows.

    Args:
        rows: in the list's order, at most limit + 1: one more says that there is a next page.
        limit: rows of a page, > 0.
        key: what the list is ordered by, of one row; the last part names the row. UUIDs, times, text and numbers.
    """
    shown = list(rows[:limit])
    if len(rows) <= limit:
        return Page(rows=shown, next_cursor=None)
    return Page(rows=shown, next_cursor=write_cursor(key(shown[-1])))


def write_cursor(key: Sequence[Any]) -> str:
    """A position as opaque text (base64url of its JSON). Not secret and not signed: it selects within what one may see."""
    return base64.urlsafe_b64encode(msgspec.json.encode(list(key))).rstrip(b"=").decode()


def read_cursor(cursor: str, kind: type[KeyT]) -> KeyT:
    """The position a cursor holds.

    Args:
        cursor: as it came.
        kind: what its key is, such as `tuple[datetime, UUID]`.

    Raises:
        InvalidInput: nobody here made this cursor, or for another list.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, binascii.Error) as error:  # msgspec's errors are ValueErrors too
        raise InvalidInput("This cursor belongs to no page of this list.", field="cursor") from error


def after_id(cursor: str | None) -> UUID | None:
    """The position in a list ordered by id; None for its beginning. Raises InvalidInput."""
    return None if cursor is None else read_cursor(cursor, tuple[UUID])[0]


def after_time(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The position in a list ordered by a time and then the id; None for its beginning. Raises InvalidInput."""
    return None if cursor is None else read_cursor(cursor, tuple[datetime, UUID])

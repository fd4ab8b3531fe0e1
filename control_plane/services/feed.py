"""A room's feed: reading it, and appending to it. Chat, alerts and sessions all end up here (decisions.md 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, DomainError, InvalidInput, NotFound
from control_plane.domain.events import FeedAppended, FeedEvent, FeedKind, room_topic
from control_plane.domain.ids import OrganizationId, RoomId, UserId
from control_plane.domain.participants import grant_for
from control_plane.domain.roles import Permission, Role
from control_plane.services import access
from control_plane.services.ports import Bus, Clock
from control_plane.stores import feed as store
from control_plane.stores.database import Database, Transaction, UniqueViolation

PAGE_MAX = 200
"""Entries of one page at most."""

Append = Callable[[Transaction, FeedEvent], Awaitable[FeedEvent | None]]


class AlreadyAppended(Exception):
    """Raised by an append that finds its id among the rows before it comes to insert it."""


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who speaks in which room, and what they may say there. role: in that room."""

    organization_id: OrganizationId
    room_id: RoomId
    user_id: UserId
    display_name: str
    role: Role
    can_post_chat: bool
    can_post_alert: bool


def no_room() -> NotFound:
    """The answer when a room does not exist, or is another tenant's."""
    return NotFound("There is no such room.")


def tell_feed(tx: Transaction, bus: Bus, room_id: RoomId, event: FeedEvent) -> None:
    """Tell the room of an entry once it is committed."""
    tx.after_commit(lambda: bus.publish(room_topic(room_id), FeedAppended(room_id=room_id, event=event)))


@dataclass(frozen=True, slots=True)
class FeedService:
    """Reads and appends entries."""

    db: Database
    bus: Bus
    clock: Clock

    async def read(
        self, organization_id: OrganizationId, room_id: RoomId, *, after: int, limit: int
    ) -> tuple[list[FeedEvent], int]:
        """Entries after a number, oldest first, and the room's last number. The door has checked that the reader may.

        Args:
            organization_id: the tenant.
            room_id: the room.
            after: seq of the last entry known, >= 0; numbers beyond the last answer nothing.
            limit: 1-PAGE_MAX.

        Raises:
            NotFound: no such room. InvalidInput: a number out of range. Unavailable.
        """
        _check_page(after, limit)
        async with self.db.tenant(organization_id) as tx:
            page = await store.read_after(tx, organization_id, room_id, after=after, limit=limit)
        if page is None:
            raise no_room()
        return page

    async def read_as(
        self, caller: Caller, organization_id: OrganizationId, room_id: RoomId, *, after: int, limit: int
    ) -> tuple[list[FeedEvent], int]:
        """As `read`, for a caller who must be allowed to see rooms. Raises as `read` and `access.require`."""
        _check_page(after, limit)
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.VIEW_ROOMS)
            page = await store.read_after(tx, organization_id, room_id, after=after, limit=limit)
        if page is None:
            raise no_room()
        return page

    async def newest(self, organization_id: OrganizationId, room_id: RoomId, limit: int) -> tuple[list[FeedEvent], int]:
        """The newest entries, oldest of them first, and the room's last number. Raises as `read`."""
        _check_page(0, limit)
        async with self.db.tenant(organization_id) as tx:
            page = await store.read_newest(tx, organization_id, room_id, limit=limit)
        if page is None:
            raise no_room()
        return page

    async def last_seq(self, organization_id: OrganizationId, room_id: RoomId) -> int:
        """The number of the newest entry, >= 0. Raises NotFound, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            seq = await store.read_last_seq(tx, organization_id, room_id)
        if seq is None:
            raise no_room()
        return seq

    async def author_for(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId) -> Author:
        """The caller as an author, from their membership now. Raises as `access.require`."""
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, Permission.POST_CHAT, room_id)
        grant = grant_for(member.role)
        return Author(
            organization_id=organization_id,
            room_id=room_id,
            user_id=member.user_id,
            display_name=member.display_name,
            role=member.role,
            can_post_chat=grant.can_post_chat,
            can_post_alert=grant.can_post_alert,
        )

    async def post(self, author: Author, kind: FeedKind, subject_id: UUID, body: bytes, append: Append) -> FeedEvent:
        """Append one entry by an author, or find the one they appended before under the same id.

        Args:
            author: who speaks.
            kind: what it is.
            subject_id: id of the message or alert, made by the caller: a repeat is harmless.
            body: the kind's own fields, JSON.
            append: writes the rows, in a scope of its own.

        Raises:
            Conflict: the id belongs to something else, or the room is archived. NotFound: no such room. Unavailable.
        """
        draft = FeedEvent(
            seq=0,
            kind=kind,
            subject_id=subject_id,
            author_id=author.user_id,
            author_name=author.display_name,
            at=self.clock.now(),
            body=msgspec.Raw(body),
        )
        try:
            async with self.db.tenant(author.organization_id) as tx:
                event = await append(tx, draft)
                if event is None:
                    raise await _why_closed(tx, author)
                tell_feed(tx, self.bus, author.room_id, event)
        except (UniqueViolation, AlreadyAppended) as error:
            return await self._find_first(author, kind, subject_id, error)
        return event

    async def _find_first(self, author: Author, kind: FeedKind, subject_id: UUID, cause: Exception) -> FeedEvent:
        async with self.db.tenant(author.organization_id) as tx:
            first = await store.find_event(tx, author.organization_id, author.room_id, subject_id, kind)
        if first is None or first.author_id != author.user_id:
            raise Conflict("This id is taken.", field="id") from cause
        return first


async def _why_closed(tx: Transaction, author: Author) -> DomainError:
    """Why nothing can be appended: the room is archived, or there is none."""
    if await store.read_last_seq(tx, author.organization_id, author.room_id) is None:
        return no_room()
    return Conflict("This room is archived.", reason="archived")


def _check_page(after: int, limit: int) -> None:
    if not 0 <= after < 1 << 62:
        raise InvalidInput("A position in the feed is 0 or more.", field="after")
    if not 1 <= limit <= PAGE_MAX:
        raise InvalidInput(f"A page has 1 to {PAGE_MAX} entries.", field="limit")

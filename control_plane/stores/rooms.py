"""Rooms, with the run that is live in each."""

from __future__ import annotations

import msgspec

from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId, RoomId, UserId, WorkspaceId
from control_plane.domain.rooms import LiveSession, Room, WhoMayChat
from control_plane.stores.database import Rows, Transaction

_ROOM = """
    select r.id, r.organization_id, r.workspace_id, r.name, r.slug, r.last_seq, r.created_at,
           r.description, r.waiting_text, r.who_may_chat, r.next_session_at, r.time_zone, r.archived_at,
           s.id as session_id, s.node_id, s.epoch, s.started_by, s.started_at,
           (select count(*) from participants p where p.live_session_id = s.id and p.role = 'viewer'
               and p.generation > 0 and p.left_at is null and p.removed_at is null) as watching
    from rooms r left join live_sessions s on s.room_id = r.id and s.ended_at is null
    where r.organization_id = $1
"""


class RoomNow(msgspec.Struct, frozen=True, kw_only=True):
    """A room and what runs in it. live: None when idle. watching: viewers in it now, >= 0."""

    room: Room
    live: LiveSession | None
    watching: int


def _room_now(row: Rows) -> RoomNow:
    room = Room(
        id=RoomId(row["id"]),
        organization_id=OrganizationId(row["organization_id"]),
        workspace_id=WorkspaceId(row["workspace_id"]),
        name=row["name"],
        slug=row["slug"],
        last_seq=row["last_seq"],
        created_at=row["created_at"],
        description=row["description"],
        waiting_text=row["waiting_text"],
        who_may_chat=WhoMayChat(row["who_may_chat"]),
        next_session_at=row["next_session_at"],
        time_zone=row["time_zone"],
        archived_at=row["archived_at"],
    )
    if row["session_id"] is None:
        return RoomNow(room=room, live=None, watching=0)
    live = LiveSession(
        id=LiveSessionId(row["session_id"]),
        organization_id=room.organization_id,
        room_id=room.id,
        node_id=NodeId(row["node_id"]),
        epoch=row["epoch"],
        started_by=UserId(row["started_by"]),
        started_at=row["started_at"],
        ended_at=None,
    )
    return RoomNow(room=room, live=live, watching=row["watching"])


async def find_room(tx: Transaction, organization_id: OrganizationId, room_id: RoomId) -> RoomNow | None:
    """A room; None when it does not exist."""
    row = await tx.fetchrow(_ROOM + " and r.id = $2", organization_id, room_id)
    return None if row is None else _room_now(row)


async def list_rooms(
    tx: Transaction,
    organization_id: OrganizationId,
    *,
    after: RoomId | None = None,
    limit: int | None = None,
    workspace_id: WorkspaceId | None = None,
    is_archived: bool | None = None,
) -> list[RoomNow]:
    """Rooms, oldest first, after one of them. limit: None: all. is_archived: None: archived or not."""
    rows = await tx.fetch(
        _ROOM + " and ($2::uuid is null or r.id > $2) and ($3::uuid is null or r.workspace_id = $3) "
        "and ($4::boolean is null or (r.archived_at is not null) = $4) order by r.id limit $5",
        organization_id,
        after,
        workspace_id,
        is_archived,
        limit,
    )
    return [_room_now(row) for row in rows]


async def count_rooms(tx: Transaction, organization_id: OrganizationId) -> int:
    """Rooms of the tenant that are not archived, >= 0."""
    return int(
        await tx.fetchval(
            "select count(*) from rooms where organization_id = $1 and archived_at is null", organization_id
        )
    )


async def insert_room(tx: Transaction, room: Room) -> bool:
    """Write a room. False when its id or slug is taken; then nothing is written."""
    count = await tx.execute(
        "insert into rooms (id, organization_id, workspace_id, name, slug, last_seq, created_at, description, "
        "waiting_text, who_may_chat, next_session_at, time_zone) "
        "values ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10, $11) on conflict do nothing",
        room.id,
        room.organization_id,
        room.workspace_id,
        room.name,
        room.slug,
        room.created_at,
        room.description,
        room.waiting_text,
        room.who_may_chat.value,
        room.next_session_at,
        room.time_zone,
    )
    return count == 1


async def update_room(tx: Transaction, room: Room) -> None:
    """Write all that can be changed of a room.

    Raises:
        UniqueViolation: another room of the organization has the slug.
    """
    await tx.execute(
        "update rooms set name = $3, workspace_id = $4, slug = $5, description = $6, waiting_text = $7, "
        "who_may_chat = $8, next_session_at = $9, time_zone = $10, archived_at = $11 where organization_id = $1 and id = $2",
        room.organization_id,
        room.id,
        room.name,
        room.workspace_id,
        room.slug,
        room.description,
        room.waiting_text,
        room.who_may_chat.value,
        room.next_session_at,
        room.time_zone,
        room.archived_at,
    )


async def read_chat_rule(tx: Transaction, organization_id: OrganizationId, room_id: RoomId) -> WhoMayChat | None:
    """Who may write in a room now; None when there is no such room."""
    rule: str | None = await tx.fetchval(
        "select who_may_chat from rooms where organization_id = $1 and id = $2", organization_id, room_id
    )
    return None if rule is None else WhoMayChat(rule)


async def delete_room(tx: Transaction, organization_id: OrganizationId, room_id: RoomId) -> bool:
    """Delete a room and everything in it, unless something runs there. False when it was live or missing."""
    count = await tx.execute(
        "delete from rooms r where r.organization_id = $1 and r.id = $2 "
        "and not exists (select 1 from live_sessions s where s.room_id = r.id and s.ended_at is null)",
        organization_id,
        room_id,
    )
    return count == 1


async def lock_room(tx: Transaction, organization_id: OrganizationId, room_id: RoomId) -> bool:
    """Hold the room's row until commit, so that starting and deleting take turns. False when it does not exist."""
    found = await tx.fetchval(
        "select 1 from rooms where organization_id = $1 and id = $2 for update", organization_id, room_id
    )
    return found is not None

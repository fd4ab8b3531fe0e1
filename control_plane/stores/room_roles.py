"""Roles of members in single rooms, in place of the ones they have in the organization."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from control_plane.domain.ids import OrganizationId, RoomId, UserId
from control_plane.domain.roles import Role
from control_plane.domain.rooms import RoomRole
from control_plane.stores.database import Transaction


async def list_room_roles(tx: Transaction, organization_id: OrganizationId, room_id: RoomId) -> list[RoomRole]:
    """All of a room, by name."""
    rows = await tx.fetch(
        "select r.user_id, u.display_name, r.role, m.role as organization_role from room_roles r "
        "join users u on u.id = r.user_id "
        "join memberships m on m.organization_id = r.organization_id and m.user_id = r.user_id "
        "where r.organization_id = $1 and r.room_id = $2 order by u.display_name, r.user_id",
        organization_id,
        room_id,
    )
    return [
        RoomRole(
            user_id=UserId(row["user_id"]),
            display_name=row["display_name"],
            role=Role(row["role"]),
            organization_role=Role(row["organization_role"]),
        )
        for row in rows
    ]


async def find_room_role(
    tx: Transaction, organization_id: OrganizationId, room_id: RoomId, user_id: UserId
) -> Role | None:
    """A member's role in a room; None when they have the organization's there."""
    role: str | None = await tx.fetchval(
        "select role from room_roles where organization_id = $1 and room_id = $2 and user_id = $3",
        organization_id,
        room_id,
        user_id,
    )
    return None if role is None else Role(role)


async def put_room_role(
    tx: Transaction,
    organization_id: OrganizationId,
    room_id: RoomId,
    user_id: UserId,
    role: Role,
    *,
    row_id: UUID,
    now: datetime,
) -> None:
    """Write a member's role in a room, in place of an earlier one."""
    await tx.execute(
        "insert into room_roles (id, organization_id, room_id, user_id, role, created_at) values ($1, $2, $3, $4, $5, $6) "
        "on conflict (room_id, user_id) do update set role = excluded.role",
        row_id,
        organization_id,
        room_id,
        user_id,
        role.value,
        now,
    )


async def delete_room_roles(
    tx: Transaction,
    organization_id: OrganizationId,
    user_id: UserId,
    *,
    room_id: RoomId | None = None,
    role: Role | None = None,
) -> int:
    """Take back a member's role in a room, or in all of them; with a role: only where it is that. Answers how many."""
    return await tx.execute(
        "delete from room_roles where organization_id = $1 and user_id = $2 "
        "and ($3::uuid is null or room_id = $3) and ($4::text is null or role = $4)",
        organization_id,
        user_id,
        room_id,
        None if role is None else role.value,
    )

"""What an organization uses now, in one statement."""

from __future__ import annotations

import msgspec

from control_plane.domain.ids import OrganizationId
from control_plane.stores.database import Transaction, columns_of


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """Counts, >= 0. viewers: in the fullest live room now. storage_bytes: uploads and recordings; None: not counted."""

    workspaces: int
    rooms: int
    archived_rooms: int
    hosts: int
    members: int
    live_rooms: int
    viewers: int
    storage_bytes: int | None


async def count_usage(tx: Transaction, organization_id: OrganizationId) -> Used:
    """Count it all, but storage: there are no files yet, and a count of none would look like one of some."""
    row = await tx.fetchrow(
        """
        select (select count(*) from workspaces where organization_id = $1) as workspaces,
            (select count(*) from rooms where organization_id = $1 and archived_at is null) as rooms,
            (select count(*) from rooms where organization_id = $1 and archived_at is not null) as archived_rooms,
            (select count(*) from memberships where organization_id = $1 and is_host) as hosts,
            (select count(*) from memberships where organization_id = $1) as members,
            (select count(*) from live_sessions where organization_id = $1 and ended_at is null) as live_rooms,
            (select coalesce(max(n), 0) from (
                select count(*) as n from participants p join live_sessions s on s.id = p.live_session_id
                where s.organization_id = $1 and s.ended_at is null and p.role = 'viewer' and p.generation > 0
                    and p.left_at is null and p.removed_at is null group by s.id) counts) as viewers
        """,
        organization_id,
    )
    assert row is not None
    return Used(**columns_of(row), storage_bytes=None)

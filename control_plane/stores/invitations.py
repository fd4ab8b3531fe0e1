"""Invitations by link."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.organizations import Invitation
from control_plane.domain.roles import Role
from control_plane.stores.database import Rows, Transaction

_SELECT = "select id, role, created_at, expires_at, max_uses, used_count, revoked_at from invitations "


def _invitation(row: Rows) -> Invitation:
    return Invitation(
        id=row["id"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        max_uses=row["max_uses"],
        used_count=row["used_count"],
        revoked_at=row["revoked_at"],
    )


async def insert_invitation(
    tx: Transaction,
    organization_id: OrganizationId,
    invitation: Invitation,
    *,
    token_hash: bytes,
    created_by: UserId,
) -> None:
    """Write an invitation. token_hash: SHA-256 of its secret, 32 bytes."""
    await tx.execute(
        "insert into invitations (id, organization_id, token_hash, role, created_by, created_at, expires_at, max_uses) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8)",
        invitation.id,
        organization_id,
        token_hash,
        invitation.role.value,
        created_by,
        invitation.created_at,
        invitation.expires_at,
        invitation.max_uses,
    )


async def list_invitations(tx: Transaction, organization_id: OrganizationId) -> list[Invitation]:
    """Those not revoked, newest first."""
    rows = await tx.fetch(
        _SELECT + "where organization_id = $1 and revoked_at is null order by id desc", organization_id
    )
    return [_invitation(row) for row in rows]


async def lock_by_token(tx: Transaction, organization_id: OrganizationId, token_hash: bytes) -> Invitation | None:
    """The invitation of a secret, its row held until commit; None when there is none."""
    row = await tx.fetchrow(
        _SELECT + "where organization_id = $1 and token_hash = $2 for update", organization_id, token_hash
    )
    return None if row is None else _invitation(row)


async def count_use(tx: Transaction, invitation_id: UUID) -> None:
    """One more came in by it."""
    await tx.execute("update invitations set used_count = used_count + 1 where id = $1", invitation_id)


async def revoke(tx: Transaction, organization_id: OrganizationId, invitation_id: UUID, now: datetime) -> bool:
    """Make it good for nothing; again is harmless. False when it does not exist."""
    count = await tx.execute(
        "update invitations set revoked_at = coalesce(revoked_at, $3) where organization_id = $1 and id = $2",
        organization_id,
        invitation_id,
        now,
    )
    return count == 1

"""Invitations, by link and by e-mail."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.organizations import Invitation
from control_plane.domain.roles import Role
from control_plane.stores.database import Rows, Transaction

_SELECT = (
    "select id, role, created_at, expires_at, max_uses, used_count, revoked_at, email, declined_at from invitations "
)


class OwnInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation as the one sees it who is invited."""

    invitation: Invitation
    organization_id: OrganizationId
    organization_name: str


def _invitation(row: Rows) -> Invitation:
    return Invitation(
        id=row["id"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        max_uses=row["max_uses"],
        used_count=row["used_count"],
        revoked_at=row["revoked_at"],
        email=row["email"],
        declined_at=row["declined_at"],
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
        "insert into invitations (id, organization_id, token_hash, role, created_by, created_at, expires_at, max_uses, "
        "email) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        invitation.id,
        organization_id,
        token_hash,
        invitation.role.value,
        created_by,
        invitation.created_at,
        invitation.expires_at,
        invitation.max_uses,
        invitation.email,
    )


async def is_member(tx: Transaction, organization_id: OrganizationId, email: str) -> bool:
    """Whether somebody with this address is a member."""
    found = await tx.fetchval(
        "select 1 from memberships m join users u on u.id = m.user_id where m.organization_id = $1 and u.email = $2",
        organization_id,
        email,
    )
    return found is not None


async def revoke_expired(tx: Transaction, organization_id: OrganizationId, email: str | None, now: datetime) -> None:
    """Make room for a new invitation to an address whose last one ran out."""
    await tx.execute(
        "update invitations set revoked_at = $3 where organization_id = $1 and email = $2 "
        "and revoked_at is null and expires_at <= $3",
        organization_id,
        email,
        now,
    )


async def list_invitations(
    tx: Transaction, organization_id: OrganizationId, *, before: UUID | None = None, limit: int | None = None
) -> list[Invitation]:
    """Those not revoked, newest first, from below an id on. limit: None: all."""
    rows = await tx.fetch(
        _SELECT + "where organization_id = $1 and revoked_at is null and ($2::uuid is null or id < $2) "
        "order by id desc limit $3",
        organization_id,
        before,
        limit,
    )
    return [_invitation(row) for row in rows]


async def list_own(tx: Transaction, now: datetime, limit: int) -> list[OwnInvitation]:
    """Those to the address of the person of a user scope that can be accepted now, newest first, at most limit."""
    rows = await tx.fetch(
        "select i.id, i.role, i.created_at, i.expires_at, i.max_uses, i.used_count, i.revoked_at, i.email, i.declined_at, "
        "i.organization_id, o.name from invitations i join organizations o on o.id = i.organization_id "
        "where i.expires_at > $1 order by i.id desc limit $2",
        now,
        limit,
    )
    return [
        OwnInvitation(
            invitation=_invitation(row),
            organization_id=OrganizationId(row["organization_id"]),
            organization_name=row["name"],
        )
        for row in rows
    ]


async def read_address(tx: Transaction, user_id: UserId) -> str | None:
    """The address of the person of a user scope as it is now, in lower case; None when the login is gone."""
    address: str | None = await tx.fetchval("select lower(email) from users where id = $1", user_id)
    return address


async def find_own(tx: Transaction, invitation_id: UUID) -> OrganizationId | None:
    """Whose an invitation to the person of a user scope is; None when they have none of this id."""
    found: UUID | None = await tx.fetchval("select organization_id from invitations where id = $1", invitation_id)
    return None if found is None else OrganizationId(found)


async def lock_by_id(tx: Transaction, organization_id: OrganizationId, invitation_id: UUID) -> Invitation | None:
    """An invitation, its row held until commit; None when there is none."""
    row = await tx.fetchrow(
        _SELECT + "where organization_id = $1 and id = $2 for update", organization_id, invitation_id
    )
    return None if row is None else _invitation(row)


async def lock_by_token(tx: Transaction, organization_id: OrganizationId, token_hash: bytes) -> Invitation | None:
    """The invitation of a secret, its row held until commit; None when there is none."""
    row = await tx.fetchrow(
        _SELECT + "where organization_id = $1 and token_hash = $2 for update", organization_id, token_hash
    )
    return None if row is None else _invitation(row)


async def find_inviter(tx: Transaction, organization_id: OrganizationId, invitation_id: UUID) -> UserId | None:
    """Who made an invitation, or sent it again last; None when there is none."""
    found: UUID | None = await tx.fetchval(
        "select created_by from invitations where organization_id = $1 and id = $2", organization_id, invitation_id
    )
    return None if found is None else UserId(found)


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


async def renew(
    tx: Transaction, invitation_id: UUID, token_hash: bytes, expires_at: datetime, created_by: UserId
) -> None:
    """Give it a new secret and a new end; from now on it stands by the word of who sent it again."""
    await tx.execute(
        "update invitations set token_hash = $2, expires_at = $3, created_by = $4 where id = $1",
        invitation_id,
        token_hash,
        expires_at,
        created_by,
    )


async def decline(tx: Transaction, invitation_id: UUID, now: datetime) -> None:
    """The one it is for said no."""
    await tx.execute("update invitations set declined_at = coalesce(declined_at, $2) where id = $1", invitation_id, now)

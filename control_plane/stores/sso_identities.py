"""Who came by which connection: in their tenant's scope, but for what a person does with their own, in the platform's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.sso import SsoPerson
from control_plane.stores.database import Transaction


async def find_identity(
    tx: Transaction, organization_id: OrganizationId, connection_id: UUID, subject: str
) -> UserId | None:
    """Whose account a subject of a connection is; None: nobody's yet."""
    found: UUID | None = await tx.fetchval(
        "select user_id from sso_identities where organization_id = $1 and connection_id = $2 and subject = $3",
        organization_id,
        connection_id,
        subject,
    )
    return None if found is None else UserId(found)


async def put_identity(
    tx: Transaction,
    *,
    identity_id: UUID,
    organization_id: OrganizationId,
    connection_id: UUID,
    subject: str,
    email: str,
    user_id: UserId,
    now: datetime,
) -> bool:
    """Write whose account a subject is; if that is known, only when it was last used, and as whom. Whether it was new."""
    row = await tx.fetchrow(
        "insert into sso_identities (id, organization_id, connection_id, subject, user_id, created_at, used_at, email) "
        "values ($1, $2, $3, $4, $5, $6, $6, $7) on conflict (connection_id, subject) do update set "
        "used_at = excluded.used_at, email = excluded.email "
        "where sso_identities.user_id = excluded.user_id returning id",
        identity_id,
        organization_id,
        connection_id,
        subject,
        user_id,
        now,
        email,
    )
    return row is not None and row["id"] == identity_id


async def delete_identities(tx: Transaction, organization_id: OrganizationId, connection_id: UUID) -> None:
    """Forget whom a connection's provider knew: another provider's subjects are other people."""
    await tx.execute(
        "delete from sso_identities where organization_id = $1 and connection_id = $2", organization_id, connection_id
    )


async def list_people(
    tx: Transaction, organization_id: OrganizationId, connection_id: UUID, *, after: UUID | None, limit: int
) -> list[SsoPerson]:
    """Whom a connection knows, in the order of their first coming, after one of them."""
    rows = await tx.fetch(
        "select i.id, i.user_id, i.subject, i.email, u.display_name, i.created_at, i.used_at from sso_identities i "
        "left join users u on u.id = i.user_id where i.organization_id = $1 and i.connection_id = $2 "
        "and ($3::uuid is null or i.id > $3) order by i.id limit $4",
        organization_id,
        connection_id,
        after,
        limit,
    )
    return [
        SsoPerson(
            id=row["id"],
            user_id=UserId(row["user_id"]),
            subject=row["subject"],
            email=row["email"],
            display_name=row["display_name"],
            created_at=row["created_at"],
            used_at=row["used_at"],
        )
        for row in rows
    ]


async def find_owner(
    tx: Transaction, organization_id: OrganizationId, connection_id: UUID, identity_id: UUID
) -> UserId | None:
    """Whose identity it is; None: the connection knows none of this id."""
    found: UUID | None = await tx.fetchval(
        "select user_id from sso_identities where organization_id = $1 and connection_id = $2 and id = $3",
        organization_id,
        connection_id,
        identity_id,
    )
    return None if found is None else UserId(found)


async def delete_identity(tx: Transaction, user_id: UserId, identity_id: UUID) -> bool:
    """Forget one identity of a person; platform scope. False: it is gone already."""
    # A policy opens to the platform only the rows of the person it names.
    await tx.execute("select set_config('app.user_id', $1, true)", str(user_id))
    return await tx.execute("delete from sso_identities where id = $1 and user_id = $2", identity_id, user_id) == 1

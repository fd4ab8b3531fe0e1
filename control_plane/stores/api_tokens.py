"""API tokens, in their tenant's scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from control_plane.domain.api_tokens import ApiToken
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.stores.database import Rows, Transaction

_COLUMNS = "id, organization_id, created_by, name, hint, abilities, created_at, expires_at, last_used_at, revoked_at"


def _token(row: Rows) -> ApiToken:
    return ApiToken(
        id=row["id"],
        organization_id=OrganizationId(row["organization_id"]),
        created_by=UserId(row["created_by"]),
        name=row["name"],
        hint=row["hint"],
        abilities=list(row["abilities"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )


async def insert_token(tx: Transaction, token: ApiToken, token_hash: bytes) -> bool:
    """Write a token. False when its id is taken; then nothing is written."""
    count = await tx.execute(
        "insert into api_tokens "
        "(id, organization_id, created_by, name, token_hash, hint, abilities, created_at, expires_at) values "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
        token.id,
        token.organization_id,
        token.created_by,
        token.name,
        token_hash,
        token.hint,
        token.abilities,
        token.created_at,
        token.expires_at,
    )
    return count == 1


async def list_tokens(
    tx: Transaction, organization_id: OrganizationId, *, after: UUID | None, limit: int
) -> list[ApiToken]:
    """Tokens that are not revoked, oldest first, from behind an id on."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from api_tokens where organization_id = $1 and revoked_at is null "  # noqa: S608 - our own columns
        "and ($2::uuid is null or id > $2) order by id limit $3",
        organization_id,
        after,
        limit,
    )
    return [_token(row) for row in rows]


async def find_token(tx: Transaction, organization_id: OrganizationId, token_id: UUID) -> ApiToken | None:
    """A token, revoked ones too; None when it does not exist."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from api_tokens where organization_id = $1 and id = $2",  # noqa: S608 - our own columns
        organization_id,
        token_id,
    )
    return None if row is None else _token(row)


async def find_by_hash(tx: Transaction, organization_id: OrganizationId, token_hash: bytes) -> ApiToken | None:
    """The token of this hash; None when there is none in this organization."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from api_tokens where organization_id = $1 and token_hash = $2",  # noqa: S608 - our own columns
        organization_id,
        token_hash,
    )
    return None if row is None else _token(row)


async def revoke_token(tx: Transaction, organization_id: OrganizationId, token_id: UUID, now: datetime) -> bool:
    """Make a token good for nothing. False when it is missing or was revoked."""
    count = await tx.execute(
        "update api_tokens set revoked_at = $3 where organization_id = $1 and id = $2 and revoked_at is null",
        organization_id,
        token_id,
        now,
    )
    return count == 1


async def revoke_of_member(
    tx: Transaction, organization_id: OrganizationId, user_id: UserId, now: datetime
) -> list[ApiToken]:
    """Make every token a person made here good for nothing. Answers those that were good until now."""
    rows = await tx.fetch(
        "update api_tokens set revoked_at = $3 where organization_id = $1 and created_by = $2 and revoked_at is null "  # noqa: S608 - our own columns
        f"returning {_COLUMNS}",
        organization_id,
        user_id,
        now,
    )
    return [_token(row) for row in rows]


async def list_good(
    tx: Transaction, organization_id: OrganizationId, token_ids: Iterable[UUID], now: datetime
) -> list[ApiToken]:
    """Which of these are good at this moment, and their makers members still."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from api_tokens t where organization_id = $1 and id = any($2) "  # noqa: S608 - our own columns
        "and revoked_at is null and (expires_at is null or expires_at > $3) and exists (select 1 from memberships m "
        "where m.organization_id = t.organization_id and m.user_id = t.created_by)",
        organization_id,
        list(token_ids),
        now,
    )
    return [_token(row) for row in rows]


async def note_use(tx: Transaction, organization_id: OrganizationId, token_id: UUID, now: datetime) -> None:
    """Write when a token was used."""
    await tx.execute(
        "update api_tokens set last_used_at = $3 where organization_id = $1 and id = $2", organization_id, token_id, now
    )


async def is_banned(tx: Transaction, user_id: UserId, now: datetime) -> bool:
    """Whether the person a token acts as is banned at this moment; platform scope."""
    return bool(await find_banned(tx, [user_id], now))


async def find_banned(tx: Transaction, user_ids: Iterable[UserId], now: datetime) -> set[UserId]:
    """Which of these are banned at this moment; platform scope."""
    rows = await tx.fetch(
        "select user_id from auth_credentials where user_id = any($1) and banned_until > $2", list(user_ids), now
    )
    return {UserId(row["user_id"]) for row in rows}

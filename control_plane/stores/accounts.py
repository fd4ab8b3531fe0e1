"""Logins, passwords, sign-ins and refresh tokens; platform scope, but for `find_own`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from control_plane.domain.accounts import Account
from control_plane.domain.ids import UserId
from control_plane.stores.database import Rows, Transaction

_SELECT = """
    select u.id, u.email, u.display_name, u.created_at, u.updated_at, c.last_sign_in_at, c.user_metadata, c.password_hash
    from users u join auth_credentials c on c.user_id = u.id
"""


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token's row and its sign-in's. used_at: None while it is the family's youngest."""

    session_id: UUID
    user_id: UserId
    used_at: datetime | None
    is_revoked: bool


def _account(row: Rows) -> Account:
    return Account(
        id=UserId(row["id"]),
        email=row["email"],
        display_name=row["display_name"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_sign_in_at=row["last_sign_in_at"],
        user_metadata=msgspec.json.decode(row["user_metadata"]),
    )


async def insert_account(tx: Transaction, account: Account, password_hash: str) -> bool:
    """Write a new login. False when the e-mail address is taken; then nothing is written."""
    count = await tx.execute(
        "insert into users (id, email, display_name, created_at, updated_at) values ($1, $2, $3, $4, $4) "
        "on conflict (email) do nothing",
        account.id,
        account.email,
        account.display_name,
        account.created_at,
    )
    if count == 0:
        return False
    await tx.execute(
        "insert into auth_credentials (user_id, password_hash, user_metadata, last_sign_in_at) "
        "values ($1, $2, $3::jsonb, $4)",
        account.id,
        password_hash,
        msgspec.json.encode(account.user_metadata).decode(),
        account.last_sign_in_at,
    )
    return True


async def find_by_email(tx: Transaction, email: str) -> tuple[Account, str] | None:
    """A login and its password's hash; None when there is none."""
    row = await tx.fetchrow(_SELECT + "where u.email = $1", email)
    return None if row is None else (_account(row), row["password_hash"])


async def find_account(tx: Transaction, user_id: UserId) -> Account | None:
    """A login; None when there is none."""
    row = await tx.fetchrow(_SELECT + "where u.id = $1", user_id)
    return None if row is None else _account(row)


async def update_account(tx: Transaction, account: Account, password_hash: str | None) -> bool:
    """Write e-mail, name and metadata, and the password's hash when given. False when the e-mail address is taken."""
    taken = await tx.fetchval("select 1 from users where email = $2 and id <> $1", account.id, account.email)
    if taken is not None:
        return False
    await tx.execute(
        "update users set email = $2, display_name = $3, updated_at = $4 where id = $1",
        account.id,
        account.email,
        account.display_name,
        account.updated_at,
    )
    await tx.execute(
        "update auth_credentials set user_metadata = $2::jsonb, password_hash = coalesce($3, password_hash) "
        "where user_id = $1",
        account.id,
        msgspec.json.encode(account.user_metadata).decode(),
        password_hash,
    )
    return True


async def find_own(tx: Transaction, user_id: UserId) -> tuple[str, str] | None:
    """E-mail address and name of the person of a user scope; None when the login is gone."""
    row = await tx.fetchrow("select email, display_name from users where id = $1", user_id)
    return None if row is None else (row["email"], row["display_name"])


# --- sign-ins


async def insert_session(tx: Transaction, session_id: UUID, user_id: UserId, now: datetime) -> None:
    """Write a sign-in."""
    await tx.execute(
        "insert into auth_sessions (id, user_id, created_at) values ($1, $2, $3)", session_id, user_id, now
    )
    await tx.execute("update auth_credentials set last_sign_in_at = $2 where user_id = $1", user_id, now)


async def is_session_good(tx: Transaction, session_id: UUID, user_id: UserId) -> bool:
    """Whether the sign-in exists and was not ended."""
    found = await tx.fetchval(
        "select 1 from auth_sessions where id = $1 and user_id = $2 and revoked_at is null", session_id, user_id
    )
    return found is not None


async def revoke_sessions(
    tx: Transaction, user_id: UserId, now: datetime, *, only: UUID | None = None, but: UUID | None = None
) -> None:
    """End sign-ins of a person: one (only), all but one (but), or all."""
    await tx.execute(
        "update auth_sessions set revoked_at = $2 where user_id = $1 and revoked_at is null "
        "and ($3::uuid is null or id = $3) and ($4::uuid is null or id <> $4)",
        user_id,
        now,
        only,
        but,
    )


async def insert_refresh_token(tx: Transaction, token_hash: bytes, session_id: UUID, now: datetime) -> None:
    """Write a token of a sign-in's family; a repeat is harmless."""
    await tx.execute(
        "insert into auth_refresh_tokens (token_hash, session_id, created_at) values ($1, $2, $3) on conflict do nothing",
        token_hash,
        session_id,
        now,
    )


async def lock_refresh_token(tx: Transaction, token_hash: bytes) -> RefreshToken | None:
    """A token's row, held until commit, so that two refreshes with it take turns; None when it is unknown."""
    row = await tx.fetchrow(
        "select t.session_id, s.user_id, t.used_at, s.revoked_at is not null as is_revoked "
        "from auth_refresh_tokens t join auth_sessions s on s.id = t.session_id where t.token_hash = $1 for update of t",
        token_hash,
    )
    if row is None:
        return None
    return RefreshToken(
        session_id=row["session_id"],
        user_id=UserId(row["user_id"]),
        used_at=row["used_at"],
        is_revoked=row["is_revoked"],
    )


async def mark_used(tx: Transaction, token_hash: bytes, now: datetime) -> None:
    """The token was changed for the next one."""
    await tx.execute("update auth_refresh_tokens set used_at = $2 where token_hash = $1", token_hash, now)

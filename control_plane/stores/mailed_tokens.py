"""Mailed tokens and PKCE codes: proofs that are used once; platform scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from control_plane.domain.ids import UserId
from control_plane.domain.sign_ins import Challenge, MailedToken, MailPurpose
from control_plane.domain.sso import SsoEntrance
from control_plane.stores.database import Rows, Transaction

_COLUMNS = "id, user_id, purpose, email, otp_hash, failures, code_challenge, code_challenge_method, expires_at"


class FlowCode(msgspec.Struct, frozen=True, kw_only=True):
    """A PKCE code that was taken. method: how the person proved themselves; entrance: by which connection, if one."""

    user_id: UserId
    challenge: Challenge
    method: str
    expires_at: datetime
    entrance: SsoEntrance | None


def _token(row: Rows) -> MailedToken:
    return MailedToken(
        id=row["id"],
        user_id=UserId(row["user_id"]),
        purpose=MailPurpose(row["purpose"]),
        email=row["email"],
        otp_hash=row["otp_hash"],
        failures=row["failures"],
        code_challenge=row["code_challenge"],
        code_challenge_method=row["code_challenge_method"],
        expires_at=row["expires_at"],
    )


async def put(tx: Transaction, token: MailedToken, token_hash: bytes, now: datetime) -> None:
    """Write a token in the place of the person's older one of this purpose."""
    await tx.execute(
        "insert into auth_mailed_tokens (id, user_id, purpose, email, token_hash, otp_hash, failures, code_challenge, "
        "code_challenge_method, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10) "
        "on conflict (user_id, purpose) do update set id = excluded.id, email = excluded.email, "
        "token_hash = excluded.token_hash, otp_hash = excluded.otp_hash, failures = 0, "
        "code_challenge = excluded.code_challenge, code_challenge_method = excluded.code_challenge_method, "
        "created_at = excluded.created_at, expires_at = excluded.expires_at",
        token.id,
        token.user_id,
        token.purpose.value,
        token.email,
        token_hash,
        token.otp_hash,
        token.code_challenge,
        token.code_challenge_method,
        now,
        token.expires_at,
    )


async def take_by_hash(tx: Transaction, token_hash: bytes, purposes: Iterable[MailPurpose]) -> MailedToken | None:
    """Take the token of a link: it is gone then, so one of two gets it. None: unknown, used, or of another purpose."""
    row = await tx.fetchrow(
        f"delete from auth_mailed_tokens where token_hash = $1 and purpose = any($2) returning {_COLUMNS}",  # noqa: S608
        token_hash,
        [purpose.value for purpose in purposes],
    )
    return None if row is None else _token(row)


async def lock_by_email(tx: Transaction, email: str, purposes: Iterable[MailPurpose]) -> list[MailedToken]:
    """The tokens mailed to an address, newest first, held until commit so that guesses are counted one by one."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from auth_mailed_tokens where email = $1 and purpose = any($2) "  # noqa: S608 - ours
        "order by created_at desc for update",
        email,
        [purpose.value for purpose in purposes],
    )
    return [_token(row) for row in rows]


async def lock_of_user(tx: Transaction, user_id: UserId, purpose: MailPurpose) -> MailedToken | None:
    """A person's token of one purpose, held until commit; None when there is none."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from auth_mailed_tokens where user_id = $1 and purpose = $2 for update",  # noqa: S608 - ours
        user_id,
        purpose.value,
    )
    return None if row is None else _token(row)


async def count_failure(tx: Transaction, token_ids: Iterable[UUID]) -> None:
    """Wrong digits were typed for these."""
    await tx.execute("update auth_mailed_tokens set failures = failures + 1 where id = any($1)", list(token_ids))


async def delete(tx: Transaction, token_id: UUID) -> None:
    """It was used."""
    await tx.execute("delete from auth_mailed_tokens where id = $1", token_id)


async def delete_of_user(tx: Transaction, user_id: UserId) -> None:
    """All of a person's: their address or password changed, so what was mailed before is no good."""
    await tx.execute("delete from auth_mailed_tokens where user_id = $1", user_id)


# --- PKCE


async def insert_flow_code(
    tx: Transaction,
    *,
    code_id: UUID,
    user_id: UserId,
    code_hash: bytes,
    challenge: Challenge,
    method: str,
    expires_at: datetime,
    entrance: SsoEntrance | None = None,
) -> None:
    """Write a code that waits to be changed for a sign-in."""
    await tx.execute(
        "insert into auth_flow_codes (id, user_id, code_hash, code_challenge, code_challenge_method, method, expires_at, "
        "sso_connection_id, sso_generation) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        code_id,
        user_id,
        code_hash,
        challenge.value,
        challenge.method,
        method,
        expires_at,
        None if entrance is None else entrance.connection_id,
        0 if entrance is None else entrance.generation,
    )


async def take_flow_code(tx: Transaction, code_hash: bytes) -> FlowCode | None:
    """Take a code: it is gone then, right verifier or not. None when it is unknown or used."""
    row = await tx.fetchrow(
        "delete from auth_flow_codes where code_hash = $1 "
        "returning user_id, code_challenge, code_challenge_method, method, expires_at, sso_connection_id, sso_generation",
        code_hash,
    )
    if row is None:
        return None
    connection_id = row["sso_connection_id"]
    return FlowCode(
        user_id=UserId(row["user_id"]),
        challenge=Challenge(value=row["code_challenge"], method=row["code_challenge_method"]),
        method=row["method"],
        expires_at=row["expires_at"],
        entrance=None
        if connection_id is None
        else SsoEntrance(connection_id=connection_id, generation=row["sso_generation"]),
    )


async def delete_flow_codes(tx: Transaction, user_id: UserId) -> None:
    """Codes of a person that wait: none of them becomes a sign-in any more."""
    await tx.execute("delete from auth_flow_codes where user_id = $1", user_id)


async def forget_expired(tx: Transaction, now: datetime) -> int:
    """Delete what can't be used any more. Answers how many."""
    codes = await tx.execute("delete from auth_flow_codes where expires_at < $1", now)
    await tx.execute("delete from auth_challenges where expires_at < $1", now)
    return codes + await tx.execute("delete from auth_mailed_tokens where expires_at < $1", now)

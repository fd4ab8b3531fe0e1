"""Second factors, their challenges, and recovery codes; platform scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from control_plane.domain.factors import Factor
from control_plane.domain.ids import UserId
from control_plane.stores.database import Rows, Transaction

_COLUMNS = "id, user_id, friendly_name, factor_type, status, secret, last_step, created_at, updated_at"


def _factor(row: Rows) -> Factor:
    return Factor(
        id=row["id"],
        user_id=UserId(row["user_id"]),
        friendly_name=row["friendly_name"],
        factor_type=row["factor_type"],
        status=row["status"],
        sealed_secret=row["secret"],
        last_step=row["last_step"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def list_factors(tx: Transaction, user_id: UserId) -> list[Factor]:
    """A person's factors, oldest first."""
    rows = await tx.fetch(f"select {_COLUMNS} from auth_factors where user_id = $1 order by id", user_id)  # noqa: S608
    return [_factor(row) for row in rows]


async def insert_factor(tx: Transaction, factor: Factor) -> None:
    """Write a new factor. Raises UniqueViolation: the person has one of that name."""
    await tx.execute(
        f"insert into auth_factors ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",  # noqa: S608 - ours
        factor.id,
        factor.user_id,
        factor.friendly_name,
        factor.factor_type,
        factor.status,
        factor.sealed_secret,
        factor.last_step,
        factor.created_at,
        factor.updated_at,
    )


async def lock_factor(tx: Transaction, factor_id: UUID, user_id: UserId) -> Factor | None:
    """A person's factor, held until commit, so that one code is taken once; None when there is none."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from auth_factors where id = $1 and user_id = $2 for update",  # noqa: S608 - ours
        factor_id,
        user_id,
    )
    return None if row is None else _factor(row)


async def mark_verified(tx: Transaction, factor_id: UUID, step: int, now: datetime) -> None:
    """A right code of this time step was typed."""
    await tx.execute(
        "update auth_factors set status = 'verified', last_step = $2, updated_at = $3 where id = $1",
        factor_id,
        step,
        now,
    )


async def delete_factor(tx: Transaction, factor_id: UUID, user_id: UserId) -> None:
    """Delete a person's factor."""
    await tx.execute("delete from auth_factors where id = $1 and user_id = $2", factor_id, user_id)


async def delete_unverified(tx: Transaction, user_id: UserId) -> None:
    """Delete what was begun and never finished."""
    await tx.execute("delete from auth_factors where user_id = $1 and status = 'unverified'", user_id)


async def insert_challenge(tx: Transaction, challenge_id: UUID, factor_id: UUID, expires_at: datetime) -> None:
    """Write a question to a factor."""
    await tx.execute(
        "insert into auth_challenges (id, factor_id, expires_at) values ($1, $2, $3)",
        challenge_id,
        factor_id,
        expires_at,
    )


async def find_challenge(tx: Transaction, challenge_id: UUID, factor_id: UUID) -> datetime | None:
    """When a factor's question runs out; None when there is none."""
    found: datetime | None = await tx.fetchval(
        "select expires_at from auth_challenges where id = $1 and factor_id = $2", challenge_id, factor_id
    )
    return found


async def delete_challenge(tx: Transaction, challenge_id: UUID) -> None:
    """It was answered."""
    await tx.execute("delete from auth_challenges where id = $1", challenge_id)


# --- recovery codes


async def replace_recovery_codes(tx: Transaction, user_id: UserId, hashes: Iterable[bytes], now: datetime) -> None:
    """Write a new set in the place of the old one; none at all deletes it."""
    await tx.execute("delete from auth_recovery_codes where user_id = $1", user_id)
    await tx.execute(
        "insert into auth_recovery_codes (code_hash, user_id, created_at) select unnest($2::bytea[]), $1, $3",
        user_id,
        list(hashes),
        now,
    )


async def count_recovery_codes(tx: Transaction, user_id: UserId) -> tuple[int, int]:
    """How many codes the person's set has, and how many are unused."""
    row = await tx.fetchrow(
        "select count(*) as total, count(*) filter (where used_at is null) as remaining "
        "from auth_recovery_codes where user_id = $1",
        user_id,
    )
    assert row is not None
    return row["total"], row["remaining"]


async def use_recovery_code(tx: Transaction, user_id: UserId, code_hash: bytes, now: datetime) -> bool:
    """Use a code, once. False when it is unknown or used."""
    count = await tx.execute(
        "update auth_recovery_codes set used_at = $3 where user_id = $1 and code_hash = $2 and used_at is null",
        user_id,
        code_hash,
        now,
    )
    return count == 1

"""Signing keys, sealed; platform scope only."""

from __future__ import annotations

from datetime import datetime

import msgspec

from control_plane.domain.keys import KeyPurpose
from control_plane.stores.database import Transaction


class SealedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A row: the private half is sealed, the public half is a JWK as JSON. is_current: the newest of its purpose."""

    kid: str
    purpose: KeyPurpose
    private_key: bytes
    public_jwk: str
    is_current: bool
    created_at: datetime


async def list_keys(tx: Transaction) -> list[SealedKey]:
    """All keys, newest first."""
    rows = await tx.fetch(
        "select kid, purpose, private_key, public_jwk, created_at, retired_at is null as is_current "
        "from auth_signing_keys order by created_at desc, kid"
    )
    return [
        SealedKey(
            kid=row["kid"],
            purpose=KeyPurpose(row["purpose"]),
            private_key=row["private_key"],
            public_jwk=row["public_jwk"],
            is_current=row["is_current"],
            created_at=row["created_at"],
        )
        for row in rows
    ]


async def insert_key(tx: Transaction, key: SealedKey, now: datetime) -> bool:
    """Write a key that signs from now on. False when its purpose has one already: then that one is it."""
    count = await tx.execute(
        "insert into auth_signing_keys (kid, purpose, private_key, public_jwk, created_at) "
        "values ($1, $2, $3, $4::jsonb, $5) on conflict do nothing",
        key.kid,
        key.purpose.value,
        key.private_key,
        key.public_jwk,
        now,
    )
    return count == 1


async def retire_keys(tx: Transaction, purpose: KeyPurpose, now: datetime) -> None:
    """The key that signs is followed by another; what it signed stays good."""
    await tx.execute(
        "update auth_signing_keys set retired_at = $2 where purpose = $1 and retired_at is null", purpose.value, now
    )


async def delete_keys(tx: Transaction, purpose: KeyPurpose, retired_before: datetime) -> int:
    """Delete keys that were retired before then: nothing they signed is good any more. Answers how many."""
    return await tx.execute(
        "delete from auth_signing_keys where purpose = $1 and retired_at < $2", purpose.value, retired_before
    )

"""Signing keys, sealed; platform scope only."""

from __future__ import annotations

from datetime import datetime

import msgspec

from control_plane.domain.keys import KeyPurpose
from control_plane.stores.database import Transaction


class SealedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A row: the private half is sealed, the public half is a JWK as JSON. is_current: the one that signs."""

    kid: str
    purpose: KeyPurpose
    private_key: bytes
    public_jwk: str
    is_current: bool


async def list_keys(tx: Transaction) -> list[SealedKey]:
    """All keys, newest first."""
    rows = await tx.fetch(
        "select kid, purpose, private_key, public_jwk, retired_at is null as is_current "
        "from auth_signing_keys order by created_at desc, kid"
    )
    return [
        SealedKey(
            kid=row["kid"],
            purpose=KeyPurpose(row["purpose"]),
            private_key=row["private_key"],
            public_jwk=row["public_jwk"],
            is_current=row["is_current"],
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

"""Sign-ins and their refresh tokens; platform scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from control_plane.domain.ids import UserId
from control_plane.domain.sign_ins import Aal, Proof, SignIn
from control_plane.stores.database import Database, Rows, Transaction

Standing = Literal["ended", "first_factor_only", "good"]
_COLUMNS = "id, user_id, created_at, refreshed_at, aal, amr, ip, user_agent, revoked_at"
_STANDS = (
    "s.revoked_at is null and (s.sso_connection_id is null or exists "
    "(select 1 from sso_connections c where c.id = s.sso_connection_id and c.is_enabled))"
)
"""That a sign-in `s` has not ended. Turning its connection off ends it too, also when it began at that very moment."""


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token's row and its sign-in. used_at: None while it is the family's youngest."""

    sign_in: SignIn
    used_at: datetime | None

    @property
    def is_revoked(self) -> bool:
        """Whether the sign-in has ended."""
        return self.sign_in.revoked_at is not None


def _sign_in(row: Rows) -> SignIn:
    return SignIn(
        id=row["id"],
        user_id=UserId(row["user_id"]),
        created_at=row["created_at"],
        refreshed_at=row["refreshed_at"] or row["created_at"],
        aal=row["aal"],
        amr=msgspec.json.decode(row["amr"], type=tuple[Proof, ...]),
        ip=row["ip"],
        user_agent=row["user_agent"],
        revoked_at=row["revoked_at"],
    )


async def insert_sign_in(tx: Transaction, sign_in: SignIn, connection_id: UUID | None = None) -> None:
    """Write a new sign-in, and when the person last did. connection_id: by which connection they came; None: by none."""
    await tx.execute(
        "insert into auth_sessions (id, user_id, created_at, refreshed_at, aal, amr, ip, user_agent, sso_connection_id) "
        "values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9)",
        sign_in.id,
        sign_in.user_id,
        sign_in.created_at,
        sign_in.refreshed_at,
        sign_in.aal,
        msgspec.json.encode(sign_in.amr).decode(),
        sign_in.ip,
        sign_in.user_agent,
        connection_id,
    )
    await tx.execute(
        "update auth_credentials set last_sign_in_at = $2 where user_id = $1", sign_in.user_id, sign_in.created_at
    )


async def find_sign_in(tx: Transaction, sign_in_id: UUID, user_id: UserId) -> SignIn | None:
    """A person's sign-in that has not ended; None when there is none."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from auth_sessions s where id = $1 and user_id = $2 and {_STANDS}",  # noqa: S608 - ours
        sign_in_id,
        user_id,
    )
    return None if row is None else _sign_in(row)


async def list_sign_ins(tx: Transaction, user_id: UserId) -> list[SignIn]:
    """A person's sign-ins that have not ended, last heard of first."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from auth_sessions where user_id = $1 and revoked_at is null "  # noqa: S608 - ours
        "order by coalesce(refreshed_at, created_at) desc, id limit 200",
        user_id,
    )
    return [_sign_in(row) for row in rows]


async def set_assurance(tx: Transaction, sign_in_id: UUID, aal: Aal, amr: tuple[Proof, ...]) -> None:
    """How sure we are of the person from now on."""
    await tx.execute(
        "update auth_sessions set aal = $2, amr = $3::jsonb where id = $1",
        sign_in_id,
        aal,
        msgspec.json.encode(amr).decode(),
    )


async def lower(tx: Transaction, user_id: UserId, *, but: UUID | None) -> None:
    """Take a person's sign-ins down to aal1, without what proved a second factor. but: one that stays as it is."""
    await tx.execute(
        "update auth_sessions set aal = 'aal1', amr = coalesce((select jsonb_agg(proof order by nr) "
        "from jsonb_array_elements(amr) with ordinality as proofs (proof, nr) "
        "where proof ->> 'method' not in ('totp', 'recovery_code')), '[]'::jsonb) "
        "where user_id = $1 and aal = 'aal2' and revoked_at is null and ($2::uuid is null or id <> $2)",
        user_id,
        but,
    )


async def revoke_sign_ins(
    tx: Transaction, user_id: UserId, now: datetime, *, only: UUID | None = None, but: UUID | None = None
) -> list[UUID]:
    """End sign-ins of a person: one (only), all but one (but), or all. Answers those that ended by this."""
    rows = await tx.fetch(
        "update auth_sessions set revoked_at = $2 where user_id = $1 and revoked_at is null "
        "and ($3::uuid is null or id = $3) and ($4::uuid is null or id <> $4) returning id",
        user_id,
        now,
        only,
        but,
    )
    return [row["id"] for row in rows]


async def revoke_of_connection(tx: Transaction, connection_id: UUID, now: datetime) -> dict[UserId, list[UUID]]:
    """End every sign-in that came by a connection. Answers those that ended by this, person by person."""
    rows = await tx.fetch(
        "update auth_sessions set revoked_at = $2 where sso_connection_id = $1 and revoked_at is null "
        "returning id, user_id",
        connection_id,
        now,
    )
    ended: dict[UserId, list[UUID]] = {}
    for row in rows:
        ended.setdefault(UserId(row["user_id"]), []).append(row["id"])
    return ended


async def list_by_connection(tx: Transaction, user_id: UserId, connection_id: UUID) -> list[UUID]:
    """A person's sign-ins that came by a connection and have not ended."""
    rows = await tx.fetch(
        "select id from auth_sessions where user_id = $1 and sso_connection_id = $2 and revoked_at is null",
        user_id,
        connection_id,
    )
    return [row["id"] for row in rows]


async def has_sign_in_from(tx: Transaction, user_id: UserId, ip: str, since: datetime) -> bool:
    """Whether the person signed in from that address since then."""
    found = await tx.fetchval(
        "select 1 from auth_sessions where user_id = $1 and ip = $2 and created_at >= $3 limit 1", user_id, ip, since
    )
    return found is not None


async def read_standing(db: Database, sign_in_id: UUID, user_id: UserId) -> Standing:
    """Whether a sign-in still stands: asked with every request, so in one round trip.

    Returns:
        ended: signed out, or never there; first_factor_only: the person has a second factor, which it has not passed.
    """
    # The count is the answer: no row, one, or two. The values are UUIDs, so no parameter is needed.
    rows = await db.count_as_platform(
        f"select generate_series(1, case when s.aal = 'aal2' or not exists (select 1 from auth_factors f "  # noqa: S608
        f"where f.user_id = s.user_id and f.status = 'verified') then 2 else 1 end) from auth_sessions s "
        f"where s.id = '{UUID(str(sign_in_id))}' and s.user_id = '{UUID(str(user_id))}' and {_STANDS}"
    )
    return ("ended", "first_factor_only", "good")[rows]


async def is_over(db: Database, sign_in_id: UUID) -> bool:
    """Whether a sign-in has ended: asked when a socket comes back, in one round trip."""
    query = f"select 1 from auth_sessions s where id = '{UUID(str(sign_in_id))}' and {_STANDS}"  # noqa: S608 - ours, a UUID
    return await db.count_as_platform(query) == 0


async def find_ended(tx: Transaction, sign_in_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these have ended, or are gone."""
    asked = set(sign_in_ids)
    rows = await tx.fetch(f"select id from auth_sessions s where id = any($1) and {_STANDS}", list(asked))  # noqa: S608
    return asked - {row["id"] for row in rows}


# --- refresh tokens


async def insert_refresh_token(tx: Transaction, token_hash: bytes, sign_in_id: UUID, now: datetime) -> None:
    """Write a token of a sign-in's family; a repeat is harmless."""
    await tx.execute(
        "insert into auth_refresh_tokens (token_hash, session_id, created_at) values ($1, $2, $3) on conflict do nothing",
        token_hash,
        sign_in_id,
        now,
    )


async def delete_unused_tokens(tx: Transaction, sign_in_id: UUID) -> None:
    """A sign-in's tokens that were not changed for others: they are unknown from now on."""
    await tx.execute("delete from auth_refresh_tokens where session_id = $1 and used_at is null", sign_in_id)


async def lock_refresh_token(tx: Transaction, token_hash: bytes) -> RefreshToken | None:
    """A token's row, held until commit, so that two refreshes with it take turns; None when it is unknown."""
    row = await tx.fetchrow(
        "select s.id, s.user_id, s.created_at, s.refreshed_at, s.aal, s.amr, s.ip, s.user_agent, s.revoked_at, t.used_at "
        "from auth_refresh_tokens t join auth_sessions s on s.id = t.session_id where t.token_hash = $1 for update of t",
        token_hash,
    )
    return None if row is None else RefreshToken(sign_in=_sign_in(row), used_at=row["used_at"])


async def mark_used(tx: Transaction, token_hash: bytes, sign_in_id: UUID, now: datetime) -> None:
    """The token was changed for the next one; the sign-in was heard of."""
    await tx.execute("update auth_refresh_tokens set used_at = $2 where token_hash = $1", token_hash, now)
    await tx.execute("update auth_sessions set refreshed_at = $2 where id = $1", sign_in_id, now)


async def forget_ended(tx: Transaction, before: datetime) -> int:
    """Delete sign-ins that ended before then, and used tokens of older days. Answers how many sign-ins."""
    await tx.execute("delete from auth_refresh_tokens where used_at < $1", before)
    return await tx.execute("delete from auth_sessions where revoked_at < $1", before)

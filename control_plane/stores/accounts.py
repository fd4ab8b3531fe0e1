"""Logins and passwords; platform scope, but for `find_own`. Sign-ins are in `sign_ins`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from control_plane.domain.accounts import Account, LinkedIdentity
from control_plane.domain.ids import UserId
from control_plane.domain.sign_ins import MailPurpose
from control_plane.stores.database import Database, Rows, Transaction
from control_plane.stores.persons import ERASED_DOMAIN

Provisioned = Literal["written", "taken", "erased"]
_SELECT = """
    select u.id, u.email, u.display_name, u.created_at, u.updated_at, c.last_sign_in_at, c.user_metadata, c.app_metadata,
           c.password_hash, c.email_confirmed_at, c.confirmation_sent_at, c.recovery_sent_at, c.invited_at, c.banned_until,
           c.email_change, c.email_change_sent_at, c.email_change_agreed,
           (select json_agg(json_build_object('id', i.id, 'organization_id', i.organization_id, 'organization_name', o.name,
                'connection_id', i.connection_id, 'connection_name', k.name, 'subject', i.subject, 'email', i.email,
                'created_at', i.created_at, 'used_at', i.used_at) order by i.id)
            from sso_identities i join sso_connections k on k.id = i.connection_id
            join organizations o on o.id = i.organization_id where i.user_id = u.id)::text as identities
    from users u join auth_credentials c on c.user_id = u.id
"""
_LOCKED = " for no key update of u, c"
"""For whoever will write the account: `update_account` writes every column, and would undo a ban of that moment."""

_CALLED = "(strpos(u.email, lower($1)) > 0 or strpos(lower(c.user_metadata ->> 'full_name'), lower($1)) > 0)"
"""GoTrue's filter. It reads every login: only operators list them."""


def _account(row: Rows) -> Account:
    return Account(
        id=UserId(row["id"]),
        email=row["email"],
        display_name=row["display_name"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_sign_in_at=row["last_sign_in_at"],
        user_metadata=msgspec.json.decode(row["user_metadata"]),
        app_metadata=msgspec.json.decode(row["app_metadata"]),
        email_confirmed_at=row["email_confirmed_at"],
        confirmation_sent_at=row["confirmation_sent_at"],
        recovery_sent_at=row["recovery_sent_at"],
        invited_at=row["invited_at"],
        banned_until=row["banned_until"],
        email_change=row["email_change"],
        email_change_sent_at=row["email_change_sent_at"],
        email_change_agreed=None if row["email_change_agreed"] is None else MailPurpose(row["email_change_agreed"]),
        has_password=row["password_hash"] != "",
        identities=msgspec.json.decode(row["identities"] or "[]", type=tuple[LinkedIdentity, ...]),
    )


async def insert_account(tx: Transaction, account: Account, password_hash: str) -> bool:
    """Write a new login; password_hash: empty when it has none. False when the address is taken: then nothing is written."""
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
        "insert into auth_credentials (user_id, password_hash, user_metadata, app_metadata, last_sign_in_at, "
        "email_confirmed_at, invited_at, email_change_halfway) values ($1, $2, $3::jsonb, $4::jsonb, $5, $6, $7, false)",
        account.id,
        password_hash,
        msgspec.json.encode(account.user_metadata).decode(),
        msgspec.json.encode(account.app_metadata).decode(),
        account.last_sign_in_at,
        account.email_confirmed_at,
        account.invited_at,
    )
    return True


async def find_by_email(tx: Transaction, email: str) -> tuple[Account, str] | None:
    """A login and its password's hash; None when there is none."""
    row = await tx.fetchrow(_SELECT + "where u.email = $1", email)
    return None if row is None else (_account(row), row["password_hash"])


async def lock_by_email(tx: Transaction, email: str) -> Account | None:
    """A login, held until commit because it will be written; None when there is none."""
    row = await tx.fetchrow(_SELECT + "where u.email = $1" + _LOCKED, email)
    return None if row is None else _account(row)


async def find_account(tx: Transaction, user_id: UserId) -> Account | None:
    """A login; None when there is none."""
    row = await tx.fetchrow(_SELECT + "where u.id = $1", user_id)
    return None if row is None else _account(row)


async def lock_account(tx: Transaction, user_id: UserId) -> Account | None:
    """A login, held until commit because it will be written; None when there is none."""
    row = await tx.fetchrow(_SELECT + "where u.id = $1" + _LOCKED, user_id)
    return None if row is None else _account(row)


async def update_account(tx: Transaction, account: Account, password_hash: str | None) -> bool:
    """Write what was locked, all of it, and the password's hash when given. False when the e-mail address is taken."""
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
        "update auth_credentials set user_metadata = $2::jsonb, password_hash = coalesce($3, password_hash), "
        "app_metadata = $4::jsonb, email_confirmed_at = $5, confirmation_sent_at = $6, recovery_sent_at = $7, "
        "invited_at = $8, banned_until = $9, email_change = $10, email_change_sent_at = $11, "
        "email_change_agreed = $12::varchar, email_change_halfway = $12::varchar is not null where user_id = $1",
        account.id,
        msgspec.json.encode(account.user_metadata).decode(),
        password_hash,
        msgspec.json.encode(account.app_metadata).decode(),
        account.email_confirmed_at,
        account.confirmation_sent_at,
        account.recovery_sent_at,
        account.invited_at,
        account.banned_until,
        account.email_change,
        account.email_change_sent_at,
        account.email_change_agreed,
    )
    return True


async def read_password_hash(tx: Transaction, user_id: UserId) -> str:
    """The password's hash; empty when they have none."""
    found: str | None = await tx.fetchval("select password_hash from auth_credentials where user_id = $1", user_id)
    return found or ""


async def list_accounts(tx: Transaction, *, limit: int, offset: int, wanted: str = "") -> tuple[list[Account], int]:
    """Logins, oldest first, and how many there are in all. wanted: part of an address or a full name; empty: everybody."""
    if not wanted:
        rows = await tx.fetch(_SELECT + "order by u.id limit $1 offset $2", limit, offset)
        return [_account(row) for row in rows], int(await tx.fetchval("select count(*) from users"))
    rows = await tx.fetch(_SELECT + f"where {_CALLED} order by u.id limit $2 offset $3", wanted, limit, offset)
    total = await tx.fetchval(
        f"select count(*) from users u join auth_credentials c on c.user_id = u.id where {_CALLED}",  # noqa: S608 - ours
        wanted,
    )
    return [_account(row) for row in rows], int(total)


async def delete_account(tx: Transaction, user_id: UserId) -> bool:
    """Delete a login with its sign-ins and memberships; what it said stays. False when there is none."""
    return await tx.execute("delete from users where id = $1", user_id) == 1


async def provision(tx: Transaction, user_id: UserId, email: str, display_name: str, now: datetime) -> Provisioned:
    """Write a login that another issuer vouches for, or its new address; not when another login has it, or it was erased."""
    taken = await tx.fetchval("select 1 from users where email = $2 and id <> $1", user_id, email)
    if taken is not None:
        return "taken"
    await tx.execute(
        "insert into users (id, email, display_name, created_at, updated_at) values ($1, $2, $3, $4, $4) "
        "on conflict (id) do update set email = excluded.email, updated_at = excluded.updated_at "
        "where users.email <> excluded.email and users.email not like $5",
        user_id,
        email,
        display_name,
        now,
        f"%{ERASED_DOMAIN}",
    )
    erased = await tx.fetchval("select 1 from users where id = $1 and email like $2", user_id, f"%{ERASED_DOMAIN}")
    return "written" if erased is None else "erased"


async def is_erased(db: Database, user_id: UserId) -> bool:
    """Whether a login is what erasing left of it: asked with every request of another issuer's people, in one round trip."""
    query = f"select 1 from users where id = '{UUID(str(user_id))}' and email like '%{ERASED_DOMAIN}'"  # noqa: S608 - a UUID
    return await db.count_as_platform(query) > 0


async def find_own(tx: Transaction, user_id: UserId) -> tuple[str, str] | None:
    """E-mail address and name of the person of a user scope; None when the login is gone."""
    row = await tx.fetchrow("select email, display_name from users where id = $1", user_id)
    return None if row is None else (row["email"], row["display_name"])

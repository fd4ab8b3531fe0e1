"""Accounts: sign up, sign in, stay signed in, sign out. What `/auth/v1` does for Supabase clients.

Refresh tokens form a chain: the next one is HMAC(our key, this one), so that a client which never heard the answer may ask
again within REUSE_S and gets the same next token, though only hashes are stored. Later than that, a used token means that
two hold it: the whole sign-in ends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from control_plane.domain.accounts import Account, check_password, clean_email, display_name_of
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, InvalidInput, Unauthenticated
from control_plane.domain.ids import UserId
from control_plane.services.passwords import Passwords
from control_plane.services.ports import Clock, Ids, Tokens
from control_plane.stores import accounts as store
from control_plane.stores.database import Database, Transaction, UniqueViolation

REUSE_S = timedelta(seconds=10)
"""How long a changed token still answers its successor. Source: GoTrue's REFRESH_TOKEN_REUSE_INTERVAL default."""
METADATA_MAX_BYTES = 4096
"""JSON of user_metadata: it travels in every access token."""
SignOutScope = Literal["global", "local", "others"]


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in. expires_at: of the access token, Unix seconds."""

    account: Account
    access_token: str
    refresh_token: str
    expires_at: int


class AccountChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What a person changes of themselves; None leaves it. user_metadata is merged, its nulls delete."""

    email: str | None = None
    password: str | None = None
    user_metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AccountService:
    """The use cases of signing in. refresh_key: 32 bytes of the chain."""

    db: Database
    passwords: Passwords
    tokens: Tokens
    clock: Clock
    ids: Ids
    refresh_key: bytes = field(repr=False)

    async def sign_up(self, email: str, password: str, user_metadata: dict[str, Any]) -> SignedIn:
        """Make a login and sign it in (mail confirmation comes with issue 5).

        Raises:
            InvalidInput: address, password or metadata. Conflict: the address is taken. RateLimited. Unavailable.
        """
        address = clean_email(email)
        check_password(password)
        _check_metadata(user_metadata)
        password_hash = await self.passwords.hash(password)
        now = self.clock.now()
        account = Account(
            id=UserId(self.ids.new()),
            email=address,
            display_name=display_name_of(address, user_metadata),
            created_at=now,
            updated_at=now,
            last_sign_in_at=now,
            user_metadata=user_metadata,
        )
        refresh_token = secrets.token_urlsafe(32)
        async with self.db.platform() as tx:
            if not await store.insert_account(tx, account, password_hash):
                raise Conflict("User already registered", reason="user_already_exists")
            session_id = await self._open_session(tx, account.id, refresh_token)
        return await self._signed_in(account, session_id, refresh_token)

    async def sign_in(self, email: str, password: str) -> SignedIn:
        """Sign in by password. The answer to a wrong password and to an unknown address is one, and takes as long.

        Raises:
            Unauthenticated. RateLimited. Unavailable.
        """
        async with self.db.platform() as tx:
            found = await store.find_by_email(tx, email.strip().lower()) if "\0" not in email else None
        is_right = await self.passwords.verify(password, None if found is None else found[1])
        if found is None or not is_right:
            raise Unauthenticated("Invalid login credentials", reason="invalid_credentials")
        refresh_token = secrets.token_urlsafe(32)
        async with self.db.platform() as tx:
            session_id = await self._open_session(tx, found[0].id, refresh_token)
        account = msgspec.structs.replace(found[0], last_sign_in_at=self.clock.now())
        return await self._signed_in(account, session_id, refresh_token)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Change a refresh token for the next one and a new access token.

        Raises:
            Unauthenticated: unknown, signed out, or used before (then the whole sign-in has ended). Unavailable.
        """
        next_token = self._next(refresh_token)
        now = self.clock.now()
        async with self.db.platform() as tx:
            row = await store.lock_refresh_token(tx, _hash(refresh_token))
            is_stolen = row is not None and await self._is_stolen(tx, row, next_token)
            account = None if row is None else await store.find_account(tx, row.user_id)
            if row is not None and is_stolen:
                await store.revoke_sessions(tx, row.user_id, now, only=row.session_id)
            elif row is not None and not row.is_revoked and row.used_at is None:
                await store.mark_used(tx, _hash(refresh_token), now)
                await store.insert_refresh_token(tx, _hash(next_token), row.session_id, now)
        if is_stolen:
            raise Unauthenticated("Invalid Refresh Token: Already Used", reason="refresh_token_already_used")
        if row is None or row.is_revoked or account is None:
            raise Unauthenticated("Invalid Refresh Token: Refresh Token Not Found", reason="refresh_token_not_found")
        return await self._signed_in(account, row.session_id, next_token)

    async def read(self, caller: Caller) -> Account:
        """The caller's account. Raises Unauthenticated: the sign-in was ended, or the login is gone. Unavailable."""
        async with self.db.platform() as tx:
            return await self._require_session(tx, caller)

    async def update(self, caller: Caller, changes: AccountChanges) -> Account:
        """Change one's own login. A new password ends all other sign-ins.

        Raises:
            Unauthenticated, InvalidInput, Conflict: the address is taken. RateLimited. Unavailable.
        """
        address = None if changes.email is None else clean_email(changes.email)
        password_hash = None
        if changes.password is not None:
            check_password(changes.password)
            password_hash = await self.passwords.hash(changes.password)
        taken = Conflict("A user with this email address has already been registered", reason="email_exists")
        try:
            async with self.db.platform() as tx:
                account = _changed(await self._require_session(tx, caller), address, changes.user_metadata)
                account = msgspec.structs.replace(account, updated_at=self.clock.now())
                if not await store.update_account(tx, account, password_hash):
                    raise taken
                if password_hash is not None:
                    await store.revoke_sessions(tx, account.id, self.clock.now(), but=caller.session_id)
        except UniqueViolation as error:
            raise taken from error
        return account

    async def sign_out(self, caller: Caller, scope: SignOutScope) -> None:
        """End sign-ins: all (global), this one (local), or all others. Doing it again is harmless. Raises Unavailable."""
        only = caller.session_id if scope == "local" else None
        but = caller.session_id if scope == "others" else None
        async with self.db.platform() as tx:
            await store.revoke_sessions(tx, caller.user_id, self.clock.now(), only=only, but=but)

    # --- inside

    async def _open_session(self, tx: Transaction, user_id: UserId, refresh_token: str) -> UUID:
        session_id, now = self.ids.new(), self.clock.now()
        await store.insert_session(tx, session_id, user_id, now)
        await store.insert_refresh_token(tx, _hash(refresh_token), session_id, now)
        return session_id

    async def _is_stolen(self, tx: Transaction, row: store.RefreshToken, next_token: str) -> bool:
        """Whether a used token comes back: after REUSE_S, or after its successor was used too."""
        if row.used_at is None or row.is_revoked:
            return False
        successor = await store.lock_refresh_token(tx, _hash(next_token))
        is_late = self.clock.now() - row.used_at > REUSE_S
        return is_late or successor is None or successor.used_at is not None

    async def _require_session(self, tx: Transaction, caller: Caller) -> Account:
        account = await store.find_account(tx, caller.user_id)
        session_id = caller.session_id
        if account is None or session_id is None or not await store.is_session_good(tx, session_id, caller.user_id):
            raise Unauthenticated("Session from session_id claim in JWT does not exist", reason="session_not_found")
        return account

    async def _signed_in(self, account: Account, session_id: UUID, refresh_token: str) -> SignedIn:
        method = {"method": "password", "timestamp": int(self.clock.now().timestamp())}
        access_token, expires_at = await self.tokens.issue_access(
            {
                "sub": str(account.id),
                "email": account.email,
                "phone": "",
                "role": "authenticated",
                "aal": "aal1",
                "amr": [method],
                "session_id": str(session_id),
                "is_anonymous": False,
                "app_metadata": {"provider": "email", "providers": ["email"]},
                "user_metadata": account.user_metadata,
            }
        )
        return SignedIn(account=account, access_token=access_token, refresh_token=refresh_token, expires_at=expires_at)

    def _next(self, refresh_token: str) -> str:
        digest = hmac.new(self.refresh_key, refresh_token.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(refresh_token: str) -> bytes:
    """What is stored of a token; 256 random bits need no salt."""
    return hashlib.sha256(refresh_token.encode()).digest()


def _changed(account: Account, address: str | None, changes: dict[str, Any] | None) -> Account:
    metadata = dict(account.user_metadata)
    for name, value in (changes or {}).items():
        if value is None:
            metadata.pop(name, None)
        else:
            metadata[name] = value
    _check_metadata(metadata)
    email = address or account.email
    return msgspec.structs.replace(
        account, email=email, user_metadata=metadata, display_name=display_name_of(email, metadata)
    )


def _check_metadata(metadata: dict[str, Any]) -> None:
    encoded = msgspec.json.encode(metadata)
    # PostgreSQL's jsonb can't hold a zero character.
    if len(encoded) > METADATA_MAX_BYTES or b"\\u0000" in encoded:
        raise InvalidInput(f"User data has at most {METADATA_MAX_BYTES} bytes, without zero characters.", field="data")

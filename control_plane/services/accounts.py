"""Accounts: sign up, sign in, change oneself. What `/auth/v1` does for Supabase clients, but for mailed proofs and factors.

Signing up with confirmation answers the same, in body and in time, whether the address is known or not: the request only
hashes the password and writes one row of the outbox; what becomes of it is decided by the jobs door and told by mail.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import structlog

from control_plane.domain.accounts import Account, check_password, clean_email, display_name_of
from control_plane.domain.callers import Caller, Origin
from control_plane.domain.errors import Conflict, Forbidden, InvalidInput, RateLimited, Unauthenticated, Unavailable
from control_plane.domain.factors import Factor
from control_plane.domain.ids import UserId
from control_plane.domain.sign_ins import Challenge, SignIn
from control_plane.services.confirmations import ConfirmationService
from control_plane.services.mail import MailService
from control_plane.services.passwords import Passwords
from control_plane.services.ports import Clock, Ids, RateLimits
from control_plane.services.sessions import SessionService, SignedIn
from control_plane.services.sso_addresses import require_may_leave
from control_plane.stores import accounts as store
from control_plane.stores import factors as factor_store
from control_plane.stores import mailed_tokens, sign_ins
from control_plane.stores.database import Database, Transaction, UniqueViolation

METADATA_MAX_BYTES = 4096
"""JSON of user_metadata and of app_metadata: both travel in every access token."""
METADATA_MAX_DEPTH = 20
"""Lists and objects inside one another; what holds them is nested in answers and events, and decoders end at a thousand."""
TRIES_PER_ACCOUNT, TRIES_PER_ACCOUNT_PER_S = 100, 100 / 3600
"""Passwords tried on one account from all addresses together; see `_is_besieged`."""
KNOWN_DEVICE = timedelta(days=30)
"""An address the person signed in from this lately is not kept out by strangers' guesses."""
FRESH_SIGN_IN = timedelta(hours=24)
"""A new password needs no further proof this soon after signing in, but by single sign-on it always does.

Source: GoTrue, internal/api/user.go.
"""
log = structlog.get_logger(__name__)


class AccountChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What a person changes of themselves; None leaves it. user_metadata is merged, its nulls delete.

    nonce: the code mailed by `reauthenticate`; current_password: another proof for a new password; redirect_to and
    challenge: for the mails that confirm a new address.
    """

    email: str | None = None
    password: str | None = None
    user_metadata: dict[str, Any] | None = None
    nonce: str | None = None
    current_password: str | None = None
    redirect_to: str = ""
    challenge: Challenge | None = None


def email_exists() -> Conflict:
    """The answer when an address belongs to another login."""
    return Conflict("A user with this email address has already been registered", reason="email_exists")


@dataclass(frozen=True, slots=True)
class AccountService:
    """The use cases of one's own login. needs_confirmation: an address counts only once its mailbox has answered."""

    db: Database
    passwords: Passwords
    sessions: SessionService
    confirmations: ConfirmationService
    mail: MailService
    rate_limits: RateLimits
    clock: Clock
    ids: Ids
    needs_confirmation: bool

    async def sign_up(
        self,
        email: str,
        password: str,
        user_metadata: dict[str, Any],
        *,
        origin: Origin | None = None,
        redirect_to: str = "",
        challenge: Challenge | None = None,
    ) -> SignedIn | Account:
        """Make a login. Without confirmation it is signed in at once; with it, a mail has the next word.

        Returns:
            The sign-in; or the account as it will be, if the address is free: nobody can tell from the answer.

        Raises:
            InvalidInput: address, password or metadata. Conflict: the address is taken (only without confirmation).
            RateLimited. Unavailable.
        """
        address = clean_email(email)
        check_password(password)
        check_metadata(user_metadata)
        password_hash = await self.passwords.hash(password)
        account = self.new_account(address, user_metadata)
        if self.needs_confirmation:
            await self.confirmations.ask_to_sign_up(account, password_hash, redirect_to, challenge, origin=origin)
            return account
        now = account.created_at
        account = msgspec.structs.replace(account, email_confirmed_at=now, last_sign_in_at=now)
        async with self.db.platform() as tx:
            if not await store.insert_account(tx, account, password_hash):
                raise Conflict("User already registered", reason="user_already_exists")
            sign_in, refresh_token = await self.sessions.open(tx, account, "password", origin)
        return await self.sessions.issue(account, sign_in, refresh_token)

    def new_account(self, address: str, user_metadata: dict[str, Any]) -> Account:
        """A login that is not written yet."""
        now = self.clock.now()
        return Account(
            id=UserId(self.ids.new()),
            email=address,
            display_name=display_name_of(address, user_metadata),
            created_at=now,
            updated_at=now,
            last_sign_in_at=None,
            user_metadata=user_metadata,
        )

    async def sign_in(self, email: str, password: str, *, origin: Origin | None = None) -> SignedIn:
        """Sign in by password. The answer to a wrong password and to an unknown address is one, and takes as long.

        Raises:
            Unauthenticated. Forbidden: banned. RateLimited: too many guesses. Unavailable.
        """
        address = email.strip().lower()
        is_readable = "\0" not in address and len(address) <= 1000
        is_besieged = await self._is_besieged(address)
        is_known_device = False
        async with self.db.platform() as tx:
            found = await store.find_by_email(tx, address) if is_readable else None
            if found is not None and is_besieged and origin is not None and origin.ip is not None:
                since = self.clock.now() - KNOWN_DEVICE
                is_known_device = await sign_ins.has_sign_in_from(tx, found[0].id, origin.ip, since)
        if is_besieged and not is_known_device:
            raise RateLimited("Request rate limit reached", retry_after_s=60)
        is_right = await self.passwords.verify(password, None if found is None else found[1] or None)
        if found is None or not is_right:
            raise Unauthenticated("Invalid login credentials", reason="invalid_credentials")
        account = found[0]
        if self.needs_confirmation and account.email_confirmed_at is None:
            raise Unauthenticated("Email not confirmed", reason="email_not_confirmed")
        if account.is_banned(self.clock.now()):
            raise Forbidden("User is banned", reason="user_banned")
        return await self.sessions.open_and_issue(account, "password", origin)

    async def read(self, caller: Caller) -> tuple[Account, list[Factor]]:
        """The caller's account and factors. Raises Unauthenticated: either is gone. Unavailable."""
        async with self.db.platform() as tx:
            account, _ = await self.sessions.require_in(tx, caller)
            return account, await factor_store.list_factors(tx, account.id)

    async def update(self, caller: Caller, changes: AccountChanges) -> tuple[Account, list[Factor]]:
        """Change one's own login. A new password ends all other sign-ins; a new address both mailboxes have to confirm.

        Raises:
            Unauthenticated, InvalidInput, RateLimited, Unavailable.
            Forbidden: a second factor, or a fresh proof of being the person, is needed first.
            Conflict: the address is taken, or has to stay (`require_may_leave`), or the password is the old one.
        """
        address = None if changes.email is None else clean_email(changes.email)
        password_hash = await self._new_password(caller, changes) if changes.password is not None else None
        try:
            async with self.db.platform() as tx:
                account, sign_in = await self.sessions.require_in(tx, caller, is_written=True)
                factors = await factor_store.list_factors(tx, account.id)
                if address is not None or password_hash is not None or changes.user_metadata:
                    require_second_factor(sign_in, factors)
                account = msgspec.structs.replace(
                    with_metadata(account, changes.user_metadata), updated_at=self.clock.now()
                )
                if address is not None and address != account.email:
                    account = await self._change_email(tx, account, address, changes)
                if not await store.update_account(tx, account, password_hash):
                    raise email_exists()
                if password_hash is not None:
                    await self._password_changed(tx, account, sign_in)
        except UniqueViolation as error:
            raise email_exists() from error
        return account, factors

    # --- inside

    async def _is_besieged(self, address: str) -> bool:
        """Whether so many passwords were tried on one address, from everywhere, that only known devices are let try.

        Asked for unknown addresses too, and Redis away lets people in: argon2 is slow as well.
        """
        key = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        try:
            wait_s = await self.rate_limits.take(
                f"account:{key}", capacity=TRIES_PER_ACCOUNT, refill_per_s=TRIES_PER_ACCOUNT_PER_S
            )
        except Unavailable:
            log.warning("guesses on an account not counted: redis is away")
            return False
        return wait_s > 0

    async def _new_password(self, caller: Caller, changes: AccountChanges) -> str:
        """Check a new password and the proof that it is the person who sets it. Answers its hash."""
        password = changes.password or ""
        check_password(password)
        async with self.db.platform() as tx:
            account, sign_in = await self.sessions.require_in(tx, caller)
            old_hash = await store.read_password_hash(tx, caller.user_id)
        is_old = self.clock.now() - sign_in.created_at > FRESH_SIGN_IN and not sign_in.is_recovery
        if changes.current_password is not None:
            if not await self.passwords.verify(changes.current_password, old_hash or None):
                raise Forbidden("The current password is not right", reason="current_password_invalid")
        elif changes.nonce:
            await self.confirmations.use_nonce(account.id, changes.nonce)
        elif sign_in.is_sso or (self.needs_confirmation and is_old):
            raise Forbidden("Password update requires reauthentication", reason="reauthentication_needed")
        if old_hash and await self.passwords.verify(password, old_hash):
            raise Conflict("New password should be different from the old password.", reason="same_password")
        return await self.passwords.hash(password)

    async def _change_email(self, tx: Transaction, account: Account, address: str, changes: AccountChanges) -> Account:
        """Without confirmation the new address counts at once; with it both mailboxes are asked, also when it is taken."""
        await require_may_leave(self.db, tx, account, address)
        if not self.needs_confirmation:
            return msgspec.structs.replace(
                account, email=address, display_name=display_name_of(address, account.user_metadata)
            )
        account = msgspec.structs.replace(
            account, email_change=address, email_change_sent_at=self.clock.now(), email_change_agreed=None
        )
        await self.confirmations.ask_both_mailboxes(tx, account, changes.redirect_to, changes.challenge)
        return account

    async def _password_changed(self, tx: Transaction, account: Account, sign_in: SignIn) -> None:
        await mailed_tokens.delete_of_user(tx, account.id)
        await self.sessions.end(tx, account.id, but=sign_in.id)
        if self.mail.can_send:
            await self.mail.put(tx, account.email, "password_changed", {})


def require_second_factor(sign_in: SignIn, factors: list[Factor]) -> None:
    """Refuse a sign-in that has not shown the second factor its person has. Raises Forbidden."""
    if sign_in.aal != "aal2" and any(factor.status == "verified" for factor in factors):
        raise Forbidden(
            "AAL2 session is required to update email or password when MFA is enabled.", reason="insufficient_aal"
        )


def with_metadata(account: Account, changes: dict[str, Any] | None) -> Account:
    """The account with its user_metadata merged: nulls delete; None leaves it, whatever was allowed when it was written.

    Raises:
        InvalidInput: too large, too deep.
    """
    if changes is None:
        return account
    metadata = merged(account.user_metadata, changes)
    return msgspec.structs.replace(
        account, user_metadata=metadata, display_name=display_name_of(account.email, metadata)
    )


def merged(old: dict[str, Any], changes: dict[str, Any] | None) -> dict[str, Any]:
    """Metadata with changes put in: nulls delete. Raises InvalidInput: too large."""
    metadata = dict(old)
    for name, value in (changes or {}).items():
        if value is None:
            metadata.pop(name, None)
        else:
            metadata[name] = value
    if changes:
        check_metadata(metadata)
    return metadata


def check_metadata(metadata: dict[str, Any]) -> None:
    """Raises InvalidInput: it is too large or too deep, or holds what PostgreSQL's jsonb can't."""
    if _is_deeper(metadata, METADATA_MAX_DEPTH):
        raise InvalidInput(f"User data is nested {METADATA_MAX_DEPTH} deep at most.", field="data")
    encoded = msgspec.json.encode(metadata)
    if len(encoded) > METADATA_MAX_BYTES or b"\\u0000" in encoded:
        raise InvalidInput(f"User data has at most {METADATA_MAX_BYTES} bytes, without zero characters.", field="data")


def _is_deeper(value: object, levels: int) -> bool:
    """Whether more than so many lists and objects lie inside one another."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)

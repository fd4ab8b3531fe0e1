"""What the bearer of the service key may do to logins: GoTrue's admin API."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from control_plane.domain.accounts import EMAIL_MAX_LENGTH, Account, check_password, clean_email, display_name_of
from control_plane.domain.errors import Conflict, InvalidInput, NotFound
from control_plane.domain.factors import Factor
from control_plane.domain.ids import UserId
from control_plane.domain.mailed_proofs import Mailed
from control_plane.domain.sign_ins import MailPurpose
from control_plane.services.accounts import AccountService, check_metadata, email_exists, merged, with_metadata
from control_plane.services.api_tokens import tell_changed
from control_plane.services.confirmations import ConfirmationService
from control_plane.services.factors import FactorService
from control_plane.services.mail import MailService
from control_plane.services.passwords import Passwords
from control_plane.services.ports import Clock
from control_plane.services.sessions import SessionService
from control_plane.stores import accounts as store
from control_plane.stores import factors as factor_store
from control_plane.stores import mailed_tokens
from control_plane.stores import organizations as organization_store
from control_plane.stores.database import Database, Transaction, UniqueViolation

MOST_PER_PAGE = 1000
LinkType = Literal["signup", "invite", "magiclink", "recovery", "email_change_current", "email_change_new"]
_PURPOSES: dict[str, MailPurpose] = {
    "signup": MailPurpose.CONFIRMATION,
    "invite": MailPurpose.CONFIRMATION,
    "magiclink": MailPurpose.RECOVERY,
    "recovery": MailPurpose.RECOVERY,
    "email_change_current": MailPurpose.EMAIL_CHANGE_CURRENT,
    "email_change_new": MailPurpose.EMAIL_CHANGE_NEW,
}


class AdminChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What an admin sets of a login; None leaves it. ban: how long from now; zero ends a ban."""

    email: str | None = None
    password: str | None = None
    user_metadata: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None
    email_confirm: bool = False
    ban: timedelta | None = None


@dataclass(frozen=True, slots=True)
class AccountAdmin:
    """The use cases of the service key. service_key: None: there is none, and nobody is let in."""

    db: Database
    passwords: Passwords
    accounts: AccountService
    sessions: SessionService
    confirmations: ConfirmationService
    factors: FactorService
    mail: MailService
    clock: Clock
    service_key: str | None = field(default=None, repr=False)

    def is_key(self, text: str) -> bool:
        """Whether this is the service key."""
        if self.service_key is None:
            return False
        return hmac.compare_digest(text.encode("utf-8", "surrogatepass"), self.service_key.encode())

    async def list_accounts(self, page: int, per_page: int, wanted: str = "") -> tuple[list[Account], int]:
        """One page of logins, oldest first, and how many there are.

        Args:
            page: from 1.
            per_page: 1 to MOST_PER_PAGE.
            wanted: part of an address, or of the `full_name` in user_metadata, in any case; empty: all.

        Raises:
            InvalidInput: nobody is called that. Unavailable.
        """
        if len(wanted) > EMAIL_MAX_LENGTH or "\0" in wanted or not wanted.isprintable():
            raise InvalidInput("Bad filter", field="filter")
        per_page = max(1, min(MOST_PER_PAGE, per_page))
        offset = min(max(0, page - 1) * per_page, 2**40)
        async with self.db.platform() as tx:
            return await store.list_accounts(tx, limit=per_page, offset=offset, wanted=wanted)

    async def read(self, user_id: UserId) -> tuple[Account, list[Factor]]:
        """A login and its factors. Raises NotFound, Unavailable."""
        async with self.db.platform() as tx:
            return await _get(tx, user_id), await factor_store.list_factors(tx, user_id)

    async def create(self, changes: AdminChanges, user_id: UUID | None = None) -> Account:
        """Make a login; without email_confirm its mailbox has to answer. Raises InvalidInput, Conflict, Unavailable."""
        account = self._new(clean_email(changes.email or ""), changes)
        if user_id is not None:
            account = msgspec.structs.replace(account, id=UserId(user_id))
        password_hash = ""
        if changes.password is not None:
            check_password(changes.password)
            password_hash = await self.passwords.hash(changes.password)
        try:
            async with self.db.platform() as tx:
                if not await store.insert_account(tx, account, password_hash):
                    raise email_exists()
        except UniqueViolation as error:
            # The address would have been seen: it is the id.
            raise Conflict("A user with this id already exists", reason="user_already_exists") from error
        return account

    async def update(self, user_id: UserId, changes: AdminChanges) -> tuple[Account, list[Factor]]:
        """Change a login; a new password or a ban ends its sign-ins. Raises NotFound, InvalidInput, Conflict."""
        address = None if changes.email is None else clean_email(changes.email)
        password_hash = None
        if changes.password is not None:
            check_password(changes.password)
            password_hash = await self.passwords.hash(changes.password)
        now = self.clock.now()
        try:
            async with self.db.platform() as tx:
                account = with_metadata(_require(await store.lock_account(tx, user_id)), changes.user_metadata)
                account = _administered(account, changes, address, now)
                if not await store.update_account(tx, account, password_hash):
                    raise email_exists()
                if password_hash is not None or account.is_banned(now):
                    await self.sessions.end(tx, user_id)
                    await mailed_tokens.delete_of_user(tx, user_id)
                if account.is_banned(now):
                    tell_changed(tx, self.sessions.bus, user_id=user_id)
                return account, await factor_store.list_factors(tx, user_id)
        except UniqueViolation as error:
            raise email_exists() from error

    async def delete(self, user_id: UserId) -> None:
        """Delete a login with its memberships; its sockets close.

        Raises:
            NotFound, Unavailable. Conflict: it owns an organization, which has to be given away first.
        """
        async with self.db.platform() as tx:
            await _get(tx, user_id)
            # Asked and deleted in one transaction: a transfer of ownership comes before both, or finds them gone.
            if await organization_store.hold_memberships(tx, user_id) == "owner":
                raise Conflict("This person owns an organization: transfer it first.", reason="conflict")
            await self.sessions.end(tx, user_id)
            tell_changed(tx, self.sessions.bus, user_id=user_id)
            await store.delete_account(tx, user_id)

    async def invite(self, email: str, user_metadata: dict[str, Any] | None, redirect_to: str) -> Account:
        """Make a login and mail its person a link to accept it; once more, while nobody has answered from that mailbox.

        Raises:
            InvalidInput. Conflict: somebody has it. Unavailable.
        """
        address = clean_email(email)
        async with self.db.platform() as tx:
            account = await self._invited(tx, address, await store.lock_by_email(tx, address), user_metadata)
            mailed = await self._token(tx, account, "invite", account.email, redirect_to)
            await self.mail.put(tx, account.email, "invite", {"link": mailed.link, "code": mailed.otp})
        return account

    async def generate_link(
        self, kind: LinkType, email: str, changes: AdminChanges, new_email: str | None, redirect_to: str
    ) -> tuple[Account, Mailed]:
        """Make a link for the caller to mail; signup, invite and magiclink make the login too.

        Raises:
            InvalidInput. NotFound: no such login. Conflict: the login is there already. Unavailable.
        """
        address = clean_email(email)
        password_hash = ""
        if kind == "signup":
            check_password(changes.password or "")
            password_hash = await self.passwords.hash(changes.password or "")
        async with self.db.platform() as tx:
            account = await store.lock_by_email(tx, address)
            if kind == "invite":
                account = await self._invited(tx, address, account, changes.user_metadata)
            elif account is None and kind in {"signup", "magiclink"}:
                account = self._new(address, changes)
                await store.insert_account(tx, account, password_hash)
            elif account is not None and kind == "signup":
                if account.email_confirmed_at is not None:
                    raise email_exists()
                # What an earlier sign-up left there may be a stranger's.
                account = _signed_up(account, changes, self.clock.now())
                await store.update_account(tx, account, password_hash)
            account = _require(account)
            to = account.email
            if kind.startswith("email_change"):
                account = msgspec.structs.replace(
                    account,
                    email_change=clean_email(new_email or ""),
                    email_change_sent_at=self.clock.now(),
                    email_change_agreed=None,
                )
                await store.update_account(tx, account, None)
                to = account.email_change or "" if kind == "email_change_new" else account.email
            return account, await self._token(tx, account, kind, to, redirect_to)

    async def remove_factor(self, user_id: UserId, factor_id: UUID) -> Factor:
        """Let go of somebody's factor: they lost it. Raises NotFound, Unavailable."""
        async with self.db.platform() as tx:
            account = await _get(tx, user_id)
            factor = await factor_store.lock_factor(tx, factor_id, user_id)
            if factor is None:
                raise NotFound("Factor not found", reason="mfa_factor_not_found")
            await self.factors.remove_in(tx, account, factor)
            return factor

    # --- inside

    def _new(self, address: str, changes: AdminChanges) -> Account:
        metadata, app_metadata = changes.user_metadata or {}, changes.app_metadata or {}
        check_metadata(metadata)
        check_metadata(app_metadata)
        account = self.accounts.new_account(address, metadata)
        return _administered(account, changes, None, self.clock.now())

    async def _invited(
        self, tx: Transaction, address: str, account: Account | None, user_metadata: dict[str, Any] | None
    ) -> Account:
        """The login of an invited person, made when there is none (account: as it is held, or None).

        Of a sign-up that a stranger may have made by that address nothing stays: the invitation's link would confirm it.
        """
        if account is None:
            account = self._new(address, AdminChanges(user_metadata=user_metadata))
            account = msgspec.structs.replace(account, invited_at=account.created_at)
            if not await store.insert_account(tx, account, ""):
                raise email_exists()
            return account
        if not account.is_pending:
            raise email_exists()
        account = await self.confirmations.forget_sign_up(tx, account)
        now = self.clock.now()
        if user_metadata is not None:
            account = _signed_up(account, AdminChanges(user_metadata=user_metadata), now)
        account = msgspec.structs.replace(account, invited_at=now, updated_at=now)
        await store.update_account(tx, account, None)
        return account

    async def _token(self, tx: Transaction, account: Account, kind: str, to: str, redirect_to: str) -> Mailed:
        link_type = "email_change" if kind.startswith("email_change") else kind
        purpose = _PURPOSES[kind]
        if kind == "magiclink" and account.email_confirmed_at is None:
            purpose = MailPurpose.FIRST_LINK
        return await self.confirmations.make_token(
            tx, account.id, purpose, to, link_type=link_type, redirect_to=redirect_to, challenge=None
        )


def _signed_up(account: Account, changes: AdminChanges, now: datetime) -> Account:
    """A login nobody has confirmed, with a new sign-up's data in the old one's place. Raises InvalidInput: too large."""
    metadata = changes.user_metadata or {}
    check_metadata(metadata)
    return msgspec.structs.replace(
        account, user_metadata=metadata, display_name=display_name_of(account.email, metadata), updated_at=now
    )


def _administered(account: Account, changes: AdminChanges, address: str | None, now: datetime) -> Account:
    email = address or account.email
    banned_until = account.banned_until
    if changes.ban is not None:
        banned_until = now + changes.ban if changes.ban else None
    return msgspec.structs.replace(
        account,
        email=email,
        display_name=display_name_of(email, account.user_metadata),
        app_metadata=merged(account.app_metadata, changes.app_metadata),
        email_confirmed_at=account.email_confirmed_at or (now if changes.email_confirm else None),
        banned_until=banned_until,
        updated_at=now,
    )


async def _get(tx: Transaction, user_id: UserId) -> Account:
    return _require(await store.find_account(tx, user_id))


def _require(account: Account | None) -> Account:
    if account is None:
        raise _no_user()
    return account


def _no_user() -> NotFound:
    return NotFound("User not found", reason="user_not_found")


def parse_ban(text: str) -> timedelta:
    """GoTrue's ban_duration: `none`, or a Go duration such as `24h`, `1h30m`, `300s`. Raises InvalidInput."""
    if text == "none":
        return timedelta()
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    seconds, number = 0.0, ""
    for sign in text:
        if sign.isascii() and (sign.isdigit() or sign == "."):
            number += sign
        elif sign in units and number.count(".") <= 1 and number.strip("."):
            seconds += float(number) * units[sign]
            number = ""
        else:
            raise InvalidInput("invalid format for ban duration", field="ban_duration")
    if number or not text or seconds > 100 * 365 * 86400:
        raise InvalidInput("invalid format for ban duration", field="ban_duration")
    return timedelta(seconds=seconds)

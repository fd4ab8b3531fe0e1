"""Mailed proofs: links and six digits that confirm an address, sign in, recover, or let a person go on.

What a stranger may ask for (a sign-up, a link, a recovery) is one row of the outbox in the request, the same for every
address, so that neither the answer nor its time tells who is known; `have` then does it. A link's token is 256 random bits,
kept as a hash; the digits are kept as an HMAC and void after OTP_FAILURES wrong ones, while the link stays good.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec

from control_plane.domain.accounts import Account, clean_email, display_name_of
from control_plane.domain.callers import Caller, Origin
from control_plane.domain.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from control_plane.domain.ids import UserId
from control_plane.domain.mailed_proofs import Asked, FlowStarted, Halfway, Mailed, Wish
from control_plane.domain.origins import plain_name, rough_origin
from control_plane.domain.outbox import OutboxMessage
from control_plane.domain.sign_ins import (
    MAILED_LIFETIME,
    OTP_DIGITS,
    OTP_FAILURES,
    PURPOSES_OF_TYPE,
    Challenge,
    MailedToken,
    MailPurpose,
    SignIn,
    choose_redirect,
)
from control_plane.services.mail import MailService
from control_plane.services.outbox import OutboxService
from control_plane.services.ports import Clock, Ids
from control_plane.services.sealing import hash_token
from control_plane.services.sessions import SessionService, SignedIn
from control_plane.services.sso_addresses import require_may_leave
from control_plane.stores import accounts as account_store
from control_plane.stores import mailed_tokens as store
from control_plane.stores.database import Database, Transaction

ASKED_KIND = "auth.asked"
"""The outbox's kind of what a stranger asked for."""
Verified = SignedIn | Halfway | FlowStarted
_Outcome = tuple[Account, SignIn, str] | Halfway | FlowStarted | DomainError


def _expired() -> Forbidden:
    """One answer for wrong, used, old and never mailed."""
    return Forbidden("Token has expired or is invalid", reason="otp_expired")


@dataclass(frozen=True, slots=True)
class ConfirmationService:
    """The use cases of mailed proofs. issuer: `{public_url}/auth/v1`; key: 32 bytes.

    site_url: where links lead that say nothing else; allowed_origins: pages of ours they may lead to.
    """

    db: Database
    sessions: SessionService
    outbox: OutboxService
    mail: MailService
    clock: Clock
    ids: Ids
    issuer: str
    site_url: str
    allowed_origins: frozenset[str]
    key: bytes = field(repr=False)

    def redirect_for(self, wanted: str | None) -> str:
        """Where a link shall lead in the end; see `domain.sign_ins.choose_redirect`."""
        return choose_redirect(wanted, self.allowed_origins, self.site_url)

    # --- asking

    async def ask_to_sign_up(
        self,
        account: Account,
        password_hash: str,
        redirect_to: str,
        challenge: Challenge | None,
        *,
        origin: Origin | None = None,
    ) -> None:
        """Have a login made and its address confirmed, if it is free. origin: of the request. Raises Unavailable."""
        await self._ask(
            Asked(
                wish="sign_up",
                email=account.email,
                redirect_to=redirect_to,
                challenge=challenge,
                account_id=account.id,
                password_hash=password_hash,
                user_metadata=account.user_metadata,
                came_from=_rough(origin),
            )
        )

    async def ask(
        self,
        wish: Wish,
        email: str,
        *,
        redirect_to: str = "",
        challenge: Challenge | None = None,
        user_metadata: dict[str, Any] | None = None,
        may_create: bool = False,
        origin: Origin | None = None,
    ) -> None:
        """Have a mail sent, if the address is known; a magic link may also make a login. origin: of the request.

        Raises:
            InvalidInput: that is no address. Unavailable.
        """
        await self._ask(
            Asked(
                wish=wish,
                email=clean_email(email),
                redirect_to=redirect_to,
                challenge=challenge,
                account_id=self.ids.new(),
                user_metadata=user_metadata or {},
                may_create=may_create,
                came_from=_rough(origin),
            )
        )

    async def _ask(self, asked: Asked) -> None:
        async with self.db.platform() as tx:
            await self.outbox.put(tx, ASKED_KIND, msgspec.to_builtins(asked))

    async def ask_both_mailboxes(
        self, tx: Transaction, account: Account, redirect_to: str, challenge: Challenge | None
    ) -> None:
        """Mail the tokens that confirm `account.email_change`, to the old address and to the new one."""
        new = account.email_change or ""
        facts = {"email": account.email, "new_email": new}
        for purpose, to in ((MailPurpose.EMAIL_CHANGE_CURRENT, account.email), (MailPurpose.EMAIL_CHANGE_NEW, new)):
            mailed = await self.make_token(
                tx, account.id, purpose, to, link_type="email_change", redirect_to=redirect_to, challenge=challenge
            )
            await self.mail.put(tx, to, purpose.value, {**facts, "link": mailed.link, "code": mailed.otp})

    async def reauthenticate(self, caller: Caller) -> None:
        """Mail the caller a code that lets them set a new password. Raises Unauthenticated, Unavailable."""
        async with self.db.platform() as tx:
            account, _ = await self.sessions.require_in(tx, caller)
            mailed = await self.make_token(
                tx,
                account.id,
                MailPurpose.REAUTHENTICATION,
                account.email,
                link_type="",
                redirect_to="",
                challenge=None,
            )
            await self.mail.put(tx, account.email, "reauthentication", {"code": mailed.otp})

    async def make_token(
        self,
        tx: Transaction,
        user_id: UserId,
        purpose: MailPurpose,
        email: str,
        *,
        link_type: str,
        redirect_to: str,
        challenge: Challenge | None,
    ) -> Mailed:
        """Write a token in the place of an older one of its purpose. link_type: the `type` its link says."""
        now = self.clock.now()
        # GoTrue's clients tell a PKCE link by this prefix.
        token = ("pkce_" if challenge is not None else "") + secrets.token_urlsafe(32)
        otp = f"{secrets.randbelow(10**OTP_DIGITS):0{OTP_DIGITS}d}"
        row = MailedToken(
            id=self.ids.new(),
            user_id=user_id,
            purpose=purpose,
            email=email,
            otp_hash=self._otp_hash(email, otp),
            failures=0,
            code_challenge=None if challenge is None else challenge.value,
            code_challenge_method=None if challenge is None else challenge.method,
            expires_at=now + MAILED_LIFETIME,
        )
        await store.put(tx, row, hash_token(token), now)
        query = urlencode({"token": token, "type": link_type, "redirect_to": redirect_to or self.site_url})
        refusal = urlencode({"token": token})
        return Mailed(
            token=token, otp=otp, link=f"{self.issuer}/verify?{query}", refusal=f"{self.issuer}/refuse?{refusal}"
        )

    # --- having what was asked for (jobs door)

    async def have(self, message: OutboxMessage) -> None:
        """Do what a stranger asked for. A repeat mails again, and makes nothing twice. Raises Unavailable."""
        asked = msgspec.convert(message.body, Asked)
        async with self.db.platform() as tx:
            account = await account_store.lock_by_email(tx, asked.email)
            if account is not None and account.is_banned(self.clock.now()):
                return
            match asked.wish:
                case "sign_up":
                    await self._have_sign_up(tx, asked, account)
                case "magic_link":
                    await self._have_magic_link(tx, asked, account)
                case "recover" if account is not None:
                    await self._mail_link(tx, account, MailPurpose.RECOVERY, "recovery", asked)
                case "resend_sign_up" if account is not None and account.email_confirmed_at is None:
                    await self._mail_link(tx, account, MailPurpose.CONFIRMATION, "signup", asked)
                case "resend_email_change" if account is not None and account.email_change is not None:
                    # Both mailboxes get a new letter, so both are asked anew.
                    account = msgspec.structs.replace(account, email_change_agreed=None)
                    await account_store.update_account(tx, account, None)
                    await self.ask_both_mailboxes(tx, account, asked.redirect_to, asked.challenge)
                case _:
                    return

    async def _have_sign_up(self, tx: Transaction, asked: Asked, account: Account | None) -> None:
        if account is not None and not account.is_pending:
            await self.mail.put(tx, account.email, "already_registered", {"link": self.site_url})
            return
        if account is not None and account.invited_at is None and account.id != asked.account_id:
            # Nobody has confirmed the earlier sign-up: its password may be a stranger's, so it does not stay.
            await account_store.delete_account(tx, account.id)
            account = None
        if account is None:
            account = self._account_of(asked)
            await account_store.insert_account(tx, account, asked.password_hash)
        await self._mail_link(tx, account, MailPurpose.CONFIRMATION, "signup", asked)

    async def _have_magic_link(self, tx: Transaction, asked: Asked, account: Account | None) -> None:
        if account is None:
            if not asked.may_create:
                return
            account = self._account_of(asked)
            await account_store.insert_account(tx, account, "")
        if account.email_confirmed_at is None:
            await self._mail_link(tx, account, MailPurpose.FIRST_LINK, "signup", asked)
        else:
            await self._mail_link(tx, account, MailPurpose.RECOVERY, "magiclink", asked)

    async def _mail_link(
        self, tx: Transaction, account: Account, purpose: MailPurpose, link_type: str, asked: Asked
    ) -> None:
        now = self.clock.now()
        mailed = await self.make_token(
            tx,
            account.id,
            purpose,
            account.email,
            link_type=link_type,
            redirect_to=asked.redirect_to,
            challenge=asked.challenge,
        )
        if purpose in {MailPurpose.CONFIRMATION, MailPurpose.FIRST_LINK}:
            account = msgspec.structs.replace(account, confirmation_sent_at=now)
        else:
            account = msgspec.structs.replace(account, recovery_sent_at=now)
        await account_store.update_account(tx, account, None)
        facts = {
            "link": mailed.link,
            "code": mailed.otp,
            "refusal": mailed.refusal,
            "when": f"{account.created_at:%d %B %Y, %H:%M} UTC",
            "name": plain_name(account.display_name) or "no name",
            "origin": asked.came_from or _rough(None),
        }
        await self.mail.put(tx, account.email, link_type, facts)

    def _account_of(self, asked: Asked) -> Account:
        assert asked.account_id is not None
        now = self.clock.now()
        return Account(
            id=UserId(asked.account_id),
            email=asked.email,
            display_name=display_name_of(asked.email, asked.user_metadata),
            created_at=now,
            updated_at=now,
            last_sign_in_at=None,
            user_metadata=asked.user_metadata,
        )

    # --- verifying

    async def verify_link(self, link_type: str, token: str, origin: Origin | None, *, starts_flow: bool) -> Verified:
        """Use a link's token.

        Args:
            link_type: signup, invite, magiclink, recovery, email or email_change.
            token: of the link.
            origin: where the request came from.
            starts_flow: a PKCE client's link leads to a code (the link itself was opened); else to a sign-in.

        Raises:
            InvalidInput: the type. Forbidden: wrong, used, old, or banned. Conflict: the new address was taken meanwhile.
            Unavailable.
        """
        purposes = _purposes_of(link_type)
        async with self.db.platform() as tx:
            row = await store.take_by_hash(tx, hash_token(token), purposes)
            outcome = (
                _expired() if row is None else await self._use(tx, row, link_type, origin, starts_flow=starts_flow)
            )
        return await self._answer(outcome)

    async def verify_otp(self, link_type: str, email: str, otp: str, origin: Origin | None) -> Verified:
        """Use the six digits mailed to an address. Raises as `verify_link`."""
        purposes = _purposes_of(link_type)
        address = clean_email(email)
        typed = self._otp_hash(address, otp.replace(" ", "").replace("-", ""))
        async with self.db.platform() as tx:
            rows = [row for row in await store.lock_by_email(tx, address, purposes) if row.failures < OTP_FAILURES]
            right = next((row for row in rows if hmac.compare_digest(row.otp_hash, typed)), None)
            if right is None:
                await store.count_failure(tx, [row.id for row in rows])
                outcome: _Outcome = _expired()
            else:
                await store.delete(tx, right.id)
                outcome = await self._use(tx, right, link_type, origin, starts_flow=False)
        return await self._answer(outcome)

    async def refuse(self, token: str) -> None:
        """Void a sign-up: whoever has the mailbox says that it was not them. The token of its letter proves the mailbox.

        A login that was made by it is gone; one that an operator had made before loses the stranger's password and data.

        Raises:
            Forbidden: used, replaced by a newer letter, or confirmed already. Unavailable.
        """
        async with self.db.platform() as tx:
            row = await store.take_by_hash(tx, hash_token(token), PURPOSES_OF_TYPE["signup"])
            account = None if row is None else await account_store.lock_account(tx, row.user_id)
            is_voided = account is not None and account.is_pending
            if account is not None and account.is_pending:
                if account.invited_at is None:
                    await account_store.delete_account(tx, account.id)
                else:
                    await self.forget_sign_up(tx, account)
        if not is_voided:
            raise _expired()

    async def exchange(self, auth_code: str, code_verifier: str, origin: Origin | None) -> SignedIn:
        """Change a PKCE code for a sign-in (RFC 7636, 4.6); a wrong verifier uses the code up too.

        Raises:
            NotFound: the code is unknown or used. Forbidden: too old, banned. InvalidInput: the verifier. Unavailable.
        """
        async with self.db.platform() as tx:
            flow = await store.take_flow_code(tx, hash_token(auth_code))
            account = None if flow is None else await account_store.find_account(tx, flow.user_id)
        if flow is None or account is None:
            raise NotFound("invalid flow state, no valid flow state found", reason="flow_state_not_found")
        if flow.expires_at <= self.clock.now():
            raise Forbidden("invalid flow state, flow state has expired", reason="flow_state_expired")
        if not _is_verifier(code_verifier, flow.challenge):
            raise InvalidInput(
                "code challenge does not match previously saved code verifier", reason="bad_code_verifier"
            )
        if account.is_banned(self.clock.now()):
            raise Forbidden("User is banned", reason="user_banned")
        return await self.sessions.open_and_issue(account, flow.method, origin, flow.entrance)

    async def use_nonce(self, user_id: UserId, nonce: str) -> None:
        """Use the code of `reauthenticate`. Raises Forbidden: wrong or old. Unavailable."""
        async with self.db.platform() as tx:
            row = await store.lock_of_user(tx, user_id, MailPurpose.REAUTHENTICATION)
            is_right = False
            if row is not None and row.failures < OTP_FAILURES and row.expires_at > self.clock.now():
                is_right = hmac.compare_digest(row.otp_hash, self._otp_hash(row.email, nonce.strip()))
                if is_right:
                    await store.delete(tx, row.id)
                else:
                    await store.count_failure(tx, [row.id])
        if not is_right:
            raise Forbidden("Nonce has expired or is invalid", reason="reauthentication_not_valid")

    # --- inside

    async def _use(
        self, tx: Transaction, row: MailedToken, link_type: str, origin: Origin | None, *, starts_flow: bool
    ) -> _Outcome:
        """Have what a good token proves. Refusals come back as values: what was counted must be committed."""
        now = self.clock.now()
        account = await account_store.lock_account(tx, row.user_id)
        if account is None or row.expires_at <= now or account.is_banned(now):
            return _expired()
        if row.purpose is not MailPurpose.CONFIRMATION:
            account = await self.forget_sign_up(tx, account)
        if row.purpose in {MailPurpose.EMAIL_CHANGE_CURRENT, MailPurpose.EMAIL_CHANGE_NEW}:
            changed = await self._confirm_change(tx, account, row)
            if not isinstance(changed, Account):
                return changed
            account = changed
        elif account.email_confirmed_at is None:
            account = msgspec.structs.replace(account, email_confirmed_at=now, updated_at=now)
            await account_store.update_account(tx, account, None)
        method = "recovery" if link_type == "recovery" else "otp"
        if starts_flow and row.code_challenge is not None and row.code_challenge_method is not None:
            challenge = Challenge(value=row.code_challenge, method=row.code_challenge_method)
            return await self.sessions.start_flow(tx, account, challenge, method)
        sign_in, refresh_token = await self.sessions.open(tx, account, method, origin)
        return account, sign_in, refresh_token

    async def forget_sign_up(self, tx: Transaction, account: Account) -> Account:
        """Empty the password and the data of a sign-up that nobody confirmed: the mailbox's owner may not have written them.

        Only the sign-up's own letter confirms them. Without a password nobody signed up: then the data is the inviter's.
        """
        if not account.is_pending or not await account_store.read_password_hash(tx, account.id):
            return account
        account = msgspec.structs.replace(account, user_metadata={}, display_name=display_name_of(account.email, {}))
        await account_store.update_account(tx, account, "")
        return account

    async def _confirm_change(
        self, tx: Transaction, account: Account, row: MailedToken
    ) -> Account | Halfway | DomainError:
        """One mailbox has said yes to the new address; with the other's yes it counts."""
        asked_of = account.email if row.purpose is MailPurpose.EMAIL_CHANGE_CURRENT else account.email_change
        if account.email_change is None or row.email != asked_of:
            return _expired()
        if account.email_change_agreed in {None, row.purpose}:
            agreed = msgspec.structs.replace(account, email_change_agreed=row.purpose)
            await account_store.update_account(tx, agreed, None)
            return Halfway()
        try:
            # Asked again: what it goes by may have been turned on since the letters went out.
            await require_may_leave(self.db, tx, account, account.email_change)
        except Conflict as error:
            return error
        now = self.clock.now()
        changed = msgspec.structs.replace(
            account,
            email=account.email_change,
            email_change=None,
            email_change_sent_at=None,
            email_change_agreed=None,
            email_confirmed_at=account.email_confirmed_at or now,
            updated_at=now,
        )
        if not await account_store.update_account(tx, changed, None):
            return Conflict("A user with this email address has already been registered", reason="email_exists")
        await store.delete_of_user(tx, account.id)
        return changed

    async def _answer(self, outcome: _Outcome) -> Verified:
        if isinstance(outcome, DomainError):
            raise outcome
        if isinstance(outcome, tuple):
            return await self.sessions.issue(*outcome)
        return outcome

    def _otp_hash(self, email: str, otp: str) -> bytes:
        """Six digits are guessed in a moment from a plain hash: our key is in it."""
        return hmac.new(self.key, f"{email}\0{otp}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _rough(origin: Origin | None) -> str:
    return rough_origin(None, None) if origin is None else rough_origin(origin.ip, origin.user_agent)


def _purposes_of(link_type: str) -> tuple[MailPurpose, ...]:
    purposes = PURPOSES_OF_TYPE.get(link_type)
    if purposes is None:
        raise InvalidInput("Verify requires a verification type", field="type")
    return purposes


def _is_verifier(verifier: str, challenge: Challenge) -> bool:
    """Whether a PKCE verifier is the one the client committed to (RFC 7636, 4.6)."""
    said = verifier
    if challenge.method == "s256":
        digest = hashlib.sha256(verifier.encode("utf-8", "surrogatepass")).digest()
        said = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(said.encode("utf-8", "surrogatepass"), challenge.value.encode())

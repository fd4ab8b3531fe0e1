"""What comes of a provider's word: whose account it opens, and the sign-in or the code for one."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from control_plane.domain.accounts import Account, clean_email, display_name_of
from control_plane.domain.callers import Origin
from control_plane.domain.errors import Forbidden, SsoDomainUnverified, SsoFailed, Unavailable
from control_plane.domain.ids import UserId
from control_plane.domain.mailed_proofs import FlowStarted
from control_plane.domain.sso import GOOGLE_ISSUER, SsoConnection, SsoFlow, SsoIdentity, domain_of
from control_plane.services import audit
from control_plane.services.confirmations import ConfirmationService
from control_plane.services.ports import Clock, Ids
from control_plane.services.sessions import SessionService, SignedIn
from control_plane.services.sso_addresses import caller_by, clear_unproven
from control_plane.services.sso_joining import SsoJoining, hold_unchanged
from control_plane.services.sso_landing import Tested
from control_plane.stores import accounts as account_store
from control_plane.stores import mailed_tokens
from control_plane.stores import sso as store
from control_plane.stores import sso_identities as identities
from control_plane.stores.database import Database, Transaction

Opened = SignedIn | FlowStarted | Tested
"""A sign-in, a code that a PKCE client changes for one, or neither: it was a test."""


@dataclass(frozen=True, slots=True)
class SsoOpening:
    """Opens accounts to whom a provider has vouched for.

    Attributes:
        needs_confirmation: an address counts only once its mailbox has answered; else an account's first link clears it.
    """

    db: Database
    joining: SsoJoining
    sessions: SessionService
    confirmations: ConfirmationService
    clock: Clock
    ids: Ids
    needs_confirmation: bool

    async def open(self, flow: SsoFlow, connection: SsoConnection, identity: SsoIdentity, origin: Origin) -> Opened:
        """The provider has vouched: open the account, if the address is of a domain the organization has proven."""
        identity = msgspec.structs.replace(identity, email=clean_email(identity.email))
        organization_id, now = connection.organization_id, self.clock.now()
        async with self.db.tenant(organization_id) as tx:
            await hold_unchanged(tx, connection, is_test=flow.tester_id is not None)
            if not await store.has_proven(tx, organization_id, domain_of(identity.email)):
                raise _unproven(domain_of(identity.email))
            is_google = (connection.issuer or "").rstrip("/") == GOOGLE_ISSUER
            if is_google and not await store.has_proven(tx, organization_id, identity.hosted_domain):
                raise SsoFailed("This Google account is not managed by the organization.", reason="hosted_domain")
            user_id = await identities.find_identity(tx, organization_id, connection.id, identity.subject)
            if flow.tester_id is not None:
                await store.note_outcome(
                    tx, organization_id, connection.id, now=now, error=None, tested_by=flow.tester_id
                )
                after = {"testedBy": str(flow.tester_id)}
                subject = ("sso_connection", connection.id)
                await audit.note(tx, audit.SYSTEM, organization_id, "sso_sign_in.tested", subject, after=after)
                return Tested()
        account = await self._find_account(connection, identity, user_id, origin)
        await self.joining.join(connection, identity, account, origin)
        return await self._open(flow, connection, account.id, origin)

    async def _find_account(
        self, connection: SsoConnection, identity: SsoIdentity, user_id: UserId | None, origin: Origin
    ) -> Account:
        """The account of a subject; on first sight the one with its address, or a new one.

        A sign-up that waits there unconfirmed loses its password: a stranger may have chosen it. Where no mailbox
        confirms addresses, every account that is linked for the first time is cleared.
        """
        async with self.db.platform() as tx:
            if user_id is not None:
                account = await account_store.find_account(tx, user_id)
            else:
                account = await account_store.lock_by_email(tx, identity.email)
            made = await self._make_account(tx, connection, identity) if account is None else None
            account = account or made or await account_store.lock_by_email(tx, identity.email)
            if account is None:
                raise Unavailable("This account is being changed. Try again in a moment.", retry_after_s=1)
            if account.email_confirmed_at is None:
                account = await self._confirm(tx, account)
            if user_id is None and made is None and not self.needs_confirmation:
                caller = caller_by(connection, account, origin)
                await clear_unproven(tx, self.sessions, account, caller, connection)
        if account.is_banned(self.clock.now()):
            raise Forbidden("User is banned", reason="user_banned")
        return account

    async def _make_account(self, tx: Transaction, connection: SsoConnection, identity: SsoIdentity) -> Account | None:
        """A new account without a password; None: somebody made one of that address meanwhile."""
        now = self.clock.now()
        metadata = {"display_name": identity.display_name} if identity.display_name else {}
        provider = f"sso:{connection.id}"
        account = Account(
            id=UserId(self.ids.new()),
            email=identity.email,
            display_name=display_name_of(identity.email, metadata),
            created_at=now,
            updated_at=now,
            last_sign_in_at=None,
            user_metadata=metadata,
            app_metadata={"provider": provider, "providers": [provider]},
            email_confirmed_at=now,
        )
        return account if await account_store.insert_account(tx, account, "") else None

    async def _confirm(self, tx: Transaction, account: Account) -> Account:
        now = self.clock.now()
        cleared = await self.confirmations.forget_sign_up(tx, account)
        if cleared is not account:
            await mailed_tokens.delete_of_user(tx, account.id)
        confirmed = msgspec.structs.replace(cleared, email_confirmed_at=now, updated_at=now)
        await account_store.update_account(tx, confirmed, None)
        return confirmed

    async def _open(self, flow: SsoFlow, connection: SsoConnection, user_id: UserId, origin: Origin) -> Opened:
        """Open a sign-in, or make a code for one; neither, if the connection was shut since it was read."""
        async with self.db.platform() as tx:
            # Anew: they are linked now.
            account = await account_store.find_account(tx, user_id)
            if account is None:
                raise Unavailable("This account is being changed. Try again in a moment.", retry_after_s=1)
            if flow.challenge is not None:
                return await self.sessions.start_flow(
                    tx, account, flow.challenge, connection.method, connection.entrance
                )
        return await self.sessions.open_and_issue(account, connection.method, origin, connection.entrance)


def _unproven(domain: str) -> SsoDomainUnverified:
    words = "The address is of a domain that this organization has not proven to be its own."
    return SsoDomainUnverified(words, domain=domain)

"""Who is linked to which connection, and how that ends: by the person, or by the owner of the connection's organization.

Unlinked is not locked out: whoever signs in at the provider again is linked again. To keep somebody out, remove the member.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from control_plane.domain.accounts import Account, LinkedIdentity
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, NotFound
from control_plane.domain.ids import OrganizationId
from control_plane.domain.origins import plain_name
from control_plane.domain.roles import Permission
from control_plane.domain.sso import SsoPerson
from control_plane.services import access, audit
from control_plane.services.accounts import require_second_factor
from control_plane.services.mail import MailService
from control_plane.services.sessions import SessionService
from control_plane.services.sso_addresses import require_may_unlink
from control_plane.services.sso_connections import require_connection
from control_plane.stores import accounts as account_store
from control_plane.stores import factors as factor_store
from control_plane.stores import sign_ins
from control_plane.stores import sso_identities as store
from control_plane.stores.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class SsoIdentities:
    """The use cases of identities. public_url: of the pages letters lead to."""

    db: Database
    sessions: SessionService
    mail: MailService
    public_url: str

    async def list_people(
        self, caller: Caller, organization_id: OrganizationId, connection_id: UUID, *, after: UUID | None, limit: int
    ) -> list[SsoPerson]:
        """Whom a connection knows, in the order of their first coming; on every plan.

        Raises:
            NotFound, Forbidden, Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            await require_connection(tx, organization_id, connection_id)
            return await store.list_people(tx, organization_id, connection_id, after=after, limit=limit)

    async def unlink(
        self, caller: Caller, organization_id: OrganizationId, connection_id: UUID, identity_id: UUID
    ) -> None:
        """As the owner, unlink somebody from a connection; their sign-ins by it end. On every plan.

        It may be the account's last identity: a mailed link opens it still.

        Raises:
            NotFound, Forbidden, Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            await require_connection(tx, organization_id, connection_id)
            user_id = await store.find_owner(tx, organization_id, connection_id, identity_id)
        if user_id is None:
            raise _no_identity()
        async with self.db.platform() as tx:
            account = await account_store.lock_account(tx, user_id)
            identity = None if account is None else _find(account, identity_id)
            if account is None or identity is None:
                raise _no_identity()
            await self._unlink(tx, caller, account, identity, but=None)

    async def unlink_own(self, caller: Caller, identity_id: UUID) -> None:
        """Unlink one's own account from a provider. Sign-ins that came by it end, but for this one.

        Raises:
            Unauthenticated. Forbidden: the second factor is needed first. Conflict: single_identity_not_deletable,
            identity_not_found, email_identity_not_deletable, sso_enforced (`require_may_unlink`). Unavailable.
        """
        async with self.db.platform() as tx:
            account, sign_in = await self.sessions.require_in(tx, caller, is_written=True)
            require_second_factor(sign_in, await factor_store.list_factors(tx, account.id))
            if len(account.identities) + account.has_email_identity <= 1:
                raise Conflict(
                    "User must have at least 1 identity after unlinking", reason="single_identity_not_deletable"
                )
            if identity_id == account.id and account.has_email_identity:
                words = "The address stays: an account is recovered by it."
                raise Conflict(words, reason="email_identity_not_deletable")
            identity = _find(account, identity_id)
            if identity is None:
                raise Conflict("Identity doesn't exist", reason="identity_not_found")
            await require_may_unlink(self.db, account, identity.organization_id)
            await self._unlink(tx, caller, account, identity, but=sign_in.id)

    async def _unlink(
        self, tx: Transaction, caller: Caller, account: Account, identity: LinkedIdentity, *, but: UUID | None
    ) -> None:
        """Forget an identity of an account that is held, in the platform's scope. but: a sign-in that goes on."""
        if not await store.delete_identity(tx, account.id, identity.id):
            raise _no_identity()
        for sign_in_id in await sign_ins.list_by_connection(tx, account.id, identity.connection_id):
            if sign_in_id != but:
                await self.sessions.end(tx, account.id, only=sign_in_id)
        after = {"connectionId": str(identity.connection_id)}
        subject = ("user", account.id)
        await audit.note(tx, caller, identity.organization_id, "sso_identity.unlinked", subject, before=after)
        if self.mail.can_send:
            facts = {
                "organization": plain_name(identity.organization_name) or "An organization",
                "provider": plain_name(identity.connection_name) or "its identity provider",
                "link": f"{self.public_url}/account/security",
            }
            await self.mail.put(tx, account.email, "sso_unlinked", facts)


def _find(account: Account, identity_id: UUID) -> LinkedIdentity | None:
    return next((one for one in account.identities if one.id == identity_id), None)


def _no_identity() -> NotFound:
    return NotFound("There is no such identity.")

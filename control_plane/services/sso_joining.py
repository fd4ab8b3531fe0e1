"""Whom a connection opens: an account is tied to a provider's subject, and becomes a member where the connection says so."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from control_plane.domain.accounts import Account
from control_plane.domain.callers import Caller, Origin
from control_plane.domain.errors import Conflict, SsoDomainUnverified, SsoProviderNotFound
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.organizations import is_host_by_default
from control_plane.domain.origins import plain_name, rough_origin
from control_plane.domain.plans import SSO_TIERS, require_room_for_one
from control_plane.domain.sso import SsoConnection, SsoIdentity, domain_of
from control_plane.services import audit
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.mail import MailService
from control_plane.services.ports import Clock, Ids
from control_plane.services.sso_addresses import caller_by
from control_plane.stores import organizations as organization_store
from control_plane.stores import sso as store
from control_plane.stores import sso_identities as identities
from control_plane.stores.database import Database, Transaction


async def hold_unchanged(tx: Transaction, used: SsoConnection, *, is_test: bool = False) -> None:
    """Hold a connection's row until commit, if what a sign-in used is still so; tests use one that is off, too.

    A provider's answer takes seconds; meanwhile the connection may have been turned off, or become another provider's.

    Raises:
        SsoProviderNotFound: it was. Unavailable.
    """
    found = await store.find_connection(tx, used.organization_id, used.id, lock=True)
    if found is None or not found.is_provider_of(used) or not (found.is_enabled or is_test):
        raise SsoProviderNotFound("The SSO provider was changed meanwhile. Start again.")


@dataclass(frozen=True, slots=True)
class SsoJoining:
    """Identities and memberships of single sign-on, and who is kept out by it. public_url: of the pages letters lead to."""

    db: Database
    mail: MailService
    clock: Clock
    ids: Ids
    public_url: str

    async def join(self, connection: SsoConnection, identity: SsoIdentity, account: Account, origin: Origin) -> None:
        """Tie the account to the subject, make the person a member, and note that the connection works.

        Whoever is tied for the first time gets a letter: a provider's word opens their account from now on.

        Raises:
            SsoDomainUnverified: the account's own address is not of a proven domain (any more). Conflict: the subject
            is somebody else's meanwhile. SsoProviderNotFound: another provider vouches now, or none. LimitExceeded: no host
            is left. Unavailable.
        """
        organization_id, now = connection.organization_id, self.clock.now()
        caller = caller_by(connection, account, origin)
        async with self.db.tenant(organization_id) as tx:
            await hold_unchanged(tx, connection)
            entitlement = await lock_entitlement(tx, organization_id)
            if not await store.has_proven(tx, organization_id, domain_of(account.email)):
                # Whoever took their account elsewhere is not the organization's to sign in.
                raise SsoDomainUnverified("This account's address is not of a domain of this organization.")
            is_new = await identities.put_identity(
                tx,
                identity_id=self.ids.new(),
                organization_id=organization_id,
                connection_id=connection.id,
                subject=identity.subject,
                email=identity.email,
                user_id=account.id,
                now=now,
            )
            if await identities.find_identity(tx, organization_id, connection.id, identity.subject) != account.id:
                raise Conflict("This person is another account.", reason="identity_taken")
            if is_new:
                after = {"connectionId": str(connection.id)}
                await audit.note(tx, caller, organization_id, "sso_identity.linked", ("user", account.id), after=after)
                await self._tell_linked(tx, connection, account, origin)
            if connection.joins_members:
                await self._make_member(tx, connection, caller, entitlement.max_hosts)
            await store.note_outcome(tx, organization_id, connection.id, now=now, error=None)
            await audit.note(tx, caller, organization_id, "sso_sign_in.succeeded", ("sso_connection", connection.id))

    async def _tell_linked(self, tx: Transaction, connection: SsoConnection, account: Account, origin: Origin) -> None:
        if not self.mail.can_send:
            return
        organization = await organization_store.find_organization(tx, connection.organization_id)
        facts = {
            "organization": ("" if organization is None else plain_name(organization.name)) or "An organization",
            "provider": plain_name(connection.name) or "its identity provider",
            "when": f"{self.clock.now():%d %B %Y, %H:%M} UTC",
            "origin": rough_origin(origin.ip, origin.user_agent),
            "link": f"{self.public_url}/account/security",
        }
        await self.mail.put(tx, account.email, "sso_linked", facts, organization_id=connection.organization_id)

    async def _make_member(
        self, tx: Transaction, connection: SsoConnection, caller: Caller, max_hosts: int | None
    ) -> None:
        """Unless they are one, were one, or the organization is being deleted."""
        organization_id, role = connection.organization_id, connection.default_role
        if await organization_store.find_member(tx, organization_id, caller.user_id) is not None:
            return
        organization = await organization_store.find_organization(tx, organization_id)
        is_closing = organization is None or organization.deletes_at is not None
        if is_closing or await store.is_former(tx, organization_id, caller.user_id):
            return
        if is_host_by_default(role):
            used = await organization_store.count_hosts(tx, organization_id)
            require_room_for_one("hosts", max_hosts, used)
        await organization_store.insert_member(
            tx,
            membership_id=self.ids.new(),
            organization_id=organization_id,
            user_id=caller.user_id,
            role=role,
            is_host=is_host_by_default(role),
            now=self.clock.now(),
        )
        after = {"role": role.value, "connectionId": str(connection.id)}
        await audit.note(tx, caller, organization_id, "member.joined", ("user", caller.user_id), after=after)

    async def find_shut_out(
        self, organization_id: OrganizationId, people: set[tuple[UserId, UUID | None]]
    ) -> set[tuple[UserId, UUID | None]]:
        """Which of these members, with the connections they came by, may not be in the organization's rooms now.

        Raises:
            Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            return await store.find_shut_out(tx, organization_id, people, SSO_TIERS)

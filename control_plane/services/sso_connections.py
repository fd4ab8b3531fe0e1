"""An organization's identity providers: set up, changed, enforced, turned off. Signing in by them is `sso_sign_in`.

Admins read them, the owner alone writes them: whoever chooses the provider can come in as anybody of the organization's
proven domains, the owner among them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag

from control_plane.domain.audit import changes_of
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, FeatureNotInPlan, InvalidInput, LimitExceeded, NotFound, SsoNotProven
from control_plane.domain.events import SsoEnforced
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Permission, Role
from control_plane.domain.rooms import clean_name
from control_plane.domain.sign_ins import SIGN_INS_TOPIC
from control_plane.domain.sso import (
    CONNECTIONS_MAX,
    Kind,
    SamlCertificate,
    SamlSp,
    SsoConnection,
    check_default_role,
    check_provider_url,
)
from control_plane.services import access, audit
from control_plane.services.entitlements import lock_entitlement, read_entitlement
from control_plane.services.ports import Bus, Clock, Fetcher, Ids, OidcProvider, SamlProvider
from control_plane.services.sealing import seal, unseal
from control_plane.services.sessions import SessionService
from control_plane.services.sso_changes import (
    ConnectionFields,
    clean_word,
    facts_of,
    idp_of,
    is_other_provider,
    only_lifts,
    require_whole,
    with_read,
)
from control_plane.stores import sso as store
from control_plane.stores import sso_flows
from control_plane.stores import sso_identities as identities
from control_plane.stores.database import Database, Transaction, UniqueViolation


async def require_sso(tx: Transaction, organization_id: OrganizationId) -> None:
    """Refuse when the plan holds no single sign-on. Raises FeatureNotInPlan (facts: reason sso_not_in_plan), NotFound."""
    if not (await read_entitlement(tx, organization_id)).has_sso:
        raise FeatureNotInPlan("The plan holds no single sign-on.", feature="sso", reason="sso_not_in_plan")


def tell_enforced(tx: Transaction, bus: Bus, organization_id: OrganizationId) -> None:
    """Have open sockets looked at once this is committed: who may be in has changed."""
    tx.after_commit(partial(bus.publish, SIGN_INS_TOPIC, SsoEnforced(organization_id=organization_id)))


@dataclass(frozen=True, slots=True)
class SsoConnections:
    """The use cases of connections.

    Attributes:
        key: seals client secrets; from TR_SECRET_KEY, for this purpose alone.
        allows_private: development: providers may be anywhere, and need no TLS.
        is_ours: False when another issuer signs people in: then there is nothing a connection could open.
    """

    db: Database
    bus: Bus
    sessions: SessionService
    oidc: OidcProvider
    saml: SamlProvider
    fetcher: Fetcher
    clock: Clock
    ids: Ids
    public_url: str
    allows_private: bool
    is_ours: bool
    key: bytes = field(repr=False)

    # --- reading

    async def list_connections(self, caller: Caller, organization_id: OrganizationId) -> list[SsoConnection]:
        """Connections, oldest first; on every plan. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            return await store.list_connections(tx, organization_id)

    async def get(self, caller: Caller, organization_id: OrganizationId, connection_id: UUID) -> SsoConnection:
        """One connection. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            return await require_connection(tx, organization_id, connection_id)

    def redirect_uri_of(self, connection_id: UUID) -> str:
        """Where a connection's OIDC provider sends browsers back to.

        Each has its own: a provider can only name its own in a request, so no other one's code comes back under it.
        """
        return f"{self.public_url}/auth/v1/callback/{connection_id}"

    def sp_of(self, connection_id: UUID) -> SamlSp:
        """Us, as SAML knows us for one connection. The entity id is where our metadata is read."""
        saml = f"{self.public_url}/auth/v1/sso/saml"
        return SamlSp(entity_id=f"{saml}/metadata?connection={connection_id}", acs_url=f"{saml}/acs")

    def list_certificates(self, connection: SsoConnection) -> list[SamlCertificate]:
        """A SAML provider's certificates."""
        return self.saml.list_certificates(idp_of(connection))

    def certificate_expires_at(self, connection: SsoConnection) -> datetime | None:
        """When the last of a SAML provider's certificates ends; None: it has none."""
        return self.saml.certificate_expires_at(idp_of(connection))

    # --- writing

    async def create(
        self, caller: Caller, organization_id: OrganizationId, kind: Kind, wanted: ConnectionFields
    ) -> SsoConnection:
        """Set a provider up, turned off. Its documents are read at once, so what is wrong with it is told now.

        Raises:
            NotFound, Forbidden. FeatureNotInPlan. LimitExceeded: CONNECTIONS_MAX. InvalidInput. SsoFailed. Unavailable.
        """
        now = self.clock.now()
        connection = SsoConnection(
            id=self.ids.new(),
            organization_id=organization_id,
            kind=kind,
            name=clean_name(wanted.name or ""),
            issuer=None,
            client_id=None,
            client_secret=None,
            idp_entity_id=None,
            idp_sso_url=None,
            idp_certificates=(),
            default_role=Role.VIEWER,
            joins_members=False,
            is_enabled=False,
            is_enforced=False,
            worked_at=None,
            tested_by=None,
            last_error=None,
            created_at=now,
            updated_at=now,
        )
        async with self.db.tenant(organization_id) as tx:
            await self._may_write(tx, caller, organization_id)
        connection = await self._with_provider(connection, wanted)
        connection = self._with_settings(connection, wanted)
        require_whole(connection)
        async with self.db.tenant(organization_id) as tx:
            await self._may_write(tx, caller, organization_id)
            await lock_entitlement(tx, organization_id)
            used = await store.count_connections(tx, organization_id)
            if used >= CONNECTIONS_MAX:
                words = f"An organization has {CONNECTIONS_MAX} connections at most."
                raise LimitExceeded(words, limit="sso_connections", allowed=CONNECTIONS_MAX, used=used)
            await store.insert_connection(tx, connection)
            await self._note(tx, caller, "sso_connection.created", connection, after=facts_of(connection))
        return connection

    async def change(
        self, caller: Caller, organization_id: OrganizationId, connection_id: UUID, wanted: ConnectionFields
    ) -> SsoConnection:
        """Change a connection. Another provider (issuer, entity id) has to be proven anew; turned off, its sign-ins end.

        Raises:
            As `create`. SsoNotProven: nobody may be made to use what its owner has not come in by. Conflict: another
            connection is enforced, or this one is off.
        """
        is_lifting = only_lifts(wanted)
        async with self.db.tenant(organization_id) as tx:
            await self._may_write(tx, caller, organization_id, is_lifting=is_lifting)
            seen = await require_connection(tx, organization_id, connection_id)
        # Its documents are read before the row is held.
        read = await self._with_provider(seen, wanted)
        try:
            async with self.db.tenant(organization_id) as tx:
                await self._may_write(tx, caller, organization_id, is_lifting=is_lifting)
                before = await require_connection(tx, organization_id, connection_id, lock=True)
                after = self._settle(caller, before, with_read(before, seen, read), wanted)
                await store.update_connection(tx, after)
                if is_other_provider(before, after):
                    await identities.delete_identities(tx, organization_id, connection_id)
                if before.generation != after.generation:
                    await sso_flows.hold_shut(tx, connection_id)
                if after.is_enforced:
                    tell_enforced(tx, self.bus, organization_id)
                was, now = changes_of(facts_of(before), facts_of(after))
                if before.client_secret != after.client_secret:
                    now["clientSecret"] = "dropped" if after.client_secret is None else "changed"
                if now:
                    await self._note(tx, caller, "sso_connection.changed", after, before=was, after=now)
        except UniqueViolation as error:
            raise Conflict("Another connection is enforced already.", reason="other_enforced") from error
        if before.generation != after.generation:
            is_replaced = is_other_provider(before, after)
            await self.sessions.end_of_connection(connection_id, is_replaced=is_replaced)
        return after

    async def delete(self, caller: Caller, organization_id: OrganizationId, connection_id: UUID) -> None:
        """Delete a connection; sign-ins that came by it end. On every plan. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            connection = await require_connection(tx, organization_id, connection_id, lock=True)
            await sso_flows.hold_shut(tx, connection_id)
            await store.delete_connection(tx, organization_id, connection_id)
            await self._note(tx, caller, "sso_connection.deleted", connection, before=facts_of(connection))
        await self.sessions.end_of_connection(connection_id, is_replaced=False)

    # --- inside

    async def _may_write(
        self, tx: Transaction, caller: Caller, organization_id: OrganizationId, *, is_lifting: bool = False
    ) -> None:
        """is_lifting: the change only turns something off, which has to be possible whoever signs people in."""
        await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
        await require_sso(tx, organization_id)
        if not self.is_ours and not is_lifting:
            raise Conflict("People are signed in by another issuer here; set it up there.", reason="other_issuer")

    async def _with_provider(self, connection: SsoConnection, wanted: ConnectionFields) -> SsoConnection:
        """The connection with what is said of its provider, read from the provider's documents where they are named."""
        if connection.kind == "oidc":
            if wanted.metadata_url or wanted.metadata_xml or wanted.idp_entity_id or wanted.idp_sso_url:
                raise InvalidInput("An OIDC provider has no SAML metadata.", field="kind")
            return await self._with_oidc(connection, wanted)
        if wanted.issuer or wanted.client_id or wanted.client_secret:
            raise InvalidInput("A SAML provider has no issuer and no client.", field="kind")
        return await self._with_saml(connection, wanted)

    async def _with_oidc(self, connection: SsoConnection, wanted: ConnectionFields) -> SsoConnection:
        new: dict[str, Any] = {}
        if wanted.issuer is not None:
            asked = check_provider_url(wanted.issuer, "issuer", allows_private=self.allows_private)
            new["issuer"] = (await self.oidc.discover(asked)).issuer
        if wanted.client_id is not None:
            new["client_id"] = clean_word(wanted.client_id, "clientId")
        if wanted.client_secret is not None:
            secret = clean_word(wanted.client_secret, "clientSecret")
            new["client_secret"] = seal(self.key, secret.encode(), connection.id.bytes)
        return msgspec.structs.replace(connection, **new)

    async def _with_saml(self, connection: SsoConnection, wanted: ConnectionFields) -> SsoConnection:
        xml = None if wanted.metadata_xml is None else wanted.metadata_xml.encode()
        url, read_at = None, None
        if wanted.metadata_url is not None:
            url = check_provider_url(wanted.metadata_url, "metadataUrl", allows_private=self.allows_private)
            xml, read_at = await self.fetcher.get(url), self.clock.now()
        typed = (wanted.idp_entity_id, wanted.idp_sso_url, wanted.idp_certificates)
        if xml is None and typed == (None, None, None):
            return connection
        idp = idp_of(connection) if xml is None else await self.saml.read_metadata(xml)
        certificates = idp.certificates if wanted.idp_certificates is None else tuple(wanted.idp_certificates)
        idp = self.saml.check(wanted.idp_entity_id or idp.entity_id, wanted.idp_sso_url or idp.sso_url, certificates)
        if typed != (None, None, None):
            # What was typed beside it, or instead, would be lost at the next reading.
            url, read_at = None, None
        return msgspec.structs.replace(
            connection,
            idp_entity_id=idp.entity_id,
            idp_sso_url=idp.sso_url,
            idp_certificates=idp.certificates,
            idp_metadata_url=url,
            metadata_read_at=read_at,
            metadata_error=None,
        )

    @staticmethod
    def _with_settings(connection: SsoConnection, wanted: ConnectionFields) -> SsoConnection:
        new: dict[str, Any] = {}
        if wanted.name is not None:
            new["name"] = clean_name(wanted.name)
        if wanted.default_role is not None:
            new["default_role"] = check_default_role(wanted.default_role)
        if wanted.joins_members is not None:
            new["joins_members"] = wanted.joins_members
        return msgspec.structs.replace(connection, **new)

    def _settle(
        self, caller: Caller, before: SsoConnection, read: SsoConnection, wanted: ConnectionFields
    ) -> SsoConnection:
        """What the connection is after a change, if it may be. Raises SsoNotProven, Conflict, InvalidInput."""
        after = self._with_settings(read, wanted)
        require_whole(after)
        is_enabled = before.is_enabled if wanted.is_enabled is None else wanted.is_enabled
        is_enforced = before.is_enforced if wanted.is_enforced is None else wanted.is_enforced
        after = msgspec.structs.replace(after, is_enabled=is_enabled, updated_at=self.clock.now())
        if is_other_provider(before, after):
            after = msgspec.structs.replace(after, worked_at=None, tested_by=None, last_error=None)
            if wanted.client_secret is None:
                # Whoever writes the issuer now may be another owner: the old client's secret is not theirs to be sent.
                after = msgspec.structs.replace(after, client_secret=None)
            is_enforced = wanted.is_enforced is True
        if is_other_provider(before, after) or (before.is_enabled and not is_enabled):
            after = msgspec.structs.replace(after, generation=before.generation + 1)
        if wanted.is_enforced is True and not before.is_enforced:
            if not is_enabled:
                raise Conflict("Turn the connection on first.", reason="disabled")
            is_own = after.tested_by == caller.user_id or caller.sso_connection_id == after.id
            if after.worked_at is None or not is_own:
                raise SsoNotProven("Come in by this connection yourself, or test it, before you enforce it.")
        # Off, it can't be the only way in.
        return msgspec.structs.replace(after, is_enforced=is_enforced and is_enabled and after.worked_at is not None)

    async def _note(
        self,
        tx: Transaction,
        caller: Caller,
        action: str,
        connection: SsoConnection,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        subject = ("sso_connection", connection.id)
        await audit.note(tx, caller, connection.organization_id, action, subject, before=before, after=after)

    # --- secrets

    def open_secret(self, connection: SsoConnection) -> str | None:
        """The client secret; None: there is none, or it was sealed under another TR_SECRET_KEY."""
        sealed = connection.client_secret
        if sealed is None:
            return None
        try:
            return unseal(self.key, sealed, connection.id.bytes).decode()
        except InvalidTag:
            return None


async def require_connection(
    tx: Transaction, organization_id: OrganizationId, connection_id: UUID, *, lock: bool = False
) -> SsoConnection:
    """A connection of the tenant. Raises NotFound."""
    found = await store.find_connection(tx, organization_id, connection_id, lock=lock)
    if found is None:
        raise NotFound("There is no such connection.")
    return found

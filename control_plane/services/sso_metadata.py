"""SAML providers' metadata, read again at the address its owner named: once a day, and on demand.

What is there then counts: certificates that are gone from it are gone. Another entity id is another provider, which only
an owner may put in the place of this one; so that is written down as what went wrong, and nothing changes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog

from control_plane.domain.audit import ActorKind
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, DomainError, SsoFailed, Unavailable
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Permission
from control_plane.domain.sso import SamlIdp, SsoConnection, check_provider_url
from control_plane.services import access, audit
from control_plane.services.ports import Clock, Fetcher, SamlProvider
from control_plane.services.sso_changes import idp_of
from control_plane.services.sso_connections import require_connection, require_sso
from control_plane.stores import sso as store
from control_plane.stores.database import Database, Transaction

READ_EVERY = timedelta(days=1)
"""How often metadata is read again."""
READ_BATCH = 500
"""Connections one run of the chore reads; it runs every hour."""
READ_AT_ONCE = 4
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SsoMetadata:
    """The use cases of metadata. allows_private: as `SsoConnections`; batch: see READ_BATCH."""

    db: Database
    saml: SamlProvider
    fetcher: Fetcher
    clock: Clock
    allows_private: bool
    batch: int = READ_BATCH

    async def read(self, caller: Caller, organization_id: OrganizationId, connection_id: UUID) -> SsoConnection:
        """Read a connection's metadata now. Answers the connection: with what was found, or with `metadata_error`.

        Raises:
            NotFound, Forbidden. FeatureNotInPlan. Conflict: no address of metadata was named. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            await require_sso(tx, organization_id)
            seen = await require_connection(tx, organization_id, connection_id)
        if seen.idp_metadata_url is None:
            raise Conflict("No address of metadata was named for this connection.", reason="no_metadata_url")
        found = await self._fetch(seen)
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            before = await require_connection(tx, organization_id, connection_id, lock=True)
            return await self._settle(tx, caller, before, seen, found)

    async def read_due(self) -> int:
        """Read what nobody has read for READ_EVERY; a chore of the jobs door. Answers how many were tried.

        Raises:
            Unavailable: PostgreSQL. A provider that does not answer is written down, and loses nothing.
        """
        async with self.db.platform() as tx:
            due = await store.list_to_read(tx, self.clock.now() - READ_EVERY, self.batch)
        for start in range(0, len(due), READ_AT_ONCE):
            await asyncio.gather(*(self._read_due(*one) for one in due[start : start + READ_AT_ONCE]))
        return len(due)

    async def _read_due(self, organization_id: OrganizationId, connection_id: UUID) -> None:
        async with self.db.tenant(organization_id) as tx:
            seen = await store.find_connection(tx, organization_id, connection_id)
        if seen is None or seen.idp_metadata_url is None:
            return
        try:
            found = await self._fetch(seen)
        except Unavailable:
            # Too much is being read just now; the next run comes back to it.
            return
        async with self.db.tenant(organization_id) as tx:
            before = await store.find_connection(tx, organization_id, connection_id, lock=True)
            # Another process, or its owner, may have read it meanwhile.
            if before is not None and before.metadata_read_at == seen.metadata_read_at:
                await self._settle(tx, audit.SYSTEM, before, seen, found)

    async def _fetch(self, connection: SsoConnection) -> SamlIdp | SsoFailed:
        """What stands at the address now, or why nothing of use does. Raises Unavailable."""
        try:
            # What was allowed when it was named may be so no more: a server that left development.
            url = check_provider_url(
                connection.idp_metadata_url or "", "metadataUrl", allows_private=self.allows_private
            )
            idp = await self.saml.read_metadata(await self.fetcher.get(url))
        except SsoFailed as error:
            return error
        except Unavailable:
            raise
        except DomainError:
            return SsoFailed("The address of the metadata is none any more.", reason="unreachable")
        if idp.entity_id != connection.idp_entity_id:
            return SsoFailed("The metadata is of another provider now.", reason="other_provider")
        return idp

    async def _settle(
        self,
        tx: Transaction,
        by: Caller | ActorKind,
        before: SsoConnection,
        seen: SsoConnection,
        found: SamlIdp | SsoFailed,
    ) -> SsoConnection:
        """Write what reading brought, unless the connection was changed meanwhile; note what it changed."""
        if (before.idp_metadata_url, before.idp_entity_id) != (seen.idp_metadata_url, seen.idp_entity_id):
            return before
        reason = str(found.facts["reason"]) if isinstance(found, SsoFailed) else None
        after = msgspec.structs.replace(before, metadata_read_at=self.clock.now(), metadata_error=reason)
        if isinstance(found, SamlIdp):
            after = msgspec.structs.replace(after, idp_sso_url=found.sso_url, idp_certificates=found.certificates)
        await store.update_connection(tx, after)
        was, now = self._facts(before), self._facts(after)
        if was != now:
            subject = ("sso_connection", before.id)
            await audit.note(tx, by, before.organization_id, "sso_connection.read", subject, before=was, after=now)
        if reason is not None:
            log.info("sso_metadata_failed", connection_id=str(before.id), reason=reason)
        return after

    def _facts(self, connection: SsoConnection) -> dict[str, object]:
        """What of a provider the audit log tells when reading changed it."""
        return {
            "idpSsoUrl": connection.idp_sso_url,
            "idpCertificates": [one.sha256 for one in self.saml.list_certificates(idp_of(connection))],
            "metadataError": connection.metadata_error,
        }

"""The mail domains an organization has proven to be its own, by a TXT record in their DNS.

Proving a domain changes nobody's account: it is what lets a connection open accounts of that domain from then on.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, LimitExceeded, NotFound, Unavailable
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Permission
from control_plane.domain.sso import DOMAINS_MAX, DomainProblem, SsoDomain, clean_domain, judge_records
from control_plane.services import access, audit
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.ports import Bus, Clock, DomainNames, Ids
from control_plane.services.sso_connections import require_sso, tell_enforced
from control_plane.stores import sso as store
from control_plane.stores.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class SsoDomains:
    """The use cases of domains."""

    db: Database
    bus: Bus
    names: DomainNames
    clock: Clock
    ids: Ids

    async def list_domains(self, caller: Caller, organization_id: OrganizationId) -> list[SsoDomain]:
        """Domains, oldest first. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            return await store.list_domains(tx, organization_id)

    async def add(self, caller: Caller, organization_id: OrganizationId, domain: str) -> SsoDomain:
        """Say that a domain is one's own; what to put in its DNS is answered.

        Raises:
            NotFound, Forbidden. FeatureNotInPlan. InvalidInput: no domain, or one of public mail. LimitExceeded:
            DOMAINS_MAX. Conflict: it is there already. Unavailable.
        """
        made = SsoDomain(
            id=self.ids.new(),
            organization_id=organization_id,
            domain=clean_domain(domain),
            token=secrets.token_urlsafe(24),
            created_at=self.clock.now(),
            verified_at=None,
            checked_at=None,
            last_error=None,
        )
        async with self.db.tenant(organization_id) as tx:
            await self._may_write(tx, caller, organization_id)
            await lock_entitlement(tx, organization_id)
            used = await store.count_domains(tx, organization_id)
            if used >= DOMAINS_MAX:
                words = f"An organization has {DOMAINS_MAX} domains at most."
                raise LimitExceeded(words, limit="sso_domains", allowed=DOMAINS_MAX, used=used)
            if not await store.insert_domain(tx, made):
                raise Conflict("This domain is in the list already.", field="domain")
            await self._note(tx, caller, "sso_domain.added", made, after={"domain": made.domain})
        return made

    async def verify(self, caller: Caller, organization_id: OrganizationId, domain_id: UUID) -> SsoDomain:
        """Look for the record now. Answers the domain either way: proven, or with what was wrong.

        A domain that was proven stays so when its record is gone: it is taken back by deleting it.

        Raises:
            NotFound, Forbidden. FeatureNotInPlan. Conflict: another organization has proven it. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await self._may_write(tx, caller, organization_id)
            domain = await _require(tx, organization_id, domain_id)
        # The DNS is asked before anything is held.
        try:
            problem = judge_records(domain, await self.names.txt(domain.record_name))
        except Unavailable:
            problem = DomainProblem.DNS_AWAY
        now = self.clock.now()
        async with self.db.tenant(organization_id) as tx:
            await self._may_write(tx, caller, organization_id)
            before = await _require(tx, organization_id, domain_id)
            verified_at = before.verified_at or (now if problem is None else None)
            after = msgspec.structs.replace(before, verified_at=verified_at, checked_at=now, last_error=problem)
            if not await store.write_check(tx, after):
                raise Conflict("Another organization has proven this domain.", reason="domain_taken")
            if before.verified_at is None and after.verified_at is not None:
                tell_enforced(tx, self.bus, organization_id)
                await self._note(tx, caller, "sso_domain.verified", after, after={"domain": after.domain})
        return after

    async def delete(self, caller: Caller, organization_id: OrganizationId, domain_id: UUID) -> None:
        """Give a domain up: no connection opens its accounts any more. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            domain = await _require(tx, organization_id, domain_id)
            await store.delete_domain(tx, organization_id, domain_id)
            before = {"domain": domain.domain, "wasVerified": domain.verified_at is not None}
            await self._note(tx, caller, "sso_domain.deleted", domain, before=before)

    async def _may_write(self, tx: Transaction, caller: Caller, organization_id: OrganizationId) -> None:
        await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
        await require_sso(tx, organization_id)

    async def _note(
        self,
        tx: Transaction,
        caller: Caller,
        action: str,
        domain: SsoDomain,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        subject = ("sso_domain", domain.id)
        await audit.note(tx, caller, domain.organization_id, action, subject, before=before, after=after)


async def _require(tx: Transaction, organization_id: OrganizationId, domain_id: UUID) -> SsoDomain:
    found = await store.find_domain(tx, organization_id, domain_id)
    if found is None:
        raise NotFound("There is no such domain.")
    return found

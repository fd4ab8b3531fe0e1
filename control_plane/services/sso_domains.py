"""The mail domains an organization has proven to be its own, by a TXT record in their DNS.

Proving a domain changes nobody's account: it is what lets a connection open accounts of that domain from then on.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.audit import ActorKind
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, LimitExceeded, NotFound, Unavailable
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Permission
from control_plane.domain.sso import DOMAINS_MAX, DomainProblem, SsoDomain, after_look, clean_domain, judge_records
from control_plane.services import access, audit
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.ports import Bus, Clock, DomainNames, Ids
from control_plane.services.sso_connections import require_sso, tell_enforced
from control_plane.stores import sso as store
from control_plane.stores.database import Database, Transaction

CHECK_EVERY = timedelta(days=1)
"""How often the record of a proven domain is looked for."""
CHECK_BATCH = 500
"""Domains one run of the chore looks at; it runs every hour."""
CHECKS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class SsoDomains:
    """The use cases of domains. batch: see CHECK_BATCH."""

    db: Database
    bus: Bus
    names: DomainNames
    clock: Clock
    ids: Ids
    batch: int = CHECK_BATCH

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

        A domain that was proven stays so for MISSING_MAX without its record, unless another organization shows its own.

        Raises:
            NotFound, Forbidden. FeatureNotInPlan. Conflict: another organization has proven it, and its record is still
            there. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await self._may_write(tx, caller, organization_id)
            domain = await _require(tx, organization_id, domain_id)
        # The DNS is asked before anything is held.
        records = await self._ask(domain)
        problem = DomainProblem.DNS_AWAY if records is None else judge_records(domain, records)
        if records is not None and problem is None:
            await self._win_back(domain, records)
        now = self.clock.now()
        async with self.db.tenant(organization_id) as tx:
            await self._may_write(tx, caller, organization_id)
            before = await _require(tx, organization_id, domain_id, lock=True)
            after = after_look(before, problem, now)
            await self._settle(tx, caller, before, after)
        return after

    async def check_due(self) -> int:
        """Look at the proven domains that nobody has looked at for CHECK_EVERY; a chore of the jobs door. Answers how many.

        Raises:
            Unavailable: PostgreSQL. A DNS that does not answer is written down, and takes nothing from anybody.
        """
        async with self.db.platform() as tx:
            due = await store.list_to_check(tx, self.clock.now() - CHECK_EVERY, self.batch)
        for start in range(0, len(due), CHECKS_AT_ONCE):
            await asyncio.gather(*(self._check(*one) for one in due[start : start + CHECKS_AT_ONCE]))
        return len(due)

    async def _check(self, organization_id: OrganizationId, domain_id: UUID) -> None:
        async with self.db.tenant(organization_id) as tx:
            seen = await store.find_domain(tx, organization_id, domain_id)
        if seen is None:
            return
        records = await self._ask(seen)
        problem = DomainProblem.DNS_AWAY if records is None else judge_records(seen, records)
        async with self.db.tenant(organization_id) as tx:
            before = await store.find_domain(tx, organization_id, domain_id, lock=True)
            # Another process, or its owner, may have looked meanwhile.
            if before is None or before.verified_at is None or before.checked_at != seen.checked_at:
                return
            await self._settle(tx, audit.SYSTEM, before, after_look(before, problem, self.clock.now()))

    async def _ask(self, domain: SsoDomain) -> list[str] | None:
        """The TXT records that are there now; None: the DNS does not answer."""
        try:
            return await self.names.txt(domain.record_name)
        except Unavailable:
            return None

    async def _win_back(self, domain: SsoDomain, records: list[str]) -> None:
        """Take a domain from another organization that had proven it, if its record is not among these any more."""
        async with self.db.platform() as tx:
            holder = await store.find_proven(tx, domain.domain)
        if holder is None or holder[0] == domain.organization_id:
            return
        async with self.db.tenant(holder[0]) as tx:
            before = await store.find_domain(tx, *holder, lock=True)
            problem = None if before is None else judge_records(before, records)
            if before is None or before.verified_at is None or problem is None:
                return
            after = msgspec.structs.replace(
                before, verified_at=None, missing_since=None, checked_at=self.clock.now(), last_error=problem
            )
            await self._settle(tx, audit.SYSTEM, before, after)

    async def _settle(self, tx: Transaction, by: Caller | ActorKind, before: SsoDomain, after: SsoDomain) -> None:
        """Write what a look brought, and note what it changed. Raises Conflict: another organization has proven it."""
        if not await store.write_check(tx, after):
            raise Conflict("Another organization has proven this domain.", reason="domain_taken")
        was, is_now = before.verified_at is not None, after.verified_at is not None
        if was == is_now:
            return
        tell_enforced(tx, self.bus, after.organization_id)
        if is_now:
            await self._note(tx, by, "sso_domain.verified", after, after={"domain": after.domain})
        else:
            facts = {"domain": after.domain, "lastError": after.last_error}
            await self._note(tx, by, "sso_domain.lost", after, before={"domain": after.domain}, after=facts)

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
        by: Caller | ActorKind,
        action: str,
        domain: SsoDomain,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        subject = ("sso_domain", domain.id)
        await audit.note(tx, by, domain.organization_id, action, subject, before=before, after=after)


async def _require(
    tx: Transaction, organization_id: OrganizationId, domain_id: UUID, *, lock: bool = False
) -> SsoDomain:
    found = await store.find_domain(tx, organization_id, domain_id, lock=lock)
    if found is None:
        raise NotFound("There is no such domain.")
    return found

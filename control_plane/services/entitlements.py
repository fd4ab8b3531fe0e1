"""What an organization may do now: the one place a plan is looked up. No cache: one row by key.

Whoever counts before inserting comes for `lock_entitlement`: the organization's row is held until commit, so of two requests
for the last place one waits and then finds it taken. Viewers are counted by the seats' leases instead (gateways/seats.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from control_plane.domain.callers import Caller
from control_plane.domain.errors import LimitExceeded
from control_plane.domain.ids import OrganizationId
from control_plane.domain.organizations import Organization
from control_plane.domain.plans import OWNED_ON_STARTER_MAX, PLANS, Entitlement, PlanTier, overridden
from control_plane.services import access, audit
from control_plane.services.ports import Ids
from control_plane.stores import organizations as store
from control_plane.stores import usage as usage_store
from control_plane.stores.database import Database, Transaction
from control_plane.stores.usage import Used


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What an organization uses and what it may."""

    used: Used
    allowed: Entitlement


def entitlement_for(plan_tier: str, overrides: Mapping[str, Any] | None = None) -> Entitlement:
    """The entitlement of a plan as its row names it, with what was agreed beside it."""
    return overridden(PLANS[PlanTier(plan_tier)], overrides or {})


def require_room_for_organization(owned: Iterable[Organization]) -> None:
    """Refuse one more organization to a person who owns enough that nobody pays for.

    Raises:
        LimitExceeded: facts are limit (organizations), allowed, used.
    """
    used = sum(one.plan_tier is PlanTier.STARTER for one in owned)
    if used >= OWNED_ON_STARTER_MAX:
        words = f"One person owns {OWNED_ON_STARTER_MAX} organizations on the Starter plan at most."
        raise LimitExceeded(words, limit="organizations", allowed=OWNED_ON_STARTER_MAX, used=used)


async def read_entitlement(tx: Transaction, organization_id: OrganizationId) -> Entitlement:
    """What the tenant of the scope may do now. Raises NotFound: there is none."""
    return await _read(tx, organization_id, lock=False)


async def lock_entitlement(tx: Transaction, organization_id: OrganizationId) -> Entitlement:
    """As `read_entitlement`, and hold the organization's row until commit: whoever counts before inserting comes here.

    Raises:
        NotFound: there is no such organization.
        Unavailable: others held the row for too long.
    """
    return await _read(tx, organization_id, lock=True)


async def _read(tx: Transaction, organization_id: OrganizationId, *, lock: bool) -> Entitlement:
    plan = await store.read_plan(tx, organization_id, lock=lock)
    if plan is None:
        raise access.no_organization()
    return entitlement_for(*plan)


@dataclass(frozen=True, slots=True)
class EntitlementService:
    """Showing what is used, and the operator's word on what is allowed."""

    db: Database
    ids: Ids

    async def usage(self, caller: Caller, organization_id: OrganizationId) -> Usage:
        """What is used and allowed; every member may know. Raises NotFound, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, None)
            allowed = await read_entitlement(tx, organization_id)
            return Usage(used=await usage_store.count_usage(tx, organization_id), allowed=allowed)

    async def override(self, organization_id: OrganizationId, limits: dict[str, Any], note: str) -> Entitlement:
        """An operator's word: what an organization may do beyond, or short of, its plan, in place of what was said before.

        Args:
            organization_id: whose.
            limits: see `domain.plans.overridden`; empty: the plan alone counts again.
            note: why, for other operators.

        Raises:
            NotFound. InvalidInput: a limit. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            plan = await store.read_plan(tx, organization_id, lock=False)
        if plan is None:
            raise access.no_organization()
        entitlement = entitlement_for(plan[0], limits)
        # The tenant's role may not write this: the platform's does.
        async with self.db.platform() as tx:
            before = await store.write_overrides(tx, organization_id, limits, note, row_id=self.ids.new())
            subject = ("organization", organization_id)
            await audit.note(
                tx, audit.OPERATOR, organization_id, "plan.overridden", subject, before=before, after=limits
            )
        return entitlement

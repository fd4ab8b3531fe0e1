"""What an organization may do now: the one place a plan is looked up. No cache: one row by key."""

from __future__ import annotations

from control_plane.domain.ids import OrganizationId
from control_plane.domain.plans import PLANS, Entitlement, PlanTier
from control_plane.services.access import no_organization
from control_plane.stores import organizations as store
from control_plane.stores.database import Transaction


def entitlement_for(plan_tier: str) -> Entitlement:
    """The entitlement of a plan as its row names it."""
    return PLANS[PlanTier(plan_tier)]


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
    tier = await store.read_plan_tier(tx, organization_id, lock=lock)
    if tier is None:
        raise no_organization()
    return entitlement_for(tier)

"""The price list."""

from __future__ import annotations

from litestar import get

from control_plane.domain.plans import PLANS, PlanTier
from control_plane.rest.wire import View


class PlanView(View):
    """An entry of the price list. null means no limit; priceCents: monthly, US cents, null when negotiated."""

    tier: PlanTier
    price_cents: int | None
    max_workspaces: int | None
    max_rooms: int | None
    max_hosts: int | None
    max_viewers_per_room: int | None
    max_storage_bytes: int | None
    has_recording: bool
    has_sso: bool
    has_api_access: bool


class PlanList(View):
    """All of them, smallest first."""

    items: list[PlanView]
    next_cursor: str | None = None


@get("/subscriptions/plans", operation_id="listPlans", summary="The price list", tags=["Subscriptions"], security=[{}])
async def list_plans() -> PlanList:
    """All plans, smallest first. Needs no sign-in."""
    return PlanList(
        items=[
            PlanView(
                tier=plan.tier,
                price_cents=plan.price_cents,
                max_workspaces=plan.max_workspaces,
                max_rooms=plan.max_rooms,
                max_hosts=plan.max_hosts,
                max_viewers_per_room=plan.max_viewers_per_room,
                max_storage_bytes=plan.max_storage_bytes,
                has_recording=plan.has_recording,
                has_sso=plan.has_sso,
                has_api_access=plan.has_api_access,
            )
            for plan in PLANS.values()
        ]
    )

from __future__ import annotations

import pytest

from control_plane.domain.errors import InvalidInput, LimitExceeded
from control_plane.domain.plans import PLANS, PlanTier, require_room_for_one, seats_left


@pytest.mark.parametrize(
    ("tier", "numbers", "features"),
    [
        ("starter", (4900, 1, 3, 1, 50, 5 * 10**9), (False, False, False)),
        ("professional", (14900, 3, 10, 3, 200, 25 * 10**9), (True, False, True)),
        ("business", (44900, 10, 50, 10, 1000, 100 * 10**9), (True, True, True)),
        ("enterprise", (None, None, None, None, None, 10**12), (True, True, True)),
    ],
)
def test_the_price_list_is_the_specifications(
    tier: str, numbers: tuple[int | None, ...], features: tuple[bool, ...]
) -> None:
    plan = PLANS[PlanTier(tier)]

    limits = (plan.max_workspaces, plan.max_rooms, plan.max_hosts, plan.max_viewers_per_room, plan.max_storage_bytes)
    assert plan.tier == tier
    assert (plan.price_cents, *limits) == numbers
    assert (plan.has_recording, plan.has_sso, plan.has_api_access) == features


def test_every_tier_has_a_plan() -> None:
    assert set(PLANS) == set(PlanTier)


@pytest.mark.parametrize(("allowed", "used"), [(3, 2), (1, 0), (None, 10_000)])
def test_there_is_room_below_the_limit(allowed: int | None, used: int) -> None:
    require_room_for_one("rooms", allowed, used)


@pytest.mark.parametrize(("allowed", "used"), [(3, 3), (3, 4), (0, 0)])
def test_the_limit_is_refused_with_its_facts(allowed: int, used: int) -> None:
    with pytest.raises(LimitExceeded) as refused:
        require_room_for_one("rooms", allowed, used)

    assert refused.value.facts == {"limit": "rooms", "allowed": allowed, "used": used}


def test_a_negative_count_is_a_mistake() -> None:
    with pytest.raises(InvalidInput):
        require_room_for_one("rooms", 3, -1)
    with pytest.raises(InvalidInput):
        seats_left(3, -1)


@pytest.mark.parametrize(("limit", "taken", "left"), [(50, 0, 50), (50, 50, 0), (20, 50, 0), (None, 50, None)])
def test_seats_left_is_never_negative(limit: int | None, taken: int, left: int | None) -> None:
    assert seats_left(limit, taken) == left

"""The table of bitrates: who may send and be sent how much."""

from __future__ import annotations

import pytest

from control_plane.domain.bitrates import BITRATES, bitrates_for
from control_plane.domain.participants import grant_for
from control_plane.domain.plans import PLANS, PlanTier
from control_plane.domain.roles import Role

ONE_OF_EACH_BPS = 2_500_000 + 2_150_000 + 50_000
"""What a host publishes at most by default: a screen, a camera in three layers, a voice."""


def test_every_plan_has_a_row() -> None:
    assert set(BITRATES) == set(PlanTier)


@pytest.mark.parametrize("tier", PlanTier)
def test_a_screen_a_camera_and_a_voice_fit_into_every_plan(tier: PlanTier) -> None:
    for role in (Role.OWNER, Role.HOST, Role.CO_HOST):
        assert bitrates_for(PLANS[tier], grant_for(role)).max_send_bps >= ONE_OF_EACH_BPS
    for role in Role:
        assert bitrates_for(PLANS[tier], grant_for(role)).max_receive_bps >= ONE_OF_EACH_BPS


@pytest.mark.parametrize(("smaller", "larger"), list(zip(list(PlanTier), list(PlanTier)[1:], strict=False)))
def test_a_larger_plan_never_carries_less(smaller: PlanTier, larger: PlanTier) -> None:
    for role in Role:
        less, more = (bitrates_for(PLANS[tier], grant_for(role)) for tier in (smaller, larger))
        assert less.max_send_bps <= more.max_send_bps
        assert less.max_receive_bps < more.max_receive_bps


def test_hosts_may_send_more_than_co_hosts_and_viewers_hardly_anything() -> None:
    plan = PLANS[PlanTier.BUSINESS]

    sent = [bitrates_for(plan, grant_for(role)).max_send_bps for role in (Role.HOST, Role.CO_HOST, Role.VIEWER)]

    assert sent == [12_000_000, 9_000_000, 100_000]


def test_an_estimate_never_begins_above_the_limit() -> None:
    for tier in PlanTier:
        for role in Role:
            limits = bitrates_for(PLANS[tier], grant_for(role))
            assert 0 < limits.first_receive_bps <= limits.max_receive_bps

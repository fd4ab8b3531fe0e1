"""How many bits a person may send into a room and be sent from it: one table, by plan and by what they may do there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from control_plane.domain.participants import RoomGrant
from control_plane.domain.plans import Entitlement, PlanTier

_MBPS = 1_000_000


class Bitrates(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one person's media in one room, bits per second, > 0.

    max_send_bps: all they publish together. max_receive_bps: all they watch together. first_receive_bps: where the
    estimate of their line begins, <= max_receive_bps.
    """

    max_send_bps: int
    max_receive_bps: int
    first_receive_bps: int


class PlanBitrates(msgspec.Struct, frozen=True, kw_only=True):
    """One plan's row, bits per second: what a host and a co-host may send, what a viewer and the team are sent."""

    host_send_bps: int
    co_host_send_bps: int
    viewer_receive_bps: int
    team_receive_bps: int


BITRATES: Mapping[PlanTier, PlanBitrates] = MappingProxyType(
    {
        PlanTier.STARTER: PlanBitrates(
            host_send_bps=6 * _MBPS,
            co_host_send_bps=5 * _MBPS,
            viewer_receive_bps=6 * _MBPS,
            team_receive_bps=8 * _MBPS,
        ),
        PlanTier.PROFESSIONAL: PlanBitrates(
            host_send_bps=9 * _MBPS,
            co_host_send_bps=6 * _MBPS,
            viewer_receive_bps=10 * _MBPS,
            team_receive_bps=14 * _MBPS,
        ),
        PlanTier.BUSINESS: PlanBitrates(
            host_send_bps=12 * _MBPS,
            co_host_send_bps=9 * _MBPS,
            viewer_receive_bps=16 * _MBPS,
            team_receive_bps=20 * _MBPS,
        ),
        PlanTier.ENTERPRISE: PlanBitrates(
            host_send_bps=20 * _MBPS,
            co_host_send_bps=12 * _MBPS,
            viewer_receive_bps=25 * _MBPS,
            team_receive_bps=30 * _MBPS,
        ),
    }
)
"""A proposal. Source: what the app publishes at most (`webapp/src/realtime/publishing.ts`): a screen 2.5, a camera in
three layers 2.2, a voice 0.05 Mbit/s. So Starter carries one of each, and each plan above it one more screen."""
FIRST_RECEIVE_BPS = 1 * _MBPS
"""Enough for a readable first picture, little enough for a phone."""
LISTENER_SEND_BPS = 100_000
"""For who may not publish: they have no transport to send on, so this only has to be something."""


def bitrates_for(entitlement: Entitlement, grant: RoomGrant) -> Bitrates:
    """What the organization's plan and the person's rights in the room come to."""
    row = BITRATES[entitlement.tier]
    send_bps = LISTENER_SEND_BPS
    if grant.can_publish:
        send_bps = row.host_send_bps if grant.can_end else row.co_host_send_bps
    receive_bps = row.viewer_receive_bps if grant.takes_seat else row.team_receive_bps
    return Bitrates(
        max_send_bps=send_bps,
        max_receive_bps=receive_bps,
        first_receive_bps=min(FIRST_RECEIVE_BPS, receive_bps),
    )

"""The price list as data. No `if tier ==` stands anywhere else: limits are read from an `Entitlement`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec

from control_plane.domain.errors import InvalidInput, LimitExceeded


class PlanTier(StrEnum):
    """An entry of the price list."""

    STARTER = "starter"
    PROFESSIONAL = "professional"
    BUSINESS = "business"
    ENTERPRISE = "enterprise"


class Entitlement(msgspec.Struct, frozen=True, kw_only=True):
    """What an organization may do now. Counts are >= 0; None means no limit.

    price_cents: monthly, in US cents; None means negotiated.
    """

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


_GB = 10**9

PLANS: Mapping[PlanTier, Entitlement] = MappingProxyType(
    {
        PlanTier.STARTER: Entitlement(
            tier=PlanTier.STARTER,
            price_cents=49_00,
            max_workspaces=1,
            max_rooms=3,
            max_hosts=1,
            max_viewers_per_room=50,
            max_storage_bytes=5 * _GB,
            has_recording=False,
            has_sso=False,
            has_api_access=False,
        ),
        PlanTier.PROFESSIONAL: Entitlement(
            tier=PlanTier.PROFESSIONAL,
            price_cents=149_00,
            max_workspaces=3,
            max_rooms=10,
            max_hosts=3,
            max_viewers_per_room=200,
            max_storage_bytes=25 * _GB,
            has_recording=True,
            has_sso=False,
            has_api_access=True,
        ),
        PlanTier.BUSINESS: Entitlement(
            tier=PlanTier.BUSINESS,
            price_cents=449_00,
            max_workspaces=10,
            max_rooms=50,
            max_hosts=10,
            max_viewers_per_room=1_000,
            max_storage_bytes=100 * _GB,
            has_recording=True,
            has_sso=True,
            has_api_access=True,
        ),
        PlanTier.ENTERPRISE: Entitlement(
            tier=PlanTier.ENTERPRISE,
            price_cents=None,
            max_workspaces=None,
            max_rooms=None,
            max_hosts=None,
            max_viewers_per_room=None,
            max_storage_bytes=1_000 * _GB,
            has_recording=True,
            has_sso=True,
            has_api_access=True,
        ),
    }
)
"""Source: the plan table of the specification; 1 GB is 10**9 bytes, 1 TB is 10**12."""


LETTERS_PER_DAY: Mapping[PlanTier, int] = MappingProxyType(
    {PlanTier.STARTER: 50, PlanTier.PROFESSIONAL: 500, PlanTier.BUSINESS: 2_000, PlanTier.ENTERPRISE: 10_000}
)
"""Invitations an organization, and each person in its name, may have mailed at once, and again within a day: they go to
strangers in words of a tenant's choice, and on a trial nobody has paid. Links are not counted. Source: docs/security.md.
"""
OWNED_ON_STARTER_MAX = 10
"""Organizations on the smallest plan that one person may own: each begins with a trial, and takes room."""
SSO_TIERS = tuple(tier.value for tier, entitlement in PLANS.items() if entitlement.has_sso)
"""Plans with single sign-on, for the database, which asks by itself with every request; overrides come on top."""
LIMITS = ("max_workspaces", "max_rooms", "max_hosts", "max_viewers_per_room", "max_storage_bytes")
"""Fields of an Entitlement that are counts."""
FEATURES = ("has_recording", "has_sso", "has_api_access")
"""Fields of an Entitlement that are there or not."""


def overridden(plan: Entitlement, limits: Mapping[str, Any]) -> Entitlement:
    """A plan with what was agreed beside it.

    Args:
        plan: of the price list.
        limits: fields of LIMITS (a count >= 0, or None for no limit) and FEATURES (a bool) that replace the plan's.

    Raises:
        InvalidInput: another field, or a value of the wrong kind.
    """
    for name, value in limits.items():
        is_count = name in LIMITS and (value is None or (type(value) is int and value >= 0))
        if not is_count and not (name in FEATURES and type(value) is bool):
            raise InvalidInput("There is no such limit, or it can't have this value.", field=name)
    return msgspec.structs.replace(plan, **dict(limits))


def require_room_for_one(limit: str, allowed: int | None, used: int) -> None:
    """Refuse when one more would break a limit.

    Args:
        limit: its public name: workspaces, rooms, hosts, viewers_per_room.
        allowed: what the plan allows, >= 0; None means no limit.
        used: what is used now, >= 0.

    Raises:
        LimitExceeded: used >= allowed; facts are limit, allowed, used.
        InvalidInput: used is negative.
    """
    if used < 0:
        raise InvalidInput("A count can't be negative.", field=limit)
    if allowed is not None and used >= allowed:
        words = limit.replace("_", " ")
        raise LimitExceeded(f"The plan's limit for {words} is reached.", limit=limit, allowed=allowed, used=used)


def seats_left(limit: int | None, taken: int) -> int | None:
    """Viewer seats still free in a live session.

    Args:
        limit: seats the plan allows at once, >= 0; None means no limit.
        taken: seats leased now, >= 0.

    Returns:
        Free seats, >= 0 (a shrunk plan gives 0, never less); None means no limit.

    Raises:
        InvalidInput: taken is negative.
    """
    if taken < 0:
        raise InvalidInput("A count can't be negative.", field="taken")
    return None if limit is None else max(0, limit - taken)

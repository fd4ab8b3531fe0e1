"""When an invitation is over, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from control_plane.domain.errors import Conflict
from control_plane.domain.organizations import Invitation, require_usable
from control_plane.domain.roles import Role

NOW = datetime(2026, 11, 23, tzinfo=UTC)
BEFORE, INSTANT = NOW - timedelta(days=1), timedelta(microseconds=1)
GOOD = Invitation(
    id=UUID(int=1),
    role=Role.VIEWER,
    created_at=BEFORE,
    expires_at=NOW + INSTANT,
    max_uses=3,
    used_count=2,
    revoked_at=None,
)


@pytest.mark.parametrize("changes", [{}, {"max_uses": None, "used_count": 1_000_000}])
def test_an_invitation_that_is_not_over_lets_in(changes: dict[str, Any]) -> None:
    require_usable(msgspec.structs.replace(GOOD, **changes), NOW)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"revoked_at": BEFORE}, "revoked"),
        ({"declined_at": BEFORE}, "declined"),
        ({"expires_at": NOW}, "expired"),
        ({"expires_at": BEFORE}, "expired"),
        ({"used_count": 3}, "used_up"),
        ({"max_uses": 1, "used_count": 1}, "used_up"),
    ],
)
def test_an_invitation_that_is_over_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Conflict) as refused:
        require_usable(msgspec.structs.replace(GOOD, **changes), NOW)

    assert refused.value.facts == {"reason": reason}

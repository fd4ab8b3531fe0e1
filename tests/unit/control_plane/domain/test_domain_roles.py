from __future__ import annotations

from itertools import pairwise

import pytest

from control_plane.domain.errors import Forbidden, InvalidInput
from control_plane.domain.organizations import is_host_by_default, require_may_give
from control_plane.domain.participants import grant_for, require_removable
from control_plane.domain.roles import ROLE_PERMISSIONS, Permission, Role, allows, outranks, require, takes_seat

HIGHEST_FIRST = [Role.OWNER, Role.ADMIN, Role.HOST, Role.CO_HOST, Role.MODERATOR, Role.VIEWER]


def test_each_role_holds_what_the_next_lower_one_holds() -> None:
    for higher, lower in pairwise(HIGHEST_FIRST):
        assert ROLE_PERMISSIONS[higher] >= ROLE_PERMISSIONS[lower]


@pytest.mark.parametrize(
    ("permission", "lowest"),
    [
        (Permission.MANAGE_BILLING, Role.OWNER),
        (Permission.MANAGE_ORGANIZATION, Role.ADMIN),
        (Permission.MANAGE_MEMBERS, Role.ADMIN),
        (Permission.MANAGE_ROOMS, Role.ADMIN),
        (Permission.RUN_SESSION, Role.HOST),
        (Permission.PUBLISH_MEDIA, Role.CO_HOST),
        (Permission.POST_ALERT, Role.CO_HOST),
        (Permission.MODERATE, Role.MODERATOR),
        (Permission.POST_CHAT, Role.VIEWER),
        (Permission.JOIN_SESSION, Role.VIEWER),
        (Permission.VIEW_ROOMS, Role.VIEWER),
    ],
)
def test_a_permission_starts_at_its_role(permission: Permission, lowest: Role) -> None:
    allowed = [role for role in HIGHEST_FIRST if allows(role, permission)]

    assert allowed == HIGHEST_FIRST[: HIGHEST_FIRST.index(lowest) + 1]


def test_a_missing_permission_is_named() -> None:
    with pytest.raises(Forbidden) as refused:
        require(Role.VIEWER, Permission.POST_ALERT)

    assert refused.value.facts == {"permission": "alerts.post"}


def test_only_viewers_take_seats() -> None:
    assert [role for role in Role if takes_seat(role)] == [Role.VIEWER]


def test_a_viewer_may_talk_and_no_more() -> None:
    grant = grant_for(Role.VIEWER)

    assert (grant.can_post_chat, grant.takes_seat) == (True, True)
    assert not any((grant.can_publish, grant.can_post_alert, grant.can_moderate, grant.can_end))


def test_nobody_outranks_themselves() -> None:
    assert not any(outranks(role, role) for role in Role)


@pytest.mark.parametrize("by", list(Role))
@pytest.mark.parametrize("target", list(Role))
def test_only_people_below_can_be_removed_but_by_the_owner(by: Role, target: Role) -> None:
    moderates = by is not Role.VIEWER
    expected = moderates and (by is Role.OWNER or HIGHEST_FIRST.index(by) < HIGHEST_FIRST.index(target))

    if expected:
        require_removable(by, target)
    else:
        with pytest.raises(Forbidden):
            require_removable(by, target)


def test_ownership_is_never_given_by_invitation() -> None:
    with pytest.raises(InvalidInput):
        require_may_give(Role.OWNER, Role.OWNER, is_token=False)


def test_a_role_above_ones_own_is_not_given() -> None:
    require_may_give(Role.ADMIN, Role.ADMIN, is_token=False)

    with pytest.raises(Forbidden):
        require_may_give(Role.HOST, Role.ADMIN, is_token=False)


def test_hosts_and_the_owner_count_as_hosts() -> None:
    assert [role for role in Role if is_host_by_default(role)] == [Role.OWNER, Role.HOST]

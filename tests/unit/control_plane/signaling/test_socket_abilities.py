"""What of the live socket an API token may do: one table, and no request without its row."""

from __future__ import annotations

from typing import get_args

import pytest

from control_plane.domain.abilities import ABILITIES, SOCKET, require_on_socket
from control_plane.domain.errors import Forbidden
from control_plane.domain.participants import grant_for, mask_grant
from control_plane.domain.roles import Role
from control_plane.signaling.messages import Request


def test_every_request_of_the_socket_has_its_ability_and_no_row_is_left_over() -> None:
    methods = {str(kind.__struct_config__.tag) for kind in get_args(Request)}

    assert methods == SOCKET.keys()
    assert set(SOCKET.values()) <= ABILITIES.keys()


def test_a_method_without_a_row_is_closed_to_tokens_and_open_to_people() -> None:
    with pytest.raises(Forbidden):
        require_on_socket(frozenset(ABILITIES), "something.new")

    require_on_socket(None, "something.new")


def test_a_masked_grant_is_never_more_than_the_roles() -> None:
    for role in Role:
        grant = grant_for(role)
        assert mask_grant(grant, None) == grant
        assert mask_grant(grant, frozenset(ABILITIES)) == grant
    nothing = mask_grant(grant_for(Role.OWNER), frozenset())
    assert not any(getattr(nothing, name) for name in nothing.__struct_fields__)

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from control_plane.domain.errors import NoMediaNode
from control_plane.domain.ids import NodeId, make_uuid7
from control_plane.domain.nodes import MediaNode, choose_node

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def _node(number: int, **changes: Any) -> MediaNode:
    node = MediaNode(
        id=NodeId(UUID(int=number)),
        link_url="ws://127.0.0.1:1/",
        region="local",
        cpu=0.1,
        consumers=0,
        capacity_consumers=100,
        is_draining=False,
        last_seen_at=NOW,
    )
    return msgspec.structs.replace(node, **changes)


@pytest.mark.parametrize(
    "changes",
    [{"is_draining": True}, {"consumers": 100}, {"last_seen_at": NOW - timedelta(seconds=5.1)}],
)
def test_a_node_that_is_draining_full_or_silent_is_not_chosen(changes: dict[str, Any]) -> None:
    with pytest.raises(NoMediaNode):
        choose_node([_node(1, **changes)], now=NOW)


def test_the_least_loaded_node_is_chosen() -> None:
    nodes = [_node(1, cpu=0.5), _node(2, consumers=60), _node(3, cpu=0.2, consumers=30)]

    assert choose_node(nodes, now=NOW) is nodes[2]


def test_the_own_region_goes_first_even_when_busier() -> None:
    near, far = _node(1, cpu=0.8, region="eu"), _node(2, region="us")

    assert choose_node([near, far], now=NOW, region="eu") is near
    assert choose_node([near, far], now=NOW, region="asia") is far


def test_two_callers_agree_on_a_tie() -> None:
    first, second = _node(1), _node(2)

    assert choose_node([second, first], now=NOW) is choose_node([first, second], now=NOW) is first


def test_ids_sort_by_time_and_say_their_version() -> None:
    early, late = make_uuid7(1_000, b"\xff" * 10), make_uuid7(1_001, b"\0" * 10)

    assert early < late
    assert (early.version, early.variant) == (7, "specified in RFC 4122")


@pytest.mark.parametrize(("unix_ms", "random_bits"), [(-1, b"\0" * 10), (1 << 48, b"\0" * 10), (0, b"\0" * 9)])
def test_an_id_out_of_range_is_refused(unix_ms: int, random_bits: bytes) -> None:
    with pytest.raises(ValueError, match="must"):
        make_uuid7(unix_ms, random_bits)

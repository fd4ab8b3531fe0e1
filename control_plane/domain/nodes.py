"""Media nodes: which one takes a new live session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from control_plane.domain.errors import NoMediaNode
from control_plane.domain.ids import NodeId

SILENT_AFTER = timedelta(seconds=5)
"""A node not heard of for this long is not chosen (decisions.md 10)."""


class MediaNode(msgspec.Struct, frozen=True, kw_only=True):
    """A machine running the agent, as last told.

    cpu: 0.0-1.0 of its cores. consumers: now; capacity_consumers: what it is willing to carry.
    """

    id: NodeId
    link_url: str
    region: str
    cpu: float
    consumers: int
    capacity_consumers: int
    is_draining: bool
    last_seen_at: datetime


def choose_node(nodes: Iterable[MediaNode], *, now: datetime, region: str | None = None) -> MediaNode:
    """The node for a new live session: heard of lately, not draining, not full; in the region if any; least loaded.

    Load is the larger of the share of CPU and the share of consumers, so neither runs out unseen. Ties go to the
    smaller id, so two callers agree.

    Raises:
        NoMediaNode: none qualifies.
    """
    fit = [
        node
        for node in nodes
        if not node.is_draining and now - node.last_seen_at <= SILENT_AFTER and node.consumers < node.capacity_consumers
    ]
    near = [node for node in fit if region is None or node.region == region] or fit
    if not near:
        raise NoMediaNode("No media node is free. Try again in a moment.", retry_after_s=2)
    return min(near, key=lambda node: (max(node.cpu, node.consumers / node.capacity_consumers), node.id.hex))

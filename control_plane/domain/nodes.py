"""Media nodes: which one takes a new live session."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import msgspec

from control_plane.domain.errors import NoMediaNode
from control_plane.domain.ids import NodeId

SILENT_AFTER = timedelta(seconds=5)
"""A node not heard of for this long is not chosen (decisions.md 10)."""


BUSY_CPU = 0.85
"""Share of a node's CPU above which it takes no more viewers while another one can."""


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

    @property
    def has_room(self) -> bool:
        """Whether it takes another viewer."""
        return self.consumers < self.capacity_consumers and self.cpu < BUSY_CPU

    @property
    def load(self) -> float:
        """The larger of the share of CPU and the share of consumers, >= 0, so neither runs out unseen."""
        return max(self.cpu, self.consumers / self.capacity_consumers)


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
    return min(near, key=lambda node: (node.load, node.id.hex))


def choose_edge(nodes: Iterable[MediaNode], *, origin_id: NodeId, known: Collection[NodeId]) -> NodeId | None:
    """The node for a new viewer of a live session whose origin is full: one that serves viewers of it already, if it can.

    Args:
        nodes: those that can be reached now.
        origin_id: where the session's publishers are.
        known: nodes that have viewers of it.

    Returns:
        None: the origin, because it has room, or because nobody else has.
    """
    reachable = {node.id: node for node in nodes}
    origin = reachable.get(origin_id)
    if origin is None or origin.has_room:
        return None
    fit = [node for node in reachable.values() if node.id != origin_id and not node.is_draining and node.has_room]
    if not fit:
        return None
    return min(fit, key=lambda node: (node.id not in known, node.load, node.id.hex)).id

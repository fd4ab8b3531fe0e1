"""The lines every measurement prints."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

Range: TypeAlias = tuple[float, float]
"""Least and greatest of the rounds."""


class Figure(msgspec.Struct, kw_only=True):
    """One measured figure.

    Attributes:
        name: what, stable over time.
        ours: our value. peer: another system's, None where nothing was compared; peer_name: which.
        unit: of both.
        ratio: how much better ours is than the peer's, > 1 is better whatever the unit; None without a peer.
        samples: how many single measurements it stands for.
        ours_range, peer_range: of the rounds, where there were several.
        load: the machine's load average of the last minute when this was printed; far above the measurement's own
            load, others were at work, and only the ratio means something.
        facts: what else belongs to the figure, such as the worker's hash or what a join costs.
    """

    name: str
    ours: float
    unit: str
    samples: int
    peer: float | None = None
    peer_name: str | None = None
    ratio: float | None = None
    ours_range: Range | None = None
    peer_range: Range | None = None
    load: float = msgspec.field(default_factory=lambda: round(os.getloadavg()[0], 2))
    facts: dict[str, str | float] = msgspec.field(default_factory=dict)


def print_figure(figure: Figure) -> None:
    """One JSON line on standard output."""
    sys.stdout.write(msgspec.json.encode(figure).decode() + "\n")
    sys.stdout.flush()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies, by the nearest rank.

    Args:
        values: at least one, in any order.
        share: 0.0-1.0.
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def compare(
    *,
    name: str,
    unit: str,
    ours: Sequence[float],
    peer: Sequence[float],
    peer_name: str,
    less_is_better: bool = False,
    digits: int = 1,
    facts: dict[str, str | float] | None = None,
) -> Figure:
    """The figure of rounds in turn: medians, their ratio, and how far the rounds lie apart.

    Args:
        name: see `Figure`.
        unit: likewise.
        ours: one value a round, at least one.
        peer: the other side's, at least one.
        peer_name: see `Figure`.
        less_is_better: for times and costs.
        digits: behind the point, of the values; the ratio has two.
        facts: see `Figure`.
    """
    mine, theirs = statistics.median(ours), statistics.median(peer)
    return Figure(
        name=name,
        ours=round(mine, digits),
        peer=round(theirs, digits),
        peer_name=peer_name,
        unit=unit,
        ratio=round(theirs / mine if less_is_better else mine / theirs, 2),
        samples=len(ours),
        ours_range=_range(ours, digits),
        peer_range=_range(peer, digits),
        facts=facts or {},
    )


def _range(values: Sequence[float], digits: int) -> Range:
    return round(min(values), digits), round(max(values), digits)

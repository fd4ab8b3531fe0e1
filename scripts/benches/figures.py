"""The lines every measurement prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, kw_only=True):
    """One measured figure.

    Attributes:
        name: what, stable over time.
        ours: our value. peer: another system's, None where nothing was compared; peer_name: which.
        unit: of both.
        ratio: ours to peer, None without a peer.
        samples: how many single measurements it stands for.
    """

    name: str
    ours: float
    unit: str
    samples: int
    peer: float | None = None
    peer_name: str | None = None
    ratio: float | None = None


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

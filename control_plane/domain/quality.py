"""How good someone's connection is, in one word. The web app uses the same limits for one's own (`realtime/quality.ts`)."""

from __future__ import annotations

from enum import StrEnum

FAIR_RTT_MS, POOR_RTT_MS = 250, 400
"""Round trips above which one talks over each other, and above which a conversation ends, ms.

Source: ITU-T G.114 gives 150 ms one way as good and 400 ms as the limit; half of a round trip, and our own delays to it.
"""
FAIR_LOSS, POOR_LOSS = 0.03, 0.06
"""Shares lost above which voices crackle and pictures stall in spite of resending."""
FAIR_SCORE, POOR_SCORE = 7, 4
"""mediasoup's score of a stream, 0-10, below which it is fair, and poor."""


class Level(StrEnum):
    """What is shown. NONE: nothing flows, so nothing is known."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    NONE = "none"


def level_of(*, score: int | None, rtt_ms: float | None, loss: float | None) -> Level:
    """The worst that any of the measurements says.

    Args:
        score: of the poorest stream, 0 (worst) to 10.
        rtt_ms: round trip, ms.
        loss: the larger of both ways' shares lost, 0.0-1.0.
        Each: None when it is not known.
    """
    if score is None and rtt_ms is None and loss is None:
        return Level.NONE
    score, rtt_ms, loss = 10 if score is None else score, rtt_ms or 0.0, loss or 0.0
    if score < POOR_SCORE or rtt_ms > POOR_RTT_MS or loss > POOR_LOSS:
        return Level.POOR
    if score < FAIR_SCORE or rtt_ms > FAIR_RTT_MS or loss > FAIR_LOSS:
        return Level.FAIR
    return Level.GOOD

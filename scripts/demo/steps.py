"""The steps of an alert that tell how one of the presenter's ideas fared. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from control_plane.domain.alerts import StepKind
from scripts.demo.desk import Position

_HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionStep:
    """One step. ticks: at which price. fraction: of a trim, of what is left. target: of a hit, from 1."""

    kind: StepKind
    ticks: int
    fraction: Decimal | None = None
    target: int | None = None


def steps_of(position: Position) -> list[PositionStep]:
    """All steps up to now, oldest first; more are added at the end as the idea goes on.

    Filled at once; at the first target half comes off and the stop goes to the entry; `Position.result` counts the same.
    """
    steps = [PositionStep(kind=StepKind.FILLED, ticks=position.entry)]
    for place, ticks in enumerate(position.targets[: position.hits]):
        steps.append(PositionStep(kind=StepKind.TARGET_HIT, ticks=ticks, target=place + 1))
        if place == 0:
            steps.append(PositionStep(kind=StepKind.TRIMMED, ticks=ticks, fraction=_HALF))
            steps.append(PositionStep(kind=StepKind.STOP_MOVED, ticks=position.entry))
    if position.exit is not None:
        if position.exit == position.targets[-1]:
            number = len(position.targets)
            steps.append(PositionStep(kind=StepKind.TARGET_HIT, ticks=position.exit, target=number))
        steps.append(PositionStep(kind=StepKind.CLOSED, ticks=position.exit))
    return steps

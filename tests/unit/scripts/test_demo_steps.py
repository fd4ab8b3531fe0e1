"""The demo's alerts go through a life the domain allows, to the result the desk counts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from control_plane.domain.alerts import AlertDraft, AlertPhase, AlertState, AlertStep, apply_step, begin_state
from scripts.demo.desk import Desk, Position
from scripts.demo.market import STEP_S
from scripts.demo.steps import steps_of


def replay(position: Position, desk: Desk) -> AlertState:
    price = desk.markets[position.symbol].instrument.price
    draft = AlertDraft(
        symbol=position.symbol,
        side=position.side,
        entry=price(position.entry),
        stop=price(position.first_stop),
        targets=[price(target) for target in position.targets],
    )
    state = begin_state(draft)
    for step in steps_of(position):
        asked = AlertStep(kind=step.kind, price=price(step.ticks), fraction=step.fraction, target=step.target)
        state = apply_step(state, asked)
    return state


@pytest.mark.parametrize("seed", range(6))
def test_every_position_has_a_life_and_its_result(seed: int) -> None:
    desk = Desk(seed=seed)
    for _ in range(1500):
        desk.advance(STEP_S)

    for position in desk.positions:
        state = replay(position, desk)

        if position.closed is None:
            assert state.phase is AlertPhase.FILLED
        else:
            result = state.result_r()
            assert result is not None
            assert abs(result - Decimal(position.result())) < Decimal("0.01")
    assert any(position.closed is not None for position in desk.positions)


def test_steps_are_only_added_at_the_end() -> None:
    desk = Desk(seed=3)
    told = {position.number: steps_of(position) for position in desk.positions}

    for _ in range(1500):
        desk.advance(STEP_S)
        for position in desk.positions:
            steps = steps_of(position)
            before = told.get(position.number, [])
            assert steps[: len(before)] == before
            told[position.number] = steps

"""An alert's life: what may follow what, and what it made."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.alerts import (
    MAX_STEPS,
    AlertDraft,
    AlertPhase,
    AlertState,
    AlertStep,
    Side,
    StepKind,
    apply_step,
    begin_state,
    complete_step,
)
from control_plane.domain.errors import (
    AlertAlreadyFilled,
    AlertNotFilled,
    AlertOver,
    Conflict,
    DomainError,
    InvalidInput,
    TargetAlreadyHit,
)

ALERT = AlertDraft(
    symbol="NVDA", side=Side.LONG, entry=Decimal(100), stop=Decimal(98), targets=[Decimal(103), Decimal(106)]
)
SHORT = AlertDraft(symbol="TSLA", side=Side.SHORT, entry=Decimal(400), stop=Decimal(405))
FILLED = AlertStep(kind=StepKind.FILLED, price=Decimal(100))
CANCELLED = AlertStep(kind=StepKind.CANCELLED)


def stop_at(price: str) -> AlertStep:
    return AlertStep(kind=StepKind.STOP_MOVED, price=Decimal(price))


def trim(price: str, fraction: str = "0.5") -> AlertStep:
    return AlertStep(kind=StepKind.TRIMMED, price=Decimal(price), fraction=Decimal(fraction))


def hit(target: int, price: str = "103") -> AlertStep:
    return AlertStep(kind=StepKind.TARGET_HIT, price=Decimal(price), target=target)


def close(price: str) -> AlertStep:
    return AlertStep(kind=StepKind.CLOSED, price=Decimal(price))


def live(alert: AlertDraft, *steps: AlertStep) -> AlertState:
    state = begin_state(alert)
    for step in steps:
        state = apply_step(state, step)
    return state


@pytest.mark.parametrize(
    ("steps", "phase"),
    [
        ([], AlertPhase.POSTED),
        ([FILLED], AlertPhase.FILLED),
        ([CANCELLED], AlertPhase.CANCELLED),
        ([FILLED, stop_at("100"), trim("103"), hit(1), hit(2), stop_at("103")], AlertPhase.FILLED),
        ([FILLED, close("97")], AlertPhase.CLOSED),
        ([FILLED, hit(2), hit(1), close("106")], AlertPhase.CLOSED),
    ],
)
def test_a_life_goes_from_posted_over_filled_to_closed(steps: list[AlertStep], phase: AlertPhase) -> None:
    state = live(ALERT, *steps)

    assert state.phase is phase
    assert state.step_count == len(steps)


@pytest.mark.parametrize("step", [stop_at("99"), trim("103"), hit(1), close("103")])
def test_nothing_happens_to_what_was_never_filled(step: AlertStep) -> None:
    with pytest.raises(AlertNotFilled):
        live(ALERT, step)


@pytest.mark.parametrize("step", [FILLED, CANCELLED])
def test_what_is_filled_is_neither_filled_again_nor_cancelled(step: AlertStep) -> None:
    with pytest.raises(AlertAlreadyFilled):
        live(ALERT, FILLED, step)


@pytest.mark.parametrize("end", [[FILLED, close("103")], [CANCELLED]])
@pytest.mark.parametrize("step", [FILLED, CANCELLED, stop_at("99"), trim("103"), hit(1), close("103")])
def test_nothing_follows_the_end(end: list[AlertStep], step: AlertStep) -> None:
    with pytest.raises(AlertOver):
        live(ALERT, *end, step)


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (AlertStep(kind=StepKind.CLOSED), "price"),
        (close("0"), "price"),
        (close("-1"), "price"),
        (close("NaN"), "price"),
        (close("Infinity"), "price"),
        (stop_at("1.123456789"), "price"),
        (stop_at("98"), "price"),
        (AlertStep(kind=StepKind.CANCELLED, price=Decimal(1)), "price"),
        (AlertStep(kind=StepKind.TRIMMED, price=Decimal(1)), "fraction"),
        (trim("103", "0"), "fraction"),
        (trim("103", "1"), "fraction"),
        (trim("103", "-0.5"), "fraction"),
        (trim("103", "0.33333"), "fraction"),
        (trim("103", "NaN"), "fraction"),
        (AlertStep(kind=StepKind.CLOSED, price=Decimal(1), fraction=Decimal("0.5")), "fraction"),
        (AlertStep(kind=StepKind.TARGET_HIT, price=Decimal(1)), "target"),
        (hit(0), "target"),
        (hit(3), "target"),
        (AlertStep(kind=StepKind.CLOSED, price=Decimal(1), target=1), "target"),
    ],
)
def test_a_step_that_makes_no_sense_names_its_field(step: AlertStep, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        live(ALERT, FILLED, step)

    assert refused.value.facts["field"] == field


def test_a_target_is_hit_once() -> None:
    with pytest.raises(TargetAlreadyHit):
        live(ALERT, FILLED, hit(1), hit(1))


def test_a_trim_takes_a_fraction_of_what_is_left() -> None:
    state = live(ALERT, FILLED, trim("103"), trim("104", "0.5"))

    assert state.left == Decimal("0.25")
    assert [part.portion for part in state.exits] == [Decimal("0.5"), Decimal("0.25")]


@pytest.mark.parametrize(
    ("alert", "steps", "r", "percent"),
    [
        (ALERT, [FILLED, close("104")], "2.00", "4.00"),
        (ALERT, [FILLED, trim("103"), close("100")], "0.75", "1.50"),
        (ALERT, [FILLED, stop_at("100"), close("97")], "-1.50", "-3.00"),
        (ALERT, [AlertStep(kind=StepKind.FILLED, price=Decimal(101)), close("101")], "0.00", "0.00"),
        (ALERT, [FILLED, close("99.999")], "0.00", "0.00"),
        (SHORT, [AlertStep(kind=StepKind.FILLED, price=Decimal(400)), close("390")], "2.00", "2.50"),
        (SHORT, [AlertStep(kind=StepKind.FILLED, price=Decimal(400)), close("405")], "-1.00", "-1.25"),
    ],
)
def test_the_result_counts_every_part_from_the_fill(
    alert: AlertDraft, steps: list[AlertStep], r: str, percent: str
) -> None:
    state = live(alert, *steps)

    assert (str(state.result_r()), str(state.result_percent())) == (r, percent)


def test_without_a_stop_there_is_a_percentage_and_no_r() -> None:
    state = live(AlertDraft(symbol="ES", side=Side.LONG, entry=Decimal(100)), FILLED, stop_at("99"), close("110"))

    assert state.result_r() is None
    assert state.result_percent() == 10


def test_there_is_no_result_before_the_end() -> None:
    state = live(ALERT, FILLED, trim("103"))

    assert (state.result_r(), state.result_percent()) == (None, None)


def test_an_unsaid_price_is_the_entry_or_the_targets_own() -> None:
    assert complete_step(ALERT, AlertStep(kind=StepKind.FILLED)).price == 100
    assert complete_step(ALERT, AlertStep(kind=StepKind.TARGET_HIT, target=2)).price == 106
    assert complete_step(ALERT, AlertStep(kind=StepKind.TARGET_HIT, target=9)).price is None
    assert complete_step(ALERT, AlertStep(kind=StepKind.CLOSED)).price is None
    assert complete_step(ALERT, close("104")).price == 104


def test_steps_are_counted() -> None:
    state = live(ALERT, FILLED, *(stop_at(str(90 + number % 2)) for number in range(MAX_STEPS - 1)))

    with pytest.raises(Conflict):
        apply_step(state, close("104"))


prices = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10) ** 12, places=8)
steps = st.builds(
    AlertStep,
    kind=st.sampled_from(StepKind),
    price=st.none() | prices | st.decimals(),
    fraction=st.none() | st.decimals(min_value=0, max_value=1, places=4) | st.decimals(),
    target=st.none() | st.integers(-1, 4),
)


@given(st.sampled_from([ALERT, SHORT]), st.lists(steps, max_size=25))
def test_whatever_is_asked_the_state_stays_sound(alert: AlertDraft, asked: list[AlertStep]) -> None:
    state = begin_state(alert)

    for step in asked:
        try:
            after = apply_step(state, complete_step(alert, step))
        except DomainError:
            continue
        assert state.phase in {AlertPhase.POSTED, AlertPhase.FILLED}
        state = after

    sold = sum((part.portion for part in state.exits), Decimal(0))
    assert 0 <= state.left <= 1
    assert state.phase is AlertPhase.CANCELLED or sold + state.left == 1
    assert (state.fill is None) is (state.phase in {AlertPhase.POSTED, AlertPhase.CANCELLED})
    assert len(set(state.targets_hit)) == len(state.targets_hit)
    assert (state.result_r() is not None) is (state.phase is AlertPhase.CLOSED)

"""Alert: a trade idea with prices, and its life. Never edited: a step is a new entry that points back (design.md, b)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

import msgspec

from control_plane.domain.errors import (
    AlertAlreadyFilled,
    AlertNotFilled,
    AlertOver,
    Conflict,
    InvalidInput,
    TargetAlreadyHit,
)

SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9./:\-^= ]{0,23}")
NOTE_MAX_LENGTH = 500
MAX_TARGETS = 5
MAX_PRICE = Decimal(10) ** 12
MAX_DECIMALS = 8
MAX_STEPS = 100
"""Steps of one alert at most: they are folded each time one is added."""
FRACTION_STEP = Decimal("0.0001")
LEAST_PORTION = Decimal("0.000001")
"""Portions of the first size are kept to this grain."""


class Side(StrEnum):
    """Direction of the idea."""

    LONG = "long"
    SHORT = "short"


class AlertDraft(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an alerter typed. Prices are decimals in the instrument's currency; None means not given."""

    symbol: str
    side: Side
    entry: Decimal
    stop: Decimal | None = None
    targets: list[Decimal] = []
    note: str = ""


def _check_price(price: Decimal, field: str) -> None:
    if not price.is_finite() or not 0 < price <= MAX_PRICE:
        raise InvalidInput("A price is above zero.", field=field)
    exponent = price.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > MAX_DECIMALS:
        raise InvalidInput(f"A price has at most {MAX_DECIMALS} decimals.", field=field)


def make_alert(draft: AlertDraft) -> AlertDraft:
    """The draft, checked and cleaned: symbol upper-case, note trimmed, line breaks allowed.

    Raises:
        InvalidInput: facts name the field: a bad symbol, a price that is none, a stop or target on the wrong side.
    """
    symbol = " ".join(draft.symbol.upper().split())
    if SYMBOL.fullmatch(symbol) is None:
        raise InvalidInput("A symbol has 1 to 24 letters, digits or . / : - ^ =", field="symbol")
    if len(draft.note) > NOTE_MAX_LENGTH:
        raise InvalidInput(f"A note has at most {NOTE_MAX_LENGTH} characters.", field="note")
    if any((ord(sign) < 32 and sign not in "\r\n\t") or ord(sign) == 127 for sign in draft.note):
        raise InvalidInput("A note can't hold control characters.", field="note")
    if len(draft.targets) > MAX_TARGETS:
        raise InvalidInput(f"An alert has at most {MAX_TARGETS} targets.", field="targets")
    _check_price(draft.entry, "entry")
    is_long = draft.side is Side.LONG
    if draft.stop is not None:
        _check_price(draft.stop, "stop")
        if draft.stop == draft.entry or (draft.stop < draft.entry) is not is_long:
            raise InvalidInput("The stop of a long lies below its entry, of a short above.", field="stop")
    for target in draft.targets:
        _check_price(target, "targets")
        if target == draft.entry or (target > draft.entry) is not is_long:
            raise InvalidInput("The targets of a long lie above its entry, of a short below.", field="targets")
    return msgspec.structs.replace(draft, symbol=symbol, note=draft.note.strip())


class StepKind(StrEnum):
    """What may happen to an alert after it was posted."""

    FILLED = "filled"
    STOP_MOVED = "stop_moved"
    TRIMMED = "trimmed"
    TARGET_HIT = "target_hit"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class AlertPhase(StrEnum):
    """Where an alert stands: posted -> filled -> closed, or posted -> cancelled."""

    POSTED = "posted"
    FILLED = "filled"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class AlertStep(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One step of an alert's life, as it is written down.

    price: of every kind but cancelled; None asks for the entry (filled) or the target's own price (target_hit).
    fraction: trimmed only: how much of what is left comes off, between 0 and 1.
    target: target_hit only: 1 is the first of the alert's targets.
    """

    kind: StepKind
    price: Decimal | None = None
    fraction: Decimal | None = None
    target: int | None = None


class Exit(msgspec.Struct, frozen=True):
    """A part that was sold (or bought back): at which price, and its portion of the first size, above 0 and at most 1."""

    price: Decimal
    portion: Decimal


class AlertState(msgspec.Struct, frozen=True, kw_only=True):
    """Where an alert stands after its steps.

    alert: as it was posted; it never changes.
    fill: price of the entry; None while posted.
    stop: where the stop stands now; None without one.
    left: portion of the first size still held, 0 to 1.
    targets_hit: numbers of targets, from 1, in the order they were hit.
    exits: what came off, oldest first; the close is the last.
    """

    alert: AlertDraft
    phase: AlertPhase = AlertPhase.POSTED
    fill: Decimal | None = None
    stop: Decimal | None = None
    left: Decimal = Decimal(1)
    targets_hit: tuple[int, ...] = ()
    exits: tuple[Exit, ...] = ()
    step_count: int = 0

    def result_percent(self) -> Decimal | None:
        """What the closed parts made, percent of the fill, two decimals; None before the close."""
        if self.phase is not AlertPhase.CLOSED or self.fill is None:
            return None
        return _rounded(self._gain(self.fill) / self.fill * 100)

    def result_r(self) -> Decimal | None:
        """The result in units of the first risk (posted entry to first stop), two decimals.

        None before the close, and without a stop: then there is no R. A worse fill makes the result worse, not the unit.
        """
        if self.phase is not AlertPhase.CLOSED or self.fill is None or self.alert.stop is None:
            return None
        return _rounded(self._gain(self.fill) / abs(self.alert.entry - self.alert.stop))

    def _gain(self, fill: Decimal) -> Decimal:
        direction = 1 if self.alert.side is Side.LONG else -1
        return sum(((part.price - fill) * part.portion for part in self.exits), Decimal(0)) * direction


def _rounded(value: Decimal) -> Decimal:
    rounded = value.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    return abs(rounded) if rounded == 0 else rounded


def begin_state(alert: AlertDraft) -> AlertState:
    """An alert that was just posted."""
    return AlertState(alert=alert, stop=alert.stop)


def complete_step(alert: AlertDraft, step: AlertStep) -> AlertStep:
    """The step with the price it leaves unsaid: a fill at the entry, a target at its own price."""
    if step.price is not None:
        return step
    if step.kind is StepKind.FILLED:
        return msgspec.structs.replace(step, price=alert.entry)
    if step.kind is StepKind.TARGET_HIT and step.target is not None and 1 <= step.target <= len(alert.targets):
        return msgspec.structs.replace(step, price=alert.targets[step.target - 1])
    return step


def apply_step(state: AlertState, step: AlertStep) -> AlertState:
    """The state after one more step.

    Raises:
        InvalidInput: facts name the field: a price, fraction or target that makes no sense, or is not this kind's.
        AlertOver: closed or cancelled. AlertNotFilled: it is not in the market yet. AlertAlreadyFilled: it is.
        TargetAlreadyHit. Conflict: it has had MAX_STEPS steps.
    """
    _check_fields(state.alert, step)
    if state.phase in {AlertPhase.CLOSED, AlertPhase.CANCELLED}:
        raise AlertOver(f"This alert is {state.phase.value}.", phase=state.phase.value)
    if state.step_count >= MAX_STEPS:
        raise Conflict(f"An alert has at most {MAX_STEPS} steps.", allowed=MAX_STEPS)
    opens = step.kind in {StepKind.FILLED, StepKind.CANCELLED}
    if opens and state.phase is AlertPhase.FILLED:
        raise AlertAlreadyFilled("This alert is filled already.")
    if not opens and state.phase is AlertPhase.POSTED:
        raise AlertNotFilled("This alert is not filled yet.")
    return msgspec.structs.replace(_RULES[step.kind](state, step), step_count=state.step_count + 1)


def _check_fields(alert: AlertDraft, step: AlertStep) -> None:
    if step.kind is StepKind.CANCELLED:
        if step.price is not None:
            raise InvalidInput("A cancelled alert has no price.", field="price")
    elif step.price is None:
        raise InvalidInput("At which price?", field="price")
    else:
        _check_price(step.price, "price")
    if (step.fraction is not None) is not (step.kind is StepKind.TRIMMED):
        raise InvalidInput("A trim, and nothing else, says which fraction.", field="fraction")
    if (step.target is not None) is not (step.kind is StepKind.TARGET_HIT):
        raise InvalidInput("A hit, and nothing else, says which target.", field="target")
    if step.fraction is not None and (
        not step.fraction.is_finite()
        or not 0 < step.fraction < 1
        or step.fraction != step.fraction.quantize(FRACTION_STEP, rounding=ROUND_HALF_EVEN)
    ):
        raise InvalidInput("A fraction lies between 0 and 1, with at most 4 decimals.", field="fraction")
    if step.target is not None and not 1 <= step.target <= len(alert.targets):
        raise InvalidInput("There is no such target.", field="target")


def _fill(state: AlertState, step: AlertStep) -> AlertState:
    return msgspec.structs.replace(state, phase=AlertPhase.FILLED, fill=step.price)


def _move_stop(state: AlertState, step: AlertStep) -> AlertState:
    if step.price == state.stop:
        raise InvalidInput("The stop stands there already.", field="price")
    return msgspec.structs.replace(state, stop=step.price)


def _trim(state: AlertState, step: AlertStep) -> AlertState:
    assert step.price is not None
    assert step.fraction is not None
    portion = (state.left * step.fraction).quantize(LEAST_PORTION, rounding=ROUND_HALF_EVEN)
    if portion <= 0 or portion >= state.left:
        raise InvalidInput("Hardly anything is left. Close it instead.", field="fraction")
    return msgspec.structs.replace(
        state, left=state.left - portion, exits=(*state.exits, Exit(price=step.price, portion=portion))
    )


def _hit_target(state: AlertState, step: AlertStep) -> AlertState:
    assert step.target is not None
    if step.target in state.targets_hit:
        raise TargetAlreadyHit("This target is hit already.", target=step.target)
    return msgspec.structs.replace(state, targets_hit=(*state.targets_hit, step.target))


def _close(state: AlertState, step: AlertStep) -> AlertState:
    assert step.price is not None
    rest = Exit(price=step.price, portion=state.left)
    return msgspec.structs.replace(state, phase=AlertPhase.CLOSED, left=Decimal(0), exits=(*state.exits, rest))


def _cancel(state: AlertState, _: AlertStep) -> AlertState:
    return msgspec.structs.replace(state, phase=AlertPhase.CANCELLED, left=Decimal(0))


_RULES: dict[StepKind, Callable[[AlertState, AlertStep], AlertState]] = {
    StepKind.FILLED: _fill,
    StepKind.STOP_MOVED: _move_stop,
    StepKind.TRIMMED: _trim,
    StepKind.TARGET_HIT: _hit_target,
    StepKind.CLOSED: _close,
    StepKind.CANCELLED: _cancel,
}

"""Alert: a trade idea with prices. The simplest durable form: posted once, never edited (design.md, b)."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum

import msgspec

from control_plane.domain.errors import InvalidInput

SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9./:\-^= ]{0,23}")
NOTE_MAX_LENGTH = 500
MAX_TARGETS = 5
MAX_PRICE = Decimal(10) ** 12
MAX_DECIMALS = 8


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

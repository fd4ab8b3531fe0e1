"""What people say in the demo room about what happens. Pure: seeded, and no line comes twice before all had their turn."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from control_plane.domain.alerts import Side
from scripts.demo.desk import Happening, Position
from scripts.demo.market import Instrument

Speaker = Literal["presenter", "member"]
Talk = tuple[str, ...]
"""One exchange, line by line: `P` before what the presenter says, `M` before a member's line."""

TALKS: Mapping[str, Sequence[Talk]] = {
    "idea": (
        ("P {Side} {symbol} from {entry}, stop {stop}. Card is up.", "M Filled {entry}", "P Size it for the stop."),
        ("P That is my entry in {symbol}. Wrong at {stop}, then we are out, no discussion.", "M In with you"),
        ("P Taking {symbol} {side} here with the trend.", "M What is the first target?", "P {t1}, then {t2}."),
        ("P {symbol} {side}, {entry}. If it does not move in the next few candles I lose interest.", "M Makes sense"),
        ("P There it is, {symbol} at {entry}. I want to see it leave the 9 EMA now.", "M Watching this one, no fill"),
    ),
    "target": (
        ("P First target, {t1}. Half off, stop to entry.", "M Out half at {t1}, thank you"),
        ("P {t1} done. The rest costs us nothing now.", "M Best part of the day", "M Stop moved, letting it run"),
        ("P That is target one in {symbol}. Pay yourself first.", "M Took two thirds, keeping a runner"),
    ),
    "closed": (
        ("P {symbol} is closed at {price}, {result} on the whole position.", "M Thanks, same here"),
        ("P All out of {symbol}, {price}. {result}. On to the next.", "M Clean one"),
        ("P Flat in {symbol} at {price}, that makes {result}.", "M Noted in the journal"),
    ),
    "scratched": (
        ("P Runner stopped at entry in {symbol}. We keep the first half: {result}.", "M Fine with that"),
        ("P Back to entry, out of {symbol} with {result}. Never let it turn red after target one.", "M Good rule"),
    ),
    "stopped": (
        ("P Stopped in {symbol} at {stop}, {result}. The level did not hold, that is what the stop is for.", "M Out too"),
        ("P {symbol} took the stop. One R, next one.", "M Small and clean", "M At least the size was right"),
        ("P That one failed, {stop} is out. No revenge trade in {symbol} please.", "M Coffee instead"),
    ),
    "open": (
        ("P Open. Let the first minutes happen, we look at 09:46.", "M Good morning everyone"),
    ),
    "noon": (
        ("P Noon. Ranges get smaller, so do my positions.", "M Lunch then"),
    ),
    "high": (
        ("P New high of the day in {symbol}, {price}.", "M Volume could be better on this"),
        ("P {symbol} at a new high. I do not chase it, I wait for the 9.",),
    ),
    "low": (
        ("P New low in {symbol}, {price}. Sellers are still in charge.", "M Looks heavy"),
        ("P {symbol} makes a new low for the day. No long from me before it reclaims the 9.",),
    ),
    "volume": (
        ("P Look at the volume bar in {symbol}.", "M Someone was in a hurry"),
        ("M Big print in {symbol}?", "P Yes. Watch whether the next candle accepts it."),
    ),
    "guest": (
        ("P Hi {name}, good to have you here. Open cards are in the rail.",),
        ("M Hi {name}", "P Welcome, {name}. We are in the middle of the session, ask anything."),
    ),
    "quiet": (
        ("M Is the 34 the one you trail with?", "P On this timeframe yes, closes below it and not wicks."),
        ("M Do you use the pre-market levels?", "P The opening range high first, pre-market second."),
        ("P Nothing to do right now is also a position.",),
        ("M Quiet here", "P Quiet is fine, the next setup comes to us."),
        ("M How much do you risk per idea?", "P Half a percent, a whole one only with the trend of the day."),
        ("P If you came late: entry, stop and targets of everything open are on the cards.",),
    ),
}  # fmt: skip
"""What is talked about, by kind of happening; `guest` when someone comes, `quiet` when nothing happens."""
NOTES: Mapping[Side, Sequence[str]] = {
    Side.LONG: (
        "Holding above the 9 EMA after the pullback",
        "Higher low on the 2 minute, buyers back at the line",
        "Reclaim with volume, stop under the last swing",
        "Trend day so far, first pullback that gets bought",
    ),
    Side.SHORT: (
        "Rejected at the 9 EMA, sellers in charge",
        "Lower high on the 2 minute, weak bounce",
        "Lost the level with volume, stop over the last swing",
        "Trend is down, first bounce that gets sold",
    ),
}
_FIRST_WAIT_S, _WAIT_S = (2.0, 4.0), (3.5, 9.0)
"""Before the first line of an exchange and between its lines: people read, then type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One chat line, to be said `wait_s` seconds after the one before it."""

    speaker: Speaker
    text: str
    wait_s: float


class Script:
    """Chooses what is said. seed: decides which."""

    def __init__(self, *, seed: int) -> None:
        self._random = random.Random(f"script/{seed}")  # noqa: S311 - small talk, not secrets
        self._decks: dict[str, list[Talk]] = {}

    def talk_about(self, happening: Happening, instrument: Instrument) -> list[Line]:
        """The exchange that follows a happening."""
        words = {"symbol": happening.symbol, "price": instrument.write(happening.price)}
        if happening.position is not None:
            words |= describe(happening.position, instrument)
        return self._exchange(happening.kind, words)

    def greet(self, name: str) -> list[Line]:
        """What is said to someone who came in; name: how they are called."""
        return self._exchange("guest", {"name": name})

    def chat(self) -> list[Line]:
        """Small talk."""
        return self._exchange("quiet", {})

    def note(self, side: Side) -> str:
        """A sentence for a new alert."""
        return self._random.choice(NOTES[side])

    def _exchange(self, kind: str, words: Mapping[str, str]) -> list[Line]:
        deck = self._decks.setdefault(kind, [])
        if not deck:
            deck += self._random.sample(TALKS[kind], len(TALKS[kind]))
        lines = []
        for place, line in enumerate(deck.pop()):
            wait_s = self._random.uniform(*(_WAIT_S if place else _FIRST_WAIT_S))
            speaker: Speaker = "presenter" if line.startswith("P ") else "member"
            lines.append(Line(speaker=speaker, text=line[2:].format_map(words), wait_s=wait_s))
        return lines


def describe(position: Position, instrument: Instrument) -> dict[str, str]:
    """The words for a position's figures: side, Side, entry, stop, t1, t2, result."""
    words = {
        "side": position.side.value,
        "Side": position.side.value.capitalize(),
        "entry": instrument.write(position.entry),
        "stop": instrument.write(position.stop),
        "t1": instrument.write(position.targets[0]),
        "t2": instrument.write(position.targets[-1]),
        "result": "",
    }
    if position.exit is not None:
        result = position.result()
        words["result"] = f"{'+' if result >= 0 else chr(0x2212)}{abs(result):.2f}R"
    return words

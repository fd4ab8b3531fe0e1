from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from control_plane.domain.alerts import AlertDraft, Side, make_alert
from scripts.demo.desk import MOST_OPEN, Desk, Happening, Position, open_desk
from scripts.demo.market import CLOSE_MINUTE
from scripts.demo.script import TALKS, Script

LONG = Position(
    number=1,
    symbol="NVDA",
    side=Side.LONG,
    entry=18_000,
    first_stop=17_900,
    stop=17_900,
    targets=(18_150, 18_300),
    opened=10,
)


@pytest.fixture(scope="module")
def day() -> tuple[Desk, list[Happening]]:
    """A whole afternoon, candle by candle."""
    desk = open_desk(7)
    happenings = []
    while desk.shown.clock_s < CLOSE_MINUTE * 60 - 60:
        happenings += desk.advance(20)
    return desk, happenings


def positions(day: tuple[Desk, list[Happening]]) -> Iterator[tuple[Happening, Position]]:
    for happening in day[1]:
        if happening.position is not None:
            yield happening, happening.position


def test_a_desk_opens_with_an_idea_on_its_chart() -> None:
    for seed in range(0, 40, 10):
        desk = open_desk(seed)

        assert desk.focus in {position.symbol for position in desk.open_positions()}


def test_the_same_seed_has_the_same_day() -> None:
    first, second = open_desk(3), open_desk(3)

    assert [first.advance(30) for _ in range(200)] == [second.advance(30) for _ in range(200)]


def test_an_afternoon_has_ideas_that_win_and_ideas_that_fail() -> None:
    kinds = set()
    for seed in range(3):
        desk = open_desk(seed)
        while desk.shown.clock_s < CLOSE_MINUTE * 60 - 60:
            kinds |= {one.kind for one in desk.advance(20)}

    assert {"idea", "target", "stopped", "closed"} <= kinds


def test_the_platform_takes_every_idea_as_an_alert() -> None:
    for seed in range(12):
        desk = open_desk(seed)
        for position in desk.positions:
            price = desk.markets[position.symbol].instrument.price

            make_alert(
                AlertDraft(
                    symbol=position.symbol,
                    side=position.side,
                    entry=price(position.entry),
                    stop=price(position.first_stop),
                    targets=[price(target) for target in position.targets],
                )
            )


def test_a_reached_target_moves_the_stop_to_the_entry(day: tuple[Desk, list[Happening]]) -> None:
    reached = [position for happening, position in positions(day) if happening.kind == "target"]

    assert reached
    assert all(position.stop == position.entry and position.hits == 1 for position in reached)


def test_a_stopped_idea_loses_exactly_its_risk(day: tuple[Desk, list[Happening]]) -> None:
    stopped = [position for happening, position in positions(day) if happening.kind == "stopped"]

    assert stopped
    assert all(position.result() == pytest.approx(-1.0) for position in stopped)


def test_no_more_ideas_are_open_than_allowed_and_none_is_left_at_the_close(day: tuple[Desk, list[Happening]]) -> None:
    opened = 0
    for happening, _ in positions(day):
        opened += {"idea": 1, "target": 0}.get(happening.kind, -1)
        assert opened <= MOST_OPEN

    assert day[0].open_positions() == []


def test_ideas_come_seldom_while_nobody_watches() -> None:
    def count(*, is_watched: bool) -> int:
        desk = open_desk(11)
        desk.is_watched = is_watched
        happenings = [one for _ in range(420) for one in desk.advance(20)]
        return sum(one.kind == "idea" for one in happenings)

    assert count(is_watched=False) * 2 <= count(is_watched=True)


@pytest.mark.parametrize(
    ("hits", "exit_at", "result"), [(0, 17_900, -1.0), (1, 18_000, 0.75), (1, 18_300, 2.25), (0, 18_050, 0.5)]
)
def test_half_comes_off_at_the_first_target(hits: int, exit_at: int, result: float) -> None:
    closed = replace(LONG, hits=hits, closed=20, exit=exit_at)

    assert closed.result() == pytest.approx(result)


@pytest.mark.parametrize("kind", sorted(set(TALKS) - {"guest", "quiet"}))
def test_every_line_about_a_happening_can_be_said(kind: str) -> None:
    desk = open_desk(1)
    script = Script(seed=1)
    position = replace(desk.open_positions()[0], closed=200, exit=desk.shown.last)
    happening = Happening(kind=kind, symbol=position.symbol, price=18_000, position=position)  # type: ignore[arg-type]  # of the keys

    for _ in TALKS[kind]:
        lines = script.talk_about(happening, desk.markets[position.symbol].instrument)

        assert lines
        assert all("{" not in line.text and line.text and line.wait_s > 0 for line in lines)


def test_nothing_is_said_twice_before_everything_was_said() -> None:
    script = Script(seed=4)

    said = [script.chat()[0].text for _ in TALKS["quiet"]]

    assert len(set(said)) == len(said)

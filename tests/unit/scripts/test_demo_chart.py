from __future__ import annotations

import time

import numpy as np
import pytest

from scripts.demo.canvas import Canvas, Pixels
from scripts.demo.chart import Chart
from scripts.demo.desk import Desk, open_desk
from scripts.demo.levels import levels_of
from scripts.demo.plot import AXIS_LEFT, HEIGHT, WIDTH
from scripts.demo.reading import Luma, read_axis_price, read_label, read_symbol
from scripts.demo.scale import PriceScale, fit_scale, round_step, spread

SURE = 0.97
"""A label that is there reaches it, another price does not."""


@pytest.fixture
def desk() -> Desk:
    return open_desk(2)


def luma(pixels: Pixels) -> Luma:
    brightness: Luma = (pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return brightness


def draw_at(desk: Desk) -> Luma:
    return luma(Chart().draw(desk.shown, desk.positions))


def test_the_picture_is_as_large_as_promised(desk: Desk) -> None:
    assert Chart().draw(desk.shown, desk.positions).shape == (HEIGHT, WIDTH, 3)


def test_the_symbol_at_the_head_is_the_shown_one(desk: Desk) -> None:
    picture = draw_at(desk)

    for symbol in desk.markets:
        assert (read_symbol(picture, symbol) > SURE) is (symbol == desk.focus)


def test_the_prices_of_an_open_idea_stand_on_the_axis(desk: Desk) -> None:
    picture = draw_at(desk)
    position = next(one for one in desk.open_positions() if one.symbol == desk.focus)
    write = desk.shown.instrument.write

    read = [level for level in levels_of(position) if read_axis_price(picture, write(level.ticks)) > SURE]

    # The box of the last price may stand before one of the four.
    assert len(read) >= 3


def test_a_price_that_is_not_there_is_not_read(desk: Desk) -> None:
    picture = draw_at(desk)
    position = next(one for one in desk.open_positions() if one.symbol == desk.focus)

    for level in levels_of(position):
        assert read_axis_price(picture, desk.shown.instrument.write(level.ticks + 137)) < SURE


def test_the_last_price_is_in_its_box(desk: Desk) -> None:
    picture = draw_at(desk)

    written = read_label(
        255 - picture[:, AXIS_LEFT:], desk.shown.instrument.write(desk.shown.last), size=16, weight=600
    )

    assert written > SURE


def test_lines_of_other_symbols_do_not_appear(desk: Desk) -> None:
    others = [one for one in desk.positions if one.symbol != desk.focus]

    with_others = Chart().draw(desk.shown, desk.positions).copy()
    alone = Chart().draw(desk.shown, [one for one in desk.positions if one not in others])

    assert others
    assert np.array_equal(with_others, alone)


def test_between_two_candles_only_what_moves_is_drawn_and_little_of_the_picture_changes(desk: Desk) -> None:
    chart = Chart()
    before = chart.draw(desk.shown, desk.positions).copy()
    begun = desk.shown.candles_begun

    shares = []
    while not desk.advance(1.5) and desk.shown.candles_begun == begun:
        now = chart.draw(desk.shown, desk.positions)
        shares.append(np.mean(np.any(now != before, axis=2)))
        before = now.copy()

    assert len(shares) > 20
    assert chart.lasting_draws <= 3  # a new scale at most
    assert np.median(shares) < 0.01


def test_a_frame_costs_a_small_part_of_a_whole_drawing(desk: Desk) -> None:
    chart = Chart()
    chart.draw(desk.shown, desk.positions)

    def cost(*, anew: bool) -> float:
        began = time.thread_time()
        for _ in range(5):
            (Chart() if anew else chart).draw(desk.shown, desk.positions)
        return time.thread_time() - began

    assert min(cost(anew=False) for _ in range(3)) < min(cost(anew=True) for _ in range(3)) / 4


@pytest.mark.parametrize("hours", [0.5, 4.7, 5.2, 11.0])
def test_every_hour_of_the_day_can_be_drawn(desk: Desk, hours: float) -> None:
    for _ in range(int(hours * 120)):
        desk.advance(30)

    picture = draw_at(desk)

    assert read_symbol(picture, desk.focus) > SURE


def test_what_lies_outside_is_cut_off() -> None:
    canvas = Canvas(np.zeros((20, 20, 3), np.uint8))

    canvas.fill(-10, -10, 200, 5, (255, 0, 0))
    canvas.text(-30, 10, "abc", (255, 255, 255), size=14)
    canvas.text(15, 40, "abc", (255, 255, 255), size=14)
    canvas.curve([-50, 100], [-50, 100], (0, 255, 0))
    canvas.triangle(25, 25, (0, 0, 255), is_up=True)

    assert tuple(canvas.pixels[0, 19]) == (255, 0, 0)


def test_a_scale_stays_while_it_fits_and_moves_when_it_does_not() -> None:
    first = fit_scale(None, low=100, high=200, top=0, bottom=100)

    assert fit_scale(first, low=98, high=203, top=0, bottom=100) is first
    assert fit_scale(first, low=100, high=240, top=0, bottom=100) is not first
    assert fit_scale(first, low=140, high=160, top=0, bottom=100) is not first


def test_grid_prices_are_round() -> None:
    scale = PriceScale(low=17_812, high=18_977, top=0, bottom=500)

    assert scale.grid(tick_size=0.01) == list(range(18_000, 18_977, 200))


@pytest.mark.parametrize(("wanted", "step"), [(0.9, 1), (1.1, 2), (2.2, 2.5), (3, 5), (51, 100), (0.03, 0.05)])
def test_steps_are_round(wanted: float, step: float) -> None:
    assert round_step(wanted) == pytest.approx(step)


def test_rows_too_near_to_each_other_move_apart_and_keep_their_order() -> None:
    assert spread([50.0, 10.0, 12.0, 15.0], 5) == [50.0, 10.0, 15.0, 20.0]

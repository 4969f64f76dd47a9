"""The geometry of charts: tables of numbers and what is drawn for them."""

import pytest

from djtasks.admin.charts.svg import (
    Line,
    Plot,
    Scale,
    Tick,
    bars_of,
    fill_of,
    path_of,
    round_top,
    spark_of,
    spread,
    steps_of,
)
from djtasks.templatetags.djtasks_pages import NOTHING, change, count, duration, number, percent

TEN = Scale(10, 100)


@pytest.mark.parametrize(
    ("highest", "gaps", "top"),
    [(0, 3, 3), (1, 3, 3), (3, 3, 3), (4, 3, 6), (1_150, 3, 1_500), (920, 3, 1_500), (61, 2, 100)],
)
def test_an_axis_ends_at_a_round_number(highest: float, gaps: int, top: float) -> None:
    assert round_top(highest, gaps=gaps, least=gaps) == pytest.approx(top)


@pytest.mark.parametrize(
    ("labels", "width"), [([], 44), (["0", "1,500"], 45), (["0 s", "3 min 20 s"], 77)]
)
def test_the_labels_of_an_axis_have_room(labels: list[str], width: int) -> None:
    grid = [Tick(at="0", text_at="4", label=label, anchor="end") for label in labels]

    assert Plot(height=100, summary="", grid=grid, times=[]).labels_width == width


def test_a_line_runs_from_edge_to_edge_and_zero_is_at_the_bottom() -> None:
    assert path_of([0, 5, 10], TEN) == "M0.0 100.0L300.0 50.0L600.0 0.0"


def test_a_line_and_its_area_break_where_nothing_is_known() -> None:
    assert path_of([1, None, 1], TEN) == "M0.0 90.0M600.0 90.0"
    assert fill_of([1, None, 1], TEN).count("Z") == 2


def test_a_value_above_the_axis_stays_in_the_plot() -> None:
    assert path_of([20, 20], TEN) == "M0.0 0.0L600.0 0.0"


def test_bars_of_one_step_stand_on_each_other() -> None:
    lower, upper = bars_of([("k-bad", [2]), ("k-retry", [3])], TEN)

    assert (lower.y, lower.height) == ("80.0", "20.0")
    assert (upper.y, upper.height) == ("50.0", "30.0")


def test_nothing_is_drawn_for_no_failures() -> None:
    assert bars_of([("k-bad", [0, None])], TEN) == []


@pytest.mark.parametrize("values", [[], [None, None], [0, 0]])
def test_a_sparkline_of_nothing_lies_at_zero(values: list[float | None]) -> None:
    assert spark_of(values, "nothing").end == "22.0"


def test_words_at_the_ends_of_lines_do_not_cover_each_other() -> None:
    lines = [Line(label=name, css="", path="", end="50.0") for name in "abc"]

    moved = spread(lines, height=100)

    assert [line.end for line in moved] == ["50.0", "63.0", "76.0"]


def test_words_at_the_ends_stay_above_the_axis() -> None:
    lines = [Line(label=name, css="", path="", end="99.0") for name in "ab"]

    assert [line.end for line in spread(lines, height=100)] == ["87.0", "100.0"]


def test_a_step_without_values_shows_nothing() -> None:
    assert [step.x for step in steps_of(["a", "", "c"])] == ["0.00%", "66.67%"]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (duration(None), NOTHING),
        (duration(0), "0 s"),
        (duration(0.04), "40 ms"),
        (duration(0.8), "0.8 s"),
        (duration(2.0), "2 s"),
        (duration(9.97), "10 s"),
        (duration(168), "2 min 48 s"),
        (number(None), NOTHING),
        (number(1_284), "1,284"),
        (number(0.04), "0"),
        (count(100_000), "100,000+"),
        (count(0), "0"),
        (percent(None), NOTHING),
        (percent(0.0001), "< 0.1 %"),
        (percent(0.098), "9.8 %"),
        (percent(0.72), "72 %"),
        (change(1.03, 1.0), "+3 %"),
        (change(0.5, 1.0), "\N{MINUS SIGN}50 %"),
        (change(1, None), NOTHING),
    ],
)
def test_numbers_are_short(shown: str, text: str) -> None:
    assert shown == text


def test_a_time_that_doubled_stands_out() -> None:
    assert "\N{MULTIPLICATION SIGN} 19" in change(19, 1)
    assert "djt-bad-text" in change(19, 1)

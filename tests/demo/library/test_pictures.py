import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_project.library import pictures, progress
from demo_project.library.models import Outcome
from demo_project.library.pictures import RUNNING, mosaic, nice_ceiling, rate_chart
from demo_project.library.treemap import Box, FileFacts, draw, squarify, tint_of
from tests.demo.library.moments import NOON

WAITING, PARSED, FAILED = Outcome.WAITING, Outcome.PARSED, Outcome.FAILED


def test_a_mosaic_has_a_square_for_each_file_in_rows() -> None:
    picture = mosaic([PARSED, FAILED, RUNNING, WAITING, PARSED], columns=2, size=10)

    assert picture.paths == {
        "parsed": "M0 0h9v9h-9zM0 20h9v9h-9z",
        "failed": "M10 0h9v9h-9z",
        "running": "M0 10h9v9h-9z",
        "waiting": "M10 10h9v9h-9z",
    }
    assert (picture.width, picture.height, picture.each) == (19, 29, 1)


def test_a_mosaic_of_very_many_files_shares_squares_and_hides_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "MOST_CELLS", 2)

    picture = mosaic([PARSED, FAILED, WAITING, PARSED], columns=10, size=2)

    assert picture.each == 2
    assert picture.paths["failed"] == "M0 0h1v1h-1z"
    assert picture.paths["waiting"] == "M2 0h1v1h-1z"
    assert picture.paths["parsed"] == ""


def test_a_mosaic_of_nothing_is_empty() -> None:
    assert not any(mosaic([], columns=10, size=2).paths.values())


@pytest.mark.parametrize(
    ("number", "ceiling"),
    [
        (0, 2),
        (1.9, 2),
        (2, 2),
        (2.1, 5),
        (5, 5),
        (7, 10),
        (10, 10),
        (11, 20),
        (178, 200),
        (501, 1000),
    ],
)
def test_an_axis_ends_at_a_round_number(number: float, ceiling: int) -> None:
    assert nice_ceiling(number) == ceiling


@given(st.floats(min_value=0, max_value=1e9))
def test_an_axis_has_room_for_its_curve(number: float) -> None:
    assert number <= nice_ceiling(number) <= max(2, 2.5 * number + 1)


def test_a_rate_chart_goes_from_its_left_to_its_right_edge() -> None:
    chart = rate_chart([0, 100, 50])

    assert chart.line == "M0.0 100.0L300.0 0.0L600.0 50.0"
    assert chart.area == f"{chart.line}L600 100L0 100Z"
    assert (chart.top, chart.middle) == (100, "50")


def test_a_rate_chart_of_one_span_is_a_level_line() -> None:
    assert rate_chart([1]).line == "M0.0 50.0L600.0 50.0"


def test_rates_are_counted_in_equal_spans_of_a_second_at_least() -> None:
    moments = [NOON + timedelta(seconds=seconds) for seconds in (0.1, 0.2, 2.9, 3.5, 99)]

    rates = progress.bucket_rates(moments, NOON, timedelta(seconds=4))

    assert rates == [2, 0, 1, 2]


def test_rates_of_a_long_reading_are_counted_in_sixty_spans() -> None:
    rates = progress.bucket_rates([NOON], NOON, timedelta(minutes=10))

    assert len(rates) == 60
    assert rates[0] == pytest.approx(0.1)


@given(st.lists(st.integers(min_value=1, max_value=10**6), min_size=1, max_size=80))
def test_boxes_of_a_treemap_fill_it_in_proportion(sizes: list[int]) -> None:
    sizes.sort(reverse=True)
    whole = Box(0, 0, 1000, 400)

    boxes = squarify(sizes, whole)

    for size, box in zip(sizes, boxes, strict=True):
        assert box.width * box.height == pytest.approx(400_000 * size / sum(sizes), rel=1e-6)
        assert box.x >= -1e-6
        assert box.y >= -1e-6
        assert box.x + box.width <= 1000 + 1e-6
        assert box.y + box.height <= 400 + 1e-6


def test_boxes_of_a_treemap_are_squarish() -> None:
    boxes = squarify([1] * 16, Box(0, 0, 400, 400))

    assert all(box.width == pytest.approx(box.height) for box in boxes)


def test_a_treemap_of_nothing_has_no_boxes() -> None:
    assert squarify([], Box(0, 0, 10, 10)) == []
    assert draw([], width=100, height=100).packages == []


def test_packages_are_drawn_by_lines_and_large_ones_labelled() -> None:
    files = [
        FileFacts("small", 1, 0),
        FileFacts("large", 900, 300),
        FileFacts("large", 99, 0),
        FileFacts("empty", 0, 0),
    ]

    picture = draw(files, width=1000, height=500)

    large, small = picture.packages
    assert (large.name, large.files, large.lines, large.comment_percent) == ("large", 2, 999, 30)
    assert large.has_label
    assert large.has_count
    assert not small.has_label
    assert [len(re.findall("M", path)) for path in picture.paths] == [2, 0, 0, 1]


@pytest.mark.parametrize(("comments", "tint"), [(0, 0), (4, 0), (5, 1), (10, 2), (20, 3), (100, 3)])
def test_a_tint_tells_the_share_of_comments(comments: int, tint: int) -> None:
    assert tint_of(100, comments) == tint

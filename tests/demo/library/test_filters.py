from datetime import timedelta

import pytest

from demo_project.library.templatetags.library import breakable, percent_of, rate, span, units


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.84, "0.8 s"),
        (9.99, "10.0 s"),
        (42.4, "42 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3_600, "1 h"),
        (3_725, "1 h 2 min"),
    ],
)
def test_spans_have_at_most_two_parts(seconds: float, words: str) -> None:
    assert span(seconds) == words
    assert span(timedelta(seconds=seconds)) == words


def test_names_may_break_and_are_escaped() -> None:
    assert breakable("a/<b>.py") == "a/<wbr>&lt;b&gt;.<wbr>py<wbr>"


def test_numbers_for_svg_know_no_locale() -> None:
    assert percent_of(1, 3) == "33.33%"
    assert percent_of(1, 0) == "0.00%"
    assert units(1234.56) == "1234.6"
    assert rate(1234.5) == "1,234"
    assert rate(3.14) == "3.1"

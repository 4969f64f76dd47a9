"""Values as lines of JSON: as people lay them out, and no longer than a screen or two."""

import json
from typing import Any

import pytest

from djtasks.formats.placeholders import HIDDEN
from djtasks.inspection import Pretty, pretty
from djtasks.inspection.display.pretty import MOST_CHARACTERS, MOST_LINES


def text(shown: Pretty) -> str:
    return "".join(piece.text for piece in shown.pieces)


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -1.5, "", "ü\n\"'", [], {}, [1, "a", None], {"a": {}, "b": [[]]},
        {"args": [1], "kwargs": {"lines": [{"sku": "A"}, {"sku": "B"}], "long": ["x" * 50] * 3}},
    ],
    ids=str,
)  # fmt: skip
def test_a_value_that_fits_is_shown_whole(value: Any) -> None:
    shown = pretty(value)

    assert json.loads(text(shown)) == value
    assert not shown.is_cut


def test_short_collections_stay_on_one_line() -> None:
    assert text(pretty({"args": [48213], "kwargs": {"a": {"b": [1, 2]}}})) == (
        '{\n  "args": [48213],\n  "kwargs": {\n    "a": {\n      "b": [1, 2]\n    }\n  }\n}'
    )


@pytest.mark.parametrize(
    "value",
    [["x" * 90] * 100_000, "y" * 1_000_000, {"k" * 100_000: 1}, [[n] for n in range(10_000)],
     10**4000, ["z" * 999] * 8],
    ids=["list", "text", "key", "nested", "number", "texts"],
)  # fmt: skip
def test_a_huge_value_is_cut(value: Any) -> None:
    shown = text(pretty(value))

    assert len(shown) <= MOST_CHARACTERS + 100
    assert shown.count("\n") <= MOST_LINES


def test_what_was_cut_is_said() -> None:
    assert pretty(["x" * 5_000]).is_cut
    assert "… 4,000 characters more" in text(pretty("x" * 5_000))
    assert pretty(list(range(10_000))).is_cut


def test_what_is_hidden_is_marked() -> None:
    kinds = {piece.kind for piece in pretty({"token": HIDDEN}).pieces}

    assert "hidden" in kinds

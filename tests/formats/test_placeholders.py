"""Placeholders are found wherever they stand."""

from typing import Any

import pytest

from djtasks.formats.placeholders import ENCRYPTED, has_placeholder, placeholder_in


def deep(value: Any) -> Any:
    for _ in range(5_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [ENCRYPTED, "[encrypted]", {"a": ["[encrypted]"]}, (1, ENCRYPTED)]
)
def test_a_placeholder_is_found_inside_and_as_plain_text(value: Any) -> None:
    assert placeholder_in(value) == "[encrypted]"
    assert has_placeholder(deep(value))


@pytest.mark.parametrize("value", [None, 7, "hidden", {"[hidden]": 1}, ["[encrypted] or so"]])
def test_what_only_resembles_one_is_none(value: Any) -> None:
    assert not has_placeholder(value)

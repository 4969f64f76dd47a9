"""A user searches by what they may see, and sees the terms of others as far as that."""

import pytest

from djtasks.inspection.search.keys import KEYS, SearchKey
from djtasks.inspection.search.query import visible
from djtasks.inspection.search.visible import columns_of
from djtasks.inspection.visibility import Visibility
from tests.inspection.search.test_query import context, read


def test_the_columns_of_a_selection_are_found_at_any_depth() -> None:
    selection = {
        "any": [{"key": "a"}, {"all": [{"kwargs__order__exact": 1}]}],
        "not": {"task_path": ["b"]},
        "search": "args.order:1",
    }

    assert columns_of(selection) == {"key", "kwargs", "task_path"}


@pytest.mark.parametrize("text", ["key:customer-1", "orders:7"])
def test_what_a_user_may_not_see_they_cannot_search_by(text: str) -> None:
    orders = SearchKey("orders", select=lambda value, _known: {"any": [{"kwargs__order": value}]})
    keys = {**KEYS, "orders": orders}

    refused = read(text, keys=keys, visibility=Visibility(arguments=False))

    assert "may not see" in refused.problems[0].message
    assert (refused.selection, read(text, keys=keys).problems) == ({}, [])


def test_a_bare_word_is_a_unique_key_only_for_those_who_may_see_keys() -> None:
    unseen = read("customer-1", visibility=Visibility(arguments=False))

    assert {"key": "customer-1"} in read("customer-1").selection["any"]
    assert unseen.selection == {"any": [{"task_path__icontains": "customer-1"}]}


@pytest.mark.parametrize(
    ("text", "may_see", "shown", "hidden"),
    [
        ("args.order_id:7 state:failed", True, "args.order_id:7 state:failed", 0),
        ("args.order_id:7 key:7 state:failed", False, "state:failed", 2),
        ("send_inv customer-1", False, "send_inv", 1),
        ("args.code:7", True, "", 1),
        ("theirs:7 after:1h worker:gone", True, "after:1h worker:gone", 1),
    ],
)
def test_the_terms_of_others_are_shown_as_far_as_a_user_could_search_for_them(
    text: str, may_see: bool, shown: str, hidden: int
) -> None:
    known = context(visibility=Visibility(arguments=may_see))

    assert visible(text, known) == (shown, hidden)

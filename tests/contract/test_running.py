"""The verdict on Django's own tests; `make django-suite` runs them."""

from tests.contract.differences import DIFFERENCES
from tests.contract.running import surprises_of


def test_the_suite_ends_well_only_if_exactly_the_listed_tests_fail() -> None:
    assert list(surprises_of(["a", "b"], ["b", "a"])) == []
    assert list(surprises_of(["a", "b"], ["a"])) == [("b", "failed, and is not listed.")]
    assert list(surprises_of(["a"], ["a", "b"])) == [("b", "passed: take it off the list.")]


def test_every_difference_has_its_reason() -> None:
    reasons = [reason for listed in DIFFERENCES.values() for reason in listed.values()]

    assert all(reason.endswith(".") for reason in reasons)

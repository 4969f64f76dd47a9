"""Which arguments of a call a task wants encrypted."""

from typing import Any

import pytest

from djtasks import task
from djtasks.compat import InvalidTask
from djtasks.definitions.encrypting import encrypted_places


def refund(context: Any, card: str) -> None: ...


@task(encrypted=("card", "more"))
def pay(amount: int, card: str = "", *, note: str = "", **more: Any) -> None: ...


@task
def plain(card: str) -> None: ...


@pytest.mark.parametrize(
    ("args", "kwargs", "places"),
    [
        ([1, "x"], [], [1]),
        ([1], ["card", "note"], ["card"]),
        ([1], ["pin", "note", "more"], ["pin", "more"]),
        ([], ["amount"], []),
        ([1, "x", "y"], [], [1]),
    ],
)
def test_places_are_found_however_arguments_are_passed(args: Any, kwargs: Any, places: Any) -> None:
    assert encrypted_places(pay, args, kwargs) == places


def test_a_task_that_names_none_has_none() -> None:
    assert encrypted_places(plain, ["x"], ["card"]) == []


def test_a_name_that_is_no_parameter_is_refused_when_the_task_is_defined() -> None:
    with pytest.raises(InvalidTask, match=r"names 'crad', which is no parameter.*Did you mean"):
        task(encrypted=("card", "crad"))(refund)
    with pytest.raises(InvalidTask, match="names 'context'"):
        task(encrypted="context", takes_context=True)(refund)
    with pytest.raises(InvalidTask, match=r"'encrypted' of task .* must be the name"):
        task(encrypted=7)(refund)  # type: ignore[arg-type]

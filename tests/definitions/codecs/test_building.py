"""Which annotations apply, and what is said about those that do not."""

import datetime as dt
import enum
import functools
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from uuid import UUID

import pytest
from django.db import models

from djtasks import task
from djtasks.definitions.codecs import codec_of, encode_call, problems_of
from djtasks.definitions.policies import Policies
from djtasks.definitions.task import Task
from tests import plain_tasks
from tests.models import Row
from tests.typed_tasks import DAY, typed

if TYPE_CHECKING:
    from decimal import Decimal

    from djtasks.context import Context

T = TypeVar("T")


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


class Unknown:
    pass


@dataclass
class Holder:
    unknown: Unknown


@dataclass
class One:
    a: int


@dataclass
class Two:
    a: int


def taking(kind: Any) -> Task[..., Any]:
    def take(value: Any) -> None: ...

    take.__annotations__ = {"value": kind}
    return typed(take)


@pytest.mark.parametrize(
    "kind",
    [
        int, str, float, bool, None, Any, object, list, dict, "int | str | None", list[Any],
        dict[str, list[int]], "Literal['a', 1]", T, vars(typing)["List"], Unknown, list[Unknown],
        Callable[[int], int], type[int],
    ],
)  # fmt: skip
def test_a_task_of_plain_values_has_no_codec(kind: Any) -> None:
    assert codec_of(taking(kind)) is None
    assert problems_of(taking(kind)) == []


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (UUID | str, "more than one str-like type"),
        ("dt.date | dt.datetime", "more than one str-like type"),
        (One | Two, "more than one dataclass"),
        (Mixed, "either all str or all int values"),
        (Row | int, "custom type"),
        (dict[Row, int], "as the key of a dict"),
        (models.Model, "is an abstract model"),
        (Holder, "in its field 'unknown', djtasks does not know how Unknown travels"),
        (Literal[Mixed.ONE], "a Literal can only name"),
    ],
)
def test_an_annotation_that_says_nothing_is_a_problem_and_stays_plain(kind: Any, why: str) -> None:
    odd = taking(kind)

    [problem] = problems_of(odd)

    assert problem.name == "value"
    assert why in problem.why
    assert not problem.is_unresolved
    assert codec_of(odd) is None


def test_an_unresolved_annotation_leaves_the_others_alone() -> None:
    def take(context: "Context", price: "Decimal", day: "dt.date") -> None: ...

    made = typed(take, takes_context=True)

    [problem] = problems_of(made)
    assert (problem.name, problem.is_unresolved) == ("price", True)
    assert encode_call(made, ("1", DAY), {}, limit=100) == ('["1","2026-02-28"]', "{}")


def test_a_decorator_that_hides_the_parameters_leaves_them_plain() -> None:
    def passing(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @passing
    def take(day: dt.date, number: int) -> None: ...

    made = typed(take)

    assert [one.name for one in problems_of(made)] == ["day"]
    assert codec_of(made) is None


def test_none_as_the_default_makes_an_argument_optional() -> None:
    def take(day: dt.date = None) -> None: ...  # type: ignore[assignment] # noqa: RUF013

    assert encode_call(typed(take), (None,), {}, limit=100) == ("[null]", "{}")


@task(typed=False)
def untyped(day: dt.date) -> None: ...


@task
def by_default(day: dt.date) -> None: ...


def test_a_task_and_a_policy_can_switch_it_off_and_on() -> None:
    def of(one: Any, **options: Any) -> Any:
        policies = Policies({"*": options} if options else {}, alias="default", queues=[])
        return codec_of(policies.applied(one))

    assert of(by_default) is not None
    assert of(by_default, typed=False) is None
    assert of(untyped) is None
    assert of(untyped, typed=True) is not None


def test_a_task_of_djangos_own_decorator_is_typed_by_a_policy_only() -> None:
    double: Any = plain_tasks.double

    assert getattr(double, "typed", False) is False
    assert codec_of(double) is None

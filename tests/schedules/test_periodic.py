"""Schedules that the code declares."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from djtasks import task
from djtasks.checks import check_alias
from djtasks.definitions.codecs import encode_call
from djtasks.errors import InvalidArguments, InvalidSchedule
from djtasks.schedules import (
    CatchUp,
    Crontab,
    Every,
    Once,
    SkipIfOlderThan,
    missed_from,
    rule_from,
)
from djtasks.schedules import periodic as declarations
from djtasks.schedules.periodic import declared, periodic
from tests.plain_tasks import double
from tests.tasks import add, explode, needs_context

NIGHTLY = Crontab("30 2 * * *", "Europe/Athens")
HOURLY = Every(timedelta(hours=1))
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declarations, "_declarations", [])


@task
def hidden() -> None:
    """Stand where no worker looks for tasks."""


def ids() -> list[str | None]:
    return [message.id for message in check_alias("default")]


def test_a_task_stays_what_it_is() -> None:
    assert periodic(NIGHTLY)(explode) is explode


def test_a_schedule_is_declared_with_all_it_says() -> None:
    periodic(
        NIGHTLY,
        args=(1,),
        kwargs={"b": 2},
        name="sum",
        missed=CatchUp(3),
        overlap="skip",
        jitter=timedelta(seconds=30),
        starts_at=NOON,
        ends_at=NOON + timedelta(days=1),
    )(add)

    (one,) = declared("default")

    assert (one.name, one.backend) == ("sum", "default")
    assert json.loads(json.dumps(one.as_dict())) == {
        "task_path": "tests.tasks.add",
        "rule": NIGHTLY.as_dict(),
        "args": [1],
        "kwargs": {"b": 2},
        "missed": {"policy": "catch_up", "limit": 3},
        "overlap": "skip",
        "jitter": 30.0,
        "starts_at": "2026-05-01T12:00:00+00:00",
        "ends_at": "2026-05-02T12:00:00+00:00",
    }
    assert rule_from(one.as_dict()["rule"]) == NIGHTLY
    assert missed_from(one.as_dict()["missed"]) == CatchUp(3)


def test_a_schedule_that_says_little_is_named_after_its_task() -> None:
    periodic(HOURLY)(explode)

    (one,) = declared("default")

    assert one.name == "tests.tasks.explode"
    assert one.as_dict() == {
        "task_path": "tests.tasks.explode",
        "rule": HOURLY.as_dict(),
        "args": [],
        "kwargs": {},
        "missed": {"policy": "coalesce"},
        "overlap": "allow",
        "jitter": 0.0,
        "starts_at": None,
        "ends_at": None,
    }


def test_several_schedules_of_a_task_are_told_apart_by_their_rules() -> None:
    periodic(NIGHTLY)(periodic(HOURLY)(periodic(HOURLY, name="other")(explode)))

    assert [one.name for one in declared("default")] == [
        "other",
        "tests.tasks.explode Daily at 02:30, Europe/Athens",
        "tests.tasks.explode Every hour",
    ]


def test_each_backend_has_its_own_schedules() -> None:
    periodic(HOURLY)(explode)

    assert declared("anything") == []


def test_a_module_that_is_loaded_again_declares_nothing_more() -> None:
    for _ in range(2):
        periodic(HOURLY)(explode)

    assert len(declared("default")) == 1
    assert ids() == []


def test_a_task_of_djangos_own_decorator_can_be_periodic() -> None:
    periodic(HOURLY, args=(2,))(double)

    assert [one.task_path for one in declared("default")] == ["tests.plain_tasks.double"]


def test_arguments_become_what_json_makes_of_them() -> None:
    periodic(HOURLY, args=(b"text", (1, 2)))(add)

    (one,) = declared("default")

    assert list(one.args) == ["text", [1, 2]]


def test_the_context_is_not_an_argument() -> None:
    periodic(HOURLY, kwargs={"name": "x"})(needs_context)

    with pytest.raises(InvalidArguments, match=r"'tests.tasks.needs_context'"):
        periodic(HOURLY)(needs_context)


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"args": (1,)}, InvalidArguments, "'tests.tasks.add' does not accept these arguments"),
        ({"args": (1, NOON)}, InvalidArguments, r"args\[1\] is of type datetime"),
        ({"rule": "0 3 * * *"}, InvalidSchedule, "The rule of .*'tests.tasks.add' must be a Cr"),
        ({"missed": "coalesce"}, InvalidSchedule, r"The missed of .* must be Coalesce\(\), Cat"),
        ({"overlap": "maybe"}, InvalidSchedule, "must be one of allow, skip, queue_one, got 'ma"),
        ({"jitter": timedelta(-1)}, InvalidSchedule, "must be a timedelta from 0 to"),
        ({"jitter": 5}, InvalidSchedule, "must be a timedelta from 0 to"),
        ({"name": "x" * 256}, InvalidSchedule, "must be a printable text of at most 255"),
        ({"name": "a\nb"}, InvalidSchedule, "must be a printable text of at most 255"),
        ({"starts_at": datetime(2026, 5, 1)}, InvalidSchedule, "starts_at .* with a time zone"),
        (
            {"starts_at": NOON, "ends_at": NOON - timedelta(days=1)},
            InvalidSchedule,
            "it would never run",
        ),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_where_it_stands(
    options: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    given = {"rule": HOURLY, "args": (1, 2)} | options

    with pytest.raises(error, match=complaint):
        periodic(given.pop("rule"), **given)(add)
    assert declared("default") == []


def test_a_function_that_is_no_task_yet_is_refused() -> None:
    def plain_function() -> None: ...

    with pytest.raises(InvalidSchedule, match="@periodic must stand above @task"):
        periodic(HOURLY)(plain_function)  # type: ignore[type-var]


def test_a_copy_with_other_options_is_refused() -> None:
    with pytest.raises(InvalidSchedule, match=r"a copy of 'tests.tasks.explode' made by using"):
        periodic(HOURLY)(explode.using(priority=5))


def test_two_schedules_of_one_name_are_an_error_that_names_both() -> None:
    periodic(HOURLY, name="twice")(explode)
    periodic(NIGHTLY, name="twice", args=(1, 2))(add)

    (message,) = check_alias("default")

    assert message.id == "djtasks.E008"
    for part in ("'twice'", "tests.tasks.explode (Every hour)", "tests.tasks.add (Daily at"):
        assert part in message.msg
    assert [one.task_path for one in declared("default")] == ["tests.tasks.explode"]


def test_arguments_above_the_limit_of_the_backend_are_an_error() -> None:
    periodic(HOURLY, args=("x" * 70_000,))(explode)

    assert ids() == ["djtasks.E009"]


def test_a_schedule_where_no_scheduler_looks_is_warned_about() -> None:
    periodic(Once(NOON), missed=SkipIfOlderThan(timedelta(hours=1)))(hidden)

    (message,) = check_alias("default")

    assert message.id == "djtasks.W020"
    assert "'tests.schedules.test_periodic' to OPTIONS['imports']" in (message.hint or "")


def test_typed_arguments_are_declared_in_their_json_form() -> None:
    periodic(HOURLY, args=(Path("/etc"),), kwargs={"later": Later(5)})(visits)

    [declaration] = declared("default")

    assert (declaration.args, declaration.kwargs) == (("/etc",), {"later": {"count": 5}})
    with pytest.raises(InvalidArguments, match=r"kwargs.later.count does not fit"):
        periodic(HOURLY, args=("/etc",), kwargs={"later": {"count": "x"}})(visits)


def test_an_annotation_may_name_what_the_module_defines_below_the_task() -> None:
    """A schedule is declared while the module is imported; nothing of it may be remembered."""
    names = visits.func.__globals__
    later = names.pop("Later")
    try:
        periodic(HOURLY, args=("/etc",))(visits)
    finally:
        names["Later"] = later

    assert encode_call(visits, ("/etc", Later(1)), {}, limit=100)[0] == '["/etc",{"count":1}]'


@task
def visits(path: Path, later: "Later | None" = None) -> None: ...


@dataclass
class Later:
    count: int

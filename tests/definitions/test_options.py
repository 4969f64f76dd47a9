"""The options of a task: what is taken, and what is refused in which words."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from djtasks import task
from djtasks.compat import InvalidTask
from djtasks.definitions import registry
from djtasks.definitions.options import target_of
from djtasks.models import TaskRecord
from tests.models import Parcel, Row
from tests.tasks import add, only_once

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
LAMBDA = lambda: None  # noqa: E731 - what people try


def plain(a: int = 0) -> int:
    return a


class Holder:
    def method(self) -> None: ...


COUNT = "must be a whole number from 1 to 32,000, got"
SPAN = "must be a positive timedelta or number of seconds, got"
CLASSES = "must be an exception class, its dotted path or a tuple of them, got"


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget afterwards what is defined here: other tests check every known task."""
    monkeypatch.setattr(registry, "_tasks", dict(registry._tasks))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            {"max_attempts": 0},
            f"'max_attempts' of task 'tests.definitions.test_options.plain' {COUNT} 0.",
        ),
        ({"max_attempts": True}, f"{COUNT} True."),
        ({"max_attempts": 32_001}, f"{COUNT} 32001."),
        ({"max_attempts": 2.5}, f"{COUNT} 2.5."),
        ({"max_attempts": None}, f"{COUNT} None."),
        (
            {"max_crashes": 0},
            f"'max_crashes' of task 'tests.definitions.test_options.plain' {COUNT} 0.",
        ),
        ({"backoff": 5}, "must be a Backoff or a function, got 5."),
        ({"timeout": 0}, f"{SPAN} 0."),
        ({"timeout": -1}, f"{SPAN} -1."),
        ({"timeout": True}, f"{SPAN} True."),
        ({"timeout": "30"}, f"{SPAN} '30'."),
        ({"timeout": float("nan")}, f"{SPAN} nan."),
        ({"timeout": timedelta.max}, SPAN),
        ({"timeout": NOON}, SPAN),
        ({"expires": timedelta(0)}, SPAN),
        ({"expires": datetime(2026, 1, 2)}, "must be an aware datetime, got"),
        ({"unique": 5}, "must be True, a text or a function of the arguments, got 5."),
        ({"store": "some"}, "must be 'all', 'errors' or 'none', got 'some'."),
        ({"store": []}, "must be 'all', 'errors' or 'none', got []."),
        ({"retry_on": ValueError()}, f"{CLASSES} ValueError()."),
        ({"retry_on": "ValueError"}, f"{CLASSES} 'ValueError'."),
        ({"retry_on": (ValueError, int)}, CLASSES),
        ({"give_up_on": int}, f"{CLASSES} <class 'int'>."),
        ({"cancel_on": (KeyError, "Gone")}, f"{CLASSES} (<class 'KeyError'>, 'Gone')."),
        ({"priority": 101}, "must be a whole number between -100 and 100, got 101."),
        ({"priority": -101}, "must be a whole number between -100 and 100, got -101."),
        ({"priority": 1.5}, "must be a whole number between -100 and 100, got 1.5."),
        ({"priority": float("nan")}, "must be a whole number between -100 and 100, got nan."),
        ({"priority": "high"}, "must be a whole number between -100 and 100, got 'high'."),
        ({"queue_name": ""}, "must be a printable text of 1 to 64 characters, got ''."),
        ({"queue_name": "q" * 65}, "must be a printable text of 1 to 64 characters"),
        ({"queue_name": "a\x00"}, "must be a printable text of 1 to 64 characters"),
        ({"queue_name": None}, "must be a printable text of 1 to 64 characters, got None."),
        ({"aliases": "send_mail"}, "must be a dotted path such as 'shop.tasks.send_mail'"),
        ({"aliases": ("shop.tasks.a", 5)}, "got ('shop.tasks.a', 5)."),
        ({"aliases": "shop.tasks.a-b"}, "got 'shop.tasks.a-b'."),
        ({"queue_name": "post"}, "Queue 'post' is not valid for backend."),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_where_it_is_written(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidTask) as refusal:
        task(**options)(plain)

    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        (KeyError, (KeyError,)),
        ((KeyError, OSError), (KeyError, OSError)),
        ("shop.Gone", ("shop.Gone",)),
        (["shop.Gone", KeyError], ("shop.Gone", KeyError)),
        ([KeyError], (KeyError,)),
        ((), ()),
        (KeyboardInterrupt, (KeyboardInterrupt,)),
    ],
)
def test_retry_on_takes_a_class_or_several(given: Any, kept: Any) -> None:
    assert task(retry_on=given)(plain).retry_on == kept


@pytest.mark.parametrize(
    "function",
    [LAMBDA, partial(plain, 1), Holder().method, len, Holder, Holder(), None, 5],
    ids=["lambda", "partial", "method", "builtin", "class", "object", "none", "number"],
)
def test_only_a_function_of_a_module_can_be_a_task(function: Any) -> None:
    with pytest.raises(InvalidTask):
        task(max_attempts=1)(function)


def test_a_function_inside_a_function_cannot_be_a_task() -> None:
    def inner() -> None: ...

    with pytest.raises(InvalidTask, match="module level"):
        task(inner)


def test_a_path_that_no_column_takes_is_refused() -> None:
    def long() -> None: ...

    long.__qualname__ = "x" * 250

    with pytest.raises(InvalidTask, match="must have at most 255 characters"):
        task(long)


def test_a_context_must_be_the_first_argument() -> None:
    with pytest.raises(InvalidTask, match="context"):
        task(takes_context=True)(plain)


@pytest.mark.django_db(databases="__all__")
def test_a_record_names_its_target(database: str) -> None:
    row = Row(pk=7, name="x")

    result = add.using(target=row).enqueue(1, 2)
    unique = only_once.using(target=row).enqueue("a")
    add.using(target=row).enqueue_many([(1, 2), (3, 4)])
    add.enqueue(1, 2)

    about = TaskRecord.objects.using(database).filter(target="tests.row:7")
    assert about.count() == 4
    assert {UUID(result.id), UUID(unique.id)} <= set(about.values_list("pk", flat=True))


def test_other_options_keep_the_target() -> None:
    assert add.using(target=Row(pk=7)).using(priority=5).target == "tests.row:7"


def test_any_kind_of_key_can_be_one() -> None:
    parcel = Parcel()

    assert target_of(parcel) == f"tests.parcel:{parcel.pk}"


@pytest.mark.parametrize("value", [Row(name="unsaved"), 7, object()])
def test_what_is_no_saved_instance_is_refused(value: object) -> None:
    with pytest.raises(InvalidTask, match="'target' must be a saved model instance"):
        add.using(target=value)

"""From a call to the record that will be inserted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from djtasks import Task, task
from djtasks.enqueueing.building import build_item, build_record
from djtasks.errors import ArgumentsTooLarge, InvalidArguments
from djtasks.protocol.records import NewRecord

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@task
def pay(order: int, note: str = "") -> None: ...


@task(unique=True)
def pay_once(order: int, note: Any = "", **more: Any) -> None: ...


@task(unique=True)
def refund_once(order: int) -> None: ...


@task(unique=True)
def count_once(order: int, full: Any = False) -> None: ...


@task(unique="nightly")
def clean_up() -> None: ...


def key_of_order(order: int, note: str = "") -> Any:
    return order or None


@task(unique=key_of_order)
def pay_by_order(order: int, note: str = "") -> None: ...


def built(task: Task[..., Any], *args: Any, limit: int = 64_000, **kwargs: Any) -> NewRecord:
    return build_record(task, args, kwargs, backend="default", limit=limit)


def key_of(task: Task[..., Any], *args: Any, **kwargs: Any) -> str | None:
    return built(task, *args, **kwargs).unique_key


def test_a_record_carries_what_its_worker_needs() -> None:
    copy = pay.using(
        queue_name="mail", priority=7, max_attempts=4, max_crashes=2, timeout=5, expires=NOON
    )

    record = built(copy, 1, note="é")

    assert record == NewRecord(
        id=record.id,
        backend="default",
        task_path="tests.enqueueing.test_building.pay",
        queue="mail",
        priority=7,
        args="[1]",
        kwargs='{"note":"é"}',
        max_attempts=4,
        max_crashes=2,
        timeout=timedelta(seconds=5),
        expires=NOON,
    )


def test_each_record_has_a_newer_id() -> None:
    assert built(pay, 1).id < built(pay, 1).id


def test_a_record_keeps_its_due_time_or_its_delay() -> None:
    assert built(pay.using(run_after=NOON), 1).run_after == NOON
    assert built(pay.using(run_after=timedelta(minutes=5)), 1).delay == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ((), "Task 'tests.enqueueing.test_building.pay' does not accept these arguments: missing"),
        ((1, 2, 3), "too many positional arguments"),
        ((object(),), "args[0] is of type object"),
    ],
)
def test_a_call_that_no_worker_could_make_is_refused(args: Any, complaint: str) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        built(pay, *args)

    assert complaint in str(refusal.value)


def test_arguments_above_the_limit_are_refused() -> None:
    with pytest.raises(ArgumentsTooLarge, match="limit is 10"):
        built(pay, 1, "a long note", limit=10)


@pytest.mark.parametrize(
    ("item", "args", "kwargs"),
    [
        ((1,), "[1]", "{}"),
        ([1, "b"], '[1,"b"]', "{}"),
        ({"order": 1}, "[]", '{"order":1}'),
    ],
)
def test_an_item_is_positional_or_keyword_arguments(item: Any, args: str, kwargs: str) -> None:
    record = build_item(pay, 0, item, backend="default", limit=64_000)

    assert (record.args, record.kwargs) == (args, kwargs)


@pytest.mark.parametrize(
    ("item", "error", "complaint"),
    [
        ("12", InvalidArguments, "Item 7: an item must be a tuple of positional or a dict"),
        (1, InvalidArguments, "got int. Nothing was enqueued."),
        (
            (),
            InvalidArguments,
            "Item 7: Task 'tests.enqueueing.test_building.pay' does not accept",
        ),
        ({"order": set()}, InvalidArguments, "Item 7: kwargs.order is of type set"),
        (
            (1, "x" * 100),
            ArgumentsTooLarge,
            "Item 7: The arguments of 'tests.enqueueing.test_building.pay'",
        ),
    ],
)
def test_a_bad_item_is_named_by_its_index(
    item: Any, error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error) as refusal:
        build_item(pay, 7, item, backend="default", limit=100)

    assert complaint in str(refusal.value)


def test_a_task_that_is_not_unique_has_no_key() -> None:
    assert key_of(pay, 1) is None
    assert key_of(pay_once.using(unique=False), 1) is None


def test_equal_calls_have_one_key_however_they_are_written() -> None:
    key = key_of(pay_once, 1, {"a": 1, "b": 2})

    assert key_of(pay_once, 1, note={"b": 2, "a": 1}) == key
    assert key_of(pay_once, note={"a": 1, "b": 2}, order=1) == key
    assert key_of(pay_once, 1, ("x",)) == key_of(pay_once, 1, ["x"])


def test_an_argument_that_equals_its_default_is_the_same_call_as_without_it() -> None:
    assert (
        key_of(count_once, 1) == key_of(count_once, 1, full=False) == key_of(count_once, 1, False)
    )
    keys = [key_of(count_once, 1, full=full) for full in (False, 0, 0.0, None, True)]
    assert len(set(keys)) == len(keys)


@override_settings(SECRET_KEY="b", SECRET_KEY_FALLBACKS=["a"])
def test_a_key_of_arguments_takes_the_secret_key() -> None:
    record = built(pay_once, 1)
    with override_settings(SECRET_KEY="a", SECRET_KEY_FALLBACKS=[]):
        before = built(pay_once, 1)

    assert record.earlier_keys == (before.unique_key,)
    assert record.unique_key != before.unique_key
    assert before.earlier_keys == built(clean_up).earlier_keys == built(pay, 1).earlier_keys == ()


def test_other_arguments_have_another_key() -> None:
    calls = [(1,), (2,), ("1",), (1, "x"), (1, ["x"]), (1, {"x": 1}), (1, None), (True,)]

    assert len({key_of(pay_once, *call) for call in calls}) == len(calls)
    assert key_of(pay_once, 1, x=1) != key_of(pay_once, 1, {"x": 1})


def test_keys_of_different_tasks_never_meet() -> None:
    assert key_of(pay_once, 1) != key_of(refund_once, 1)
    assert key_of(clean_up) == "tests.enqueueing.test_building.clean_up:nightly"
    assert key_of(pay.using(unique="nightly"), 1) == "tests.enqueueing.test_building.pay:nightly"


def test_a_function_of_the_arguments_makes_the_key() -> None:
    assert key_of(pay_by_order, 7, note="a") == "tests.enqueueing.test_building.pay_by_order:7"
    assert key_of(pay_by_order, order=7) == "tests.enqueueing.test_building.pay_by_order:7"


def test_a_function_that_answers_none_asks_for_no_uniqueness() -> None:
    assert key_of(pay_by_order, 0) is None


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("", "must have 1 to 477 characters, got 0."),
        ("x" * 478, "got 478."),
        ("a\x00b", "contains a NUL character"),
        ("\ud800", "contains a lone surrogate"),
    ],
)
def test_a_key_that_no_column_takes_is_refused(key: str, complaint: str) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        built(pay.using(unique=key), 1)

    assert str(refusal.value).startswith("The unique key of 'tests.enqueueing.test_building.pay' ")
    assert complaint in str(refusal.value)


def test_a_key_may_be_as_long_as_its_column() -> None:
    longest = "x" * (512 - len("tests.enqueueing.test_building.pay:"))

    assert len(key_of(pay.using(unique=longest), 1) or "") == 512

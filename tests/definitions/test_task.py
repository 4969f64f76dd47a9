"""`@task` and `Task`: what a definition keeps, and what it refuses in which words."""

import asyncio
import pickle
from copy import deepcopy
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from djtasks import Backoff, Task, task
from djtasks.compat import BaseTaskBackend, InvalidTask
from djtasks.context import Context
from djtasks.definitions.restoring import restore
from djtasks.errors import UnknownTask
from djtasks.protocol.retry import RetryPolicy
from tests import tasks
from tests.settings import OURS, TASKS

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def plain(a: int = 0) -> int:
    return a


def seconds_after(error: BaseException, result: Any) -> float:
    return 1.5


@task
def bare(a: int, b: int = 2) -> int:
    return a + b


@task()
def with_parentheses() -> None: ...


@task(
    queue_name="mail",
    priority=7,
    max_attempts=5,
    max_crashes=1,
    backoff=seconds_after,
    retry_on=ConnectionError,
    give_up_on=(ConnectionRefusedError,),
    timeout=30,
    expires=3_600,
    unique=True,
    store="errors",
)
def with_options() -> None: ...


@task(takes_context=True)
def with_context(context: Context, a: int) -> int:
    return a


@task
async def coroutine(a: int) -> int:
    return a


class OneAtATime(BaseTaskBackend):
    """A backend of somebody else's."""

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any: ...


def test_without_options_a_task_has_the_documented_defaults() -> None:
    for one in (bare, with_parentheses):
        assert isinstance(one, Task)
        assert (one.priority, one.queue_name, one.backend) == (0, "default", "default")
        assert (one.max_attempts, one.max_crashes, one.store) == (1, 3, "all")
        assert (one.timeout, one.expires, one.unique, one.run_after) == (None, None, None, None)
        assert (one.retry_on, one.give_up_on, one.backoff) == (None, (), Backoff())


def test_options_are_kept_in_one_shape() -> None:
    assert with_options.queue_name == "mail"
    assert with_options.priority == 7
    assert with_options.max_attempts == 5
    assert with_options.max_crashes == 1
    assert with_options.backoff is seconds_after
    assert with_options.retry_on == (ConnectionError,)
    assert with_options.give_up_on == (ConnectionRefusedError,)
    assert with_options.timeout == timedelta(seconds=30)
    assert with_options.expires == timedelta(hours=1)
    assert with_options.unique is True
    assert with_options.store == "errors"


def test_a_task_is_named_after_its_function() -> None:
    assert bare.name == "bare"
    assert bare.module_path == "tests.definitions.test_task.bare"


def test_a_task_still_calls_its_function() -> None:
    assert bare.call(1, b=3) == 4
    assert coroutine.call(5) == 5
    assert asyncio.run(coroutine.acall(6)) == 6


def test_a_task_cannot_be_changed_by_mistake() -> None:
    with pytest.raises(FrozenInstanceError):
        bare.priority = 5


def test_a_task_can_be_copied_and_be_a_key() -> None:
    assert deepcopy(with_options) == with_options
    assert {with_options: 1}[deepcopy(with_options)] == 1


@pytest.mark.parametrize("option", ["run_after", "target", "tags"])
def test_a_due_time_belongs_to_an_enqueueing_and_not_to_a_definition(option: str) -> None:
    with pytest.raises(TypeError, match=rf"Use \.using\({option}=\.\.\.\) instead"):
        task(**{option: MINUTE})(plain)


@pytest.mark.parametrize(
    ("option", "given", "kept"),
    [
        ("priority", 50, 50),
        ("priority", 50.0, 50),
        ("queue_name", "mail", "mail"),
        ("backend", "polled", "polled"),
        ("run_after", NOON, NOON),
        ("max_attempts", 9, 9),
        ("max_crashes", 1, 1),
        ("timeout", 5, timedelta(seconds=5)),
        ("expires", NOON, NOON),
        ("expires", 60, MINUTE),
        ("unique", "a key", "a key"),
        ("unique", False, False),
    ],
)
def test_using_changes_a_copy(option: str, given: Any, kept: Any) -> None:
    copy = bare.using(**{option: given})

    assert getattr(copy, option) == kept
    assert type(getattr(copy, option)) is type(kept)
    assert getattr(bare, option) != kept
    assert copy.func is bare.func


def test_using_nothing_changes_nothing() -> None:
    assert bare.using() == bare
    assert with_options.using() == with_options


@pytest.mark.parametrize("option", ["priority", "queue_name", "backend", "max_attempts"])
def test_none_keeps_an_option_that_cannot_be_none(option: str) -> None:
    assert with_options.using(**{option: None}) == with_options


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("timeout", 5),
        ("expires", 60),
        ("unique", True),
        ("run_after", NOON),
        ("target", "shop.order:7"),
    ],
)
def test_none_removes_an_option(option: str, given: Any) -> None:
    copy = bare.using(**{option: given})

    assert getattr(copy.using(**{option: None}), option) is None


def test_none_as_run_after_removes_a_delay() -> None:
    assert bare.using(run_after=MINUTE).using(run_after=None).run_after_delay is None


@pytest.mark.parametrize("made", [tasks.add, tasks.add.using(timeout=5, priority=9)])
def test_a_task_is_pickled_with_what_differs_from_its_definition(made: Any) -> None:
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_task_whose_definition_has_functions_is_pickled() -> None:
    changed = tasks.only_once.using(priority=9)

    assert pickle.loads(pickle.dumps(changed)) == changed


def test_a_pickled_task_that_is_gone_is_named(monkeypatch: Any) -> None:
    pickled = pickle.dumps(tasks.add)
    monkeypatch.delattr(tasks, "add")

    with pytest.raises(UnknownTask, match=r"no task tests\.tasks\.add"):
        pickle.loads(pickled)


def test_using_may_be_repeated() -> None:
    copy = bare.using(priority=5).using(queue_name="mail")

    assert (copy.priority, copy.queue_name) == (5, "mail")


def test_a_span_as_run_after_is_counted_from_the_enqueueing() -> None:
    copy = bare.using(run_after=MINUTE)

    assert (copy.run_after_delay, copy.run_after) == (MINUTE, None)


def test_the_last_run_after_counts() -> None:
    span_then_moment = bare.using(run_after=MINUTE).using(run_after=NOON)
    moment_then_span = bare.using(run_after=NOON).using(run_after=MINUTE)

    assert (span_then_moment.run_after_delay, span_then_moment.run_after) == (None, NOON)
    assert (moment_then_span.run_after_delay, moment_then_span.run_after) == (MINUTE, None)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"run_after": datetime(2026, 1, 2)}, "run_after must be an aware datetime."),
        ({"run_after": 60}, "must be a datetime (in using() also a timedelta), got 60."),
        (
            {"run_after": timedelta.max},
            "'run_after_delay' of task 'tests.definitions.test_task.bare'",
        ),
        (
            {"queue_name": "post"},
            "Queue 'post' is not valid for backend. TASKS['default']['QUEUES'] has: ",
        ),
        ({"max_attempts": 0}, "must be a whole number from 1"),
        ({"timeout": -1}, "must be a positive timedelta"),
    ],
)
def test_using_checks_what_it_is_given(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidTask) as refusal:
        bare.using(**options)

    assert complaint in str(refusal.value)


def test_the_policy_is_what_the_options_say() -> None:
    backoff = Backoff(factor=3)
    copy = task(max_attempts=4, backoff=backoff, retry_on=KeyError, give_up_on=OSError)(plain)

    assert copy.retry_policy == RetryPolicy(
        max_attempts=4, backoff=backoff, retry_on=(KeyError,), give_up_on=(OSError,)
    )


def test_a_backoff_function_is_part_of_the_policy() -> None:
    assert with_options.retry_policy.backoff is with_options.backoff


def test_a_stored_record_is_restored_although_its_queue_is_gone() -> None:
    old = restore(bare, queue_name="post", priority=3)

    assert (old.queue_name, old.priority, old.func) == ("post", 3, bare.func)


def test_a_backend_that_cannot_enqueue_many_says_so() -> None:
    strange = {"BACKEND": "tests.definitions.test_task.OneAtATime"}

    with override_settings(TASKS=TASKS | {"strange": strange}):
        copy = bare.using(backend="strange")

        with pytest.raises(InvalidTask, match=r"'strange' \(OneAtATime\) cannot enqueue many"):
            copy.enqueue_many([(1,)])


def test_a_queue_of_any_name_where_queues_are_empty() -> None:
    assert TASKS["anything"] == {"BACKEND": OURS, "QUEUES": [], "OPTIONS": {"broker": "memory"}}

    assert bare.using(backend="anything", queue_name="Kö / 7").queue_name == "Kö / 7"

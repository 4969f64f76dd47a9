"""What type checkers make of tasks; read by mypy --strict, never run.

A call that must be refused carries the error it must give: mypy warns of an ignore that
ignores nothing.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, assert_type

from django.contrib.auth.models import User
from django.db.models.signals import post_save

from djtasks import (
    Backoff,
    Crontab,
    Every,
    Task,
    Workflow,
    chain,
    chord,
    enqueue_on,
    group,
    periodic,
    task,
)
from djtasks.context import Context
from djtasks.definitions.binding import BoundTask
from djtasks.results import TaskResult
from djtasks.workflows import MapNode, Node
from djtasks.workflows.growing import GrowingWorkflow


@task
def bare(a: int, b: str = "") -> float:
    return a


@task(queue_name="mail", max_attempts=3, timeout=timedelta(seconds=5))
def with_options(a: int, *, flag: bool) -> str:
    return str(a)


@task(takes_context=True)
def with_context(context: Context, a: int) -> list[int]:
    return [context.attempt, a]


@task(takes_context=False)
def without_context(a: int) -> None: ...


@task
async def coroutine(a: int) -> bytes:
    return bytes(a)


@task(priority=5)
async def coroutine_with_options(a: int) -> bytes:
    return bytes(a)


@task(takes_context=True)
async def coroutine_with_context(context: Context, a: int) -> bytes:
    return bytes(a)


def wait_longer(error: BaseException, result: Any) -> int | None:
    return None


@task(backoff=wait_longer, retry_on=KeyError, give_up_on=(OSError, "shop.Gone"), unique=True)
def with_policy() -> None: ...


@task(typed=False)
def by_reference(user: User, days: set[date]) -> Decimal | None: ...


def typed_arguments_are_those_of_the_function(user: User) -> None:
    result = by_reference.enqueue(user, {date.max})
    assert_type(result, TaskResult[Decimal | None])
    assert_type(result.return_value, Decimal | None)
    by_reference.enqueue(7, {date.max})  # type: ignore[arg-type]
    by_reference.enqueue(user, days={"2026-11-30"})  # type: ignore[arg-type]


def a_task_knows_its_function() -> None:
    assert_type(bare.func, Callable[[int, str], float])  # type: ignore[assert-type] # has a default
    assert_type(bare.max_attempts, int)
    assert_type(bare.timeout, timedelta | None)
    assert_type(bare.call(1), float)


def enqueue_has_the_signature_of_the_function() -> None:
    assert_type(bare.enqueue(1), TaskResult[float])
    assert_type(bare.enqueue(1, "b"), TaskResult[float])
    assert_type(bare.enqueue(a=1, b="b"), TaskResult[float])
    assert_type(with_options.enqueue(1, flag=True), TaskResult[str])
    assert_type(without_context.enqueue(1), TaskResult[None])


def a_wrong_argument_is_an_error() -> None:
    bare.enqueue()  # type: ignore[call-arg]
    bare.enqueue("1")  # type: ignore[arg-type]
    bare.enqueue(1, 2)  # type: ignore[arg-type]
    bare.enqueue(1, "b", 3)  # type: ignore[call-arg]
    bare.enqueue(1, c=3)  # type: ignore[call-arg]
    with_options.enqueue(1)  # type: ignore[call-arg]
    with_options.enqueue(1, True)  # type: ignore[call-arg]


def takes_context_drops_the_first_argument() -> None:
    assert_type(with_context.enqueue(1), TaskResult[list[int]])
    with_context.enqueue()  # type: ignore[call-arg]
    with_context.enqueue("1")  # type: ignore[arg-type]


def a_context_must_be_taken_where_it_is_asked_for() -> None:
    @task(takes_context=True)  # type: ignore[arg-type]
    def missing(a: int) -> None: ...


async def coroutines_and_async_calls_have_results_too() -> None:
    assert_type(await bare.aenqueue(1), TaskResult[float])
    assert_type(coroutine.enqueue(1), TaskResult[bytes])
    assert_type(coroutine_with_options.enqueue(1), TaskResult[bytes])
    assert_type(coroutine_with_context.enqueue(1), TaskResult[bytes])
    coroutine.enqueue("1")  # type: ignore[arg-type]
    coroutine_with_context.enqueue()  # type: ignore[call-arg]
    await bare.aenqueue("1")  # type: ignore[arg-type]


def using_keeps_the_signature() -> None:
    assert_type(bare.using(priority=5), Task[[int, str], float])  # type: ignore[assert-type]
    assert_type(bare.using(run_after=timedelta(minutes=5)).enqueue(1), TaskResult[float])
    bare.using(run_after=timedelta(minutes=5)).enqueue("1")  # type: ignore[arg-type]
    bare.using(run_after=60)  # type: ignore[arg-type]
    bare.using(colour="red")  # type: ignore[call-arg]


def options_are_checked() -> None:
    task(max_retries=3)  # type: ignore[call-overload]
    task(store="some")  # type: ignore[call-overload]
    task(retry_on=5)  # type: ignore[call-overload]
    task(backoff=Backoff(factor="2"))  # type: ignore[arg-type]


def enqueue_many_takes_positional_and_keyword_items() -> None:
    assert_type(bare.enqueue_many([(1,), (2, "b")]), int)
    assert_type(bare.enqueue_many({"a": number} for number in range(3)), int)
    bare.enqueue_many([1, 2])  # type: ignore[list-item]
    bare.enqueue_many("12")  # type: ignore[arg-type]


def results_know_what_the_task_returns() -> None:
    result = bare.enqueue(1)
    assert_type(bare.get_result(result.id), TaskResult[float])
    assert_type(result.wait(timeout=5), TaskResult[float])
    assert_type(result.return_value, float)
    assert_type(result.progress, dict[str, Any] | None)
    assert_type(result.cancel(), bool)


def a_signal_is_tied_to_a_task() -> None:
    enqueue_on(post_save, sender=User, task=bare, when=lambda instance, **_: instance.is_active)
    enqueue_on(post_save, sender=User, task=bare.func)  # type: ignore[arg-type]


def a_periodic_task_stays_what_it_is() -> None:
    assert_type(periodic(Every(timedelta(hours=1)))(with_options), Task[[int], str])  # type: ignore[assert-type] # has a keyword
    assert_type(periodic(Crontab("@daily"), args=(1,))(bare).enqueue(1), TaskResult[float])
    periodic(Crontab("@daily"), overlap="some")  # type: ignore[arg-type]
    periodic(Crontab("@daily"), colour="red")  # type: ignore[call-arg]
    periodic("@daily")  # type: ignore[arg-type]
    periodic(Crontab("@daily"))(with_options.func)  # type: ignore[type-var]


@task
def sums(numbers: list[float], note: str = "") -> int:
    return len(numbers)


def a_bound_call_has_the_signature_of_the_function() -> None:
    assert_type(bare.bind(1, "b"), BoundTask[float])
    assert_type(coroutine.bind(1), BoundTask[bytes])
    assert_type(with_context.bind(1), BoundTask[list[int]])
    bare.bind("1")  # type: ignore[arg-type]
    bare.bind()  # type: ignore[call-arg]
    with_options.bind(1, True)  # type: ignore[call-arg]


def a_node_knows_what_its_task_returns() -> None:
    with Workflow("import", unique="7", expires=timedelta(hours=1)) as flow:
        first = flow.add(bare, 1)
        parts = flow.map(bare, [(1,), {"a": 2}])
        assert_type(first, Node[float])
        assert_type(first.result, float)
        assert_type(flow.add(bare.bind(1), after=first, when="done", name="x"), Node[float])
        assert_type(parts, MapNode[float])
        assert_type(parts.results, list[float])
        flow.add(sums.bind(parts.results), after=[first, parts])
        flow.add(sums.bind(first.result))  # type: ignore[arg-type]
        flow.add(sums.bind(parts))  # type: ignore[arg-type]
        flow.add(sums.bind(parts.results), colour="red")  # type: ignore[call-overload]
        flow.add(sums.func, 1)  # type: ignore[call-overload]
        flow.map(bare, ["1"])  # type: ignore[list-item]
        flow.map(bare, over=parts)  # type: ignore[arg-type]
    assert_type(flow.result(first), float)
    assert_type(flow.results(parts), list[float])
    assert_type(flow.result("x"), Any)
    assert_type(Workflow.get(flow.id), Workflow)
    assert_type(flow.wait(timeout=5), Workflow)


def short_forms_take_calls_and_tasks() -> None:
    assert_type(chain(bare.bind(1), bare, bare.bind(2)), Workflow)
    assert_type(group(bare.bind(number) for number in range(3)), Workflow)
    assert_type(chord([bare.bind(1)], sums), Workflow)
    chain(bare.func)  # type: ignore[arg-type]


def a_running_task_may_be_in_a_workflow(context: Context) -> None:
    assert_type(context.workflow, GrowingWorkflow | None)
    context.workflow.add(bare, 1)  # type: ignore[union-attr]
    assert context.workflow is not None
    assert_type(context.workflow.add(bare.bind(1)), Node[float])
    assert_type(context.workflow.map(bare, [(1,)]), MapNode[float])

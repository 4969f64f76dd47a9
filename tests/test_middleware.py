"""Middleware: a function around a function, outermost first."""

import json
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured

from djtasks.errors import Cancel
from djtasks.middleware import Run, chain, load
from djtasks.protocol.states import State
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Pipeline
from tests import tasks
from tests.worker.making import WORKER, claim_of

NOTES: list[str] = []


def noting(name: str) -> Callable[[Run], Run]:
    def wrap(run: Run) -> Run:
        def plain(context: Any) -> Any:
            NOTES.append(f"{name} in")
            try:
                return run(context)
            finally:
                NOTES.append(f"{name} out")

        async def coroutine(context: Any) -> Any:
            NOTES.append(f"{name} in")
            try:
                return await run(context)
            finally:
                NOTES.append(f"{name} out")

        return coroutine if iscoroutinefunction(run) else plain

    return wrap


outer, inner = noting("outer"), noting("inner")


def only_plain(run: Run) -> Run:
    def wrapped(context: Any) -> Any:
        return run(context)

    return wrapped


def task(context: Any) -> Any:
    NOTES.append("task")
    return context


async def coroutine_task(context: Any) -> Any:
    NOTES.append("task")
    return context


@pytest.fixture(autouse=True)
def no_notes() -> None:
    NOTES.clear()


def test_the_first_of_the_list_is_the_outermost() -> None:
    run = chain([outer, inner], task)

    assert run("context") == "context"
    assert NOTES == ["outer in", "inner in", "task", "inner out", "outer out"]


def test_coroutines_are_wrapped_alike() -> None:
    run = chain([outer, inner], coroutine_task)

    assert async_to_sync(run)("context") == "context"
    assert NOTES == ["outer in", "inner in", "task", "inner out", "outer out"]


def test_without_middleware_a_task_is_left_alone() -> None:
    assert chain([], task) is task


def test_an_error_passes_through_all_of_it() -> None:
    def explode(context: Any) -> Any:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        chain([outer, inner], explode)("context")

    assert NOTES == ["outer in", "inner in", "inner out", "outer out"]


def test_a_plain_function_around_a_coroutine_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="'only_plain' wraps a coroutine task"):
        chain([outer, only_plain], coroutine_task)


def test_middleware_is_loaded_by_its_path() -> None:
    assert load(["tests.test_middleware.outer", "tests.test_middleware.inner"]) == [outer, inner]


@pytest.mark.parametrize("path", ["tests.test_middleware.gone", "nowhere.at.all", "undotted"])
def test_a_path_that_leads_nowhere_is_told(path: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"names '{path}', which cannot be imported"):
        load([path])


@pytest.mark.parametrize("task", [tasks.add, tasks.add_async])
def test_middleware_that_cancels_ends_its_task_without_a_retry(task: Any) -> None:
    def discard(run: Run) -> Run:
        def discarding(context: Any) -> Any:
            try:
                return run(context)
            except TypeError as error:
                raise Cancel("it is gone") from error

        async def discarding_async(context: Any) -> Any:
            try:
                return await run(context)
            except TypeError as error:
                raise Cancel("it is gone") from error

        return discarding_async if iscoroutinefunction(run) else discarding

    pipeline = Pipeline(None, WORKER, middleware=[discard])  # type: ignore[arg-type]

    settlement = execute_here(
        pipeline, claim_of(task.module_path, 1, "2", max_attempts=5)
    ).settlement

    assert settlement.state is State.CANCELLED
    entry = json.loads(settlement.error or "")
    assert entry["message"] == "it is gone"
    assert "TypeError" in entry["traceback"]

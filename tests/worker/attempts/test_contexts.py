"""What a task sets in context variables is gone in the next one of its slot."""

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from django.core.cache import caches
from django.utils import timezone, translation

from djtasks import Task, task
from djtasks.worker.attempts.board import Board
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.attempts.pools import AsyncPool, ThreadPool
from djtasks.worker.attempts.time_limits import Limits
from tests.waiting import eventually
from tests.worker.making import WORKER, work_of

TRACE: ContextVar[str] = ContextVar("trace", default="")


_kept: list[Any] = []  # so that no two clients have one address


def _seen() -> list[Any]:
    _kept.append(caches["default"])
    zone = timezone.get_current_timezone_name()
    return [translation.get_language(), zone, TRACE.get(), id(caches["default"])]


@task
def changes_all() -> None:
    translation.activate("de")
    timezone.activate("Asia/Tokyo")
    TRACE.set("another's")


@task
async def changes_all_async() -> None:
    changes_all.func()


@task
def sees() -> list[Any]:
    return _seen()


@task
async def sees_async() -> list[Any]:
    return _seen()


@pytest.fixture(params=["slot", "inline", "coroutine"])
def run(request: pytest.FixtureRequest) -> Callable[[Task[..., Any], Task[..., Any]], Any]:
    """Run one of two tasks, always in the same slot, and return its result."""
    ended: list[Finished] = []
    is_async, is_inline = request.param == "coroutine", request.param == "inline"
    pool: Any = (AsyncPool if is_async else ThreadPool)(
        range(1),
        Pipeline(store=None, worker=WORKER),  # type: ignore[arg-type]
        Limits(print),
        ended.append,
        board=Board(bytearray(Board.size(1))),
    )
    if not is_inline:
        pool.start()

    def run(plain: Task[..., Any], coroutine: Task[..., Any]) -> Any:
        pool.submit(work_of((coroutine if is_async else plain).module_path))
        if is_inline:
            pool.run_waiting()
        eventually(lambda: ended)
        return json.loads(ended.pop().settlement.value or "null")

    return run


def test_language_time_zone_and_variables_of_a_task_end_with_it(
    run: Callable[[Task[..., Any], Task[..., Any]], Any],
) -> None:
    before = run(sees, sees_async)

    run(changes_all, changes_all_async)

    assert run(sees, sees_async)[:3] == before[:3]
    assert before[2] == ""


@pytest.mark.parametrize("run", ["slot", "inline"], indirect=True)
def test_tasks_of_a_slot_share_the_clients_of_caches(
    run: Callable[[Task[..., Any], Task[..., Any]], Any],
) -> None:
    assert run(sees, sees_async)[3] == run(sees, sees_async)[3]

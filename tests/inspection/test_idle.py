"""Whether all is done: what ends a worker in a burst."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from djtasks.engine import Engine, engine_of
from djtasks.inspection import is_idle
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import add
from tests.worker.making import WORKER, claim_all


@pytest.mark.django_db(databases="__all__")
def test_an_alias_is_idle_when_nothing_is_due_or_running(database: str) -> None:
    engine = engine_of("default")
    add.using(backend="polled").enqueue(1, 2)
    add.using(run_after=timedelta(hours=1)).enqueue(1, 2)
    assert is_idle(engine, None)

    result = add.using(queue_name="mail").enqueue(1, 2)
    assert not is_idle(engine, None)
    assert not is_idle(engine, ["mail"])
    assert is_idle(engine, ["default"])

    claim_all(WORKER)
    assert not is_idle(engine, ["mail"])
    assert is_idle(engine, ["default"])

    engine.store.give_back([(UUID(result.id), 1)], worker=WORKER)
    run_due()
    assert is_idle(engine, None)


@pytest.mark.parametrize("before", [State.READY, State.RUNNING])
@pytest.mark.parametrize("query", [1, 2])
def test_a_task_that_moves_between_two_questions_is_not_overlooked(
    engine: Engine, before: State, query: int
) -> None:
    """A worker claims it, or gives it back, while somebody asks whether all is done."""
    add.enqueue(1, 2)
    claims = claim_all(WORKER)
    owned = [(claim.id, claim.fence) for claim in claims]
    if before is State.READY:
        engine.store.give_back(owned, worker=WORKER)
    asked: list[str] = []

    def move_after(execute: Any, sql: str, *rest: Any) -> Any:
        answer = execute(sql, *rest)
        if "LIMIT 1" in sql:
            asked.append(sql)
            if len(asked) == query and before is State.READY:
                claim_all(WORKER)
            elif len(asked) == query:
                engine.store.give_back(owned, worker=WORKER)
        return answer

    with connections[engine.database].execute_wrapper(move_after):
        assert not is_idle(engine, None)

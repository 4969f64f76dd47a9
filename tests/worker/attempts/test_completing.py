"""Completing a task in its own transaction: what it commits, and which error comes out."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from djtasks.context import Context
from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from tests import tasks
from tests.models import Row
from tests.worker.making import WORKER, claim_all


@dataclass(frozen=True)
class Declined(Exception):
    """An error that takes no assignment, not even of its traceback."""

    code: int


@pytest.fixture
def completing() -> Iterator[Any]:
    """Run a task whose block of complete_in_transaction() does what it is given."""
    before = tasks.completes.func

    def run(engine: Engine, deed: Any) -> Finished:
        def function(context: Context, _name: str) -> None:
            with context.complete_in_transaction() as completion:
                Row.objects.create(name="in the block")
                completion.value = deed()

        tasks.completes.enqueue("name")
        object.__setattr__(tasks.completes, "func", function)
        (claim,) = claim_all(WORKER)
        return execute_here(Pipeline(engine.store, WORKER), claim)

    yield run
    object.__setattr__(tasks.completes, "func", before)


def decline() -> None:
    raise Declined(3)


def test_an_error_leaves_the_block_as_what_it_is(live_engine: Engine, completing: Any) -> None:
    finished = completing(live_engine, decline)

    assert isinstance(finished.error, Declined)
    assert not Row.objects.exists()


def test_a_value_that_cannot_be_stored_rolls_the_block_back(
    live_engine: Engine, completing: Any
) -> None:
    finished = completing(live_engine, object)

    assert finished.settlement.state is State.FAILED
    assert json.loads(finished.settlement.error or "")["class"].endswith("UnstorableResult")
    assert not Row.objects.exists()


def test_a_block_of_a_task_that_another_worker_owns_is_rolled_back(
    live_engine: Engine, completing: Any
) -> None:
    finished = completing(live_engine, lambda: TaskRecord.objects.update(worker=new_id()))

    assert json.loads(finished.settlement.error or "")["class"] == "djtasks.errors.LeaseLost"
    assert not Row.objects.exists()


def test_a_block_that_is_left_commits_its_rows_and_the_success(
    live_engine: Engine, completing: Any
) -> None:
    finished = completing(live_engine, lambda: "done")

    assert finished.is_completed
    assert TaskRecord.objects.get().return_value == "done"
    assert Row.objects.get().name == "in the block"

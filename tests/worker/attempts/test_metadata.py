"""Metadata: given to one call, changed by its attempts, saved in a transaction."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from djtasks import Backoff, task
from djtasks.compat import task_backends, task_finished
from djtasks.context import Context
from djtasks.engine import Engine
from djtasks.errors import ArgumentsTooLarge, InvalidArguments, LeaseLost
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.protocol.records import Claim
from djtasks.protocol.states import State
from djtasks.testing import run_due
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from tests.worker.making import WORKER, claim_all

AT_ONCE = Backoff(first_delay=timedelta(0), longest_delay=timedelta(0))


@task(takes_context=True, max_attempts=3, backoff=AT_ONCE)
def counts(context: Context, deed: str) -> int:
    """Count its attempts in its metadata, and do something with it."""
    context.metadata["count"] = context.metadata.get("count", 0) + 1
    _DEEDS[deed](context)
    if context.metadata["count"] < 3:
        raise LookupError("again")
    return int(context.metadata["count"])


@task(takes_context=True)
async def counts_async(context: Context) -> None:
    """Save its metadata from a coroutine."""
    context.metadata["seen"] = [context.metadata["trace"]]
    await context.asave_metadata()


def saves_and_raises(context: Context) -> None:
    context.save_metadata()
    context.metadata["late"] = True
    raise KeyError("after the save")


def saves_and_rolls_back(context: Context) -> None:
    with transaction.atomic():
        context.metadata["count"] = 77
        context.save_metadata()
        raise KeyError("in the transaction")


def saves_twice_and_rolls_back(context: Context) -> None:
    with transaction.atomic():
        context.save_metadata()
    saves_and_rolls_back(context)


def is_taken_away(context: Context) -> None:
    TaskRecord.objects.update(worker=new_id())
    context.save_metadata()


def keeps_an_object(context: Context) -> None:
    context.metadata["bad"] = object()
    context.metadata["count"] = 3


def saves_an_object(context: Context) -> None:
    context.metadata["bad"] = object()
    context.save_metadata()


def saves_too_much(context: Context) -> None:
    context.metadata["text"] = "x" * 70_000
    context.save_metadata()


def completes(context: Context) -> None:
    with context.complete_in_transaction("done"):
        context.metadata["in"] = "the transaction"
    context.metadata["behind"] = "it"


_DEEDS: dict[str, Any] = {"nothing": lambda _context: None}
_DEEDS |= {
    one.__name__: one
    for one in (
        saves_and_raises,
        saves_and_rolls_back,
        saves_twice_and_rolls_back,
        is_taken_away,
        keeps_an_object,
        saves_an_object,
        saves_too_much,
        completes,
    )
}


def attempt(engine: Engine, deed: str) -> tuple[Finished, bool]:
    """Run one attempt as a worker does, which commits; return it, and whether it was settled."""
    counts.using(metadata={"trace": 7}).enqueue(deed)
    (claim,) = claim_all(WORKER)
    pipeline = Pipeline(
        engine.store, WORKER, max_metadata=engine.options.max_arguments, max_result=1_000
    )
    finished = execute_here(pipeline, claim)
    return finished, bool(engine.store.settle([finished.settlement], worker=WORKER))


def stored() -> Any:
    return TaskRecord.objects.get().metadata


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """The metadata of the results that receivers of `task_finished` were sent."""
    results: list[Any] = []

    def note(task_result: Any, **_others: Any) -> None:
        results.append(task_result.metadata)

    task_finished.connect(note)
    yield results
    task_finished.disconnect(note)


@pytest.mark.usefixtures("engine")
def test_what_attempts_change_travels_through_retries(told: list[Any]) -> None:
    result = counts.using(metadata={"trace": 7}).enqueue("nothing")

    ran = run_due()

    assert [one.state for one in ran] == [State.READY, State.READY, State.SUCCESSFUL]
    assert [one.metadata["count"] for one in ran] == [1, 2, 3]
    result.refresh()
    assert result.metadata == {"trace": 7, "count": 3}
    assert result.return_value == 3
    assert told[-1] == {"trace": 7, "count": 3}


@pytest.mark.django_db
def test_the_immediate_backend_keeps_it_too(settings: Any, told: list[Any]) -> None:
    settings.TASKS = {"default": {"BACKEND": "djtasks.testing.ImmediateBackend", "QUEUES": []}}

    result = counts.using(metadata={"trace": 7}).enqueue("nothing")
    saved = counts.using(metadata={"count": 2}).enqueue("saves_and_raises")
    async_one = counts_async.using(metadata={"trace": 7}).enqueue()

    assert task_backends["default"].supports_metadata
    assert result.metadata == {"trace": 7, "count": 3}
    assert saved.metadata == {"count": 5, "late": True}
    assert async_one.metadata == {"trace": 7, "seen": [7]}
    assert told == [result.metadata, saved.metadata, async_one.metadata]


@pytest.mark.usefixtures("engine")
def test_a_coroutine_saves_it() -> None:
    result = counts_async.using(metadata={"trace": 7}).enqueue()

    (ran,) = run_due(reraise=True)

    assert ran.metadata == {"trace": 7, "seen": [7]}
    result.refresh()
    assert result.metadata == ran.metadata


def test_a_failure_keeps_what_was_saved_and_what_changed_since(live_engine: Engine) -> None:
    finished, is_settled = attempt(live_engine, "saves_and_raises")

    assert is_settled
    assert finished.settlement.state is State.READY
    assert stored() == {"trace": 7, "count": 1, "late": True}


def test_a_save_in_a_transaction_that_rolls_back_is_lost_with_it(live_engine: Engine) -> None:
    attempt(live_engine, "saves_and_rolls_back")

    assert stored() == {"trace": 7}


def test_only_the_last_step_is_lost_with_its_transaction(live_engine: Engine) -> None:
    attempt(live_engine, "saves_twice_and_rolls_back")

    assert stored() == {"trace": 7, "count": 1}


def test_a_task_that_another_worker_owns_saves_nothing(live_engine: Engine) -> None:
    finished, is_settled = attempt(live_engine, "is_taken_away")

    assert isinstance(finished.error, LeaseLost)
    assert not is_settled
    assert stored() == {"trace": 7}


def test_metadata_that_cannot_be_stored_fails_no_task(
    live_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "djtasks.worker"):
        finished, _ = attempt(live_engine, "keeps_an_object")

    assert finished.settlement.state is State.SUCCESSFUL
    assert stored() == {"trace": 7}
    assert "Metadata not stored path=tests.worker.attempts.test_metadata.counts" in caplog.text
    assert "metadata.bad is of type object" in caplog.text


@pytest.mark.parametrize(
    ("deed", "error"),
    [("saves_an_object", InvalidArguments), ("saves_too_much", ArgumentsTooLarge)],
)
def test_a_save_of_such_metadata_raises(
    live_engine: Engine, deed: str, error: type[Exception]
) -> None:
    finished, _ = attempt(live_engine, deed)

    assert type(finished.error) is error
    assert stored() == {"trace": 7}


def test_a_completion_in_a_transaction_takes_it_along(live_engine: Engine) -> None:
    finished, _ = attempt(live_engine, "completes")

    assert finished.is_completed
    assert stored() == {"trace": 7, "count": 1, "in": "the transaction"}


@pytest.mark.usefixtures("engine")
def test_an_attempt_that_only_reads_it_is_settled_like_any_other(engine: Engine) -> None:
    counts.using(metadata={"count": 3, "b": 1, "a": {"z": 1, "y": 2}}).enqueue("nothing")
    (claim,) = claim_all(WORKER)

    assert _unread(engine, claim).settlement.is_plain


def _unread(engine: Engine, claim: Claim) -> Finished:
    before = counts.func
    object.__setattr__(counts, "func", lambda context, _deed: len(context.metadata))
    try:
        return execute_here(Pipeline(engine.store, WORKER), claim)
    finally:
        object.__setattr__(counts, "func", before)

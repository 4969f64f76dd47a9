"""What people do to tasks and queues, each a write that wins or leaves things alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.models import QueueControl, TaskRecord
from djtasks.operations import (
    cancel,
    discard,
    pause_queue,
    reschedule,
    resume_queue,
    retry,
)
from djtasks.protocol.states import FINAL, State
from djtasks.testing import run_due
from tests.tasks import add, explode, only_once
from tests.worker.making import WORKER, claim_all

pytestmark = pytest.mark.django_db(databases="__all__")
NOON = datetime(2046, 1, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row_of(result: Any) -> TaskRecord:
    return TaskRecord.objects.get(pk=result.id)


def id_of(result: Any) -> UUID:
    return UUID(result.id)


def in_state(state: State, **columns: Any) -> UUID:
    """Return the id of a record in any state, as an update would leave it."""
    result = add.enqueue(1, 2)
    finished_at = datetime.now(UTC) if state in FINAL else None
    worker = WORKER if state is State.RUNNING else None
    columns = {"finished_at": finished_at, "worker": worker, **columns}
    TaskRecord.objects.filter(pk=result.id).update(state=state, **columns)
    return id_of(result)


@contextmanager
def just_before(verb: str, database: str, meddle: Callable[[], object]) -> Iterator[None]:
    """Let somebody else write just before the first statement of a kind."""
    left = [meddle]

    def wrap(execute: Any, sql: Any, *rest: Any) -> Any:
        if left and str(sql).lstrip().startswith(verb):
            left.pop()()
        return execute(sql, *rest)

    with connections[database].execute_wrapper(wrap):
        yield
    assert not left


def test_a_waiting_task_is_cancelled_at_once(database: str) -> None:
    result = only_once.enqueue("a")

    assert cancel(engine_of("default"), [id_of(result)]) == 1

    row = row_of(result)
    assert (row.state, row.cancel_requested, row.unique_key) == (State.CANCELLED, True, None)
    assert row.finished_at is not None
    assert row.key is not None


def test_a_running_task_is_told_and_goes_on(database: str) -> None:
    result = only_once.enqueue("a")
    claim_all(WORKER)

    assert cancel(engine_of("default"), [id_of(result)]) == 1

    row = row_of(result)
    assert (row.state, row.cancel_requested, row.worker) == (State.RUNNING, True, WORKER)
    assert (row.finished_at, row.unique_key) == (None, row.key)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_task_cannot_be_cancelled(database: str, state: State) -> None:
    id_ = in_state(state)

    assert cancel(engine_of("default"), [id_, new_id()]) == 0

    assert not TaskRecord.objects.get(pk=id_).cancel_requested


def test_many_are_cancelled_in_one_statement(database: str) -> None:
    ids = [in_state(state) for state in (State.READY, State.RUNNING, State.WAITING, State.FAILED)]

    assert cancel(engine_of("default"), iter(ids)) == 3

    states = TaskRecord.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [State.CANCELLED, State.RUNNING, State.CANCELLED, State.FAILED]


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.EXPIRED])
def test_what_ended_without_success_can_be_retried(database: str, state: State) -> None:
    id_ = in_state(
        state,
        attempt=3,
        crash_count=2,
        fence=5,
        cancel_requested=True,
        expires_at=NOON,
        started_at=NOON,
        worker_ids=["w1"],
        progress={"done": 1},
        errors=[{"class": "builtins.ValueError", "traceback": "boom"}],
    )

    done = retry(engine_of("default"), [id_])

    row = TaskRecord.objects.get(pk=id_)
    assert (done.changed, done.refused) == ([id_], {})
    assert (row.state, row.attempt, row.crash_count, row.fence) == (State.READY, 0, 0, 5)
    assert (row.cancel_requested, row.expires_at, row.finished_at) == (False, None, None)
    assert (row.started_at, row.worker_ids, row.progress) == (None, None, None)
    assert row.errors is not None
    assert abs(row.run_after - datetime.now(UTC)) < HOUR


def test_a_retried_task_runs_again_with_all_its_attempts(database: str) -> None:
    result = explode.enqueue()
    run_due()
    retry(engine_of("default"), [id_of(result)])

    (again,) = run_due()

    assert again.id == result.id
    assert (again.attempts, len(again.errors)) == (1, 2)


def test_a_retry_may_move_the_record(database: str) -> None:
    id_ = in_state(State.FAILED)

    retry(engine_of("default"), [id_], queue="mail", priority=7, run_after=NOON)

    row = TaskRecord.objects.get(pk=id_)
    assert (row.queue, row.priority, row.run_after) == ("mail", 7, NOON)


@pytest.mark.parametrize("state", [State.READY, State.RUNNING, State.SUCCESSFUL, State.WAITING])
def test_what_cannot_be_retried_is_refused_with_its_state(database: str, state: State) -> None:
    id_ = in_state(state)

    done = retry(engine_of("default"), [id_])

    assert (done.changed, done.refused) == ([], {id_: f"It is {state.name}."})


def test_what_does_not_exist_is_refused_too(database: str) -> None:
    nobody = new_id()

    assert retry(engine_of("default"), [nobody]).refused == {nobody: "No such task."}
    assert discard(engine_of("default"), [nobody]).refused == {nobody: "No such task."}


def test_a_retry_takes_its_unique_key_again(database: str) -> None:
    first = only_once.enqueue("a")
    cancel(engine_of("default"), [id_of(first)])

    retry(engine_of("default"), [id_of(first)])

    assert row_of(first).unique_key == row_of(first).key
    assert only_once.enqueue("a").id == first.id


def test_a_retry_is_refused_by_the_holder_of_its_key(database: str) -> None:
    first, other = only_once.enqueue("a"), explode.enqueue()
    cancel(engine_of("default"), [id_of(first), id_of(other)])
    holder = only_once.enqueue("a")

    done = retry(engine_of("default"), [id_of(first), id_of(other)])

    assert done.changed == [id_of(other)]
    assert done.refused == {id_of(first): f"The live task {holder.id} holds its unique key."}
    assert row_of(first).state == State.CANCELLED


@pytest.mark.parametrize(
    "meddle",
    [
        lambda: TaskRecord.objects.update(state=State.RUNNING, worker=WORKER),
        lambda: TaskRecord.objects.all().delete(),
    ],
    ids=["claimed", "deleted"],
)
def test_a_retry_loses_against_a_change_in_between(database: str, meddle: Any) -> None:
    id_ = in_state(State.FAILED)

    with just_before("UPDATE", database, meddle):
        done = retry(engine_of("default"), [id_])

    assert done.refused == {id_: "It was changed or deleted in the meantime."}
    assert not TaskRecord.objects.exclude(worker=WORKER).exists()


@pytest.mark.parametrize("state", sorted(set(State) - {State.RUNNING}))
def test_what_does_not_run_can_be_discarded(database: str, state: State) -> None:
    id_ = in_state(state)

    assert discard(engine_of("default"), [id_]).changed == [id_]
    assert not TaskRecord.objects.exists()


def test_what_runs_cannot_be_discarded(database: str) -> None:
    id_ = in_state(State.RUNNING)

    assert discard(engine_of("default"), [id_]).refused == {id_: "It is running: cancel it first."}
    assert TaskRecord.objects.exists()


def test_a_discard_loses_against_a_claim_in_between(database: str) -> None:
    id_ = in_state(State.READY)

    with just_before("DELETE", database, lambda: claim_all(WORKER)):
        done = discard(engine_of("default"), [id_])

    assert done.refused == {id_: "It was changed or deleted in the meantime."}
    assert TaskRecord.objects.get().state == State.RUNNING


def test_only_what_waits_is_rescheduled(database: str) -> None:
    ids = {state: in_state(state) for state in State}

    assert reschedule(engine_of("default"), ids.values(), NOON) == 2

    moved = set(TaskRecord.objects.filter(run_after=NOON).values_list("pk", flat=True))
    assert moved == {ids[State.READY], ids[State.WAITING]}


def test_a_due_time_without_a_zone_is_refused(database: str) -> None:
    id_ = in_state(State.FAILED)

    with pytest.raises(ValueError, match="must be an aware datetime"):
        reschedule(engine_of("default"), [id_], datetime(2046, 1, 2))
    with pytest.raises(ValueError, match="must be an aware datetime"):
        retry(engine_of("default"), [id_], run_after=datetime(2046, 1, 2))


def test_a_queue_is_paused_and_resumed(database: str) -> None:
    pause_queue(engine_of("default"), "mail", by="Ada", reason="the provider is down", until=NOON)
    pause_queue(engine_of("default"), "mail", by="Grace")

    control = QueueControl.objects.get()
    assert (control.backend, control.queue, control.paused) == ("default", "mail", True)
    assert (control.paused_by, control.reason, control.until) == ("Grace", "", None)
    assert resume_queue(engine_of("default"), "mail") is True
    assert resume_queue(engine_of("default"), "mail") is False


def test_names_and_reasons_are_cut_to_their_columns(database: str) -> None:
    pause_queue(engine_of("default"), "mail", by="a" * 200, reason="b" * 600)

    control = QueueControl.objects.get()
    assert (len(control.paused_by), len(control.reason)) == (150, 500)

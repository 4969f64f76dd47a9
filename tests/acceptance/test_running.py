"""What a worker does with tasks that behave, and with those that don't."""

from datetime import timedelta

import pytest

from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State
from tests import tasks
from tests.acceptance.processes import worker
from tests.models import Row
from tests.waiting import eventually


@pytest.fixture
def one_worker(live_engine):
    with worker("--processes", "1") as running:
        yield running


def record(result) -> TaskRecord:
    return TaskRecord.objects.get(pk=result.id)


def test_functions_and_coroutines_return_their_values(one_worker):
    plain, coroutine = tasks.add.enqueue(1, 2), tasks.add_async.enqueue(3, 4)

    assert plain.wait(10).return_value == 3
    assert coroutine.wait(10).return_value == 7
    assert plain.worker_ids == [str(WorkerRecord.objects.get().pk)]
    assert plain.enqueued_at <= plain.started_at <= plain.finished_at


def test_tasks_write_to_the_database_from_threads_and_coroutines(one_worker):
    results = [tasks.write_row.enqueue("plain"), tasks.writes_row_async.enqueue("async")]

    for result in results:
        result.wait(10)

    assert set(Row.objects.values_list("name", flat=True)) == {"plain", "async"}


def test_a_failure_is_stored_with_its_traceback(one_worker):
    result = tasks.explode.enqueue("something broke").wait(10)

    assert result.state is State.FAILED
    assert result.errors[0].exception_class_path == "builtins.ValueError"
    assert "raise ValueError(message)" in result.errors[0].traceback
    eventually(lambda: "something broke" in one_worker.output())


def test_a_flaky_task_is_retried_until_its_attempts_are_used_up(one_worker):
    result = tasks.flaky.enqueue().wait(20)

    assert result.state is State.FAILED
    assert result.attempts == len(result.errors) == 3


@pytest.mark.parametrize(
    ("enqueue", "state", "path"),
    [
        (tasks.exits.enqueue, State.FAILED, "builtins.SystemExit"),
        (lambda: tasks.cancels_itself.enqueue("why"), State.CANCELLED, "djtasks.errors.Cancel"),
        (
            tasks.returns_garbage.enqueue,
            State.FAILED,
            "djtasks.errors.UnstorableResult",
        ),
        (
            lambda: tasks.sleeps_too_long.enqueue(30),
            State.FAILED,
            "djtasks.errors.TaskTimeout",
        ),
        (lambda: tasks.sleeps_async.enqueue(30), State.FAILED, "djtasks.errors.TaskTimeout"),
    ],
    ids=["exits", "cancels itself", "returns garbage", "too long", "too long, async"],
)
def test_a_misbehaving_task_ends_by_itself_and_the_slot_lives_on(one_worker, enqueue, state, path):
    result = enqueue().wait(20)

    assert result.state is state
    assert result.errors[-1].exception_class_path == path
    assert tasks.add.enqueue(1, 1).wait(10).return_value == 2


def test_a_leaked_transaction_is_rolled_back_and_a_closed_connection_replaced(live_engine):
    with worker("--processes", "1", "--threads", "1"):
        tasks.leaks_a_transaction.enqueue().wait(10)
        tasks.closes_the_connection.enqueue().wait(10)
        tasks.write_row.enqueue("kept").wait(10)

    assert list(Row.objects.values_list("name", flat=True)) == ["kept"]


def test_a_delayed_task_runs_when_it_is_due_and_not_before(one_worker):
    result = tasks.add.using(run_after=timedelta(seconds=1.5)).enqueue(1, 2)

    assert result.wait(20).return_value == 3
    row = record(result)
    late = row.started_at - row.run_after
    assert timedelta(0) <= late < timedelta(seconds=2)


def test_an_expired_task_is_not_run(live_engine):
    result = tasks.write_row.using(expires=timedelta(milliseconds=1)).enqueue("too late")
    eventually(lambda: record(result).expires_at < live_engine.store.now())

    with worker("--processes", "1"):
        result.wait(10)

    assert result.state is State.EXPIRED
    assert result.started_at is None
    assert not Row.objects.exists()


def test_a_task_can_commit_its_success_with_its_own_work(one_worker):
    good = tasks.completes.enqueue("a").wait(10)
    late = tasks.completes.enqueue("b", fails=True).wait(10)

    assert [good.return_value, late.return_value] == ["stored a", "stored b"]
    assert late.state is State.SUCCESSFUL
    assert Row.objects.count() == 2


def test_a_context_tells_the_attempt_and_carries_progress(one_worker):
    result = tasks.needs_context.enqueue("x").wait(10)

    assert result.return_value == {"attempt": 1, "name": "x", "id": result.id}
    assert result.progress == {"done": 1, "total": 2, "note": "half way"}


def test_a_running_task_that_asks_sees_that_it_was_cancelled(one_worker):
    result = tasks.reports_until_cancelled.enqueue()
    eventually(lambda: (record(result).progress or {}).get("done"))

    assert result.cancel()

    assert result.wait(10).state is State.SUCCESSFUL
    assert result.return_value == "asked and stopped"


def test_a_running_task_that_does_not_ask_is_interrupted(one_worker):
    result = tasks.spins.enqueue()
    eventually(lambda: record(result).state == State.RUNNING)

    assert result.cancel()

    assert result.wait(10).state is State.CANCELLED


def test_a_task_unknown_to_the_worker_waits_for_code_that_knows_it(one_worker):
    result = tasks.add.enqueue(1, 2)
    TaskRecord.objects.filter(pk=result.id).update(task_path="tests.tasks.of_tomorrow")
    result = tasks.add.using(run_after=timedelta(seconds=1)).enqueue(1, 2)
    TaskRecord.objects.filter(pk=result.id).update(task_path="tests.tasks.of_tomorrow")

    row = eventually(lambda: TaskRecord.objects.filter(pk=result.id, errors__isnull=False).first())

    assert row.state == State.READY
    assert row.attempt == 0
    assert timedelta(seconds=20) < row.run_after - row.enqueued_at < timedelta(seconds=40)
    assert row.errors[0]["class"] == "djtasks.errors.UnknownTask"


def test_the_row_of_a_success_goes_where_only_errors_are_kept(one_worker):
    result = tasks.leaves_nothing.enqueue(5)

    assert result.wait(10).state is State.SUCCESSFUL
    assert not TaskRecord.objects.filter(pk=result.id).exists()

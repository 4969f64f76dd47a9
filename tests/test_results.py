"""Results: a record as callers of `django.tasks` see it, and what djtasks adds."""

import pickle
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import override_settings

from djtasks import Cancel, TaskCancelled, task
from djtasks.compat import TaskResultStatus
from djtasks.engine import Engine
from djtasks.errors import ResultTimeout, TaskExpired, UnknownTask
from djtasks.models import TaskRecord
from djtasks.operations import cancel
from djtasks.protocol.records import Settlement
from djtasks.protocol.states import State
from djtasks.results import from_claim, from_finished
from djtasks.testing import run_due
from tests.settings import TASKS
from tests.tasks import add, asks_for_retry, cancels_itself, explode
from tests.worker.making import WORKER, claim_all, claim_of

NOON = datetime(2046, 1, 2, 12, 0, tzinfo=UTC)
everywhere = pytest.mark.django_db(databases="__all__")


class NotNeeded(Cancel):
    """What a project calls its own reason."""


class PaymentCancelled(Exception):
    """A failure with a misleading name."""


@task
def is_not_needed() -> None:
    raise NotNeeded("somebody else did it")


@task(max_attempts=2)
def payment_is_cancelled() -> None:
    raise PaymentCancelled("no money")


@task(expires=0.000_001)
def too_late() -> None: ...


def fresh(result: Any) -> Any:
    return result.task.get_backend().get_result(result.id)


def row_of(result: Any) -> TaskRecord:
    return TaskRecord.objects.get(pk=result.id)


@everywhere
def test_a_success_has_a_value_and_its_times(database: str) -> None:
    result = add.enqueue(1, 2)

    run_due()
    result.refresh()

    assert (result.status, result.state) == (TaskResultStatus.SUCCESSFUL, State.SUCCESSFUL)
    assert (result.return_value, result.is_finished, result.errors) == (3, True, [])
    assert (result.attempts, len(result.worker_ids)) == (1, 1)
    assert result.enqueued_at <= result.started_at == result.last_attempted_at
    assert result.started_at <= result.finished_at
    assert result.database == database


@everywhere
def test_a_running_task_shows_its_present_attempt(database: str) -> None:
    result = add.enqueue(1, 2)
    claim_all(WORKER)

    result.refresh()

    assert (result.status, result.state) == (TaskResultStatus.RUNNING, State.RUNNING)
    assert (result.worker_ids, result.attempts) == ([str(WORKER)], 1)
    assert result.started_at is not None
    assert result.finished_at is None
    with pytest.raises(ValueError, match="not finished"):
        _ = result.return_value


@everywhere
def test_a_task_that_waits_for_a_retry_is_ready_and_tells_its_error(database: str) -> None:
    result = asks_for_retry.enqueue(3_600)
    run_due()

    result.refresh()

    assert (result.status, result.state) == (TaskResultStatus.READY, State.READY)
    assert result.errors[-1].exception_class_path == "djtasks.errors.Retry"
    assert fresh(result).task.run_after > result.started_at


@everywhere
def test_a_task_cancelled_before_it_ran_carries_an_error(database: str) -> None:
    result = add.enqueue(1, 2)

    assert result.cancel() is True
    result.refresh()

    assert (result.status, result.state) == (TaskResultStatus.FAILED, State.CANCELLED)
    assert result.errors[-1].exception_class is TaskCancelled
    assert "was cancelled" in result.errors[-1].traceback
    assert result.finished_at is not None
    assert result.cancel() is False


def test_a_task_that_cancels_itself_carries_its_reason(engine: Engine) -> None:
    for reason, cancelling in ((Cancel, cancels_itself.enqueue("why")), (NotNeeded, is_not_needed)):
        result = cancelling.enqueue() if cancelling is is_not_needed else cancelling
        run_due()

        result.refresh()

        assert result.state is State.CANCELLED
        assert [error.exception_class for error in result.errors] == [reason]


def test_a_failure_with_a_misleading_name_is_not_taken_for_a_cancellation(engine: Engine) -> None:
    result = payment_is_cancelled.enqueue()
    run_due()
    cancel(engine, [UUID(result.id)])

    result.refresh()

    assert result.state is State.CANCELLED
    assert [error.exception_class for error in result.errors] == [PaymentCancelled, TaskCancelled]


@everywhere
def test_an_expired_task_carries_an_error_and_no_attempt(database: str) -> None:
    result = too_late.enqueue()

    run_due()
    result.refresh()

    assert (result.status, result.state) == (TaskResultStatus.FAILED, State.EXPIRED)
    assert result.errors[-1].exception_class is TaskExpired
    assert (result.attempts, result.started_at) == (0, None)


def test_an_async_caller_can_refresh_and_cancel(engine: Engine) -> None:
    result = add.enqueue(1, 2)

    assert async_to_sync(result.acancel)() is True
    async_to_sync(result.arefresh)()

    assert result.state is State.CANCELLED


def test_a_result_knows_the_options_of_its_row(engine: Engine) -> None:
    copy = add.using(
        queue_name="mail", priority=5, max_attempts=4, max_crashes=2, timeout=9, run_after=NOON
    )
    result = copy.enqueue(1, 2)
    TaskRecord.objects.update(max_attempts=7, priority=-3)

    known = fresh(result).task

    assert (known.queue_name, known.priority, known.run_after) == ("mail", -3, NOON)
    assert (known.max_attempts, known.max_crashes, known.timeout.total_seconds()) == (7, 2, 9)
    assert known.func is add.func


def test_an_attempt_has_the_options_of_its_record_and_copies_no_task_for_none() -> None:
    as_defined = claim_of("tests.tasks.add", 1, 2)
    urgent = claim_of("tests.tasks.add", 1, 2, priority=7, queue="mail")
    now = datetime.now(UTC)

    mostly = from_claim(as_defined, add, WORKER, now)
    rarely = from_claim(urgent, add, WORKER, now, backend="polled")
    done = from_finished(urgent, add, WORKER, Settlement.succeeded(urgent, "3"), started_at=now)

    assert mostly.task is add
    assert mostly.backend == add.backend
    assert (rarely.task.priority, rarely.task.queue_name) == (7, "mail")
    assert rarely.backend == rarely.task.backend == "polled"
    assert rarely.task.func is add.func
    assert (done.task.priority, done.return_value, done.attempts) == (7, 3, 1)
    assert (done.started_at, done.last_attempted_at) == (now, now)
    assert done.finished_at >= now
    assert done.worker_ids == mostly.worker_ids == [str(WORKER)]


def test_a_result_can_be_read_when_its_queue_is_gone(engine: Engine) -> None:
    result = add.using(queue_name="mail").enqueue(1, 2)
    settings = TASKS | {"default": TASKS["default"] | {"QUEUES": ["default"]}}

    with override_settings(TASKS=settings):
        assert fresh(result).task.queue_name == "mail"


def test_a_result_can_be_read_when_its_task_is_gone(engine: Engine) -> None:
    result = add.enqueue(1, 2)
    TaskRecord.objects.update(task_path="shop.tasks.gone")

    gone = fresh(result)

    assert (gone.task.module_path, gone.task.name) == ("shop.tasks.gone", "gone")
    assert (gone.args, gone.state) == ([1, 2], State.READY)
    gone.refresh()
    with pytest.raises(UnknownTask, match=r"'shop\.tasks\.gone'"):
        gone.task.call(1, 2)


def test_the_progress_of_a_running_task_is_shown(engine: Engine) -> None:
    result = add.enqueue(1, 2)
    (claim,) = claim_all(WORKER)
    progress = {"done": 1, "total": 2, "note": "half way"}
    text = '{"done": 1, "total": 2, "note": "half way"}'
    engine.store.report_progress([(claim.id, claim.fence, text)], worker=WORKER)

    assert result.progress is None
    result.refresh()

    assert result.progress == progress


def test_waiting_for_what_is_final_ends_at_once_also_in_a_test_case(engine: Engine) -> None:
    results = [add.enqueue(1, 2), explode.enqueue(), too_late.enqueue()]
    run_due()

    states = [result.wait(timeout=0).state for result in results]

    assert states == [State.SUCCESSFUL, State.FAILED, State.EXPIRED]


def test_waiting_ends_when_the_task_does(live_engine: Engine) -> None:
    result = add.enqueue(1, 2)
    first_scan_done = threading.Event()

    def work() -> None:
        first_scan_done.wait(30)
        run_due()
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    with pytest.raises(ResultTimeout):
        result.wait(timeout=0)
    first_scan_done.set()
    final = result.wait(timeout=timedelta(seconds=30))
    worker.join()

    assert final is result
    assert (final.state, final.return_value) == (State.SUCCESSFUL, 3)


@pytest.mark.parametrize("timeout", [0, -1, 0.05, timedelta(milliseconds=50)])
def test_waiting_has_an_end(live_engine: Engine, timeout: Any) -> None:
    result = add.enqueue(1, 2)

    with pytest.raises(TimeoutError, match=rf"Task {result.id} was not final after .* seconds\."):
        result.wait(timeout=timeout)

    assert result.state is State.READY


def test_a_coroutine_can_wait_too(live_engine: Engine) -> None:
    result = add.enqueue(1, 2)

    with pytest.raises(ResultTimeout):
        async_to_sync(result.wait_async)(timeout=0)
    run_due()
    final = async_to_sync(result.wait_async)(timeout=0)

    assert final.return_value == 3


@everywhere
@pytest.mark.parametrize("call", [add.using(priority=3), explode])
def test_a_result_can_be_pickled(database: str, call: Any) -> None:
    result = call.enqueue(*((1, 2) if call is not explode else ()))
    waiting = pickle.loads(pickle.dumps(result))
    run_due()
    result.refresh()

    final = pickle.loads(pickle.dumps(result))

    assert waiting.state is State.READY
    assert (final, final.task, final.state) == (result, result.task, result.state)
    assert final.is_finished
    waiting.refresh()
    assert waiting.state is final.state

"""From claim to settlement, without a database."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from djtasks.protocol.states import State
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Pipeline
from djtasks.worker.attempts.running import ThreadGate
from tests import tasks
from tests.worker.making import WORKER, claim_of, work_of


@pytest.fixture
def pipeline():
    return Pipeline(store=None, worker=WORKER, max_result=100)


def path(task) -> str:
    return task.module_path


def test_a_return_value_is_settled_as_json(pipeline):
    finished = execute_here(pipeline, claim_of(path(tasks.add), 1, 2))

    assert finished.settlement.state is State.SUCCESSFUL
    assert finished.settlement.value == "3"
    assert finished.settlement.spent
    assert finished.settlement.error is None


def test_none_needs_no_place_in_the_row(pipeline):
    finished = execute_here(pipeline, claim_of("tests.tasks.closes_nothing"))

    assert finished.settlement.value is None


def test_a_coroutine_is_settled_the_same_way(pipeline):
    finished = execute_here(pipeline, claim_of(path(tasks.add_async), 3, 4))

    assert finished.settlement.value == "7"


@pytest.mark.parametrize(
    ("task", "args", "error"),
    [
        (tasks.explode, ["no"], "builtins.ValueError"),
        (tasks.exits, [], "builtins.SystemExit"),
        (tasks.returns_garbage, [], "djtasks.errors.UnstorableResult"),
    ],
)
def test_whatever_a_task_raises_is_a_value(pipeline, task, args, error):
    finished = execute_here(pipeline, claim_of(path(task), *args))

    assert finished.settlement.state is State.FAILED
    assert json.loads(finished.settlement.error)["class"] == error


def test_a_result_above_the_limit_fails_its_task_alone(pipeline):
    finished = execute_here(pipeline, claim_of("tests.tasks.only_once", "x" * 200))

    assert finished.settlement.state is State.FAILED
    assert "limit is 100" in str(finished.error)


def test_a_failure_with_attempts_left_is_retried_after_its_backoff(pipeline):
    claim = claim_of(path(tasks.explode), max_attempts=2)

    finished = execute_here(pipeline, claim)

    assert finished.settlement.state is State.READY
    assert 12 <= finished.settlement.delay <= 18
    assert finished.settlement.spent


def test_an_expired_claim_is_not_run(pipeline):
    claim = claim_of(path(tasks.write_row), "never", is_expired=True)

    finished = execute_here(pipeline, claim)

    assert finished.settlement.state is State.EXPIRED
    assert not finished.settlement.started
    assert not finished.settlement.spent


def test_an_unknown_task_is_released_and_says_so_once(pipeline):
    first = execute_here(pipeline, claim_of("gone.tasks.old"))
    again = execute_here(pipeline, claim_of("gone.tasks.old", errors=f"[{first.settlement.error}]"))

    for finished in (first, again):
        assert finished.settlement.state is State.READY
        assert finished.settlement.delay == 30
        assert not finished.settlement.spent
    assert "OPTIONS['imports']" in json.loads(first.settlement.error)["message"]
    assert again.settlement.error is None


def test_an_unknown_task_fails_an_hour_after_the_first_refusal(pipeline):
    refusal = {
        "class": "djtasks.errors.UnknownTask",
        "at": (datetime.now(UTC) - timedelta(hours=1, seconds=1)).isoformat(),
    }
    claim = claim_of("gone.tasks.old", errors=json.dumps([refusal]))

    finished = execute_here(pipeline, claim)

    assert finished.settlement.state is State.FAILED


@pytest.mark.parametrize("args", [[], [1, 2, 3]])
def test_a_call_made_for_another_signature_waits_for_code_that_takes_it(pipeline, args):
    finished = execute_here(pipeline, claim_of(path(tasks.add), *args))

    settlement = finished.settlement
    assert (settlement.state, settlement.delay, settlement.spent) == (State.READY, 30, False)
    assert not settlement.started
    error = json.loads(settlement.error)
    assert error["class"] == "djtasks.errors.UnknownTask"
    assert "Its signature is (a: int, b: int)" in error["message"]


def test_a_call_that_did_not_fit_is_over_for_its_time_limit(pipeline):
    watched = []

    pipeline.run(work_of(path(tasks.add), 1, timeout=5.0), ThreadGate(), watched.append)

    assert [running.is_over for running in watched] == [True]


def test_a_call_that_fits_nobody_for_an_hour_fails(pipeline):
    refusal = {
        "class": "djtasks.errors.UnknownTask",
        "at": (datetime.now(UTC) - timedelta(hours=1, seconds=1)).isoformat(),
    }
    claim = claim_of(path(tasks.add), 1, errors=json.dumps([refusal]))

    assert execute_here(pipeline, claim).settlement.state is State.FAILED


def test_a_type_error_of_the_task_itself_is_a_failure(pipeline):
    finished = execute_here(pipeline, claim_of(path(tasks.add), 1, "2"))

    assert finished.settlement.state is State.FAILED
    assert json.loads(finished.settlement.error)["class"] == "builtins.TypeError"


def test_a_refusal_before_the_last_attempt_is_not_counted(pipeline):
    long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    errors = [
        {"class": "djtasks.errors.UnknownTask", "at": long_ago},
        {"class": "builtins.ValueError", "at": long_ago},
    ]

    finished = execute_here(pipeline, claim_of("gone.tasks.old", errors=json.dumps(errors)))

    assert finished.settlement.state is State.READY


def test_a_result_that_cannot_be_stored_cancels_nothing(pipeline):
    object.__setattr__(tasks.returns_garbage, "cancel_on", (Exception,))
    try:
        finished = execute_here(pipeline, claim_of(path(tasks.returns_garbage)))
    finally:
        object.__setattr__(tasks.returns_garbage, "cancel_on", ())

    assert finished.settlement.state is State.FAILED


@pytest.mark.parametrize(
    ("answer", "state", "delay"),
    [
        (lambda error, result: 7, State.READY, 7),
        (lambda error, result: timedelta(minutes=1), State.READY, 60),
        (lambda error, result: None, State.FAILED, None),
        (lambda error, result: result.attempts * 100, State.READY, 100),
    ],
    ids=["seconds", "timedelta", "give up", "by attempt"],
)
def test_a_backoff_function_decides(pipeline, monkeypatch, answer, state, delay):
    object.__setattr__(tasks.explode, "backoff", answer)
    try:
        finished = execute_here(pipeline, claim_of(path(tasks.explode), max_attempts=3))
    finally:
        object.__setattr__(tasks.explode, "backoff", tasks.add.backoff)

    assert finished.settlement.state is state
    assert finished.settlement.delay == delay


@pytest.mark.parametrize("answer", [lambda *_: "soon", lambda: 1])
def test_a_broken_backoff_function_falls_back_to_the_default(pipeline, caplog, answer):
    object.__setattr__(tasks.explode, "backoff", answer)
    try:
        finished = execute_here(pipeline, claim_of(path(tasks.explode), max_attempts=3))
    finally:
        object.__setattr__(tasks.explode, "backoff", tasks.add.backoff)

    assert finished.settlement.state is State.READY
    assert "backoff function" in caplog.text


def test_retry_sets_the_delay_of_its_own(pipeline):
    claim = claim_of(path(tasks.asks_for_retry), 5, max_attempts=2)

    finished = execute_here(pipeline, claim)

    assert (finished.settlement.state, finished.settlement.delay) == (State.READY, 5)


def outermost(run):
    def wrapped(context):
        return ["outer", run(context)]

    return wrapped


def innermost(run):
    def wrapped(context):
        return [context.task_path, context.attempt, run(context)]

    return wrapped


def test_middleware_wraps_in_the_order_of_its_list():
    pipeline = Pipeline(store=None, worker=WORKER, middleware=[outermost, innermost])

    finished = execute_here(pipeline, claim_of(path(tasks.add), 1, 2, attempt=1))

    assert json.loads(finished.settlement.value) == ["outer", ["tests.tasks.add", 2, 3]]


def test_middleware_that_raises_fails_the_attempt():
    def refuses(run):
        def wrapped(context):
            raise PermissionError("not today")

        return wrapped

    pipeline = Pipeline(store=None, worker=WORKER, middleware=[refuses])

    finished = execute_here(pipeline, claim_of(path(tasks.add), 1, 2))

    assert "PermissionError" in finished.settlement.error


def test_a_plain_wrapper_around_a_coroutine_is_refused_with_the_way_out():
    from djtasks.middleware import chain

    async def run(context):
        return None

    with pytest.raises(ImproperlyConfigured, match="Return an `async def`"):
        chain([outermost], run)


def test_a_time_limit_that_strikes_after_the_return_changes_nothing(pipeline):
    work = work_of(path(tasks.add), 1, 2, timeout=1.0)
    gate = ThreadGate()

    finished = pipeline.run(work, gate)
    gate.throw(TimeoutError)

    assert finished.settlement.value == "3"


def test_sensible_policies_are_read_from_the_row_not_from_the_code(pipeline):
    claim = claim_of(path(tasks.flaky), max_attempts=1)

    finished = execute_here(pipeline, claim)

    assert finished.settlement.state is State.FAILED


def test_store_errors_deletes_successes_and_keeps_failures(pipeline):
    success = execute_here(pipeline, claim_of(path(tasks.leaves_nothing), 5))
    failure = execute_here(pipeline, claim_of(path(tasks.leaves_nothing), -1))

    assert success.settlement.deletes
    assert failure.settlement.state is State.FAILED
    assert not failure.settlement.deletes

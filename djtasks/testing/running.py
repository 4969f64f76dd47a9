"""Run tasks in the test's own thread and transaction, through the worker's own steps."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync, sync_to_async

from djtasks import middleware
from djtasks.compat import task_backends
from djtasks.context import current_task
from djtasks.definitions import registry
from djtasks.engine import Engine, engine_of
from djtasks.formats.ids import new_id
from djtasks.protocol.records import Claim
from djtasks.protocol.states import State
from djtasks.results import TaskResult, from_finished, from_record
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.attempts.running import Find, ThreadGate, Work
from djtasks.worker.child.announcer import Announcer

_CLAIMED_AT_ONCE = 100


def execute_here(pipeline: Pipeline, claim: Claim, find: Find = registry.find) -> Finished:
    """Run one claim in this thread, plain function or coroutine; never raise its errors.

    Only KeyboardInterrupt passes: Ctrl-C ends the test run, not a task.
    """
    work = Work.of(claim, find)
    before = current_task.get()
    try:
        if work.is_async:
            finished: Finished = async_to_sync(pipeline.run_async)(work)
        else:
            finished = pipeline.run(work, ThreadGate())
    finally:
        current_task.set(before)
    if isinstance(finished.error, KeyboardInterrupt):
        raise finished.error
    return finished


def run_due(
    *,
    backend: str = "default",
    advance: timedelta | None = None,
    reraise: bool = False,
) -> list[TaskResult[Any]]:
    """Run all due tasks in this thread; return their results in the order they ran.

    For tests, including a TestCase, where nothing commits and so no worker could see a task. Also
    runs the tasks that running tasks enqueue, until nothing is due. `advance` first lets that much
    time pass, see djtasks.testing.advance(). `reraise` raises the error of the first task that
    ends FAILED. Sends the signals and writes the log lines of a worker.
    """
    engine = engine_of(backend)
    if advance is not None:
        _let_pass(advance)
    worker = new_id()
    announcer = Announcer(type(task_backends[backend]), worker, backend)
    pipeline = Pipeline(
        engine.store,
        worker,
        middleware=middleware.load(engine.options.middleware),
        max_result=engine.options.max_result,
        on_started=announcer.announce,
    )
    results = []
    while claims := _claim(engine, worker):
        for claim in claims:
            finished = execute_here(pipeline, claim, engine.find)
            if engine.store.settle([finished.settlement], worker=worker) or finished.is_completed:
                announcer.announce(finished)
            if reraise and finished.settlement.state is State.FAILED and finished.error:
                raise finished.error
            results.append(_result(engine, claim, finished))
    return results


arun_due = sync_to_async(run_due)


def _let_pass(by: timedelta) -> None:
    # As in _records().
    from djtasks.testing.clock import advance  # noqa: PLC0415

    advance(by)


def _records(engine: Engine) -> Any:
    # A test backend is imported when the first tasks module is, maybe while apps load.
    from djtasks.models import TaskRecord  # noqa: PLC0415

    return TaskRecord.objects.using(engine.database)


def _claim(engine: Engine, worker: UUID) -> list[Claim]:
    lanes = engine.store.scan().lanes
    lanes.sort(key=lambda lane: -lane.priority)
    if not lanes:
        return []
    return engine.store.claim_due(lanes, worker=worker, limit=_CLAIMED_AT_ONCE)


def _result(engine: Engine, claim: Claim, finished: Finished) -> TaskResult[Any]:
    row = _records(engine).filter(pk=claim.id).first()
    if row is not None:
        return from_record(row)
    # Its task's `store` policy has deleted the row.
    return finished_result(finished, new_id())


def finished_result(finished: Finished, worker: UUID) -> TaskResult[Any]:
    """Return the result of an attempt that has no row."""
    task = finished.task or registry.get(finished.claim.task_path)
    return from_finished(
        finished.claim, task, worker, finished.settlement, started_at=finished.started_at
    )

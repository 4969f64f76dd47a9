"""Run tasks in the test's own thread and transaction, through the worker's own steps."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async

from djtasks import middleware
from djtasks.compat import task_backends
from djtasks.engine import Engine, engine_of
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.protocol.records import Claim
from djtasks.protocol.states import State
from djtasks.results import TaskResult, from_record
from djtasks.testing import clock
from djtasks.testing.crashes import execute, is_crash_coming, leave_dead, release_dead
from djtasks.testing.executing import finished_result
from djtasks.testing.promoting import promote
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.child.announcer import Announcer

_CLAIMED_AT_ONCE = 100


def run_due(
    *,
    backend: str = "default",
    advance: timedelta | None = None,
    reraise: bool = False,
) -> list[TaskResult[Any]]:
    """Run all due tasks in this thread; return their results in the order they ran.

    For tests, including a TestCase, where nothing commits and so no worker could see a task. Also
    runs the tasks that running tasks enqueue, and workflows from node to node, until nothing is
    due. `advance` first lets that much time pass, see djtasks.testing.advance(). `reraise` raises
    the error of the first task that ends FAILED. Sends the signals and writes the log lines of a
    worker.
    """
    engine = engine_of(backend)
    if advance is not None:
        clock.advance(advance)
    worker = new_id()
    announcer = Announcer(type(task_backends[backend]), worker, backend)
    pipeline = _pipeline(engine, announcer, worker)
    release_dead(engine)
    results: list[TaskResult[Any]] = []
    while claims := _next_claims(engine, worker):
        for claim in claims:
            finished = execute(pipeline, claim, engine.find)
            if finished is None:
                leave_dead(engine, worker, claim)
                row = _row(engine, claim)
                return [*results, from_record(row)] if row is not None else results
            if engine.store.settle([finished.settlement], worker=worker) or finished.is_completed:
                announcer.announce(finished)
            if reraise and finished.settlement.state is State.FAILED and finished.error:
                raise finished.error
            results.append(_result(engine, claim, finished))
    return results


arun_due = sync_to_async(run_due)


def _pipeline(engine: Engine, announcer: Announcer, worker: UUID) -> Pipeline:
    return Pipeline(
        engine.store,
        worker,
        middleware=middleware.load(engine.options.middleware),
        max_result=engine.options.max_result,
        max_metadata=engine.options.max_arguments,
        on_started=announcer.announce,
    )


def _next_claims(engine: Engine, worker: UUID) -> list[Claim]:
    """Claim what is due; if that is nothing, what workflows make due."""
    limit = 1 if is_crash_coming() else _CLAIMED_AT_ONCE
    claims = _claim(engine, worker, limit=limit)
    while not claims and promote(engine):
        claims = _claim(engine, worker, limit=limit)
    return claims


def _claim(engine: Engine, worker: UUID, *, limit: int) -> list[Claim]:
    lanes = engine.store.scan().lanes
    lanes.sort(key=lambda lane: -lane.priority)
    if not lanes:
        return []
    return engine.store.claim_due(lanes, worker=worker, limit=limit)


def _result(engine: Engine, claim: Claim, finished: Finished) -> TaskResult[Any]:
    row = _row(engine, claim)
    if row is not None:
        return from_record(row)
    # Its task's `store` policy has deleted the row.
    return finished_result(finished, new_id())


def _row(engine: Engine, claim: Claim) -> TaskRecord | None:
    return TaskRecord.objects.using(engine.database).filter(pk=claim.id).first()

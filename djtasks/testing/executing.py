"""Run one claim in the test's own thread, through the worker's own steps."""

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync

from djtasks.context import current_task
from djtasks.definitions import registry
from djtasks.protocol.records import Claim
from djtasks.results import TaskResult, from_finished
from djtasks.worker.attempts.pipeline import Finished, Pipeline, Watch
from djtasks.worker.attempts.running import Find, Running, ThreadGate, Work


def _nobody(_running: Running) -> None:
    """Ignore the start of an attempt."""


def execute_here(
    pipeline: Pipeline, claim: Claim, find: Find = registry.find, watch: Watch = _nobody
) -> Finished:
    """Run one claim in this thread, plain function or coroutine; never raise its errors.

    Only KeyboardInterrupt passes, since Ctrl-C ends the test run and not a task, and whatever
    `watch` raises, which is called when the attempt has begun.
    """
    work = Work.of(claim, find)
    before = current_task.get()
    try:
        if work.is_async:
            finished: Finished = async_to_sync(pipeline.run_async)(work, watch)
        else:
            finished = pipeline.run(work, ThreadGate(), watch)
    finally:
        current_task.set(before)
    if isinstance(finished.error, KeyboardInterrupt):
        raise finished.error
    return finished


def finished_result(finished: Finished, worker: UUID) -> TaskResult[Any]:
    """Return the result of an attempt that has no row."""
    task = finished.task or registry.get(finished.claim.task_path)
    return from_finished(
        finished.claim, task, worker, finished.settlement, started_at=finished.started_at
    )

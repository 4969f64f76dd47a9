"""Run one claim in the test's own thread, through the worker's own steps."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync

from djtasks.context import current_task
from djtasks.definitions import registry
from djtasks.protocol.records import Claim
from djtasks.results import TaskResult, from_finished
from djtasks.worker.attempts.pipeline import Finished, Pipeline, Watch
from djtasks.worker.attempts.running import CoroutineGate, Find, Running, ThreadGate, Work
from djtasks.worker.attempts.time_limits import Limits

logger = logging.getLogger("djtasks.worker")

_JOIN_SECONDS = 5.0


def _nobody(_running: Running) -> None:
    """Ignore the start of an attempt."""


def execute_here(
    pipeline: Pipeline, claim: Claim, find: Find = registry.find, watch: Watch = _nobody
) -> Finished:
    """Run one claim in this thread, plain function or coroutine; never raise its errors.

    Only KeyboardInterrupt passes, since Ctrl-C ends the test run and not a task, and whatever
    `watch` raises, which is called when the attempt has begun. Its time limit strikes as in a
    worker, but nothing kills a task that ignores it.
    """
    work = Work.of(claim, find)
    before = current_task.get()
    try:
        with _time_limit(claim, watch) as watching:
            if work.is_async:
                finished: Finished = async_to_sync(pipeline.run_async)(work, watching)
            else:
                finished = pipeline.run(work, ThreadGate(), watching)
    finally:
        current_task.set(before)
    if isinstance(finished.error, KeyboardInterrupt):
        raise finished.error
    return finished


@contextmanager
def _time_limit(claim: Claim, watch: Watch) -> Iterator[Watch]:
    """Return a watch that also watches the deadline of the attempt, if it has one."""
    if claim.timeout is None:
        yield watch
        return
    limits = Limits(_report_hung)
    limits.start()

    def watching(running: Running) -> None:
        watch(running)
        if running.gate is None and (current := _current_coroutine()) is not None:
            running.gate = CoroutineGate(asyncio.get_running_loop(), current)
        limits.watch(running)

    try:
        yield watching
    finally:
        limits.stop()
        limits.join(_JOIN_SECONDS)


def _current_coroutine() -> Any:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None  # a plain function, whose gate is made when it is called


def _report_hung(running: Running) -> None:
    logger.error(
        "Task ignores its time limit path=%s id=%s limit=%s s. A worker would kill its process.",
        running.task_path,
        running.id,
        running.claim.timeout,
    )


def finished_result(finished: Finished, worker: UUID) -> TaskResult[Any]:
    """Return the result of an attempt that has no row."""
    task = finished.task or registry.get(finished.claim.task_path)
    return from_finished(
        finished.claim, task, worker, finished.settlement, started_at=finished.started_at
    )

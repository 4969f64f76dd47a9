"""Crashes that a test asks for, at one point of the next execution by run_due().

Nothing is killed: run_due() leaves the row as a process leaves it that is killed there, with the
row of its worker, and ends. The next run_due() finds both, as the supervisor of that worker would.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import djtasks
from djtasks.definitions.task import Task
from djtasks.engine import Engine
from djtasks.formats.ids import new_id
from djtasks.models import WorkerRecord
from djtasks.protocol.records import Claim
from djtasks.protocol.recovery import Departure
from djtasks.store import workers
from djtasks.testing.executing import execute_here
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.attempts.running import Find, Running
from djtasks.worker.supervisor.departures import publish

_HOST = "djtasks.testing"


class Point(StrEnum):
    """Where an execution ends."""

    START = "start"
    RESULT = "result"


class _Killed(BaseException):
    """Leaves the pipeline before the task is called."""


@dataclass(slots=True)
class Crash:
    """A crash that has yet to happen. `path` None: whatever is executed next dies."""

    point: Point
    path: str | None
    has_happened: bool = False

    def execute(self, pipeline: Pipeline, claim: Claim, find: Find) -> Finished | None:
        """Run a claim up to the point; None is a crash. A claim that is refused ends as usual."""
        if self.has_happened or self.path not in (None, claim.task_path):
            return execute_here(pipeline, claim, find)
        try:
            finished = execute_here(pipeline, claim, find, self._on_begin)
        except _Killed:
            return None
        return None if self.has_happened else finished

    def _on_begin(self, _running: Running) -> None:
        self.has_happened = True
        if self.point is Point.START:
            raise _Killed


_crash: ContextVar[Crash | None] = ContextVar("djtasks.testing.crash", default=None)


def is_crash_coming() -> bool:
    """Return whether this is in a block of a crash."""
    return _crash.get() is not None


def execute(pipeline: Pipeline, claim: Claim, find: Find) -> Finished | None:
    """Run a claim; None if its execution has crashed."""
    crash = _crash.get()
    if crash is None:
        return execute_here(pipeline, claim, find)
    return crash.execute(pipeline, claim, find)


def crash_at_start(task: Task[..., Any] | None = None) -> AbstractContextManager[None]:
    """Return a context manager in which the next execution by run_due() dies at its start.

    It is as if `kill -9` hit its worker before the task is called. `task` is the task whose
    execution dies; None means any. run_due() ends there, and its last result is RUNNING. The next
    run_due() counts the crash and runs the task again, if its max_crashes allows that.

    Raises AssertionError at the end of the block if no execution has died in it.
    """
    return _crashing(Crash(Point.START, task.module_path if task is not None else None))


def crash_before_result(task: Task[..., Any] | None = None) -> AbstractContextManager[None]:
    """Return a context manager in which the next execution dies before its result is stored.

    What the task has done stays done; see crash_at_start() for the rest. A task that has completed
    in its own transaction is final by then, and stays so.
    """
    return _crashing(Crash(Point.RESULT, task.module_path if task is not None else None))


@contextmanager
def _crashing(crash: Crash) -> Iterator[None]:
    __tracebackhide__ = True
    token = _crash.set(crash)
    try:
        yield
    finally:
        _crash.reset(token)
    if not crash.has_happened:
        raise AssertionError(
            f"No execution of {crash.path or 'a task'} has crashed. Call run_due() inside the "
            f"block, when the task is due."
        )


def leave_dead(engine: Engine, worker: UUID, claim: Claim) -> None:
    """Store the row of a worker that was killed while it ran this claim."""
    workers.register(
        engine.database,
        workers.NewWorker(
            id=worker,
            supervisor=new_id(),
            backend=engine.alias,
            host=_HOST,
            pid=0,
            version=djtasks.__version__,
            queues=engine.queues,
            slots=1,
            alone=claim.must_run_isolated,
        ),
    )


def release_dead(engine: Engine) -> None:
    """Release what dead workers of this test own, as their supervisor does."""
    dead = WorkerRecord.objects.using(engine.database).filter(host=_HOST, backend=engine.alias)
    for worker in dead.order_by("pk"):
        departure = Departure(crashed=True, alone=worker.alone)
        released = workers.leave(engine.database, worker.pk, departure) or []
        # No hints: run_due() asks the database, and no broker need run in a test.
        publish(engine, [one for one in released if one.hint is None])

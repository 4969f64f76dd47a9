"""Results: a record as callers of `django.tasks` see it, with the additions of djtasks."""

import asyncio
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connections

from djtasks.compat import (
    TASK_REFRESH_ATTRS,
    DjangoTaskResult,
    TaskError,
    TaskResultDoesNotExist,
    TaskResultStatus,
)
from djtasks.definitions import registry
from djtasks.definitions.task import Task, blank, restore
from djtasks.errors import ResultTimeout, TaskCancelled, UnknownTask, WouldWaitForever
from djtasks.formats.json_values import decode
from djtasks.formats.tracebacks import class_path
from djtasks.protocol.records import Claim, NewRecord, Settlement, decode_call
from djtasks.protocol.states import FINAL, State, django_status

T = TypeVar("T")

_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.25
_CANCELLED = class_path(TaskCancelled())

if TYPE_CHECKING:
    from djtasks.models import TaskRecord

    class _Base(DjangoTaskResult[..., T]): ...

else:

    class _Base(DjangoTaskResult, Generic[T]):
        __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult(_Base[T]):  # type: ignore[misc] # frozen is what django-stubs do not say
    """Django's TaskResult, plus the precise `state`, `progress`, `wait` and `cancel`.

    `progress` is {"done": ..., "total": ..., "note": ...} or None. `database` is the
    DATABASES alias of its record. CANCELLED and EXPIRED are FAILED to Django's `status`.
    """

    state: State = State.READY
    progress: dict[str, Any] | None = None
    database: str = "default"

    def __post_init__(self) -> None:
        """Leave arguments as they are: they came through JSON already."""

    def refresh(self) -> None:
        """Read the record again. Raises TaskResultDoesNotExist if it has been deleted."""
        self._copy(self.task.get_backend().get_result(self.id))

    async def arefresh(self) -> None:
        """See refresh()."""
        self._copy(await self.task.get_backend().aget_result(self.id))

    def _copy(self, fresh: Any) -> None:
        for name in (*TASK_REFRESH_ATTRS, "state", "progress"):
            object.__setattr__(self, name, getattr(fresh, name))

    def wait(self, timeout: timedelta | float | None = None) -> "TaskResult[T]":
        """Return this result once it is final; raise ResultTimeout after `timeout` seconds.

        None waits for ever. Raises WouldWaitForever inside the transaction that enqueued it.
        If the record no longer exists and its task's `store` policy may have deleted it, the
        result counts as successful, without a value. Otherwise raises TaskResultDoesNotExist.
        """
        for pause in _pauses(timeout, self.id):
            if self._is_final_now():
                break
            self._refuse_to_wait_for_ourselves()
            time.sleep(pause)
        return self

    async def wait_async(self, timeout: timedelta | float | None = None) -> "TaskResult[T]":
        """See wait(); for coroutines."""
        for pause in _pauses(timeout, self.id):
            if await sync_to_async(self._is_final_now)():
                break
            await sync_to_async(self._refuse_to_wait_for_ourselves)()
            await asyncio.sleep(pause)
        return self

    def _is_final_now(self) -> bool:
        try:
            self.refresh()
        except TaskResultDoesNotExist:
            if getattr(self.task, "store", "all") == "all":
                raise
            object.__setattr__(self, "state", State.SUCCESSFUL)
            object.__setattr__(self, "status", TaskResultStatus.SUCCESSFUL)
        return self.is_finished

    def _refuse_to_wait_for_ourselves(self) -> None:
        connection = connections[self.database]
        enqueued_here = any(
            getattr(callback, "holds", _never)(UUID(self.id))
            for _savepoints, callback, *_ in connection.run_on_commit
        )
        if enqueued_here:
            raise WouldWaitForever(
                f"Task {self.id} was enqueued in the transaction that is still open on "
                f"{self.database!r}: no worker sees it before the commit, so wait() would never "
                f"return. Wait after the transaction, or call djtasks.testing.run_due() in tests."
            )

    def cancel(self) -> bool:
        """Cancel this task: at once if it waits, within a heartbeat if it runs.

        Returns False if it is already final.
        """
        backend: Any = self.task.get_backend()
        cancelled: bool = backend.cancel(self.id)
        return cancelled

    async def acancel(self) -> bool:
        """See cancel()."""
        return await sync_to_async(self.cancel)()


def _never(_id: UUID) -> bool:
    return False


def _pauses(timeout: timedelta | float | None, id_: str) -> Iterator[float]:
    """Yield the pause after each check; the last check is at the deadline."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while (left := deadline - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    yield 0.0
    raise ResultTimeout(f"Task {id_} was not final after {seconds:g} seconds.")


def from_record(record: "TaskRecord") -> TaskResult[Any]:
    """Return the result of a row. Its task is the registered task with the row's options."""
    state = State(record.state)
    workers = list(record.worker_ids or [])
    if state is State.RUNNING and record.worker is not None:
        workers.append(str(record.worker))
    result: TaskResult[Any] = TaskResult(
        task=_task_of(record),
        id=str(record.id),
        status=TaskResultStatus[django_status(state)],
        state=state,
        enqueued_at=record.enqueued_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        last_attempted_at=record.last_attempted_at,
        args=record.args,
        kwargs=record.kwargs,
        backend=record.backend,
        errors=_errors(record, state),
        worker_ids=workers,
        progress=record.progress,
        database=record._state.db or "default",  # noqa: SLF001 - Django's documented attribute
    )
    object.__setattr__(result, "_return_value", record.return_value)
    return result


def from_new(
    task: Task[Any, Any], record: NewRecord, *, enqueued_at: datetime, database: str
) -> TaskResult[Any]:
    """Return the result of a record that was just inserted, without reading it back."""
    args, kwargs = decode_call(record)
    return TaskResult(
        task=task,
        id=str(record.id),
        status=TaskResultStatus.READY,
        enqueued_at=enqueued_at,
        started_at=None,
        finished_at=None,
        last_attempted_at=None,
        args=args,
        kwargs=kwargs,
        backend=record.backend,
        errors=[],
        worker_ids=[],
        database=database,
    )


def from_claim(
    claim: Claim,
    task: Task[Any, Any],
    worker: UUID,
    started_at: datetime,
    *,
    backend: str | None = None,
) -> TaskResult[Any]:
    """Return the result of a running attempt, built from its claim alone.

    `backend` is the alias that runs it; None means the one that its task is defined for.
    """
    args, kwargs = decode_call(claim)
    earlier = decode(claim.worker_ids) if claim.worker_ids else []
    alias = backend or task.backend
    options = {"priority": claim.priority, "queue_name": claim.queue, "backend": alias}
    return TaskResult(
        task=restore(registry.as_defined(task), **options),
        id=str(claim.id),
        status=TaskResultStatus.RUNNING,
        state=State.RUNNING,
        enqueued_at=datetime.fromtimestamp(claim.enqueued_at, UTC),
        started_at=started_at,
        finished_at=None,
        last_attempted_at=started_at,
        args=args,
        kwargs=kwargs,
        backend=alias,
        errors=[_error_of(entry) for entry in decode(claim.errors)] if claim.errors else [],
        worker_ids=[*earlier, str(worker)],
    )


def from_finished(
    claim: Claim,
    task: Task[Any, Any],
    worker: UUID,
    settlement: Settlement,
    *,
    started_at: datetime | None,
    backend: str | None = None,
) -> TaskResult[Any]:
    """Return the result of an attempt that was just settled, without reading it back."""
    now = datetime.now(UTC)
    result = from_claim(claim, task, worker, started_at or now, backend=backend)
    errors = result.errors
    if settlement.error is not None:
        errors = [*errors, _error_of(decode(settlement.error))]
    for name, value in {
        "state": settlement.state,
        "status": TaskResultStatus[django_status(settlement.state)],
        "finished_at": now if settlement.state in FINAL else None,
        "started_at": started_at,
        "errors": errors,
        "_return_value": decode(settlement.value) if settlement.value else None,
    }.items():
        object.__setattr__(result, name, value)
    return result


def _error_of(entry: dict[str, Any]) -> TaskError:
    return TaskError(exception_class_path=entry["class"], traceback=entry["traceback"])


def _errors(record: "TaskRecord", state: State) -> list[TaskError]:
    errors = [_error_of(entry) for entry in record.errors or []]
    # Callers of Django's API read errors[-1] of whatever is FAILED to them. What a task raised
    # to end itself is there already; nobody wrote an entry for a record that was not running.
    is_recorded = bool(errors) and errors[-1].exception_class_path == _CANCELLED
    if state is State.CANCELLED and record.cancel_requested and not is_recorded:
        text = f"{_CANCELLED}: The task was cancelled.\n"
        errors.append(TaskError(exception_class_path=_CANCELLED, traceback=text))
    return errors


def _task_of(record: "TaskRecord") -> Task[Any, Any]:
    known = registry.find(record.task_path) or _unknown_task(record.task_path)
    return restore(
        registry.as_defined(known),
        priority=record.priority,
        queue_name=record.queue,
        backend=record.backend,
        run_after=record.run_after if record.run_after != record.enqueued_at else None,
        max_attempts=record.max_attempts,
        max_crashes=record.max_crashes,
        timeout=record.timeout,
    )


def _unknown_task(path: str) -> Task[Any, Any]:
    """Return a placeholder task, so that results of a task that no longer exists are readable."""

    def missing(*_args: Any, **_kwargs: Any) -> None:
        raise UnknownTask(f"No task is registered as {path!r} in this process.")

    missing.__module__, _, missing.__qualname__ = path.rpartition(".")
    missing.__name__ = missing.__qualname__
    return blank(missing)

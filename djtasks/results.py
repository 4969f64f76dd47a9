"""Results: a record as callers of `django.tasks` see it, with the additions of djtasks."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async

from djtasks.compat import (
    TASK_REFRESH_ATTRS,
    DjangoTaskResult,
    TaskError,
    TaskResultDoesNotExist,
    TaskResultStatus,
)
from djtasks.definitions import registry
from djtasks.definitions.codecs.results import typed_result
from djtasks.definitions.restoring import with_options
from djtasks.definitions.task import Task
from djtasks.errors import TaskCancelled
from djtasks.formats.foreign import object_in, object_of
from djtasks.formats.ids import text_of
from djtasks.formats.json_values import decode
from djtasks.formats.sealing import masked
from djtasks.formats.tracebacks import class_path
from djtasks.protocol.records import Claim, NewRecord, Settlement, decode_call
from djtasks.protocol.states import FINAL, State, django_status
from djtasks.waiting import is_enqueued_here, pauses, refuse_slot, refuse_transaction, unknown_end

T = TypeVar("T")

_CANCELLED = class_path(TaskCancelled())
_UNREAD: Any = ...  # no object(), which asdict() and deepcopy() would copy
_plain_value: Any = DjangoTaskResult.return_value.fget  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from djtasks.models import TaskRecord

    class _Base(DjangoTaskResult[..., T]): ...

else:

    class _Base(DjangoTaskResult, Generic[T]):
        __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult(_Base[T]):  # type: ignore[misc] # frozen is what django-stubs do not say
    """Django's TaskResult, plus the precise `state`, `progress`, `metadata`, `wait` and `cancel`.

    `progress` is {"done": ..., "total": ..., "note": ...} or None. `metadata` is a dict.
    `database` is the DATABASES alias of its record. `was_stored`: its record was committed once.
    CANCELLED and EXPIRED are FAILED to Django's `status`. Encrypted arguments are placeholders.
    """

    state: State = State.READY
    progress: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    database: str = "default"
    was_stored: bool = field(default=True, repr=False, compare=False)
    _typed_value: Any = field(init=False, default=_UNREAD, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Leave arguments as they are: they came through JSON already."""

    @property
    def return_value(self) -> T:
        """Return what the task has returned, in the type of its annotation if it fits.

        A model instance was read with the result. Raises ValueError unless the task has
        succeeded, and the DoesNotExist of the model if the instance is gone.
        """
        plain = _plain_value(self)
        if self._typed_value is _UNREAD:
            object.__setattr__(self, "_typed_value", typed_result(self.task, plain))
        typed: T = self._typed_value
        return typed

    def refresh(self) -> None:
        """Read the record again. Raises TaskResultDoesNotExist if it has been deleted."""
        self._copy(self.task.get_backend().get_result(self.id))

    async def arefresh(self) -> None:
        """See refresh()."""
        self._copy(await self.task.get_backend().aget_result(self.id))

    def _copy(self, fresh: Any) -> None:
        for name in (*TASK_REFRESH_ATTRS, "state", "progress", "metadata", "_typed_value"):
            object.__setattr__(self, name, getattr(fresh, name))
        self.note_stored()

    def wait(self, timeout: timedelta | float | None = None) -> "TaskResult[T]":
        """Return this result once it is final; raise ResultTimeout after `timeout` seconds.

        None waits for ever. Raises WouldWaitForever where it could never return: in a transaction
        that enqueued the task or sees no later commits, and, for None, inside a plain task.

        Raises TaskResultDoesNotExist if the record no longer exists, since it is not known what
        became of it. But with store="errors", a committed record that is gone before its retention
        ends has succeeded; its value is not kept.
        """
        for pause in pauses(timeout, f"Task {self.id}"):
            if self._is_final_now():
                break
            self._refuse_to_wait(timeout)
            time.sleep(pause)
        return self

    async def wait_async(self, timeout: timedelta | float | None = None) -> "TaskResult[T]":
        """See wait(); for coroutines."""
        for pause in pauses(timeout, f"Task {self.id}"):
            if await sync_to_async(self._is_final_now)():
                break
            await sync_to_async(self._refuse_transaction)()
            await asyncio.sleep(pause)
        return self

    def _is_final_now(self) -> bool:
        try:
            self.refresh()
        except TaskResultDoesNotExist as missing:
            if not self._has_succeeded_unseen():
                raise unknown_end(self.id, self._store) from missing
            object.__setattr__(self, "state", State.SUCCESSFUL)
            object.__setattr__(self, "status", TaskResultStatus.SUCCESSFUL)
        if not self.is_finished and self._store == "none":
            raise unknown_end(self.id, self._store)
        return self.is_finished

    def _has_succeeded_unseen(self) -> bool:
        is_stored = self.was_stored or is_enqueued_here(self.id, self.database)
        if self._store != "errors" or not is_stored:
            return False
        engine: Any = getattr(self.task.get_backend(), "engine", None)
        kept = engine.options.retention[State.FAILED] if engine else None
        age = datetime.now(UTC) - (self.enqueued_at or datetime.now(UTC))
        return kept is None or age < kept

    @property
    def _store(self) -> str:
        return getattr(self.task, "store", "all")

    def _refuse_to_wait(self, timeout: timedelta | float | None) -> None:
        self._refuse_transaction()
        if timeout is None:
            refuse_slot(f"Task {self.id}")

    def _refuse_transaction(self) -> None:
        refuse_transaction(self.id, self.database, f"Task {self.id}")

    def note_stored(self) -> None:
        """Remember that the record of this result was committed."""
        object.__setattr__(self, "was_stored", True)

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


def from_record(record: "TaskRecord") -> TaskResult[Any]:
    """Return the result of a row. Its task is the registered task with the row's options."""
    state = State(record.state)
    args, kwargs = masked(record.args, record.kwargs)
    running = [str(record.worker)] if state is State.RUNNING and record.worker else []
    result: TaskResult[Any] = TaskResult(
        task=registry.of_record(record),
        id=str(record.id),
        status=TaskResultStatus[django_status(state)],
        state=state,
        enqueued_at=record.enqueued_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        last_attempted_at=record.last_attempted_at,
        args=args,
        kwargs=kwargs,
        backend=record.backend,
        errors=_errors(record, state),
        worker_ids=[*(record.worker_ids or []), *running],
        progress=record.progress,
        metadata=object_in(record.metadata),
        database=record._state.db or "default",  # noqa: SLF001 - Django's documented attribute
    )
    object.__setattr__(result, "_return_value", record.return_value)
    return result


def from_new(
    task: Task[Any, Any],
    record: NewRecord,
    *,
    enqueued_at: datetime,
    database: str,
    was_stored: bool = False,
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
        metadata=object_of(record.metadata),
        database=database,
        was_stored=was_stored,
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
        task=with_options(registry.as_defined(task), **options),
        id=text_of(claim.id),
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
        worker_ids=[*earlier, text_of(worker)],
        metadata=object_of(claim.metadata),
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
    new = [] if settlement.error is None else [_error_of(decode(settlement.error))]
    for name, value in {
        "state": settlement.state,
        "status": TaskResultStatus[django_status(settlement.state)],
        "finished_at": now if settlement.state in FINAL else None,
        "started_at": started_at,
        "errors": [*result.errors, *new],
        "metadata": object_of(settlement.metadata or claim.metadata),
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

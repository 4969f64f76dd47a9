"""One task: what was called, what happened when, and the outcome."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from djtasks.definitions import registry
from djtasks.definitions.redaction import redacted_value
from djtasks.engine import Engine
from djtasks.formats.foreign import list_in
from djtasks.inspection.attempts import Attempt, attempts_of
from djtasks.inspection.display.calls import Piece, call_of
from djtasks.inspection.fields import shown_arguments
from djtasks.inspection.status import records_of
from djtasks.inspection.timeline import Stretch, timeline_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import State

MOST_RELATED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another task that is related to this one.

    `why`: "target" (about the same object) or "failure" (failed the same way).
    """

    id: UUID
    task_path: str
    state: State
    enqueued_at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """One record, with sensitive values removed.

    `phase` is its state in the words people use: ready, scheduled, retrying, running,
    successful, failed, cancelled, expired or waiting. `is_known`: this process has its code.
    `waited` is the time from due to its last start, `ran` from that to its end; both up to now if
    it is not over.
    """

    id: UUID
    now: datetime
    backend: str
    task_path: str
    module: str
    function: str
    is_known: bool
    state: State
    phase: str
    queue: str
    priority: int
    call: list[Piece]
    args: list[Any]
    kwargs: dict[str, Any]
    return_value: Any
    progress: Any
    metadata: Any
    attempt: int
    max_attempts: int
    crash_count: int
    max_crashes: int
    timeout: timedelta | None
    enqueued_at: datetime
    run_after: datetime
    expires_at: datetime | None
    started_at: datetime | None
    last_attempted_at: datetime | None
    finished_at: datetime | None
    waited: timedelta | None
    ran: timedelta | None
    worker: UUID | None
    cancel_requested: bool
    key: str | None
    target: str | None
    parent: UUID | None
    workflow: UUID | None
    schedule: int | None
    due_at: datetime | None
    tags: list[Any]
    fingerprint: str | None
    attempts: list[Attempt]
    timeline: list[Stretch]
    related: list[Related]


def task_facts(engine: Engine, record_id: UUID) -> TaskFacts | None:
    """Return the facts of one record of this alias, or None if it does not exist (any more)."""
    row = records_of(engine).filter(pk=record_id).first()
    return None if row is None else task_facts_of(engine, row, engine.store.now())


def task_facts_of(engine: Engine, row: TaskRecord, now: datetime) -> TaskFacts:
    """Return the facts of a record that was read already; `now` is the database's clock."""
    return _facts(engine, row, now, related_to(engine, row))


def holder_of(engine: Engine, *unique_keys: str) -> UUID | None:
    """Return the id of the live record that holds one of these unique keys, or None."""
    rows = TaskRecord.objects.using(engine.database).filter(unique_key__in=unique_keys)
    return rows.values_list("pk", flat=True).first()


def time_limits_of(engine: Engine, ids: Iterable[str]) -> dict[UUID, timedelta]:
    """Return the time limits of the records that have one."""
    rows = TaskRecord.objects.using(engine.database).filter(pk__in=ids, timeout__isnull=False)
    return {pk: limit for pk, limit in rows.values_list("pk", "timeout") if limit is not None}


def phase_of(state: State, *, attempt: int, is_due: bool) -> str:
    """Return a state in the words people use."""
    if state is not State.READY or is_due:
        return state.name.lower()
    return "retrying" if attempt else "scheduled"


def _facts(engine: Engine, row: TaskRecord, now: datetime, related: list[Related]) -> TaskFacts:
    task = registry.find(row.task_path)
    pattern = engine.options.redact or ""
    args, kwargs = shown_arguments(engine, row.task_path, row.args, row.kwargs)
    module, _, function = row.task_path.rpartition(".")
    state = State(row.state)
    return TaskFacts(
        id=row.pk,
        now=now,
        is_known=task is not None,
        module=module,
        function=function,
        state=state,
        phase=phase_of(state, attempt=row.attempt, is_due=row.run_after <= now),
        call=call_of(row, args, kwargs),
        args=args,
        kwargs=kwargs,
        return_value=redacted_value(row.return_value, pattern=pattern),
        progress=redacted_value(row.progress, pattern=pattern),
        metadata=redacted_value(row.metadata, pattern=pattern),
        waited=waited_of(row, now),
        ran=ran_of(row, now),
        tags=list_in(row.tags),
        attempts=attempts_of(row, now),
        timeline=timeline_of(row, now),
        related=related,
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "backend", "task_path", "queue", "priority", "attempt", "max_attempts", "crash_count",
    "max_crashes", "timeout", "enqueued_at", "run_after", "expires_at", "started_at",
    "last_attempted_at", "finished_at", "worker", "cancel_requested", "key", "target",
    "parent", "workflow", "schedule", "due_at", "fingerprint",
)  # fmt: skip


def _has_run(row: TaskRecord) -> bool:
    return row.state == State.RUNNING or row.finished_at is not None


def ran_of(row: TaskRecord, now: datetime) -> timedelta | None:
    """Return how long the last execution took, or has taken so far; None before the first."""
    started = row.last_attempted_at
    return (row.finished_at or now) - started if started and _has_run(row) else None


def waited_of(row: TaskRecord, now: datetime) -> timedelta | None:
    """Return how long a record waited for its last start, or has waited so far."""
    end = row.last_attempted_at if _has_run(row) else now
    if end is None:
        return None
    return max(end - row.run_after, timedelta(0))


def related_to(engine: Engine, row: TaskRecord) -> list[Related]:
    """Return other tasks about the same object, or that failed the same way, newest first."""
    found = [
        *_related(engine, row, "target", Q(target=row.target) if row.target else None),
        *_related(engine, row, "failure", _same_failure(row)),
    ]
    seen: dict[UUID, Related] = {}
    for one in found:
        seen.setdefault(one.id, one)
    return list(seen.values())


def _same_failure(row: TaskRecord) -> Q | None:
    if row.fingerprint is None or row.state != State.FAILED:
        return None
    return Q(fingerprint=row.fingerprint, state=State.FAILED)


def _related(engine: Engine, row: TaskRecord, why: str, condition: Q | None) -> Sequence[Related]:
    if condition is None:
        return []
    rows = records_of(engine).filter(condition).exclude(pk=row.pk).order_by("-pk")
    columns = rows.values_list("pk", "task_path", "state", "enqueued_at")[:MOST_RELATED]
    return [
        Related(id=pk, task_path=path, state=State(state), enqueued_at=at, why=why)
        for pk, path, state, at in columns
    ]

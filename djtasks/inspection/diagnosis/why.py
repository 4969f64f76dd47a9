"""Read the facts that tell why one task is not running."""

from collections.abc import Sequence
from datetime import datetime
from inspect import iscoroutinefunction
from typing import Any
from uuid import UUID

from djtasks.definitions import registry
from djtasks.definitions.signatures import OTHER_CODE
from djtasks.engine import Engine
from djtasks.formats.foreign import objects_in
from djtasks.inspection.diagnosis.doors import door_facts
from djtasks.inspection.diagnosis.facts import (
    QueuePause,
    WorkerFacts,
    drains,
    is_silent,
    serves,
    takes_tasks,
)
from djtasks.inspection.diagnosis.why_facts import WhyFacts
from djtasks.inspection.queue_position import ahead_of
from djtasks.inspection.status import records_of, workers_of
from djtasks.models import QueueControl, TaskRecord
from djtasks.protocol.states import State

_UNKNOWN = "djtasks.errors.UnknownTask"
_MISSING_KEY = "djtasks.errors.MissingKey"


def facts_for_why(engine: Engine, record_id: UUID) -> WhyFacts | None:
    """Return the facts about one record of this alias, or None when there is none."""
    row = records_of(engine).filter(pk=record_id).first()
    return None if row is None else why_facts_of(engine, row, engine.store.now())


def why_facts_of(engine: Engine, row: TaskRecord, now: datetime) -> WhyFacts:
    """Return the facts about a record that was read already, or is not stored yet."""
    state = State(row.state)
    everybody, lease = workers_of(engine, now), engine.options.lease
    serving = [worker for worker in everybody if serves(worker, row.queue)]
    is_due = state is State.READY and row.run_after <= now
    takers = [worker for worker in serving if takes_tasks(worker, lease)]
    last = (objects_in(row.errors) or [{}])[-1]
    return WhyFacts(
        now=now,
        state=state,
        id=row.pk,
        started_at=row.last_attempted_at,
        worker=next((w for w in everybody if w.id == row.worker), None),
        owner=row.worker,
        last_error=str(last.get("class", "")).rpartition(".")[2],
        refused=state is State.READY and last.get("class") in (_UNKNOWN, _MISSING_KEY),
        mismatch=_mismatch(last),
        lacks_key=str(last.get("message", "")) if last.get("class") == _MISSING_KEY else "",
        pause=_pause(engine, row.queue, now),
        workers=takers,
        slots=_slots(takers, coroutine=_is_coroutine(row.task_path)),
        draining=[worker for worker in serving if drains(worker, lease)],
        silent=[worker for worker in everybody if is_silent(worker, lease)],
        problems=engine.broker.diagnose() if engine.broker else (),
        policy=_policy_of(engine, row.task_path),
        is_known=registry.find(row.task_path) is not None,
        ahead=ahead_of(engine, row, now) if is_due else None,
        door=door_facts(engine, row) if state is State.WAITING else None,
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "task_path", "queue", "attempt", "max_attempts", "run_after", "finished_at",
    "cancel_requested", "expires_at", "backend",
)  # fmt: skip


def _policy_of(engine: Engine, path: str) -> str:
    """Return the pattern of the policy that gives a task its options, or ""."""
    task = engine.find(path)
    policy = engine.policies.of(task.module_path) if task is not None else None
    return policy.pattern if policy is not None else ""


def _is_coroutine(path: str) -> bool | None:
    """Return whether a task is a coroutine function; None if this process does not know it."""
    task = registry.find(path)
    return None if task is None else iscoroutinefunction(task.func)


def _slots(workers: Sequence[WorkerFacts], *, coroutine: bool | None) -> tuple[int, int]:
    """Return how many slots of one kind are free, and how many there are."""
    slots = sum(worker.slots_for(coroutine=coroutine) for worker in workers)
    busy = sum(
        coroutine is None
        or worker.threads is None
        or _is_coroutine(task["path"]) in (coroutine, None)
        for worker in workers
        for task in worker.tasks
    )
    return max(slots - busy, 0), slots


def _mismatch(last: dict[str, Any]) -> str:
    """Return why the call does not fit the function of the last worker; "" if that was not it."""
    why, is_mismatch, _ = str(last.get("message", "")).rpartition(f" {OTHER_CODE}")
    return why if is_mismatch and last.get("class") == _UNKNOWN else ""


def _pause(engine: Engine, queue: str, now: datetime) -> QueuePause | None:
    controls = QueueControl.objects.using(engine.database).filter(backend=engine.alias)
    row = controls.filter(queue=queue, paused=True).first()
    if row is None or (row.until is not None and row.until <= now):
        return None
    return QueuePause(by=row.paused_by, since=row.paused_at, reason=row.reason, until=row.until)

"""The tasks that were enqueued about an object of the project."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from djtasks.inspection.tasks import phase_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.store import open_store, queue_database


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTask:
    """One task about an object; `phase` is its state in the words people use."""

    id: UUID
    task_path: str
    phase: str
    attempt: int
    max_attempts: int
    enqueued_at: datetime


def tasks_about(target: str, *, limit: int) -> list[PastTask]:
    """Return the newest tasks that name a target, of all aliases, newest first."""
    records = TaskRecord.objects.using(queue_database()).filter(target=target)
    rows = list(records.order_by("-pk").values_list(*_COLUMNS)[:limit])
    if not rows:
        return []
    now = open_store("").now()
    return [
        PastTask(
            id=pk,
            task_path=path,
            phase=phase_of(State(state), attempt=attempt, is_due=run_after <= now),
            attempt=attempt,
            max_attempts=most,
            enqueued_at=enqueued_at,
        )
        for pk, path, state, attempt, most, run_after, enqueued_at in rows
    ]


_COLUMNS = ("pk", "task_path", "state", "attempt", "max_attempts", "run_after", "enqueued_at")

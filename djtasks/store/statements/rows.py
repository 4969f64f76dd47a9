"""Rows of TaskRecord to and from the frozen values that travel; for the portable store."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from djtasks.models import TaskRecord
from djtasks.protocol.records import Claim, Inserted, NewRecord, Settlement
from djtasks.protocol.states import FINAL, State
from djtasks.store.base import ERRORS_KEPT, DueRecord, Lane

_CLOCKS = {
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
    "mysql": "SELECT utc_timestamp(6)",
}

# All that a claim and a settle read of a row: to build whole ones doubles what they cost.
CLAIMED_FROM = (
    *("id", "fence", "task_path", "queue", "priority", "args", "kwargs", "attempt"),
    *("crash_count", "max_attempts", "max_crashes", "timeout", "run_after", "expires_at"),
    *("enqueued_at", "errors", "worker_ids"),
)
SETTLED_FROM = ("id", "fence", "attempt", "cancel_requested", "worker_ids", "errors")


def database_now(connection: Any) -> datetime:
    """Return the database's clock, aware, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOCKS.get(connection.vendor, "SELECT CURRENT_TIMESTAMP"), None)
        value = cursor.fetchone()[0]
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def from_new(record: NewRecord, now: datetime) -> TaskRecord:
    """Return an unsaved row; `now` is the database's clock."""
    expires = record.expires
    return TaskRecord(
        id=record.id,
        backend=record.backend,
        task_path=record.task_path,
        queue=record.queue,
        priority=record.priority,
        args=json.loads(record.args),
        kwargs=json.loads(record.kwargs),
        max_attempts=record.max_attempts,
        max_crashes=record.max_crashes,
        run_after=(record.run_after or now) + (record.delay or timedelta(0)),
        enqueued_at=now,
        expires_at=now + expires if isinstance(expires, timedelta) else expires,
        timeout=record.timeout,
        key=record.unique_key,
        unique_key=record.unique_key,
        target=record.target,
        schedule=record.schedule,
        due_at=record.due_at,
        state=State.READY,
    )


def inserted(row: TaskRecord) -> Inserted:
    """Return the answer to an insert that made this row."""
    return Inserted(id=row.id, run_after=row.run_after, enqueued_at=row.enqueued_at)


def holding(row: TaskRecord) -> Inserted:
    """Return the answer to an insert whose unique key this row holds."""
    return Inserted(id=row.id, run_after=row.run_after, enqueued_at=row.enqueued_at, holder=row)


def claim_from(row: TaskRecord, now: datetime) -> Claim:
    """Return the claim of a row as it was read before the claim."""
    return Claim(
        id=row.id,
        fence=row.fence + 1,
        task_path=row.task_path,
        queue=row.queue,
        priority=row.priority,
        args=json.dumps(row.args),
        kwargs=json.dumps(row.kwargs),
        attempt=row.attempt,
        crash_count=row.crash_count,
        max_attempts=row.max_attempts,
        max_crashes=row.max_crashes,
        timeout=row.timeout.total_seconds() if row.timeout else None,
        waited=max((now - row.run_after).total_seconds(), 0.0),
        is_expired=row.expires_at is not None and row.expires_at <= now,
        enqueued_at=row.enqueued_at.timestamp(),
        errors=json.dumps(row.errors) if row.errors else None,
        worker_ids=json.dumps(row.worker_ids) if row.worker_ids else None,
    )


def settled(row: TaskRecord, settlement: Settlement, worker: UUID, now: datetime) -> dict[str, Any]:
    """Return the new columns of a locked row."""
    state = settlement.state
    if state is State.READY and row.cancel_requested:
        state = State.CANCELLED
    value = settlement.value
    columns: dict[str, Any] = {
        "state": state,
        "worker": None,
        "fingerprint": settlement.fingerprint,
        "return_value": json.loads(value) if value is not None else None,
    }
    if settlement.spent:
        columns["attempt"] = row.attempt + 1
        columns["worker_ids"] = [*(row.worker_ids or []), str(worker)]
    if not settlement.started and row.attempt == 0:
        columns["started_at"] = None
    if settlement.delay is not None:
        columns["run_after"] = now + timedelta(seconds=settlement.delay)
    if state in FINAL:
        columns |= {"finished_at": now, "unique_key": None}
    return columns | _notes(row, settlement)


def _notes(row: TaskRecord, settlement: Settlement) -> dict[str, Any]:
    notes: dict[str, Any] = {}
    if settlement.progress is not None:
        notes["progress"] = json.loads(settlement.progress)
    if settlement.error is not None:
        notes["errors"] = [*(row.errors or []), json.loads(settlement.error)][-ERRORS_KEPT:]
    return notes


def due_records(query: Any, limit: int) -> list[DueRecord]:
    """Return the first `limit` of a query over one lane, oldest first."""
    found: Iterable[Any] = query.order_by("run_after", "pk").values_list(
        "pk", "queue", "priority", "run_after"
    )[:limit]
    return [
        DueRecord(id=pk, lane=Lane(queue, priority), run_after=run_after)
        for pk, queue, priority, run_after in found
    ]

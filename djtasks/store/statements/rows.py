"""Convert TaskRecord rows to and from the values of the store contract, for the portable store."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from djtasks.models import TaskRecord
from djtasks.models.fields import utc_moment
from djtasks.protocol.records import Claim, Inserted, NewRecord, Settlement
from djtasks.protocol.states import FINAL, State
from djtasks.store.base import ERRORS_KEPT, DueRecord, Lane
from djtasks.store.statements.columns import MEMBER, NAMES, membership, row_of

# In PostgreSQL, CURRENT_TIMESTAMP is the start of the transaction.
_CLOCKS = {
    "postgresql": "SELECT statement_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
    "mysql": "SELECT utc_timestamp(6)",
}

_Read = tuple[str, Callable[[Any, datetime], Any]]


def _as_json(value: Any, _now: datetime) -> str:
    return json.dumps(value)


def _as_json_if_any(value: Any, _now: datetime) -> str | None:
    return json.dumps(value) if value else None


# The fields of Claim that need a conversion: from which column, and how.
_READ: dict[str, _Read] = {
    "fence": ("fence", lambda fence, _now: fence + 1),
    "args": ("args", _as_json),
    "kwargs": ("kwargs", _as_json),
    "timeout": ("timeout", lambda limit, _now: limit.total_seconds() if limit else None),
    "waited": ("run_after", lambda due, now: max((now - due).total_seconds(), 0.0)),
    "is_expired": ("expires_at", lambda end, now: end is not None and end <= now),
    "enqueued_at": ("enqueued_at", lambda moment, _now: moment.timestamp()),
    "errors": ("errors", _as_json_if_any),
    "worker_ids": ("worker_ids", _as_json_if_any),
    "inputs": ("inputs", _as_json_if_any),
    "metadata": ("metadata", _as_json_if_any),
}
_CLAIMED: list[_Read] = [
    _READ.get(name, (name, lambda value, _now: value)) for name in Claim.__struct_fields__
]

# The columns that a claim and a settle read: building whole rows doubles their cost.
CLAIMED_FROM = tuple(column for column, _read in _CLAIMED)
SETTLED_FROM = ("id", "fence", "attempt", "cancel_requested", "worker_ids", "errors")


def database_now(connection: Any) -> datetime:
    """Return the database's clock, aware, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOCKS.get(connection.vendor, "SELECT CURRENT_TIMESTAMP"), None)
        return utc_moment(cursor.fetchone()[0])


def from_new(record: NewRecord, now: datetime) -> TaskRecord:
    """Return an unsaved row; `now` is the database's clock."""
    columns = dict(zip(NAMES, row_of(record, now), strict=True))
    columns |= {"args": json.loads(record.args), "kwargs": json.loads(record.kwargs)}
    for name in ("tags", "metadata"):
        columns[name] = json.loads(columns[name]) if columns[name] else None
    if record.member is not None:
        columns |= zip((column.name for column in MEMBER), membership(record), strict=True)
        columns["inputs"] = json.loads(record.member.inputs) if record.member.inputs else None
    return TaskRecord(**{"state": State.READY} | columns, enqueued_at=now)


def inserted(row: TaskRecord) -> Inserted:
    """Return the answer to an insert that created this row."""
    return Inserted(id=row.id, run_after=row.run_after, enqueued_at=row.enqueued_at)


def holding(row: TaskRecord) -> Inserted:
    """Return the answer to an insert whose unique key is held by this row."""
    return Inserted(id=row.id, run_after=row.run_after, enqueued_at=row.enqueued_at, holder=row)


def claim_from(row: TaskRecord, now: datetime) -> Claim:
    """Return the claim of a row that was read before the claim's UPDATE."""
    return Claim(*(read(getattr(row, column), now) for column, read in _CLAIMED))


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
    if settlement.metadata is not None:
        notes["metadata"] = json.loads(settlement.metadata)
    if settlement.error is not None:
        notes["errors"] = [*(row.errors or []), json.loads(settlement.error)][-ERRORS_KEPT:]
    return notes


def due_records(query: Any, limit: int) -> list[DueRecord]:
    """Return the first `limit` records of a query over one lane, oldest first."""
    found: Iterable[Any] = query.order_by("run_after", "pk").values_list(
        "pk", "queue", "priority", "run_after"
    )[:limit]
    return [
        DueRecord(id=pk, lane=Lane(queue, priority), run_after=run_after)
        for pk, queue, priority, run_after in found
    ]

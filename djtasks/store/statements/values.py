"""Values to the parameters of the statements in `sql`, and their rows back to values."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from djtasks.protocol.records import Claim, NewRecord, Settlement
from djtasks.store.base import ERRORS_KEPT, DueRecord, Lane
from djtasks.store.statements import sql


def insert(record: NewRecord) -> tuple[str, tuple[Any, ...]]:
    """Return the statement and parameters for one record."""
    head = (
        record.id,
        record.backend,
        record.task_path,
        record.queue,
        record.priority,
        record.args,
        record.kwargs,
        record.max_attempts,
        record.max_crashes,
    )
    tail = (
        record.run_after,
        record.delay,
        record.expires if isinstance(record.expires, datetime) else None,
        record.expires if isinstance(record.expires, timedelta) else None,
        record.timeout,
        record.target,
        record.schedule,
        record.due_at,
        record.unique_key,
        record.unique_key,
    )
    if all(value is None for value in tail):
        return sql.INSERT_PLAIN, head
    return sql.INSERT_FULL, head + tail


def due_at(record: NewRecord, now: datetime) -> datetime:
    """Return when a record is due if it is inserted at `now`, the database's clock."""
    return (record.run_after or now) + (record.delay or timedelta(0))


def expires_at(record: NewRecord, now: datetime) -> datetime | None:
    """Return when a record expires if it is inserted at `now`, the database's clock."""
    return now + record.expires if isinstance(record.expires, timedelta) else record.expires


def copy_row(record: NewRecord, now: datetime) -> tuple[Any, ...]:
    """Return one row for COPY."""
    return (
        record.id,
        record.backend,
        record.task_path,
        record.queue,
        record.priority,
        record.args,
        record.kwargs,
        record.max_attempts,
        record.max_crashes,
        due_at(record, now),
        expires_at(record, now),
        record.timeout,
        record.target,
        record.schedule,
        record.due_at,
        record.unique_key,
        record.unique_key,
    )


def insert_columns(records: Sequence[NewRecord], now: datetime) -> list[list[Any]]:
    """Return the arrays of INSERT_UNNEST."""
    rows = [copy_row(record, now)[:-1] for record in records]
    return [list(column) for column in zip(*rows, strict=True)]


def lane_columns(lanes: Sequence[Lane]) -> dict[str, Any]:
    """Return the arrays of lanes."""
    return {
        "queues": [lane.queue for lane in lanes],
        "priorities": [lane.priority for lane in lanes],
    }


def owned_columns(owned: Sequence[tuple[UUID, int]], worker: UUID) -> dict[str, Any]:
    """Return the arrays of (id, fence) pairs."""
    return {
        "ids": [id_ for id_, _ in owned],
        "fences": [fence for _, fence in owned],
        "worker": worker,
    }


def plain_columns(settlements: Sequence[Settlement], worker: UUID) -> dict[str, Any]:
    """Return the arrays of SETTLE_PLAIN."""
    return {
        "worker": worker,
        "workers": f'["{worker}"]',
        "ids": [s.id for s in settlements],
        "fences": [s.fence for s in settlements],
        "values": [s.value for s in settlements],
    }


def settle_columns(settlements: Sequence[Settlement], worker: UUID) -> dict[str, Any]:
    """Return the arrays of SETTLE."""
    return {
        "worker": worker,
        "kept": ERRORS_KEPT,
        "ids": [s.id for s in settlements],
        "fences": [s.fence for s in settlements],
        "states": [int(s.state) for s in settlements],
        "values": [s.value for s in settlements],
        "errors": [s.error for s in settlements],
        "progress": [s.progress for s in settlements],
        "delays": [s.delay for s in settlements],
        "spent": [int(s.spent) for s in settlements],
        "started": [s.started for s in settlements],
        "fingerprints": [s.fingerprint for s in settlements],
    }


def claim_from(row: tuple[Any, ...]) -> Claim:
    """Return the claim of a row of _CLAIMED."""
    return Claim(*row)


def due_from(row: tuple[Any, ...]) -> DueRecord:
    """Return the due record of a row of _DUE."""
    return DueRecord(id=row[0], lane=Lane(row[1], row[2]), run_after=row[3])

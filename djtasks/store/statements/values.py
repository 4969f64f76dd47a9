"""Convert values to the parameters of the statements in `sql`, and their rows to values."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from djtasks.protocol.records import Claim, NewRecord, Settlement
from djtasks.store.base import ERRORS_KEPT, DueRecord, Lane
from djtasks.store.statements.columns import OTHERS, PLACES, given, membership, others, row_of

_NOTHING_MORE = (None,) * (4 + len(OTHERS))


def is_plain(record: NewRecord) -> bool:
    """Return whether INSERT_PLAIN has all columns that this record fills."""
    return _more(record) == _NOTHING_MORE


def insert_full(record: NewRecord) -> tuple[Any, ...]:
    """Return the parameters of INSERT_FULL for one record."""
    return given(record) + _more(record)


def _more(record: NewRecord) -> tuple[Any, ...]:
    expires = record.expires
    return (
        record.run_after,
        record.delay,
        expires if isinstance(expires, datetime) else None,
        expires if isinstance(expires, timedelta) else None,
        *others(record),
    )


def insert_columns(records: Sequence[NewRecord], now: datetime) -> list[list[Any]]:
    """Return the arrays of INSERT_UNNEST."""
    columns = list(zip(*(row_of(record, now) for record in records), strict=True))
    return [list(columns[place]) for place in PLACES.values()]


def member_columns(records: Sequence[NewRecord], now: datetime) -> list[list[Any]]:
    """Return the arrays of INSERT_MEMBERS."""
    more = zip(*map(membership, records), strict=True)
    return insert_columns(records, now) + list(map(list, more))


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
        "metadata": [s.metadata for s in settlements],
        "delays": [s.delay for s in settlements],
        "spent": [int(s.spent) for s in settlements],
        "started": [s.started for s in settlements],
        "fingerprints": [s.fingerprint for s in settlements],
    }


def claim_from(row: tuple[Any, ...]) -> Claim:
    """Return the claim in a row of _CLAIMED."""
    return Claim(*row)


def due_from(row: tuple[Any, ...]) -> DueRecord:
    """Return the due record in a row of _DUE."""
    return DueRecord(id=row[0], lane=Lane(row[1], row[2]), run_after=row[3])

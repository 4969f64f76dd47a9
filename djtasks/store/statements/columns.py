"""The columns that an insert fills. Statements, COPY rows and ORM rows are built from this list.

For a new field of NewRecord, add a line here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from djtasks.protocol.records import NewRecord
from djtasks.protocol.states import State


class RecordColumn(NamedTuple):
    """A column, its type in PostgreSQL, and the field of NewRecord that fills it."""

    name: str
    type: str
    field: str


# Columns that every record fills.
GIVEN = (
    RecordColumn("id", "uuid", "id"),
    RecordColumn("backend", "text", "backend"),
    RecordColumn("task_path", "text", "task_path"),
    RecordColumn("queue", "text", "queue"),
    RecordColumn("priority", "smallint", "priority"),
    RecordColumn("args", "jsonb", "args"),
    RecordColumn("kwargs", "jsonb", "kwargs"),
    RecordColumn("max_attempts", "smallint", "max_attempts"),
    RecordColumn("max_crashes", "smallint", "max_crashes"),
)
# Columns that may be relative to the database's clock; see `due_at` and `expires_at`.
MOMENTS = (
    RecordColumn("run_after", "timestamptz", "run_after"),
    RecordColumn("expires_at", "timestamptz", "expires"),
)
# Columns that most records leave empty.
OTHERS = (
    RecordColumn("timeout", "interval", "timeout"),
    RecordColumn("target", "text", "target"),
    RecordColumn("parent", "uuid", "parent"),
    RecordColumn("tags", "jsonb", "tags"),
    RecordColumn("metadata", "jsonb", "metadata"),
    RecordColumn("schedule", "bigint", "schedule"),
    RecordColumn("due_at", "timestamptz", "due_at"),
    RecordColumn("key", "text", "unique_key"),
    RecordColumn("unique_key", "text", "unique_key"),
)
# Columns that only members of workflows fill; see `membership`.
MEMBER = (
    RecordColumn("state", "smallint", "state"),
    RecordColumn("workflow", "uuid", "workflow"),
    RecordColumn("node", "bigint", "node"),
    RecordColumn("place", "integer", "place"),
    RecordColumn("inputs", "jsonb", "inputs"),
    RecordColumn("waits_for", "text", "waits_for"),
)
COLUMNS = (*GIVEN, *MOMENTS, *OTHERS)
NAMES = tuple(column.name for column in COLUMNS)
# The place of each field's value in a row; a value that fills two columns is sent once.
PLACES = {column.field: place for place, column in enumerate(COLUMNS)}

given: Callable[[NewRecord], tuple[Any, ...]] = attrgetter(*(c.field for c in GIVEN))
others: Callable[[NewRecord], tuple[Any, ...]] = attrgetter(*(c.field for c in OTHERS))


def due_at(record: NewRecord, now: datetime) -> datetime:
    """Return when a record is due if it is inserted at `now`, the database's clock."""
    return (record.run_after or now) + (record.delay or timedelta(0))


def expires_at(record: NewRecord, now: datetime) -> datetime | None:
    """Return when a record expires if it is inserted at `now`, the database's clock."""
    return now + record.expires if isinstance(record.expires, timedelta) else record.expires


def row_of(record: NewRecord, now: datetime) -> tuple[Any, ...]:
    """Return the values of COLUMNS for a record that is inserted at `now`."""
    return (*given(record), due_at(record, now), expires_at(record, now), *others(record))


def membership(record: NewRecord) -> tuple[Any, ...]:
    """Return the values of MEMBER for a record, which may be none of a workflow."""
    member = record.member
    if member is None:
        return (int(State.READY), None, None, None, None, None)
    return (
        int(State.WAITING),
        member.workflow,
        member.node,
        member.place,
        member.inputs,
        member.door,
    )

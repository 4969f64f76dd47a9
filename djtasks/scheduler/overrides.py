"""Which columns of a schedule the code decides about, and which of them a person has changed.

A row keeps what the code says beside its columns; a column that differs is an override.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from djtasks.errors import DjtasksError
from djtasks.models import Schedule
from djtasks.scheduler.planning import ticked_until, timetable_of

# The columns that decide about the next run.
WHEN = {"rule", "starts_at", "ends_at"}


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _same(value: Any) -> Any:
    return value


# What a declaration says and a row may say otherwise, with the way from JSON to the column.
COLUMNS: dict[str, Callable[[Any], Any]] = {
    "task_path": _same,
    "rule": _same,
    "args": _same,
    "kwargs": _same,
    "missed": _same,
    "overlap": _same,
    "jitter": _duration,
    "starts_at": _moment,
    "ends_at": _moment,
}


def columns_of(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that the code asks for, of what `Declaration.as_dict` gave."""
    return {column: parse(declared[column]) for column, parse in COLUMNS.items()}


def overrides_of(row: Schedule) -> dict[str, Any]:
    """Return the columns that a person has changed, each with what the code says."""
    said = said_before(row)
    return {column: value for column, value in said.items() if getattr(row, column) != value}


def said_before(row: Schedule) -> dict[str, Any]:
    """Return the columns as the code said them when it was last looked at.

    Empty for a schedule made by hand, and for a row where that was edited to nonsense.
    """
    try:
        return {} if row.declared is None else columns_of(row.declared)
    except (LookupError, TypeError, ValueError):
        return {}


def restarted(row: Schedule, now: datetime) -> dict[str, Any]:
    """Return the columns of a row that goes on from now, with the rule it has."""
    try:
        following = timetable_of(row).next_after(ticked_until(row.last_due_at, now))
    except DjtasksError as error:
        return {"next_run_at": None, "broken": str(error)}
    return {"next_run_at": following if row.is_enabled else None, "broken": ""}

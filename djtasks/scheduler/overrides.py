"""Overrides: the columns of a declared schedule that a person has changed.

A row keeps the declaration beside its columns. A column that differs from it is an override.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from djtasks.models import Schedule
from djtasks.scheduler.planning import reason_of, ticked_until, timetable_of

# The columns that determine the next run.
WHEN = {"rule", "starts_at", "ends_at"}


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _same(value: Any) -> Any:
    return value


# The columns of a declaration that a row may override, with the conversion from JSON.
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
    """Convert what `Declaration.as_dict` returned to the columns of a row."""
    return {column: parse(declared[column]) for column, parse in COLUMNS.items()}


def overrides_of(row: Schedule) -> dict[str, Any]:
    """Return the columns that a person has changed, each with its value in the code."""
    said = said_before(row)
    return {column: value for column, value in said.items() if getattr(row, column) != value}


def said_before(row: Schedule) -> dict[str, Any]:
    """Return the columns as the code declared them at the last sync.

    Empty for a schedule that was not declared, and for a declaration that was edited into nonsense.
    """
    try:
        return {} if row.declared is None else columns_of(row.declared)
    except Exception:  # noqa: BLE001 - whatever somebody put into the row
        return {}


def changes_to(row: Schedule, declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that change with the code, which now declares this; overrides stay."""
    before = said_before(row)
    return {
        column: value
        for column, value in columns_of(declared).items()
        if column in before and getattr(row, column) == before[column] != value
    }


def restarted(row: Schedule, now: datetime) -> dict[str, Any]:
    """Return the columns that let a row continue from now with its current rule."""
    try:
        following = timetable_of(row).next_after(ticked_until(row.last_due_at, now))
    except Exception as error:  # noqa: BLE001 - whatever somebody put into the row
        return {"next_run_at": None, "broken": reason_of(error)}
    return {"next_run_at": following if row.is_enabled else None, "broken": ""}

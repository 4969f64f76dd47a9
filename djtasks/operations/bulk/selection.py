"""Selections: filters for records that can be stored as JSON."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet, FieldError, ValidationError
from django.db import NotSupportedError
from django.db.models import DurationField, ExpressionWrapper, F, Q

from djtasks.engine import Engine
from djtasks.errors import InvalidSelection
from djtasks.formats.durations import as_duration
from djtasks.models import TaskRecord
from djtasks.store import queue_database

Selection = Mapping[str, Any]

_COLUMNS = frozenset({"pk", *(field.name for field in TaskRecord._meta.fields)})  # noqa: SLF001
_DURATIONS = {
    name: ExpressionWrapper(F(end) - F(start), output_field=DurationField())
    for name, start, end in (
        ("waited", "run_after", "last_attempted_at"),
        ("ran", "last_attempted_at", "finished_at"),
    )
}


def selected(engine: Engine, selection: Selection) -> Any:
    """Return the records of one alias that a selection matches.

    A selection is a dict of Django lookups on columns of TaskRecord, which must all match; a
    list matches any of its values. `any` takes a list of selections of which one must match,
    `all` a list of which all must match, `not` a selection that must not match. `waited` and
    `ran` (with `__gt`, `__lt`) are durations in seconds. Dates and ids may be text. `search`
    holds what somebody typed, for people to read; it is no condition. Raises InvalidSelection
    for anything else.
    """
    records = TaskRecord.objects.using(queue_database()).filter(backend=engine.alias)
    durations = {
        name: duration for name, duration in _DURATIONS.items() if _mentions(selection, name)
    }
    try:
        found = records.alias(**durations).filter(_condition(selection))
        with suppress(EmptyResultSet):
            str(found.query)  # Django checks the values only here
    except (FieldError, NotSupportedError, ValidationError, ValueError, TypeError) as error:
        raise InvalidSelection(f"The selection {selection!r} is not valid: {error}") from error
    return found


def _mentions(selection: Any, name: str) -> bool:
    return f"'{name}__" in repr(selection)


def _condition(selection: Selection) -> Q:
    if not isinstance(selection, Mapping):
        raise InvalidSelection(f"A selection must be a dict, got {selection!r}.")
    condition = Q()
    for key, value in selection.items():
        if key == "any":
            condition &= _several(key, value, Q.OR)
        elif key == "all":
            condition &= _several(key, value, Q.AND)
        elif key == "search":
            continue
        elif key == "not":
            condition &= ~_condition(value)
        else:
            condition &= _lookup(key, value)
    return condition


def _several(name: str, selections: Any, connector: str) -> Q:
    if not isinstance(selections, list | tuple) or not selections:
        raise InvalidSelection(f"{name!r} must be a list of selections, got {selections!r}.")
    condition = Q()
    for one in selections:
        condition.add(_condition(one), connector)
    return condition


def _lookup(key: str, value: Any) -> Q:
    column = key.partition("__")[0]
    if column not in _COLUMNS and column not in _DURATIONS:
        raise InvalidSelection(
            f"A selection cannot filter by {column!r}. Choose from {', '.join(sorted(_COLUMNS))}."
        )
    if isinstance(value, str) and "\x00" in value:
        raise InvalidSelection(f"The value of {key!r} contains a NUL, which no record can contain.")
    if column in _DURATIONS:
        return Q(**{key: _duration(key, value)})
    if isinstance(value, list | tuple) and key == column:
        return Q(**{f"{key}__in": list(value)})
    return Q(**{key: value})


def _duration(key: str, value: Any) -> timedelta:
    duration = as_duration(value)
    if duration is None:
        raise InvalidSelection(f"{key!r} must be a number of seconds, got {value!r}.")
    return duration


def as_json(value: Any) -> Any:
    """Return a value as JSON: datetimes and ids as text, durations in seconds."""
    match value:
        case Mapping():
            return {str(key): as_json(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [as_json(inner) for inner in value]
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID():
            return str(value)
    return value

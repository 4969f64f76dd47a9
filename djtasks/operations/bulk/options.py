"""Parse and validate the options of bulk actions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from djtasks.definitions.options import LONGEST_QUEUE, is_queue
from djtasks.errors import InvalidBulkAction
from djtasks.formats.durations import as_duration
from djtasks.formats.moments import as_moment
from djtasks.operations.actions import ACTIONS
from djtasks.protocol.hints import MAX_PRIORITY, MIN_PRIORITY


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOptions:
    """What a bulk action changes besides the state; None leaves a value unchanged.

    `run_after`: when the records are due; None means at once. `spread`: due times are spread
    evenly over this duration, starting at `run_after`.
    """

    queue: str | None = None
    priority: int | None = None
    run_after: datetime | None = None
    spread: timedelta | None = None


def parse_bulk_options(action: str, options: Mapping[str, Any]) -> BulkOptions:
    """Return the options of a bulk action; None counts as not given.

    `run_after` may be ISO text, `spread` a number of seconds. Raises InvalidBulkAction for an
    unknown action or option, a missing option, or an invalid value.
    """
    meant = ACTIONS.get(action)
    if meant is None:
        raise InvalidBulkAction(f"A bulk action is one of {', '.join(ACTIONS)}, got {action!r}.")
    given = {name: value for name, value in options.items() if value is not None}
    unknown = sorted(set(given) - meant.options)
    if unknown:
        takes = ", ".join(sorted(meant.options)) or "no options"
        raise InvalidBulkAction(
            f"The bulk action {action!r} takes {takes}, got {', '.join(unknown)}."
        )
    if meant.needed - set(given):
        needs = ", ".join(repr(name) for name in sorted(meant.needed - set(given)))
        raise InvalidBulkAction(f"The bulk action {action!r} needs {needs}.")
    return BulkOptions(**{name: _PARSERS[name](value) for name, value in given.items()})


def _refused(name: str, expected: str, value: object) -> InvalidBulkAction:
    return InvalidBulkAction(
        f"{name!r} of a bulk action must be {expected}, got {str(value)[:100]!r}."
    )


def _queue(value: Any) -> str:
    if not is_queue(value):
        raise _refused("queue", f"a printable text of 1 to {LONGEST_QUEUE} characters", value)
    return str(value)


def _priority(value: Any) -> int:
    if not isinstance(value, int) or not MIN_PRIORITY <= value <= MAX_PRIORITY:
        expected = f"a whole number between {MIN_PRIORITY} and {MAX_PRIORITY}"
        raise _refused("priority", expected, value)
    return value


def _moment(value: Any) -> datetime:
    try:
        moment = parse_datetime(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise _refused("run_after", "an aware datetime", value)
    return as_moment(moment)


def _duration(value: Any) -> timedelta:
    duration = as_duration(value)
    if duration is None or duration < timedelta(0):
        raise _refused("spread", "a positive timedelta or number of seconds", value)
    return duration


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "queue": _queue,
    "priority": _priority,
    "run_after": _moment,
    "spread": _duration,
}

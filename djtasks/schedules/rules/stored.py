"""Read rules from a row, which somebody may have edited by hand."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from djtasks.errors import InvalidSchedule
from djtasks.formats.durations import as_duration
from djtasks.schedules.rules.base import Rule
from djtasks.schedules.rules.crontab import Crontab
from djtasks.schedules.rules.every import Every
from djtasks.schedules.rules.once import Once


def rule_from(stored: Mapping[str, Any]) -> Rule:
    """Return the rule that `as_dict` described; raise InvalidSchedule for anything else."""
    match stored:
        case {"kind": Crontab.kind, "expression": str(expression), "tz": str(tz)}:
            return Crontab(expression, tz, seconds=stored.get("seconds") is True)
        case {"kind": Every.kind, "seconds": seconds}:
            anchor = stored.get("anchor")
            interval = as_duration(seconds)
            return Every(
                seconds if interval is None else interval,
                anchor=None if anchor is None else _moment(anchor, "anchor"),
            )
        case {"kind": Once.kind, "at": at}:
            return Once(_moment(at, "at"))
    raise InvalidSchedule(
        f"{stored!r} is not a rule. Expected {{'kind': 'cron', 'expression': '0 3 * * *', 'tz': "
        f"'UTC'}}, {{'kind': 'interval', 'seconds': 300}} or {{'kind': 'once', 'at': "
        f"'2026-12-24T18:00:00+00:00'}}."
    )


def _moment(text: object, name: str) -> datetime:
    if isinstance(text, str):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise InvalidSchedule(
        f"{name!r} of a rule must be an ISO 8601 datetime such as '2026-12-24T18:00:00+02:00', "
        f"got {text!r}."
    )

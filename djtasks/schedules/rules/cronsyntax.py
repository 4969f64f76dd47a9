"""Validate cron expressions: croniter's syntax, minus the parts that surprise people."""

import re

from croniter import croniter

from djtasks.errors import InvalidSchedule

_SECOND = {"second": "0-59"}
_FIVE = {
    "minute": "0-59",
    "hour": "0-23",
    "day of the month": "1-31 or L, the last",
    "month": "1-12 or jan-dec",
    "day of the week": "0-7 or sun-sat, also fri#2 and L5, the second and the last Friday",
}
# The second Friday, the last Friday, the weekday nearest to the 15th.
_ORDINAL = re.compile(r"#|l\w|\dw")
_UNITS = {"second": "seconds", "minute": "minutes", "hour": "hours", "day of the month": "days"}
_ALIASES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_RANDOM_FIELD = re.compile(r"(?<![a-z])[hr](?![a-z])")
_STARS = {"*", "?", "*/1"}
_EQUAL_RANGE = re.compile(r"(?<!\w)(\w+)-\1(?!\w)")


def require_expression(expression: str, *, seconds: bool) -> None:
    """Raise InvalidSchedule, which names the field, unless the cron expression is valid.

    With `seconds` the expression has six fields, the seconds first.
    """
    if expression.startswith("@") and not seconds:
        _require_alias(expression)
        return
    fields = (_SECOND if seconds else {}) | _FIVE
    if len(expression.split()) != len(fields):
        raise InvalidSchedule(_miscounted(expression, fields, seconds=seconds))
    _refuse_surprises(expression)
    if not croniter.is_valid(expression, second_at_beginning=seconds):
        raise InvalidSchedule(_complaint(expression, fields, seconds=seconds))
    _refuse_long_steps(expression, list(fields))
    _refuse_two_kinds_of_days(expression, seconds=seconds)


def without_idle_stars(expression: str) -> str:
    """Return the expression with each list that has a star written as "*", which it means."""
    fields = expression.split()
    return " ".join("*" if _STARS & set(text.split(",")) else text for text in fields)


def _require_alias(expression: str) -> None:
    if expression.lower() not in _ALIASES:
        raise InvalidSchedule(
            f"{expression!r} is not an alias for a cron expression. Known aliases: "
            f"{', '.join(_ALIASES)}."
        )


def _miscounted(expression: str, fields: dict[str, str], *, seconds: bool) -> str:
    way_out = "" if seconds else " To use a seconds field, write Crontab(..., seconds=True)."
    return (
        f"The cron expression {expression!r} needs {len(fields)} fields ({', '.join(fields)}), "
        f"got {len(expression.split())}.{way_out}"
    )


def _refuse_surprises(expression: str) -> None:
    if _RANDOM_FIELD.search(expression.lower()):
        raise InvalidSchedule(
            f"The cron expression {expression!r} has a random or hashed field (R or H), which "
            f"each process would read differently. Write the time, and use jitter to spread runs."
        )
    if equal := _EQUAL_RANGE.search(expression.lower()):
        raise InvalidSchedule(
            f"The range {equal[0]!r} in {expression!r} has one value. Some crons read it as that "
            f"value, and some as all values. Write {equal[1]!r} or '*'."
        )


def _refuse_long_steps(expression: str, names: list[str]) -> None:
    """Refuse a step as long as what it steps through: `*/90` of minutes is minute 0, hourly."""
    for position, text in enumerate(expression.split()):
        for item in text.split(","):
            if "/" not in item or (value := _only_value(item, position, len(names))) is None:
                continue
            unit, step = _UNITS.get(names[position]), item.rpartition("/")[2]
            instead = f", or Every(timedelta({unit}={step})) for an interval" if unit else ""
            raise InvalidSchedule(
                f"The step of {item!r} in the cron expression {expression!r} leaves one value of "
                f"the {names[position]}, {value}. Write {value}{instead}."
            )


def _refuse_two_kinds_of_days(expression: str, *, seconds: bool) -> None:
    """Refuse two restricted fields of days where crons disagree whether one or both must match."""
    fields = without_idle_stars(expression).split()[1 if seconds else 0 :]
    days = [field for field in (fields[2], fields[4]) if field not in _STARS]
    odd = [day for day in days if day.startswith("*") or _ORDINAL.search(day.lower())]
    if len(days) > 1 and odd:
        raise InvalidSchedule(
            f"The cron expression {expression!r} restricts the day of the month and the day of "
            f"the week, one of them with {odd[0]!r}. Some crons then run when both match, some "
            f"when either does. Restrict one of them, and declare two schedules for either. "
            f"Instead of '*/2' you can write a range, '1-31/2': then either is enough."
        )


def _only_value(item: str, position: int, count: int) -> int | None:
    """Return the only value that an item of a field stands for, None if it has several."""
    alone = ["*"] * count
    alone[position] = item
    # croniter moves the seconds to the end.
    place = position if count == len(_FIVE) else (position - 1) % count
    found = croniter(" ".join(alone), second_at_beginning=count > len(_FIVE)).expanded[place]
    return found[0] if len(found) == 1 and found != ["*"] else None


def _complaint(expression: str, fields: dict[str, str], *, seconds: bool) -> str:
    """Say which field is wrong, by asking croniter about each field alone."""
    texts = expression.split()
    for position, (name, bounds) in enumerate(fields.items()):
        alone = ["*"] * len(fields)
        alone[position] = texts[position]
        if not croniter.is_valid(" ".join(alone), second_at_beginning=seconds):
            return (
                f"In the cron expression {expression!r} the {name} cannot be "
                f"{texts[position]!r}: expected {bounds}, or lists (1,3), ranges (1-5) and "
                f"steps (*/5) of them."
            )
    return f"The fields of the cron expression {expression!r} do not fit together."

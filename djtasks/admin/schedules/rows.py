"""A schedule as a row of the admin: its rule in words, its state, its next and last runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from djtasks.admin.queues.rows import Standing
from djtasks.engine import Engine
from djtasks.formats.moments import in_zone
from djtasks.inspection import Run, histories_of, history_of
from djtasks.inspection.fields import shown_arguments
from djtasks.inspection.schedules import is_skipping, runs_after, shown_overrides
from djtasks.inspection.skipped import skipped_since
from djtasks.inspection.visibility import NOTHING_PRIVATE, Visibility
from djtasks.models import Schedule
from djtasks.protocol.states import State
from djtasks.scheduler.overrides import COLUMNS
from djtasks.scheduler.planning import problem_of, ticked_until, timetable_of
from djtasks.schedules import Crontab, Rule, Upcoming, missed_from, rule_from
from djtasks.schedules.rules.base import duration_in_words
from djtasks.schedules.rules.wallclock import zone_named

HISTORY = 20
_RUNS = 3
_GAP, _BAR = 6, 4


@dataclass(frozen=True, slots=True)
class Due:
    """A due time, with the local time in the zone of its rule."""

    at: datetime
    local: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The mark of one run: its place, and whether it points up, down or is a ring."""

    x: int
    css: str


@dataclass(frozen=True, slots=True)
class Override:
    """A column that a person has changed: its name, the code's value and the current value."""

    column: str
    code: str
    here: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """One schedule. `runs` is empty while it is paused; `history` has the newest record first.

    `is_skipping`: runs were skipped since the last one began, which is not over. `skipped`: how
    many were skipped since the last one, at most 100. `broken` says
    why it cannot run, also before a scheduler has noticed; empty if it can.
    """

    row: Schedule
    broken: str
    words: str
    detail: str
    standing: Standing
    is_skipping: bool
    skipped: int
    runs: Sequence[Due]
    history: Sequence[Run]
    overrides: Sequence[Override]

    @property
    def is_code(self) -> bool:
        """Return whether the code declares it."""
        return self.row.declared is not None and not self.row.removed

    @property
    def outcomes(self) -> list[Outcome]:
        """Return the marks of the history, oldest first."""
        return [
            Outcome(_GAP * place, _css(record.state))
            for place, record in enumerate(reversed(self.history))
        ]

    @property
    def width(self) -> int:
        """Return the width of all marks."""
        return _GAP * len(self.history) + _BAR

    @property
    def failed_count(self) -> int:
        """Return the number of runs in the history that failed."""
        return sum(record.state == State.FAILED for record in self.history)

    @property
    def last(self) -> Run | None:
        """Return the newest record, if it still exists."""
        return next(iter(self.history), None)

    @property
    def last_css(self) -> str:
        """Return the CSS class of the newest record: ok, bad, or skip for neither."""
        return _css(self.last.state) if self.last else "skip"


def translated(words: str, /, **values: object) -> str:
    """Translate the words of a rule into the language of the page."""
    return _(words) % values


def schedule_rows(engine: Engine, rows: Sequence[Schedule], now: datetime) -> list[ScheduleRow]:
    """Return schedules in the order they came."""
    histories = histories_of(engine, [row.pk for row in rows], limit=HISTORY)
    return [_row(engine, row, now, histories[row.pk]) for row in rows]


def schedule_row(
    engine: Engine, row: Schedule, now: datetime, visibility: Visibility = NOTHING_PRIVATE
) -> ScheduleRow:
    """Return one schedule with its next due times and its last records."""
    found = _row(engine, row, now, history_of(engine, row.pk, limit=HISTORY))
    return replace(found, overrides=differences(engine, row, visibility))


def _row(engine: Engine, row: Schedule, now: datetime, history: Sequence[Run]) -> ScheduleRow:
    words, detail = _said(row)
    broken, last = row.broken or problem_of(row), next(iter(history), None)
    return ScheduleRow(
        row=row,
        broken=broken,
        words=words,
        detail=detail,
        standing=standing_of(row, broken),
        runs=[] if broken else _next_runs(row, now, _RUNS),
        is_skipping=is_skipping(row, last),
        skipped=skipped_since(row, last.began_at if last else None, now),
        history=history,
        overrides=differences(engine, row),
    )


def standing_of(row: Schedule, broken: str) -> Standing:
    """Return the most important state of a schedule, as a badge."""
    if row.removed:
        return Standing(css="off", symbol="dash", word=_("Removed from the code"))
    if broken:
        return Standing(css="failed", symbol="failed", word=_("Broken"))
    if not row.is_enabled:
        return Standing(css="warn", symbol="paused", word=_("Paused"))
    if row.next_run_at is None:
        return Standing(css="off", symbol="ok", word=_("Over"))
    return Standing(css="ok", symbol="ok", word=_("Active"))


def on_its_clock(rule: Rule, found: Iterable[Upcoming]) -> list[Due]:
    """Return due times in the zone of the rule, or in that of the page if the rule has none."""
    zone = zone_named(rule.tz) if isinstance(rule, Crontab) else timezone.get_current_timezone()
    return [Due(at=one.at, local=in_zone(one.at, zone), note=one.note) for one in found]


def _next_runs(row: Schedule, now: datetime, count: int) -> list[Due]:
    if not row.is_enabled or row.next_run_at is None:
        return []
    table = timetable_of(row)
    # What is due already comes before what the rule says from now.
    late = [Upcoming(row.next_run_at)] if row.next_run_at <= now else []
    found = runs_after(table, count, ticked_until(row.last_due_at, now))
    return on_its_clock(table.rule, [*late, *found][:count])


def _said(row: Schedule) -> tuple[str, str]:
    """Return the rule in words, and the cron expression, or "" if the rule has none."""
    try:
        rule = rule_from(row.rule)
    except Exception:  # noqa: BLE001 - whatever somebody put into the row
        return _("Not readable"), str(row.rule)[:100]
    return rule.in_words(translated), rule.expression if isinstance(rule, Crontab) else ""


def _css(state: State) -> str:
    if state == State.SUCCESSFUL:
        return "ok"
    return "bad" if state in (State.FAILED, State.EXPIRED) else "skip"


def differences(
    engine: Engine, row: Schedule, visibility: Visibility = NOTHING_PRIVATE
) -> list[Override]:
    """Return the columns of a declared schedule that a person has changed."""
    args, kwargs = shown_arguments(engine, row.task_path, row.args, row.kwargs)
    here: dict[str, Any] = {"args": args, "kwargs": kwargs}
    hidden = {name: _("hidden") for name in here if name in visibility.hidden}
    return [
        Override(
            column=column,
            code=hidden.get(column) or in_words(column, said),
            here=hidden.get(column) or in_words(column, here.get(column, getattr(row, column))),
        )
        for column, said in shown_overrides(engine, row).items()
    ]


def changes_between(before: Schedule, after: Schedule) -> str:
    """Return the changes between two versions of a row, as old → new, for the history.

    Of arguments it says only that they changed: the history is for more people than they are.
    """
    columns = ["name", *COLUMNS]
    changed = [c for c in columns if getattr(before, c) != getattr(after, c)]
    return "; ".join(
        change_in_words(
            column,
            in_words(column, getattr(before, column)),
            in_words(column, getattr(after, column)),
        )
        for column in changed
    )


def change_in_words(column: str, before: str, after: str) -> str:
    """Return one change for the history."""
    if column in ("args", "kwargs"):
        return _("%(column)s changed") % {"column": column}
    return f"{column}: {before} → {after}"


_WORDS: dict[str, Any] = {"rule": rule_from, "missed": missed_from}


def in_words(column: str, value: Any) -> str:
    """Return the value of a column as people read it."""
    if column in _WORDS:
        try:
            return str(_WORDS[column](value).in_words(translated))
        except Exception:  # noqa: BLE001 - whatever somebody put into the row
            return str(value)[:200]
    if isinstance(value, timedelta):
        return duration_in_words(value, translated)
    if isinstance(value, datetime):
        return f"{in_zone(value, timezone.get_current_timezone()):%Y-%m-%d %H:%M %Z}"
    return _("none") if value is None else str(value)[:200]

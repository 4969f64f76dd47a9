"""Schedules as text for a terminal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from djtasks.formats.durations import in_words
from djtasks.inspection import ScheduleFacts
from djtasks.inspection.skipped import MOST_SKIPPED
from djtasks.management.rendering import counted, table
from djtasks.schedules.rules.preview import Upcoming


def render_schedules(schedules: Sequence[ScheduleFacts], *, now: datetime) -> str:
    """Return schedules as a table; `now` is the database's clock."""
    return table(
        ("schedule", "next run", "last run", "rule"),
        [(one.name, _next(one, now), _last(one, now), "; ".join(_notes(one))) for one in schedules],
    )


def _next(one: ScheduleFacts, now: datetime) -> str:
    if one.is_removed:
        return "not in the code"
    if one.paused:
        return "paused"
    if one.broken:
        return "broken"
    if one.next_run_at is None:
        return "never again"
    return f"in {in_words(one.next_run_at - now)}" if one.next_run_at > now else "due"


def _last(one: ScheduleFacts, now: datetime) -> str:
    # When the record was made, not `last_due_at`: a run that was skipped was due, and none ran.
    at = one.last_run_at or one.last_due_at
    if at is None:
        return "-"
    ago = f"{in_words(max(now - at, timedelta(0)))} ago"
    return f"{one.last_state.name.lower()}, {ago}" if one.last_state is not None else ago


def _notes(one: ScheduleFacts) -> list[str]:
    notes = [one.rule or "(no rule)"]
    notes += [f"paused {one.paused}"] if one.paused else []
    notes += ["skips runs while the last one is not over"] if one.is_skipping else []
    if one.skipped:
        skipped = counted(one.skipped, is_capped=one.skipped >= MOST_SKIPPED)
        notes.append(f"skipped {skipped} since the last run")
    notes += [f"broken: {one.broken}"] if one.broken else []
    notes += [f"{', '.join(one.overrides)} changed by hand"] if one.overrides else []
    return notes


def render_runs(schedule: ScheduleFacts, runs: Sequence[Upcoming]) -> str:
    """Return the next runs of a schedule, one per line, in UTC and in its or the site's zone."""
    zone = ZoneInfo(schedule.zone) if schedule.zone else timezone.get_current_timezone()
    lines = [f"{schedule.name}: {schedule.rule}"]
    lines += [
        f"  {run.at:%Y-%m-%d %H:%M:%S} UTC  {run.at.astimezone(zone):%a %H:%M:%S %Z}"
        + (f"  {run.note}" if run.note else "")
        for run in runs
    ]
    return "\n".join(lines if runs else [*lines, "  never again"])

"""Schedules as people read them, and whether a scheduler fires them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, OuterRef, Q, Subquery

from djtasks.engine import Engine
from djtasks.inspection.fields import shown_arguments
from djtasks.inspection.skipped import skipped_since, skipping_of
from djtasks.models import Schedule, TaskRecord
from djtasks.protocol.states import FINAL, State
from djtasks.scheduler.overrides import overrides_of, said_before
from djtasks.scheduler.planning import Timetable, reason_of, ticked_until, timetable_of
from djtasks.schedules import Crontab, Overlap
from djtasks.schedules.rules.preview import Upcoming, upcoming

MOST_SCHEDULES = 1_000
# A living scheduler is never later than this, whatever has just died.
LATE = timedelta(seconds=20)
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFacts:
    """One schedule.

    `rule` and `missed` are plain words, or empty if the row is not valid (`broken` says why);
    `zone` is the rule's, or empty. `paused` and `broken` are empty if it is neither. `overrides`
    has the code's value of each column that somebody has changed. Sensitive values are hidden.
    `last_run_at` is when the last record was enqueued, None if there is none. `is_skipping`: the
    last run is not over, and runs that were due since then were skipped. `skipped`: how many were
    skipped since the last one, at most 100.
    """

    id: int
    backend: str
    name: str
    task_path: str
    rule: str
    zone: str
    missed: str
    overlap: str
    jitter: timedelta
    args: Any
    kwargs: Any
    starts_at: datetime | None
    ends_at: datetime | None
    next_run_at: datetime | None
    last_due_at: datetime | None
    last_run: UUID | None
    last_state: State | None
    last_run_at: datetime | None = None
    is_skipping: bool = False
    skipped: int = 0
    paused: str
    broken: str
    is_declared: bool
    is_removed: bool
    overrides: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One record of a schedule. `due_at` None: run by hand."""

    id: UUID
    state: State
    due_at: datetime | None
    enqueued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def began_at(self) -> datetime:
        """Return when it was due, or was enqueued by hand."""
        return self.due_at or self.enqueued_at

    @property
    def took(self) -> timedelta | None:
        """Return how long it took from its first start, or None while it is not over."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(self.finished_at - self.started_at, timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerFacts:
    """The schedules of an alias as numbers.

    `firing`: neither paused nor broken. `late` is how long the longest due one waits. `skipping`:
    how many runs were skipped since the last one began, which is not over; of ten schedules.
    """

    schedules: int = 0
    paused: int = 0
    firing: int = 0
    broken: dict[str, str] = field(default_factory=dict)
    skipping: dict[str, int] = field(default_factory=dict)
    next_in: timedelta | None = None
    late: timedelta = timedelta(0)

    @property
    def is_missing(self) -> bool:
        """Return whether no scheduler seems to fire what is due."""
        return self.late > LATE


def schedules_of(engine: Engine, *, limit: int = MOST_SCHEDULES) -> list[ScheduleFacts]:
    """Return the schedules of one TASKS alias by name."""
    found = list(_rows(engine).order_by("name")[:limit])
    runs = _last_runs(engine, [row.last_run for row in found])
    now = engine.store.now() if any(row.broken for row in found) else None
    return [_facts(engine, row, runs.get(row.last_run), now) for row in found]


def schedule_facts(engine: Engine, name: str) -> ScheduleFacts | None:
    """Return one schedule, or None when there is none of this name."""
    row = _rows(engine).filter(name=name).first()
    if row is None:
        return None
    last = _last_runs(engine, [row.last_run]).get(row.last_run)
    return _facts(engine, row, last, engine.store.now() if row.broken else None)


def _last_runs(engine: Engine, ids: Collection[UUID | None]) -> dict[UUID | None, Run]:
    records = TaskRecord.objects.using(engine.database).filter(pk__in=[id_ for id_ in ids if id_])
    return {run.id: run for run in map(_run, records.values(*_RUN_COLUMNS))}


def schedules_by_task(
    engine: Engine, task_paths: Collection[str]
) -> dict[str, list[tuple[int, str]]]:
    """Return the schedules of each task that has any, as (id, name), by name."""
    rows = _rows(engine).filter(task_path__in=task_paths).order_by("name")
    found: dict[str, list[tuple[int, str]]] = {}
    for pk, name, path in rows.values_list("pk", "name", "task_path")[:MOST_SCHEDULES]:
        found.setdefault(path, []).append((pk, name))
    return found


def next_runs(engine: Engine, schedule: int, count: int) -> list[Upcoming]:
    """Return when a schedule is due next, with notes on clock changes; a pause is ignored.

    Empty if it is never due again. Raises InvalidSchedule if it is broken.
    """
    row = _rows(engine).get(pk=schedule)
    now = engine.store.now()
    return runs_after(timetable_of(row), count, ticked_until(row.last_due_at, now))


def runs_after(table: Timetable, count: int, moment: datetime) -> list[Upcoming]:
    """Return the next due times of a timetable after a moment, within its start and end."""
    first = table.next_after(moment)
    if first is None:
        return []
    found = upcoming(table.rule, count, first - timedelta(microseconds=1))
    return [one for one in found if table.contains(one.at)]


def history_of(engine: Engine, schedule: int, *, limit: int = 50) -> list[Run]:
    """Return the newest records of a schedule that are still kept, newest first."""
    records = TaskRecord.objects.using(engine.database).filter(schedule=schedule)
    return [_run(columns) for columns in records.order_by("-pk").values(*_RUN_COLUMNS)[:limit]]


def histories_of(
    engine: Engine, schedules: Collection[int], *, limit: int = 50
) -> dict[int, list[Run]]:
    """Return the newest records of schedules that exist; two queries, however many they are."""
    rows = Schedule.objects.using(engine.database).filter(pk__in=schedules)
    own = TaskRecord.objects.using(engine.database).filter(schedule=OuterRef("pk"))
    oldest = Subquery(own.order_by("-pk").values("pk")[limit - 1 : limit])
    shown = Q(pk__in=[])
    found: dict[int, list[Run]] = {}
    for schedule, first in rows.values_list("pk", oldest):
        found[schedule] = []
        shown |= Q(schedule=schedule, pk__gte=first) if first else Q(schedule=schedule)
    records = TaskRecord.objects.using(engine.database).filter(shown).order_by("-pk")
    for columns in records.values("schedule", *_RUN_COLUMNS):
        found[columns.pop("schedule")].append(_run(columns))
    return found


_RUN_COLUMNS = ("pk", "state", "due_at", "enqueued_at", "started_at", "finished_at")


def _run(columns: dict[str, Any]) -> Run:
    return Run(id=columns.pop("pk"), state=State(columns.pop("state")), **columns)


_FIRING = Q(is_enabled=True, broken="")
# What waits for its last run to end is due and not late.
_FIRST_DUE = Min("next_run_at", filter=_FIRING & ~Q(overlap="queue_one"))


def scheduler_of(engine: Engine, now: datetime | None = None) -> SchedulerFacts:
    """Return the numbers with one query, and one more each for broken and for skipping ones.

    `now` is the database's time; without it, it is read.
    """
    now = engine.store.now() if now is None else now
    rows = _rows(engine).filter(removed=False)
    counts = rows.aggregate(
        schedules=Count("pk"),
        paused=Count("pk", filter=Q(is_enabled=False)),
        firing=Count("pk", filter=_FIRING),
        unusable=Count("pk", filter=~Q(broken="")),
        may_skip=Count("pk", filter=_FIRING & Q(overlap=Overlap.SKIP)),
        due=_FIRST_DUE,
        next=Min("next_run_at", filter=_FIRING & Q(next_run_at__gt=now)),
    )
    broken = rows.exclude(broken="").order_by("name").values_list("name", "broken")
    shown = dict(broken[:_MOST_SHOWN]) if counts["unusable"] else {}
    return SchedulerFacts(
        schedules=counts["schedules"],
        paused=counts["paused"],
        firing=counts["firing"],
        broken=shown,
        skipping=skipping_of(rows.filter(_FIRING), now) if counts["may_skip"] else {},
        next_in=counts["next"] - now if counts["next"] else None,
        late=max(now - counts["due"], timedelta(0)) if counts["due"] else timedelta(0),
    )


def _rows(engine: Engine) -> Any:
    return Schedule.objects.using(engine.database).filter(backend=engine.alias)


def is_skipping(row: Schedule, last: Run | None) -> bool:
    """Return whether runs were skipped since the last one began, which is not over."""
    if row.overlap != Overlap.SKIP or last is None or last.state in FINAL:
        return False
    return row.last_due_at is not None and row.last_due_at > last.began_at


def _facts(engine: Engine, row: Schedule, last: Run | None, now: datetime | None) -> ScheduleFacts:
    rule, zone, missed, broken = _words(row)
    args, kwargs = shown_arguments(engine, row.task_path, row.args, row.kwargs)
    return ScheduleFacts(
        id=row.pk,
        backend=row.backend,
        name=row.name,
        task_path=row.task_path,
        rule=rule,
        zone=zone,
        missed=missed,
        overlap=row.overlap,
        jitter=row.jitter,
        args=args,
        kwargs=kwargs,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        next_run_at=row.next_run_at,
        last_due_at=row.last_due_at,
        last_run=row.last_run,
        last_state=last.state if last else None,
        last_run_at=last.enqueued_at if last else None,
        is_skipping=is_skipping(row, last),
        skipped=skipped_since(row, last.began_at if last else None, now),
        paused=_paused(row),
        broken=row.broken or broken,
        is_declared=row.declared is not None,
        is_removed=row.removed,
        overrides=shown_overrides(engine, row),
    )


def shown_overrides(engine: Engine, row: Schedule) -> dict[str, Any]:
    """Return the code's value of each column that a person has changed, as people may see it."""
    found = overrides_of(row)
    said = said_before(row)
    if {"args", "kwargs"} & set(found):
        args, kwargs = shown_arguments(engine, said["task_path"], said["args"], said["kwargs"])
        found |= {name: value for name, value in (("args", args), ("kwargs", kwargs))
                  if name in found}  # fmt: skip
    return found


def _words(row: Schedule) -> tuple[str, str, str, str]:
    """Return rule, zone and policy in words, or why there are none."""
    try:
        table = timetable_of(row)
    except Exception as error:  # noqa: BLE001 - whatever somebody put into the row
        return "", "", "", reason_of(error)
    zone = table.rule.tz if isinstance(table.rule, Crontab) else ""
    return str(table.rule), zone, str(table.missed), ""


def _paused(row: Schedule) -> str:
    if row.is_enabled:
        return ""
    since = f" since {row.paused_at:%Y-%m-%d %H:%M} UTC" if row.paused_at else ""
    reason = f": {row.paused_reason}" if row.paused_reason else ""
    return f"by {row.paused_by or 'somebody'}{since}{reason}"

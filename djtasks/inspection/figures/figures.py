"""Figures over time, from the statistics: for charts, queues and tasks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from djtasks.engine import Engine
from djtasks.formats import histograms
from djtasks.formats.durations import floor
from djtasks.inspection.diagnosis.facts import QueueFacts
from djtasks.inspection.figures.ranges import (
    CHART_RANGES,
    DAY,
    HOUR,
    MINUTE,
    TEN_MINUTES,
    ChartRange,
    moments,
)
from djtasks.inspection.figures.series import Row, Series, Sum, rows_since, series_of
from djtasks.models.statistics import ALL_QUEUES

WEEK = timedelta(days=7)
_LATELY_STEPS = 5
_LONGEST_MINUTES = 60 * 24 * 365
_TASK_STEPS = {"1h": TEN_MINUTES, "6h": HOUR, "24h": HOUR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One step of the charts. Counts are of attempts; times are in seconds, None without any.

    `busy`: the share of the workers' slots that ran something, None without any.
    """

    at: datetime
    successful: int = 0
    failed: int = 0
    retried: int = 0
    cancelled: int = 0
    expired: int = 0
    wait_p50: float | None = None
    wait_p95: float | None = None
    run_p50: float | None = None
    run_p95: float | None = None
    busy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Due tasks of one queue at each step; None where nobody counted."""

    queue: str
    ready: list[int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFigures:
    """One task in a time range. `runs` counts attempts; times are in seconds.

    `run_p95_before`: that of the same range a week earlier, None if the task did not run then.
    """

    task_path: str
    runs: int
    successful: int
    failed: int
    retried: int
    total_seconds: float
    wait_p95: float | None
    run_p50: float | None
    run_p95: float | None
    run_p95_before: float | None = None

    @property
    def failed_share(self) -> float:
        """Return the share of its attempts that failed for good, from 0 to 1."""
        return self.failed / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """One queue: what it is now, and how it moves.

    `done`: final tasks of each minute of the last hour, `ready`: due ones then. Rates are of
    the last five minutes; `coming_per_minute` None: nobody counted. `drain`: until nothing is
    due at that rate, None: never, as it grows or stands still.
    """

    facts: QueueFacts
    done: list[int]
    ready: list[int | None]
    done_per_minute: float
    coming_per_minute: float | None
    is_growing: bool
    drain: timedelta | None
    wait_p95: float | None


def series_in(engine: Engine, chart_range: ChartRange, now: datetime) -> Series:
    """Return the statistics for the charts of a time range."""
    return series_of(engine, moments(chart_range, now)[0], chart_range.step)


def points(series: Series, chart_range: ChartRange, now: datetime) -> list[Point]:
    """Return the points of the charts of a time range."""
    sums = {at: Sum() for at in moments(chart_range, now)}
    for row in series.rows:
        total = sums.get(floor(row.at, chart_range.step))
        if total is not None:
            total.add(row.figures)
    busy = _busy(series, chart_range)
    return [_point(at, total, busy.get(at)) for at, total in sums.items()]


def _point(at: datetime, total: Sum, busy: float | None) -> Point:
    return Point(
        at=at,
        successful=total.successful,
        failed=total.failed,
        retried=total.retried,
        cancelled=total.cancelled,
        expired=total.expired,
        wait_p50=histograms.quantile(total.waits, 0.5),
        wait_p95=histograms.quantile(total.waits, 0.95),
        run_p50=histograms.quantile(total.runs, 0.5),
        run_p95=histograms.quantile(total.runs, 0.95),
        busy=busy,
    )


def _busy(series: Series, chart_range: ChartRange) -> dict[datetime, float]:
    running: dict[datetime, float] = {}
    slots: dict[datetime, float] = {}
    for sample in series.samples:
        if sample.queue == ALL_QUEUES:
            at = floor(sample.at, chart_range.step)
            running[at] = running.get(at, 0.0) + sample.running
            slots[at] = slots.get(at, 0.0) + sample.slots
    return {at: min(running[at] / count, 1.0) for at, count in slots.items() if count}


def backlogs(series: Series, chart_range: ChartRange, now: datetime) -> list[Backlog]:
    """Return how many tasks were due at each step, by queue; the largest backlog first."""
    steps = moments(chart_range, now)
    places = {at: place for place, at in enumerate(steps)}
    ready: dict[str, list[int | None]] = {}
    for sample in series.samples:
        place = places.get(floor(sample.at, chart_range.step))
        if place is not None and sample.queue != ALL_QUEUES:
            ready.setdefault(sample.queue, [None] * len(steps))[place] = sample.ready
    found = [Backlog(queue=queue, ready=counts) for queue, counts in ready.items()]
    return sorted(found, key=lambda b: (-max(n or 0 for n in b.ready), b.queue))


def task_figures(engine: Engine, chart_range: ChartRange, now: datetime) -> list[TaskFigures]:
    """Return the figures of each task in a time range, most time first.

    The range begins at a whole step of the rows that are read: an hour at ten minutes, a day at
    an hour, a longer one at a day.
    """
    step = _TASK_STEPS.get(chart_range.name, DAY)
    start = floor(now - chart_range.length, step)
    rows = rows_since(
        engine, start, step, totals=False, besides=_week_before(chart_range, start, max(step, HOUR))
    )
    sums = _by_task(row for row in rows if row.at >= start)
    before = _by_task(row for row in rows if row.at < start)
    found = [_task_figures(path, total, before.get(path)) for path, total in sums.items()]
    return sorted(found, key=lambda task: (-task.total_seconds, task.task_path))


def _task_figures(path: str, total: Sum, before: Sum | None) -> TaskFigures:
    return TaskFigures(
        task_path=path,
        runs=total.attempts,
        successful=total.successful,
        failed=total.failed,
        retried=total.retried,
        total_seconds=total.run_sum,
        wait_p95=histograms.quantile(total.waits, 0.95),
        run_p50=histograms.quantile(total.runs, 0.5),
        run_p95=histograms.quantile(total.runs, 0.95),
        run_p95_before=histograms.quantile(before.runs, 0.95) if before else None,
    )


def _week_before(
    chart_range: ChartRange, start: datetime, step: timedelta
) -> tuple[datetime, datetime, timedelta] | None:
    """Return the same range a week earlier, in rows of hours or days; None if longer than that."""
    if chart_range.length > WEEK:
        return None
    begin = floor(start - WEEK, step)
    # A span of a week ends where the present one begins.
    return begin, min(max(begin + chart_range.length, begin + step), start), step


def _by_task(rows: Iterable[Row]) -> dict[str, Sum]:
    sums: dict[str, Sum] = {}
    for row in rows:
        sums.setdefault(row.task_path, Sum()).add(row.figures)
    return sums


def queue_figures(
    engine: Engine, queues: Sequence[QueueFacts], now: datetime, hour: Series | None = None
) -> list[QueueFigures]:
    """Return how these queues move, from the statistics of the last hour, read if not at hand."""
    chart_range = CHART_RANGES["1h"]
    hour = hour or series_in(engine, chart_range, now)
    steps = moments(chart_range, now)
    places = {at: place for place, at in enumerate(steps)}
    done = {queue.name: [Sum() for _ in steps] for queue in queues}
    for row in hour.rows:
        place = places.get(floor(row.at, chart_range.step))
        if place is not None and row.queue in done:
            done[row.queue][place].add(row.figures)
    ready = {backlog.queue: backlog.ready for backlog in backlogs(hour, chart_range, now)}
    unknown: list[int | None] = [None] * len(steps)
    return [
        _queue_figures(queue, done[queue.name], ready.get(queue.name, unknown), now)
        for queue in queues
    ]


def _queue_figures(
    facts: QueueFacts, done: list[Sum], ready: list[int | None], now: datetime
) -> QueueFigures:
    rate = _rate(done, now)
    lately = ready[-_LATELY_STEPS:]
    counted = [(place, count) for place, count in enumerate(lately) if count is not None]
    growth = None
    if len(counted) > 1:
        (first_place, first), (last_place, last) = counted[0], counted[-1]
        growth = (last - first) / (last_place - first_place)
    shrinking = rate if growth is None else -growth
    waits = histograms.merged(total.waits for total in done[-_LATELY_STEPS:])
    return QueueFigures(
        facts=facts,
        done=[total.final for total in done],
        ready=ready,
        done_per_minute=rate,
        coming_per_minute=None if growth is None else max(rate + growth, 0.0),
        is_growing=growth is not None and growth > 0 and facts.due > 0,
        drain=_drain(facts, shrinking),
        wait_p95=histograms.quantile(waits, 0.95),
    )


def _drain(facts: QueueFacts, per_minute: float) -> timedelta | None:
    if not facts.due:
        return timedelta(0)
    if per_minute <= 0 or facts.paused or not facts.workers:
        return None
    return timedelta(minutes=min(facts.due / per_minute, _LONGEST_MINUTES))


def _rate(done: Sequence[Sum], now: datetime) -> float:
    """Return how many became final a minute, of late; the running minute counts as far as it is."""
    lately = done[-_LATELY_STEPS:]
    minutes = len(lately) - 1 + (now - floor(now, MINUTE)) / MINUTE
    return sum(total.final for total in lately) / minutes if minutes > 0 else 0.0


def done_lately(
    engine: Engine, now: datetime, *, queue: str | None = None, hour: Series | None = None
) -> float:
    """Return how many tasks (of a queue) became final a minute in the last five minutes.

    `hour`: the statistics of the last hour, if you have read them already.
    """
    start = floor(now, MINUTE) - MINUTE * (_LATELY_STEPS - 1)
    total = Sum()
    for row in hour.rows if hour else rows_since(engine, start, MINUTE, totals=True):
        if row.at >= start and queue in (None, row.queue):
            total.add(row.figures)
    return total.final / ((now - start) / MINUTE)

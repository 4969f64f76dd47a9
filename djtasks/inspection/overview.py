"""The overview: what is going on, since when, and what you must do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from djtasks.engine import Engine
from djtasks.inspection.diagnosis.alerts import alerts_of
from djtasks.inspection.diagnosis.facts import WorkerFacts
from djtasks.inspection.diagnosis.findings import Finding
from djtasks.inspection.figures.figures import (
    Backlog,
    Point,
    QueueFigures,
    TaskFigures,
    backlogs,
    points,
    queue_figures,
    series_in,
    task_figures,
)
from djtasks.inspection.figures.ranges import CHART_RANGES, DEFAULT_CHART_RANGE, ChartRange, moments
from djtasks.inspection.live import LiveCounts, live_counts
from djtasks.inspection.status import queues_of, workers_of

_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """When the first of the live workers of a version started."""

    version: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything on the overview page.

    `points` and each of `backlogs` have one entry for each of `moments`, oldest first.
    `slowest` and `most_failing` have at most ten tasks; `tasks` has all that ran, most time first.
    """

    backend: str
    now: datetime
    chart_range: ChartRange
    moments: list[datetime]
    live: LiveCounts
    points: list[Point]
    backlogs: list[Backlog]
    queues: list[QueueFigures]
    workers: list[WorkerFacts]
    slowest: list[TaskFigures]
    most_failing: list[TaskFigures]
    tasks: list[TaskFigures]
    deploys: list[Deploy]
    alerts: list[Finding]

    @property
    def is_idle(self) -> bool:
        """Return whether nothing has run in the period, and nothing waits or runs now."""
        queues = [figures.facts for figures in self.queues]
        return not self.tasks and not any(one.due or one.delayed or one.running for one in queues)


def overview(engine: Engine, chart_range: str = DEFAULT_CHART_RANGE) -> Overview:
    """Return the facts of the overview for one of CHART_RANGES; another name means the default."""
    chosen = CHART_RANGES.get(chart_range, CHART_RANGES[DEFAULT_CHART_RANGE])
    snapshot = engine.store.scan()
    now = snapshot.now
    workers = workers_of(engine, now)
    queues = queues_of(engine, workers, snapshot)
    series = series_in(engine, chosen, now)
    hour = series if chosen.name == "1h" else series_in(engine, CHART_RANGES["1h"], now)
    tasks = task_figures(engine, chosen, now)
    return Overview(
        backend=engine.alias,
        now=now,
        chart_range=chosen,
        moments=moments(chosen, now),
        live=live_counts(engine, queues, workers, now, hour=hour),
        points=points(series, chosen, now),
        backlogs=backlogs(series, chosen, now),
        queues=queue_figures(engine, queues, now, hour),
        workers=workers,
        slowest=_best(tasks, lambda task: task.run_p95 or 0.0),
        most_failing=_best(tasks, lambda task: task.failed),
        tasks=tasks,
        deploys=deploys_of(workers, since=now - chosen.length),
        alerts=alerts_of(engine, queues, workers, now),
    )


def _best(tasks: list[TaskFigures], rank: Callable[[TaskFigures], float]) -> list[TaskFigures]:
    ranked = sorted((task for task in tasks if rank(task) > 0), key=rank, reverse=True)
    return ranked[:_ROWS]


def deploys_of(workers: list[WorkerFacts], *, since: datetime) -> list[Deploy]:
    """Return the deploys since then that live workers show, oldest first."""
    first: dict[str, datetime] = {}
    for worker in workers:
        first[worker.version] = min(first.get(worker.version, worker.started_at), worker.started_at)
    marks = [Deploy(version=version, at=at) for version, at in first.items() if at >= since]
    return sorted(marks, key=lambda mark: mark.at)

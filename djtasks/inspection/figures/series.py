"""Read statistics: coarse rows for times long past, finer ones for recent times."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, Max, Subquery, Value
from django.db.models.functions import Coalesce

from djtasks.engine import Engine
from djtasks.formats import histograms
from djtasks.formats.histograms import Histogram
from djtasks.models import QueueSample, StatisticsMark, TaskStatistics
from djtasks.models.statistics import ALL_TASKS, STEPS

MOST_ROWS = 50_000
_COLUMNS = (
    "at", "task_path", "queue", "successful", "failed", "retried", "cancelled", "expired",
    "run_sum", "waits", "runs",
)  # fmt: skip


@dataclass(slots=True)
class Sum:
    """Statistics added up."""

    successful: int = 0
    failed: int = 0
    retried: int = 0
    cancelled: int = 0
    expired: int = 0
    run_sum: float = 0.0
    waits: Histogram = field(default_factory=dict)
    runs: Histogram = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        """Return how many attempts ran."""
        return self.successful + self.failed + self.retried + self.cancelled

    @property
    def final(self) -> int:
        """Return how many records became final."""
        return self.successful + self.failed + self.cancelled + self.expired

    def add(self, row: tuple[Any, ...]) -> None:
        """Add one row, from `successful` on in the order of _COLUMNS."""
        successful, failed, retried, cancelled, expired, run_sum, waits, runs = row
        self.successful += successful
        self.failed += failed
        self.retried += retried
        self.cancelled += cancelled
        self.expired += expired
        self.run_sum += run_sum
        histograms.add(self.waits, waits)
        histograms.add(self.runs, runs)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of statistics: what it is about, and its figures."""

    at: datetime
    task_path: str
    queue: str
    figures: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """What was written down since the first step of a span: rows of queues, and samples."""

    rows: list[Row]
    samples: list[QueueSample]


def series_of(engine: Engine, start: datetime, step: timedelta) -> Series:
    """Return what charts and queues are drawn from, with two queries."""
    return Series(
        rows=rows_since(engine, start, step, totals=True),
        samples=samples_since(engine, start, step),
    )


def rows_since(
    engine: Engine,
    start: datetime,
    step: timedelta,
    *,
    totals: bool,
    besides: tuple[datetime, datetime, timedelta] | None = None,
) -> list[Row]:
    """Return what happened since `start`, a whole step: each attempt in exactly one row.

    `step` is that of the coarsest rows to use; at most 50,000 are read. With `totals` the rows
    are of queues, whatever the task; what the youngest of them lack comes from the children's
    own rows. `besides`: also the rows of single tasks that begin in [start, end), of one step.
    """
    kept = TaskStatistics.objects.using(engine.database).filter(backend=engine.alias)
    folded = kept.filter(task_path=ALL_TASKS) if totals else kept.exclude(task_path=ALL_TASKS)
    # Rows of children are deleted when they become minutes, so whatever is there counts.
    parts = [kept.filter(step=0, at__gte=start)]
    parts += [
        folded.filter(step=seconds, at__gte=_unless_coarser(engine, start, coarser))
        for seconds, coarser in _steps(step)
    ]
    if besides is not None:
        begin, end, own = besides
        tasks = kept.exclude(task_path=ALL_TASKS)
        parts.append(tasks.filter(step=_seconds(own), at__gte=begin, at__lt=end))
    columns = [part.values_list(*_COLUMNS) for part in parts]
    return [
        Row(at, task_path, queue, tuple(figures))
        for at, task_path, queue, *figures in columns[0].union(*columns[1:], all=True)[:MOST_ROWS]
    ]


def samples_since(engine: Engine, start: datetime, step: timedelta) -> list[QueueSample]:
    """Return samples of queues since `start`: coarse ones, and finer ones behind them."""
    kept = QueueSample.objects.using(engine.database).filter(backend=engine.alias, at__gte=start)
    parts = [
        kept.filter(step=seconds, at__gt=_last(kept.filter(step__in=coarser), "at", start))
        if coarser
        else kept.filter(step=seconds)
        for seconds, coarser in _steps(step)
    ]
    rows = parts[0].union(*parts[1:], all=True)[:MOST_ROWS] if parts[1:] else parts[0][:MOST_ROWS]
    found: list[QueueSample] = []
    for sample in sorted(rows, key=lambda row: (-row.step, row.at)):
        if sample.at >= start or sample.step == found[-1].step:
            found.append(sample)
            start = max(start, sample.at + timedelta(seconds=sample.step))
    return found


def _steps(step: timedelta) -> list[tuple[int, list[int]]]:
    """Return the steps up to `step`, coarsest first, each with the coarser ones among them."""
    used = [seconds for seconds in sorted(STEPS, reverse=True) if seconds <= _seconds(step)]
    return [(seconds, used[:place]) for place, seconds in enumerate(used)]


def _unless_coarser(engine: Engine, start: datetime, coarser: list[int]) -> Any:
    """Return from when on rows of a step count: where the complete coarser ones end."""
    marks = StatisticsMark.objects.using(engine.database).filter(
        backend=engine.alias, step__in=coarser, until__gt=start
    )
    return _last(marks, "until", start) if coarser else start


def _last(rows: Any, column: str, otherwise: datetime) -> Any:
    """Return the newest moment of a column, in the statement that asks for it."""
    newest = rows.order_by().values("backend").annotate(newest=Max(column)).values("newest")
    return Coalesce(Subquery(newest), Value(otherwise, output_field=DateTimeField()))


def _seconds(step: timedelta) -> int:
    return int(step.total_seconds())

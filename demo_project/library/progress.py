"""How far a reading is: facts for its page, counted from rows each time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from demo_project.library import keys
from demo_project.library.models import Outcome, Reading, SourceFile
from demo_project.library.pictures import RUNNING
from demo_project.library.reporting import packages_of
from djtasks import inspection
from djtasks.engine import engine_of

RECENT_FILES = 7
TOP_PACKAGES = 5
_MOST_BUCKETS = 60
_RATE_WINDOW = timedelta(seconds=5)
_PATIENCE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A reading at one moment.

    `rate` is files a second over the last 5 s; `left` None: nobody can tell. `cells` are the
    outcomes of all files by name, with RUNNING for those in a worker's hands. `bucket_rates`
    are the rates of equal spans since the start. `lacks_report`: all its tasks have ended and
    none is left to write the report. `troubles` are sentences about why nothing moves, if
    nothing does.
    """

    reading: Reading
    elapsed: timedelta
    parsed: int
    failed: int
    running: int
    found: int
    rate: float
    left: timedelta | None
    cells: Sequence[int]
    bucket_rates: Sequence[float]
    lacks_report: bool
    troubles: Sequence[str]

    @property
    def done(self) -> int:
        return self.parsed + self.failed

    @property
    def unfinished(self) -> int:
        return self.found - self.done

    @property
    def waiting(self) -> int:
        return self.unfinished - self.running

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        return self.done / self.found if self.found else 1.0

    @property
    def percent(self) -> int:
        """100 only when everything is done."""
        return int(self.share * 100)


def progress_of(reading: Reading, *, now: datetime | None = None) -> Progress:
    """Return how far a reading is."""
    now = now or timezone.now()
    files = SourceFile.objects.filter(reading=reading).order_by("name", "pk")
    rows = list(files.values_list("pk", "outcome", "finished_at"))
    counts = Counter(outcome for _, outcome, _ in rows)
    finished = sorted(moment for _, _, moment in rows if moment is not None)
    elapsed = max((reading.finished_at or now) - reading.started_at, timedelta(milliseconds=1))
    running = keys.running_files(reading.pk) if counts[Outcome.WAITING] else set()
    cells = [RUNNING if pk in running and not outcome else outcome for pk, outcome, _ in rows]
    unfinished = counts[Outcome.WAITING]
    rate = _rate(finished, now, elapsed)
    stands_still = now - max([reading.started_at, *finished[-1:]]) > _PATIENCE
    lacks_report = reading.report is None and _lacks_report(reading)
    return Progress(
        reading=reading,
        elapsed=elapsed,
        parsed=counts[Outcome.PARSED],
        failed=counts[Outcome.FAILED],
        running=cells.count(RUNNING),
        found=len(rows),
        rate=rate,
        left=timedelta(seconds=unfinished / rate) if rate else None,
        cells=cells,
        bucket_rates=bucket_rates(finished, reading.started_at, elapsed),
        lacks_report=lacks_report,
        troubles=_troubles() if stands_still and not reading.report else [],
    )


def _rate(finished: Sequence[datetime], now: datetime, elapsed: timedelta) -> float:
    window = min(_RATE_WINDOW, elapsed)
    return sum(moment > now - window for moment in finished) / window.total_seconds()


def _lacks_report(reading: Reading) -> bool:
    if keys.live_records_of(reading.pk).exists() or keys.is_report_coming(reading.pk):
        return False
    # Asked last: the report may have come since the reading was looked up.
    return Reading.objects.filter(pk=reading.pk, finished_at=None).exists()


def bucket_rates(moments: Sequence[datetime], start: datetime, elapsed: timedelta) -> list[float]:
    """Return moments a second in each of at most 60 equal spans, of a second at least."""
    seconds = elapsed.total_seconds()
    count = max(1, min(int(seconds), _MOST_BUCKETS))
    width = seconds / count
    counts = [0] * count
    for moment in moments:
        position = int((moment - start).total_seconds() / width)
        counts[min(max(position, 0), count - 1)] += 1
    return [number / width for number in counts]


def recent_files(reading: Reading) -> list[SourceFile]:
    """Return the files that were finished last, newest first."""
    finished = SourceFile.objects.filter(reading=reading, finished_at__isnull=False)
    return list(finished.order_by("-finished_at", "-pk")[:RECENT_FILES])


def top_packages(reading: Reading) -> list[dict[str, Any]]:
    """Return the packages with most lines so far, each with its share of the largest."""
    packages = packages_of(reading)[:TOP_PACKAGES]
    most = packages[0]["lines"] if packages else 0
    return [{**package, "share": package["lines"] / (most or 1)} for package in packages]


def _troubles() -> list[str]:
    """Return why nothing may be moving."""
    status = inspection.status_of(engine_of("default"))
    paused = [f"Queue {q.name!r} is paused {q.paused}." for q in status.queues if q.paused]
    return [*paused, *status.problems]

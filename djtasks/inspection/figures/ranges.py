"""The time ranges of charts, and the steps between their points."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from djtasks.formats.durations import floor

MINUTE, TEN_MINUTES, HOUR, DAY = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(days=1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRange:
    """How far a chart looks back. `step`: the time between two of its points."""

    name: str
    length: timedelta
    step: timedelta


CHART_RANGES = {
    chart_range.name: chart_range
    for chart_range in (
        ChartRange(name="1h", length=HOUR, step=MINUTE),
        ChartRange(name="6h", length=6 * HOUR, step=TEN_MINUTES),
        ChartRange(name="24h", length=DAY, step=TEN_MINUTES),
        ChartRange(name="7d", length=7 * DAY, step=HOUR),
        ChartRange(name="30d", length=30 * DAY, step=6 * HOUR),
        ChartRange(name="90d", length=90 * DAY, step=DAY),
    )
}
DEFAULT_CHART_RANGE = "1h"


def moments(chart_range: ChartRange, now: datetime) -> list[datetime]:
    """Return where the steps of a range begin, oldest first; the last one is not over yet."""
    last = floor(now, chart_range.step)
    count = chart_range.length // chart_range.step
    return [last - chart_range.step * back for back in reversed(range(count))]

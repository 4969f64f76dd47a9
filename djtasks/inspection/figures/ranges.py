"""The spans of time that charts show, and how finely."""

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
class Span:
    """How long a chart looks back. `step`: between two of its points."""

    name: str
    length: timedelta
    step: timedelta


SPANS = {
    span.name: span
    for span in (
        Span(name="1h", length=HOUR, step=MINUTE),
        Span(name="6h", length=6 * HOUR, step=TEN_MINUTES),
        Span(name="24h", length=DAY, step=TEN_MINUTES),
        Span(name="7d", length=7 * DAY, step=HOUR),
        Span(name="30d", length=30 * DAY, step=6 * HOUR),
        Span(name="90d", length=90 * DAY, step=DAY),
    )
}
DEFAULT_SPAN = "1h"


def moments(span: Span, now: datetime) -> list[datetime]:
    """Return where the steps of a span begin, oldest first; the last one is not over yet."""
    last = floor(now, span.step)
    count = span.length // span.step
    return [last - span.step * back for back in reversed(range(count))]

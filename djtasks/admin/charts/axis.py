"""The time axis that charts share: its moments in words, and the deploys on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from djtasks.admin.charts.svg import Tick, Value, percent_at

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAxis:
    """The moments of all charts, and the deploys between them."""

    moments: Sequence[datetime]
    step: timedelta
    now: datetime
    deploys: Sequence[tuple[datetime, str]]

    def words(self, at: datetime) -> str:
        """Return a moment as the axis shows it."""
        local = timezone.localtime(at)
        return (
            date_format(local, "j M") if self.step * len(self.moments) > DAY else f"{local:%H:%M}"
        )

    def exactly(self, at: datetime) -> str:
        """Return a moment as tables and hovered values show it."""
        local = timezone.localtime(at)
        return (
            f"{date_format(local, 'j M')} {local:%H:%M}" if self.step > MINUTE else f"{local:%H:%M}"
        )

    def ticks(self, count: int) -> list[Tick]:
        """Return `count` words along the axis, the first and last inside it."""
        last = len(self.moments) - 1
        anchors = ["start", *["middle"] * (count - 2), "end"]
        return [
            Tick(
                at="",
                text_at=percent_at(part / (count - 1)),
                label=self.words(self.moments[round(last * part / (count - 1))]),
                anchor=anchors[part],
            )
            for part in range(count)
        ]

    def marks(self) -> list[Tick]:
        """Return a mark for each deploy."""
        first, last = self.moments[0], self.moments[-1]
        length = (last - first) or self.step
        return [
            Tick(
                at=(place := percent_at((at - first) / length)),
                text_at=place,
                label=_("deploy %(version)s") % {"version": version[:10]},
                # Words at the right end go to the left of their line.
                anchor="end" if (at - first) / length > 0.7 else "start",
            )
            for at, version in self.deploys
        ]

    def per_minute(self, at: datetime, count: int) -> Value:
        """Return the count of a step as a rate per minute; None while the step has hardly begun."""
        over = min(self.step, self.now - at)
        return None if over < MINUTE else count / (over / MINUTE)

"""A group of failures as the page shows it: bars over time, and whether it is new."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from djtasks.admin.charts.svg import Bar, Scale, bars_of
from djtasks.inspection import Deploy, FailureFacts
from djtasks.inspection.visibility import Visibility
from djtasks.templatetags.djtasks_pages import number

MOST_BARS = 30
_HEIGHT, _OFFSET = 28, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """One group. `hours` says what a bar covers; `novelty` since when it is new, or ""."""

    facts: FailureFacts
    bars: list[Bar]
    hours: str
    summary: str
    novelty: str

    @property
    def exception(self) -> str:
        """Return the name of the exception's class."""
        return self.facts.exception.rpartition(".")[2]


def failure_rows(
    groups: Sequence[FailureFacts], deploys: Sequence[Deploy], visibility: Visibility
) -> list[FailureRow]:
    """Return groups as rows, in the order they came."""
    return [failure_row(group, deploys, visibility) for group in groups]


def failure_row(
    group: FailureFacts, deploys: Sequence[Deploy], visibility: Visibility
) -> FailureRow:
    """Return one group as a row, with its message if the user may see it."""
    values, hours = in_bars(group.by_hour)
    scale = Scale(max(*values, 1), _HEIGHT, _OFFSET)
    return FailureRow(
        facts=replace(group, message=visibility.message(group.message)),
        bars=bars_of([("k-bad", [float(value) for value in values])], scale),
        hours=_words(len(group.by_hour), hours),
        summary=_summary(values, hours),
        novelty=novelty_of(group, deploys),
    )


def in_bars(by_hour: Sequence[int]) -> tuple[list[int], int]:
    """Return counts for at most 30 bars, oldest first, and how many hours a bar is."""
    hours = max(-(-len(by_hour) // MOST_BARS), 1)
    ends = range(len(by_hour), 0, -hours)  # from the newest back, whose bar is always whole
    return [sum(by_hour[max(end - hours, 0) : end]) for end in ends][::-1], hours


def novelty_of(group: FailureFacts, deploys: Sequence[Deploy]) -> str:
    """Return since which deploy a group is new, or just that it is; "" if it is not new."""
    newest: Deploy | None = max(deploys, key=_when, default=None)
    if newest is not None and newest.version and group.first_at >= newest.at:
        return _("New since deploy %(version)s") % {"version": newest.version[:10]}
    return _("New") if group.is_new else ""


def _when(deploy: Deploy) -> datetime:
    return deploy.at


def _words(whole: int, hours: int) -> str:
    if hours == 1:
        return _("%(whole)s h, by hour") % {"whole": whole - 1}
    return _("%(whole)s d, by %(hours)s hours") % {"whole": whole // 24, "hours": hours}


def _summary(values: Sequence[int], hours: int) -> str:
    said = {"least": number(min(values)), "most": number(max(values)), "hours": hours}
    if hours == 1:
        return _("%(least)s to %(most)s an hour") % said
    return _("%(least)s to %(most)s in %(hours)s hours") % said

"""The overview: problems to act on, and how much waits, runs and fails over time.

This module defines its charts: their series, units and labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from djtasks import inspection
from djtasks.admin.charts import svg as charts
from djtasks.admin.charts.axis import TimeAxis
from djtasks.admin.charts.svg import Line, Plot, Scale, Value
from djtasks.admin.pages import OperationsAdmin
from djtasks.admin.queues.rows import queue_rows
from djtasks.admin.workflows.overview import flows_seen
from djtasks.engine import Engine
from djtasks.inspection import Overview, Point
from djtasks.templatetags.djtasks_pages import duration, number, percent

# By rank: series are told apart by stroke as well as by colour.
CSS_CLASSES = ("k-1", "djt-line--dash k-2", "djt-line--dot k-3")
MOST_QUEUES = len(CSS_CLASSES)
MOST_ROWS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """One series in the title: its stroke or swatch, name and newest value."""

    label: str
    css: str
    value: str
    is_bar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One figure: plots under each other over the same time, and their numbers as a table."""

    title: str
    unit: str
    width: str
    legend: list[Legend]
    plots: list[Plot]
    table: "Table"

    @property
    def labels_width(self) -> int:
        """Return the width left of the axes, which stand under each other."""
        return max(plot.labels_width for plot in self.plots)

    @property
    def labels_end(self) -> int:
        """Return where the labels left of the axes end."""
        return self.labels_width - 6


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a chart."""

    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """Values over time, and how they are called and drawn."""

    label: str
    css: str
    values: Sequence[Value]


def overview(admin: OperationsAdmin, request: HttpRequest, engine: Engine) -> HttpResponse:
    """Draw the overview of one TASKS alias over `?span=`."""
    facts = inspection.overview(engine, request.GET.get("span", inspection.DEFAULT_CHART_RANGE))
    return admin.show(
        request,
        "djtasks/overview.html",
        "djtasks_overview",
        title=_("Overview"),
        now=facts.now,
        facts=facts,
        live=facts.live,
        ranges=[(name, f"{name[:-1]} {name[-1]}") for name in inspection.CHART_RANGES],
        charts=charts_of(facts),
        queues=queue_rows(engine, facts.queues, facts.now),
        slowest_seconds=max((task.run_p95 or 0 for task in facts.slowest), default=0),
        most_failed=max((task.failed for task in facts.most_failing), default=0),
        flows=flows_seen(request, engine),
    )


def charts_of(facts: Overview) -> list[Chart]:
    """Return the overview's charts, the two large ones first."""
    axis = TimeAxis(
        moments=facts.moments,
        step=facts.chart_range.step,
        now=facts.now,
        deploys=[(deploy.at, deploy.version) for deploy in facts.deploys],
    )
    points = facts.points
    return [
        _throughput(axis, points),
        _times(axis, _("Wait before start"), _percentiles(points, "wait"), width="djt-c6"),
        _backlog(axis, facts),
        _times(axis, _("Run time"), _percentiles(points, "run"), width="djt-c4"),
        _busy(axis, points),
    ]


def _throughput(axis: TimeAxis, points: Sequence[Point]) -> Chart:
    done, *others = (
        ChartSeries(
            label, css, [axis.per_minute(point.at, getattr(point, name)) for point in points]
        )
        for name, label, css in (
            ("successful", _("succeeded"), "k-ok"),
            ("failed", _("failed"), "k-bad"),
            ("retried", _("retried"), "k-retry"),
            ("cancelled", _("cancelled"), "k-wait"),
        )
    )
    series = [done, *others]
    return Chart(
        title=_("Throughput"),
        unit=_("per minute"),
        width="djt-c6",
        legend=[replace(item, is_bar=True) for item in _legend(series, number)],
        plots=[
            _lines(axis, [done], number, height=126, words=0, is_filled=True),
            _others(axis, others),
        ],
        table=_table(axis, series, number),
    )


def _others(axis: TimeAxis, series: Sequence[ChartSeries]) -> Plot:
    """Return what did not succeed on its own scale, because it is little beside successes."""
    sums = [sum(v or 0 for v in values) for values in zip(*(s.values for s in series), strict=True)]
    scale = Scale(charts.round_top(charts.highest(sums), gaps=2, least=2), 44)
    stacks = [(one.css, one.values) for one in series]
    return Plot(
        height=72,
        top=8,
        summary=_summary(series, number),
        grid=replace(scale, offset=8).grid(number, gaps=2),
        times=axis.ticks(5),
        bars=charts.bars_of(stacks, scale),
        steps=_steps(axis, series, number),
    )


def _percentiles(points: Sequence[Point], what: str) -> list[ChartSeries]:
    return [
        ChartSeries("p50", CSS_CLASSES[0], [getattr(point, f"{what}_p50") for point in points]),
        ChartSeries("p95", CSS_CLASSES[1], [getattr(point, f"{what}_p95") for point in points]),
    ]


def _times(axis: TimeAxis, title: str, series: list[ChartSeries], *, width: str) -> Chart:
    height, words = (216, 5) if width == "djt-c6" else (150, 3)
    return Chart(
        title=title,
        unit=_("per attempt"),
        width=width,
        legend=_legend(series, duration),
        plots=[_lines(axis, series, duration, height=height, words=words, labels_ends=True)],
        table=_table(axis, series, duration),
    )


def _backlog(axis: TimeAxis, facts: Overview) -> Chart:
    series = [
        ChartSeries(backlog.queue, css, backlog.ready)
        for backlog, css in zip(facts.backlogs, CSS_CLASSES, strict=False)
    ]
    more = len(facts.backlogs) - MOST_QUEUES
    return Chart(
        title=_("Backlog by queue"),
        unit=_("ready tasks")
        if more <= 0
        else _("ready tasks, the %(n)s longest queues") % {"n": MOST_QUEUES},
        width="djt-c4",
        legend=[],
        plots=[_lines(axis, series, number, height=150, words=3, labels_ends=True)],
        table=_table(axis, series, number),
    )


def _busy(axis: TimeAxis, points: Sequence[Point]) -> Chart:
    series = [ChartSeries(_("slots busy"), CSS_CLASSES[0], [point.busy for point in points])]
    legend = [replace(item, label="", css="") for item in _legend(series, percent)]
    return Chart(
        title=_("Slots busy"),
        unit=_("of all slots"),
        width="djt-c4",
        legend=legend,
        plots=[_lines(axis, series, percent, height=150, words=3, is_filled=True, top=1.0)],
        table=_table(axis, series, percent),
    )


def _lines(
    axis: TimeAxis,
    series: Sequence[ChartSeries],
    form: Callable[[Value], str],
    *,
    height: int,
    words: int,
    top: float | None = None,
    is_filled: bool = False,
    labels_ends: bool = False,
) -> Plot:
    gaps = 3 if top is None else 2
    # An axis of time ends at a tenth of a second at least, one of counts at a whole number.
    least = 0.1 * gaps if form is duration else gaps
    most = charts.highest(*(one.values for one in series))
    scale_top = top or charts.round_top(most, gaps=gaps, least=least)
    above = 18
    outer = Scale(scale_top, charts.base_of(height, has_times=words > 0) - above, above)
    lines = [_line(one, outer, is_filled=is_filled) for one in series]
    return Plot(
        height=height,
        top=above,
        summary=_summary(series, form),
        grid=outer.grid(form, gaps=gaps),
        times=axis.ticks(words) if words else [],
        lines=charts.spread(lines, height=height - 20) if labels_ends else lines,
        steps=_steps(axis, series, form),
        marks=axis.marks(),
        labels_ends=labels_ends,
    )


def _line(series: ChartSeries, outer: Scale, *, is_filled: bool) -> Line:
    inner = Scale(outer.top, outer.height)
    newest = charts.latest(series.values)
    return Line(
        label=series.label,
        css=series.css,
        path=charts.path_of(series.values, inner),
        fill=charts.fill_of(series.values, inner) if is_filled else "",
        end="" if newest is None else f"{outer.y(newest) + 4:.1f}",
    )


def _legend(series: Sequence[ChartSeries], form: Callable[[Value], str]) -> list[Legend]:
    return [
        Legend(label=one.label, css=one.css, value=form(charts.latest(one.values)))
        for one in series
    ]


def _summary(series: Sequence[ChartSeries], form: Callable[[Value], str]) -> str:
    """Return a text alternative for a chart."""
    said = [
        _("%(label)s now %(now)s, at most %(most)s")
        % {
            "label": one.label,
            "now": form(charts.latest(one.values)),
            "most": form(charts.highest(one.values)),
        }
        for one in series
        if charts.latest(one.values) is not None
    ]
    return "; ".join(said) or _("No values in this period.")


def _steps(
    axis: TimeAxis, series: Sequence[ChartSeries], form: Callable[[Value], str]
) -> list[charts.Step]:
    texts = []
    for place, at in enumerate(axis.moments):
        values = [
            f"{one.label} {form(one.values[place])}"
            for one in series
            if one.values[place] is not None
        ]
        texts.append(" · ".join([axis.exactly(at), *values]) if values else "")
    return charts.steps_of(texts)


def _table(axis: TimeAxis, series: Sequence[ChartSeries], form: Callable[[Value], str]) -> Table:
    """Return the numbers of a chart, at most about two dozen moments, the newest first."""
    every = max(len(axis.moments) // MOST_ROWS, 1)
    places = list(range(len(axis.moments) - 1, -1, -every))
    rows = [
        [axis.exactly(axis.moments[place]), *(form(one.values[place]) for one in series)]
        for place in places
    ]
    return Table([_("Time"), *(one.label for one in series)], rows)

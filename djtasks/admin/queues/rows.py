"""A queue as a row of the tables on the overview and on the page of queues."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from djtasks.admin.charts.svg import Spark, spark_of
from djtasks.engine import Engine
from djtasks.inspection import Finding, QueueFacts, QueueFigures
from djtasks.inspection.diagnosis.findings import about_queue
from djtasks.templatetags.djtasks_pages import number

CSS_CLASSES = ("k-1", "k-2", "k-3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state of a queue as a badge: a tint, a symbol and a word."""

    css: str
    symbol: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One queue. `finding`: what is wrong with it; `css` is that of its sparklines."""

    facts: QueueFacts
    figures: QueueFigures
    standing: Standing
    finding: Finding | None
    css: str
    done: Spark
    ready: Spark

    @property
    def waiting(self) -> int:
        """Return how many tasks have not started, due or not."""
        return self.facts.due + self.facts.delayed

    @property
    def is_stranded(self) -> bool:
        """Return whether tasks wait and no worker fetches them."""
        return self.finding is not None and self.finding.is_alert


def queue_rows(engine: Engine, queues: Sequence[QueueFigures], now: datetime) -> list[QueueRow]:
    """Return the rows of queues, in the order they came."""
    found = [about_queue(one.facts, backend=engine.alias, now=now) for one in queues]
    return [
        QueueRow(
            facts=figures.facts,
            figures=figures,
            standing=standing_of(figures.facts, finding),
            finding=finding,
            css=CSS_CLASSES[place % len(CSS_CLASSES)],
            done=spark_of(figures.done[:-1], _said(figures.done[:-1], _("done per minute"))),
            ready=spark_of(figures.ready, _said(figures.ready, _("ready"))),
        )
        for place, (figures, finding) in enumerate(zip(queues, found, strict=True))
    ]


def standing_of(facts: QueueFacts, finding: Finding | None) -> Standing:
    """Return the most important state of a queue, as a badge."""
    if facts.paused:
        return Standing(css="warn", symbol="paused", word=_("Paused"))
    if finding is not None and finding.is_alert:
        return Standing(css="failed", symbol="failed", word=_("No worker"))
    if facts.due or facts.running or facts.delayed:
        return Standing(css="ok", symbol="ok", word=_("Open"))
    return Standing(css="wait", symbol="ready", word=_("Empty"))


def _said(values: Sequence[float | None], what: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return _("no values in the last hour")
    return _("%(what)s in the last hour: from %(least)s to %(most)s") % {
        "what": what,
        "least": number(min(known)),
        "most": number(max(known)),
    }

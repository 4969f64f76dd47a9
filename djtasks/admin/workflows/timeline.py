"""When nodes ran, and will run, as bars to scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from djtasks.inspection import NodeFacts, WorkflowFacts
from djtasks.inspection.workflows.graph import Span, spare_of
from djtasks.protocol.workflows import NodeState
from djtasks.templatetags.djtasks_pages import duration, moment_words

MOST_ROWS = 20
_TICKS = 4
_CSS = {NodeState.OPEN: "k-run", NodeState.SUCCESSFUL: "k-ok", NodeState.FAILED: "k-bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar of a node, in percent. `guess`: the part that is still to come."""

    key: str
    name: str
    css: str
    x: str
    width: str
    guess_x: str
    guess_width: str
    is_critical: bool
    words: str
    says: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The bars, the place of now (None: it is over), and the times below."""

    bars: list[Bar]
    now: str | None
    ticks: list[tuple[str, str, str]]
    left_out: int


def timeline_of(facts: WorkflowFacts) -> Timeline | None:
    """Return the bars of at most 20 nodes: those that decide the end, and the longest others."""
    if not facts.spans:
        return None
    begin = min(span.begins for span in facts.spans.values())
    end = max(span.ends for span in facts.spans.values())
    scale = _Scale(begin, max((end - begin).total_seconds(), 1.0))
    shown = _shown(facts)
    spare = spare_of(facts.graph, facts.spans)
    bars = [_bar(node, facts, scale, spare.get(node.number)) for node in shown]
    now = None if facts.is_over else scale.at(min(max(facts.now, begin), end))
    return Timeline(bars, now, scale.ticks(), len(facts.spans) - len(shown))


@dataclass(frozen=True, slots=True)
class _Scale:
    begin: datetime
    seconds: float

    def share(self, moment: datetime) -> float:
        return 100 * (moment - self.begin).total_seconds() / self.seconds

    def at(self, moment: datetime) -> str:
        return f"{self.share(moment):.2f}%"

    def between(self, one: datetime, two: datetime) -> str:
        return f"{max(self.share(two) - self.share(one), 0.4):.2f}%"

    def ticks(self) -> list[tuple[str, str, str]]:
        """Return places, times and how the times stand there."""
        found = []
        for place in range(_TICKS + 1):
            moment = self.begin + timedelta(seconds=self.seconds * place / _TICKS)
            anchor = "start" if place == 0 else "end" if place == _TICKS else "middle"
            form = "%H:%M" if self.seconds > 20 * 60 else "%H:%M:%S"
            text = timezone.localtime(moment).strftime(form)
            found.append((f"{100 * place / _TICKS:.0f}%", text, anchor))
        return found


def _shown(facts: WorkflowFacts) -> list[NodeFacts]:
    critical = set(facts.critical)
    known = [node for node in facts.nodes if node.number in facts.spans]

    def rank(node: NodeFacts) -> tuple[bool, float]:
        span = facts.spans[node.number]
        return node.number not in critical, -(span.ends - span.begins).total_seconds()

    return sorted(sorted(known, key=rank)[:MOST_ROWS], key=lambda node: node.number)


def _bar(node: NodeFacts, facts: WorkflowFacts, scale: _Scale, spare: timedelta | None) -> Bar:
    span = facts.spans[node.number]
    until = min(span.ends, facts.now)  # until then it has run, or not even begun
    has_begun, comes = node.opened_at is not None, not node.is_over and span.ends > facts.now
    begins = span.begins if not has_begun else until
    is_critical = node.number in facts.critical
    return Bar(
        key=f"n-{node.number}",
        name=node.name,
        css=_CSS.get(node.state, ""),
        x=scale.at(span.begins) if has_begun else "",
        width=scale.between(span.begins, until) if has_begun else "",
        guess_x=scale.at(begins) if comes else "",
        guess_width=scale.between(begins, span.ends) if comes else "",
        is_critical=is_critical,
        words=_words(span, is_critical=is_critical, is_guess=comes),
        says=_says(node, span, facts.now, spare if not is_critical else None),
    )


def _words(span: Span, *, is_critical: bool, is_guess: bool) -> str:
    said = {"begin": moment_words(span.begins), "end": moment_words(span.ends)}
    text = _("%(begin)s to about %(end)s") if is_guess else _("%(begin)s to %(end)s")
    return f"{text % said}, {_('critical')}" if is_critical else text % said


def _says(node: NodeFacts, span: Span, now: datetime, spare: timedelta | None) -> str:
    length = duration(span.ends - span.begins)
    if node.opened_at is None:
        return _("about %(length)s, as last time") % {"length": length}
    parts = [duration(node.took)]
    if not node.is_over and span.ends > now:
        parts.append(_("about %(length)s more") % {"length": duration(span.ends - now)})
    elif spare is not None and spare >= timedelta(seconds=1):
        parts.append(_("%(length)s to spare") % {"length": duration(spare)})
    return ", ".join(parts)


def shown_first(nodes: Sequence[NodeFacts], most: int) -> list[NodeFacts]:
    """Return at most so many nodes, those that failed or run before the others."""
    if len(nodes) <= most:
        return list(nodes)
    order = (NodeState.FAILED, NodeState.OPEN, NodeState.PENDING, NodeState.SKIPPED)
    ranks = {state: place for place, state in enumerate(order)}
    return sorted(nodes, key=lambda node: ranks.get(node.state, len(order)))[:most]

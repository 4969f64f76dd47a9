"""When does a workflow end? Pure functions over its nodes and how long they usually take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from djtasks.formats.durations import LONGEST, floor
from djtasks.inspection.workflows.facts import NodeFacts
from djtasks.inspection.workflows.graph import Graph, Span, layers_of
from djtasks.protocol.workflows import NodeState

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Forecast:
    """When each node began and ended, or will. `done_at` None: see `because`."""

    spans: dict[int, Span]
    done_at: datetime | None
    because: str


@dataclass(frozen=True, slots=True)
class Habits:
    """How long nodes take.

    `lengths`: what a node of this name took the last time. `paces`: how many members of a node, by
    its id, end in a second.
    """

    lengths: Mapping[str, timedelta] = field(default_factory=dict)
    paces: Mapping[int, float] = field(default_factory=dict)


def forecast(graph: Graph, nodes: Sequence[NodeFacts], now: datetime, habits: Habits) -> Forecast:
    """Return when each node and the workflow end.

    What is left of a map goes on at its pace; other nodes take as long as the last time. A node
    that is not over and known by neither makes the end unknown.
    """
    known = {node.number: node for node in nodes}
    spans: dict[int, Span] = {}
    because = ""
    for node in (known[number] for layer in layers_of(graph) for number in layer):
        before = [known[number] for number in graph.before[node.number]]
        begins = node.opened_at or _beginning(before, spans, now)
        if node.state is NodeState.SKIPPED or begins is None:
            continue
        ends = node.finished_at or _end(node, begins, now, habits)
        if ends is not None:
            spans[node.number] = Span(begins, max(begins, ends))
            continue
        because = because or _reason(node, habits)
        if node.opened_at is not None:
            spans[node.number] = Span(begins, max(begins, now))
    if because or all(node.is_over for node in nodes):
        return Forecast(spans, None, because)
    ends_last = max((span.ends for span in spans.values()), default=now)
    return Forecast(spans, _rounded(ends_last, now), "")


def _beginning(
    before: Sequence[NodeFacts], spans: Mapping[int, Span], now: datetime
) -> datetime | None:
    """Return when a node that waits will begin; None if that is not known."""
    ends = [now]
    for node in before:
        if node.state is NodeState.SKIPPED:
            continue
        span = spans.get(node.number)
        if span is None or (not node.is_over and span.ends <= now):
            return None
        ends.append(span.ends)
    return max(ends)


def _end(node: NodeFacts, begins: datetime, now: datetime, habits: Habits) -> datetime | None:
    pace = habits.paces.get(node.id, 0.0)
    if node.state is NodeState.OPEN and node.is_map and pace > 0:
        return now + timedelta(seconds=min(node.counts.live / pace, LONGEST.total_seconds()))
    length = habits.lengths.get(node.name)
    if length is None:
        return None
    # One that takes longer than the last time ends soon, as far as anybody knows.
    return max(begins + length, now + timedelta(seconds=1))


def _reason(node: NodeFacts, habits: Habits) -> str:
    if not habits.lengths:
        return _("no workflow of this name has succeeded yet")
    if node.state is NodeState.OPEN and node.is_map:
        return _("no task of %(node)s ended in the last 5 minutes") % {"node": node.name}
    return _("%(node)s did not run in the last workflow of this name") % {"node": node.name}


def _rounded(moment: datetime, now: datetime) -> datetime:
    """Return a moment to the minute, or as it is if it comes within one."""
    if moment - now < _MINUTE:
        return moment
    return floor(moment + _MINUTE / 2, _MINUTE)

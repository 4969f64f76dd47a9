"""Lists of workflows with how far they are, in a few bounded queries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from djtasks.engine import Engine
from djtasks.inspection.figures.batch_counts import counts_of
from djtasks.inspection.workflows.counts import NodeCounts, counts_by_node, sum_of
from djtasks.inspection.workflows.facts import workflow_phase
from djtasks.inspection.workflows.nodes import is_counted, is_unsized, tolerated_of
from djtasks.models import WorkflowNode, WorkflowRecord
from djtasks.protocol.workflows import NODES_OVER, NodeState, WorkflowState

# The states by which lists are filtered, in the order of the tabs. A paused one also runs.
PHASES = ("running", "paused", "failed", "successful", "cancelled")
PAGE_SIZE = 25
# Members of the nodes of one page that are counted; of larger nodes, progress is estimated.
_COUNTED = 500_000
_MOST_NODES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedWorkflow:
    """One workflow in a list.

    `over` and `size` are members that are final, and all that are known so far. `is_estimate`: it
    has a node too large to be counted here, so at least `over` are. `failing`: nodes that failed,
    or will. `unsized`: nodes whose number of members is not known yet.
    """

    id: UUID
    backend: str
    name: str
    phase: str
    state: WorkflowState
    is_paused: bool
    cancel_requested: bool
    target: str | None
    schedule: int | None
    enqueued_at: datetime
    finished_at: datetime | None
    took: timedelta
    nodes: int
    open: Sequence[str]
    failing: Sequence[str]
    counts: NodeCounts
    over: int
    size: int
    unsized: int
    is_estimate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowPage:
    """Some of the workflows that match, and whether there are more."""

    rows: list[ListedWorkflow]
    has_more: bool


def workflow_page(
    engine: Engine,
    *,
    phase: str = "",
    text: str = "",
    start: int = 0,
    count: int = PAGE_SIZE,
) -> WorkflowPage:
    """Return `count` workflows of this alias from the `start`th on: not over first, then newest.

    `phase` is one of PHASES. `text` is a part of the name, ignoring case, or the object they are
    about, or an id; empty means all.
    """
    found = _filtered(engine, phase, text).order_by("-pk")
    running, others = (
        found.filter(state=WorkflowState.RUNNING),
        found.exclude(state=WorkflowState.RUNNING),
    )
    rows = list(running[start : start + count + 1])
    if len(rows) <= count:
        # Those before the others are no longer running ones.
        before = start + len(rows) if rows or not start else running.count()
        skipped = max(start - before, 0)
        rows += others[skipped : skipped + count + 1 - len(rows)]
    now = engine.store.now()
    return WorkflowPage(rows=_rows(engine, rows[:count], now), has_more=len(rows) > count)


def phase_counts(engine: Engine) -> dict[str, int]:
    """Return how many workflows are in each phase, each count stopping at 100,000."""
    counts = counts_of(engine, [_filtered(engine, phase, "") for phase in PHASES])
    return dict(zip(PHASES, counts, strict=True))


def has_workflows(engine: Engine) -> bool:
    """Return whether there is any workflow of this alias."""
    return bool(_workflows(engine).exists())


def _workflows(engine: Engine) -> Any:
    rows = WorkflowRecord.objects.using(engine.database)
    return rows.filter(backend=engine.alias, is_pruned=False)


def _filtered(engine: Engine, phase: str, text: str) -> Any:
    found = _workflows(engine)
    if phase in ("running", "paused"):
        found = found.filter(state=WorkflowState.RUNNING, is_paused=phase == "paused")
    elif phase:
        found = found.filter(state=WorkflowState[phase.upper()])
    if not text:
        return found
    wanted = Q(name__icontains=text) | Q(target=text)
    if (pk := _id_in(text)) is not None:
        wanted |= Q(pk=pk) | Q(parent=pk)
    return found.filter(wanted)


def _id_in(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Counted:
    """Counts of nodes by id. `exact`: the nodes that were counted; others are estimated."""

    counts: Mapping[int, NodeCounts]
    exact: Collection[int]

    def of(self, node: WorkflowNode) -> NodeCounts:
        if node.pk in self.exact:
            return self.counts.get(node.pk, NodeCounts())
        if node.state == NodeState.SKIPPED:
            return NodeCounts(cancelled=node.size)
        if node.state in NODES_OVER:
            return NodeCounts(successful=node.size)
        # Below its cursor no member is live.
        over = min(node.cursor, node.size)
        return NodeCounts(successful=over, waiting=node.size - over)


def _rows(engine: Engine, rows: Sequence[WorkflowRecord], now: datetime) -> list[ListedWorkflow]:
    nodes = WorkflowNode.objects.using(engine.database).filter(workflow__in=[r.pk for r in rows])
    by_workflow: dict[UUID, list[WorkflowNode]] = {row.pk: [] for row in rows}
    for node in nodes.only(*_COLUMNS).order_by("workflow", "number")[:_MOST_NODES]:
        by_workflow[node.workflow].append(node)
    exact = _small_enough([one for found in by_workflow.values() for one in found])
    counts = counts_by_node(engine, exact)
    counted = _Counted({}, ()) if counts is None else _Counted(counts, exact)
    return [_row(row, by_workflow[row.pk], counted, now) for row in rows]


_COLUMNS = (
    "id", "workflow", "number", "name", "state", "size", "cursor", "tolerate", "over", "may_fail"
)  # fmt: skip


def _small_enough(nodes: Sequence[WorkflowNode]) -> set[int]:
    """Return the ids of the nodes whose members are counted, the smallest first."""
    found: set[int] = set()
    budget = _COUNTED
    for node in sorted(filter(_must_count, nodes), key=lambda node: node.size):
        budget -= node.size
        if budget < 0:
            break
        found.add(node.pk)
    return found


def _must_count(node: WorkflowNode) -> bool:
    """Return whether a list has to count a node: what is not open is over, or waits as a whole."""
    return is_counted(node) and node.state not in (NodeState.PENDING, NodeState.SKIPPED)


def _row(
    row: WorkflowRecord, nodes: Sequence[WorkflowNode], counted: _Counted, now: datetime
) -> ListedWorkflow:
    counts = {node.pk: counted.of(node) for node in nodes}
    state, total = WorkflowState(row.state), sum_of(counts.values())
    return ListedWorkflow(
        phase=workflow_phase(state, is_paused=row.is_paused, cancel_requested=row.cancel_requested),
        state=state,
        took=max((row.finished_at or now) - row.enqueued_at, timedelta(0)),
        nodes=len(nodes),
        open=[node.name for node in nodes if node.state == NodeState.OPEN],
        failing=[node.name for node in nodes if _fails(node, counts[node.pk])],
        counts=total,
        over=total.over,
        size=sum(node.size for node in nodes),
        unsized=sum(is_unsized(node) for node in nodes),
        is_estimate=any(_must_count(node) and node.pk not in counted.exact for node in nodes),
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "id", "backend", "name", "target", "schedule", "enqueued_at", "finished_at", "cancel_requested",
    "is_paused",
)  # fmt: skip


def _fails(node: WorkflowNode, counts: NodeCounts) -> bool:
    if node.state == NodeState.OPEN:
        return counts.not_successful > tolerated_of(node)
    return node.state == NodeState.FAILED

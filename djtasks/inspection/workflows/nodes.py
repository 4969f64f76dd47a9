"""Read the nodes of a workflow as facts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from djtasks.formats.foreign import object_in
from djtasks.inspection.workflows.counts import NodeCounts
from djtasks.inspection.workflows.facts import NodeFacts
from djtasks.inspection.workflows.graph import Graph
from djtasks.models import WorkflowNode
from djtasks.protocol.promotion import tolerated
from djtasks.protocol.workflows import NodeState

NOTHING_COUNTED = NodeCounts()


def is_counted(row: WorkflowNode) -> bool:
    """Return whether the members of a node must be counted to know their states."""
    all_succeeded = row.state == NodeState.SUCCESSFUL and tolerated_of(row) == 0
    return row.size > 0 and not all_succeeded


def is_unsized(row: WorkflowNode) -> bool:
    """Return whether a node does not know its size yet: the result that it maps is not there."""
    return row.over is not None and not row.size and row.state == NodeState.PENDING


def node_facts(
    row: WorkflowNode, graph: Graph, counts: Mapping[int, NodeCounts] | None, now: datetime
) -> NodeFacts:
    """Return the facts of one node. `counts` None: they are not known."""
    state = NodeState(row.state)
    return NodeFacts(
        queue=str(object_in(row.options).get("queue", "")),
        tolerated=tolerated_of(row),
        inputs=_numbers_in(row.inputs),
        state=state,
        size=None if is_unsized(row) else row.size,
        counts=_counts_of(row, counts),
        before=graph.before[row.number],
        took=_took(row, now),
        error=str(object_in(row.error).get("class", "")).rpartition(".")[2],
        message=str(object_in(row.error).get("message", "")),
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "id", "number", "name", "task_path", "when", "tolerate", "may_fail", "after_all", "is_map",
    "over", "opened_at", "finished_at", "because_of",
)  # fmt: skip


def tolerated_of(row: WorkflowNode) -> int:
    """Return how many of the members of a node may fail without it failing.

    None may if the text, which somebody else may have stored, is neither a number nor a share.
    """
    try:
        return tolerated(row.tolerate, row.size)
    except (ValueError, OverflowError):
        return 0


def _counts_of(row: WorkflowNode, counts: Mapping[int, NodeCounts] | None) -> NodeCounts:
    if not is_counted(row):
        return NodeCounts(successful=row.size)
    return NOTHING_COUNTED if counts is None else counts.get(row.id, NOTHING_COUNTED)


def _took(row: WorkflowNode, now: datetime) -> timedelta | None:
    if row.opened_at is None:
        return None
    return max((row.finished_at or now) - row.opened_at, timedelta(0))


def _numbers_in(inputs: object) -> Sequence[int]:
    """Return the nodes whose results a node gets, each once."""
    found: list[int] = []
    for value in object_in(inputs).values():
        numbers = value if isinstance(value, list) else [value]
        found += [one for one in numbers if isinstance(one, int) and one not in found]
    return found

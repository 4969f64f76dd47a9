"""Check a whole graph before it is inserted. Pure: no clock, no database."""

from collections.abc import Sequence

from djtasks.errors import InvalidWorkflow
from djtasks.workflows.nodes import NodeSpec

MOST_NODES = 10_000
MOST_EDGES = 50_000
MOST_MEMBERS = 1_000_000


def check_graph(name: str, nodes: Sequence[NodeSpec]) -> None:
    """Raise InvalidWorkflow if the graph is empty or too large, or could never end.

    A node can only name nodes that were added before it, so the one way to a cycle leads through
    `after=flow`, which also stands for the nodes that are added later.
    """
    if not nodes:
        raise InvalidWorkflow(
            f"Workflow {name!r} has no nodes. Add at least one with flow.add(...) or flow.map(...)."
        )
    if len(nodes) > MOST_NODES:
        raise too_many_nodes(name, len(nodes))
    edges = sum(len(node.after) for node in nodes)
    if edges > MOST_EDGES:
        raise InvalidWorkflow(
            f"Workflow {name!r} has {edges:,} edges, but the limit is {MOST_EDGES:,}. Put calls of "
            f"one task into one node with flow.map(...): it needs one edge."
        )
    _refuse_cycle(nodes)


def too_many_nodes(name: str, count: int) -> InvalidWorkflow:
    """Return the error for a workflow of more nodes than the limit."""
    return InvalidWorkflow(
        f"Workflow {name!r} has {count:,} nodes, but the limit is {MOST_NODES:,}. Put calls of one "
        f"task into one node with flow.map(...): it takes {MOST_MEMBERS:,}."
    )


def _refuse_cycle(nodes: Sequence[NodeSpec]) -> None:
    last = {node.number: node for node in nodes if node.after_all}
    if not last:
        return
    for node in nodes:
        before = next((last[number] for number in node.after if number in last), None)
        if before is not None:
            raise comes_after_the_end(before.name, node.name)


def comes_after_the_end(last: str, name: str) -> InvalidWorkflow:
    """Return the error for a node that comes after one that comes after the whole workflow."""
    return InvalidWorkflow(
        f"Nodes {last!r} and {name!r} wait for each other: {last!r} comes after the whole "
        f"workflow, and {name!r} comes after it. Put both into one task, or name the nodes that "
        f"{last!r} comes after."
    )

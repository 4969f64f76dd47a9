"""Decide what a workflow's nodes do next. Pure, like `judge`: facts in, decisions out.

A look of the promoter reads the facts in rounds: the open nodes, then what comes after those that
ended, until nothing changes. Each round asks `evaluate` and, at the end, `conclude`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from djtasks.protocol.workflows import NODES_OVER, NodeState, When, WorkflowState


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFacts:
    """A workflow that a look has locked."""

    id: UUID
    is_paused: bool = False
    cancel_requested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessor:
    """A node that another one comes after. `because_of` is the failed node that skipped it."""

    number: int
    state: NodeState
    because_of: int | None = None

    @property
    def culprit(self) -> int | None:
        """The number of the failed node that this one stands for, None if there is none."""
        return self.number if self.state is NodeState.FAILED else self.because_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFacts:
    """The members of a node, read after everything that the look has written to them.

    `is_live`: at least one is not final. `failed`: how many are final and not SUCCESSFUL.
    """

    is_live: bool
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A node that is OPEN, with its members, or PENDING, with the nodes that it comes after."""

    id: int
    state: NodeState
    when: When = When.SUCCESS
    tolerate: str = ""
    size: int = 0
    members: MemberFacts | None = None
    before: Sequence[Predecessor] = ()


@dataclass(frozen=True, slots=True)
class NodeMove:
    """A node goes from one state to another; `because_of` is the failed node that skips it."""

    node: int
    before: NodeState
    after: NodeState
    because_of: int | None = None


def evaluate(workflow: WorkflowFacts, nodes: Sequence[NodeFacts]) -> list[NodeMove]:
    """Return the moves of these nodes of a running workflow.

    A node that has ended may let others move: those are the next round's.
    """
    moves = (_open_or_skip(workflow, n) if _is_pending(n) else _end(n) for n in nodes)
    return [move for move in moves if move is not None]


def _is_pending(node: NodeFacts) -> bool:
    return node.state is NodeState.PENDING


def _open_or_skip(workflow: WorkflowFacts, node: NodeFacts) -> NodeMove | None:
    if workflow.cancel_requested:
        return NodeMove(node.id, node.state, NodeState.SKIPPED)
    if workflow.is_paused or any(one.state not in NODES_OVER for one in node.before):
        return None
    if _meets(node):
        return NodeMove(node.id, node.state, NodeState.OPEN)
    because_of = _culprit(node) if node.when is When.SUCCESS else None
    return NodeMove(node.id, node.state, NodeState.SKIPPED, because_of)


def _meets(node: NodeFacts) -> bool:
    match node.when:
        case When.SUCCESS:
            return all(one.state is NodeState.SUCCESSFUL for one in node.before)
        case When.FAILURE:
            return _culprit(node) is not None
        case When.DONE:
            return True


def _culprit(node: NodeFacts) -> int | None:
    """Return the first failed node that this one comes after, directly or by skipped ones."""
    found = (one.culprit for one in node.before)
    return min((number for number in found if number is not None), default=None)


def _end(node: NodeFacts) -> NodeMove | None:
    if node.state is not NodeState.OPEN or node.members is None or node.members.is_live:
        return None
    is_failed = node.members.failed > tolerated(node.tolerate, node.size)
    return NodeMove(node.id, node.state, NodeState.FAILED if is_failed else NodeState.SUCCESSFUL)


def tolerated(tolerate: str, size: int) -> int:
    """Return how many of `size` members may fail, from a text like "5" or "1%"; "" is none.

    A share is rounded down.
    """
    if tolerate.endswith("%"):
        return int(size * Decimal(tolerate[:-1]) / 100)
    return int(tolerate or 0)


@dataclass(frozen=True, slots=True)
class Ended:
    """A node that is over, as far as the workflow's end depends on it."""

    state: NodeState
    may_fail: bool = False


def conclude(workflow: WorkflowFacts, nodes: Collection[Ended]) -> WorkflowState:
    """Return the state of a workflow whose nodes are all over.

    A cancelled workflow all of whose nodes had succeeded is SUCCESSFUL: the cancel came too late.
    """
    if workflow.cancel_requested and any(n.state is not NodeState.SUCCESSFUL for n in nodes):
        return WorkflowState.CANCELLED
    is_failed = any(n.state is NodeState.FAILED and not n.may_fail for n in nodes)
    return WorkflowState.FAILED if is_failed else WorkflowState.SUCCESSFUL

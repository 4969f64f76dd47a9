"""The facts of a workflow and of its nodes, as pages and commands show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from djtasks.inspection.workflows.counts import NodeCounts
from djtasks.inspection.workflows.graph import Graph, Span
from djtasks.protocol.workflows import NODES_OVER, WORKFLOWS_OVER, NodeState, WorkflowState


def workflow_phase(state: WorkflowState, *, is_paused: bool, cancel_requested: bool) -> str:
    """Return the state of a workflow in the words people use: also cancelling and paused."""
    if state is not WorkflowState.RUNNING:
        return state.name.lower()
    if cancel_requested:
        return "cancelling"
    return "paused" if is_paused else "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """One node. `number` is its place in the workflow, by which other nodes name it.

    `size` None: not known before the node `over` has its result. `before`: the nodes it comes
    after; with `after_all`, those that have nothing after them. `inputs`: the nodes whose results
    it gets. `tolerated`: how many of its tasks may fail. `because_of`: the node whose failure
    skipped it. `error` and `message`: the class and text of the exception that failed it without a
    failed task. `took`: until now if it is open.
    """

    id: int
    number: int
    name: str
    task_path: str
    queue: str
    when: str
    tolerate: str
    tolerated: int
    may_fail: bool
    after_all: bool
    is_map: bool
    over: int | None
    inputs: Sequence[int]
    state: NodeState
    size: int | None
    counts: NodeCounts
    before: Sequence[int]
    opened_at: datetime | None
    finished_at: datetime | None
    took: timedelta | None
    because_of: int | None
    error: str
    message: str

    @property
    def is_over(self) -> bool:
        """Return whether it has ended, or will never run."""
        return self.state in NODES_OVER

    @property
    def will_fail(self) -> bool:
        """Return whether it has failed, or more tasks of it have than may."""
        if self.state is NodeState.OPEN:
            return self.counts.not_successful > self.tolerated
        return self.state is NodeState.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class PastWorkflow:
    """A workflow of the same name that began before; `took` None: it is not over."""

    id: UUID
    name: str
    state: WorkflowState
    enqueued_at: datetime
    took: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFacts:
    """One workflow with its nodes, in the order in which they were added.

    `counts` None: counting took too long, so the figures of its nodes are missing too. `unsized`:
    how many nodes do not know yet how many tasks they will have. `per_minute`: how many of its
    tasks ended in each of the last five minutes. `spans`: when nodes began and ended, or will.
    `critical`: the nodes that decide its end. `done_at` None: not known, for the reason in
    `unknown_because`, or it is over. `before`: the last ones of this name, the newest first.
    """

    id: UUID
    now: datetime
    backend: str
    name: str
    state: WorkflowState
    is_paused: bool
    cancel_requested: bool
    target: str | None
    tags: Sequence[str]
    parent: UUID | None
    schedule: int | None
    due_at: datetime | None
    enqueued_at: datetime
    expires_at: datetime | None
    finished_at: datetime | None
    took: timedelta
    nodes: Sequence[NodeFacts]
    graph: Graph
    counts: NodeCounts | None
    unsized: int
    per_minute: float
    spans: dict[int, Span]
    critical: Sequence[int]
    done_at: datetime | None
    unknown_because: str
    before: Sequence[PastWorkflow]
    why: Sequence["Cause"] = ()

    @property
    def is_over(self) -> bool:
        """Return whether it has ended."""
        return self.state in WORKFLOWS_OVER

    @property
    def phase(self) -> str:
        """Return its state in the words people use: running, paused, successful and so on."""
        return workflow_phase(
            self.state, is_paused=self.is_paused, cancel_requested=self.cancel_requested
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One sentence about what a workflow waits for.

    `kind`: over, failing, cancelling, paused, no_worker, queue_paused, opening, retrying, running,
    ready, released, tolerated or after. `node`: the number of the node it is about, or None.
    `is_bad`: it needs somebody's hand.
    """

    kind: str
    text: str
    node: int | None = None
    is_bad: bool = False

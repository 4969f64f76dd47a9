"""The words of workflows: their states, their nodes' states, and the moves, as data."""

from enum import IntEnum, StrEnum
from uuid import UUID

import msgspec


class WorkflowState(IntEnum):
    """The state of a workflow. The numbers are stored, and mean what those of `State` mean."""

    RUNNING = 1
    SUCCESSFUL = 2
    FAILED = 3
    CANCELLED = 4


class NodeState(IntEnum):
    """The state of a node. The numbers are stored.

    PENDING: it waits for the nodes before it. OPEN: its tasks may run. SKIPPED: its condition was
    not met, or the workflow was cancelled, so its tasks never run.
    """

    PENDING = 0
    OPEN = 1
    SUCCESSFUL = 2
    FAILED = 3
    SKIPPED = 4


class When(StrEnum):
    """The condition under which a node opens once all nodes before it are over.

    SUCCESS: all of them succeeded. FAILURE: at least one failed, or was skipped because of a
    failure. DONE: always.
    """

    SUCCESS = "success"
    FAILURE = "failure"
    DONE = "done"


NODE_MOVES: dict[NodeState, frozenset[NodeState]] = {
    # To FAILED: a member cannot be made, for example because a result is no list.
    NodeState.PENDING: frozenset({NodeState.OPEN, NodeState.SKIPPED, NodeState.FAILED}),
    NodeState.OPEN: frozenset({NodeState.SUCCESSFUL, NodeState.FAILED}),
    NodeState.SUCCESSFUL: frozenset(),
    # Back to PENDING: retried by hand.
    NodeState.FAILED: frozenset({NodeState.PENDING}),
    NodeState.SKIPPED: frozenset({NodeState.PENDING}),
}

WORKFLOW_MOVES: dict[WorkflowState, frozenset[WorkflowState]] = {
    WorkflowState.RUNNING: frozenset(WorkflowState) - {WorkflowState.RUNNING},
    WorkflowState.SUCCESSFUL: frozenset(),
    # Back to RUNNING: retried by hand.
    WorkflowState.FAILED: frozenset({WorkflowState.RUNNING}),
    WorkflowState.CANCELLED: frozenset({WorkflowState.RUNNING}),
}

# What a worker says of itself if its version knows members of workflows; 0 is an older one.
WORKFLOW_PROTOCOL = 1

NODES_OVER = frozenset({NodeState.SUCCESSFUL, NodeState.FAILED, NodeState.SKIPPED})
WORKFLOWS_OVER = frozenset(WorkflowState) - {WorkflowState.RUNNING}

_DOOR = "node:"


def door_of(node: int) -> str:
    """Return what the members of a node wait for, as `waits_for` holds it."""
    return f"{_DOOR}{node}"


def node_of(door: str) -> int | None:
    """Return the id of the node that a door names, or None for a door of another kind."""
    return int(door.removeprefix(_DOOR)) if door.startswith(_DOOR) else None


class Membership(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The place of a record in a workflow. It waits at the door of `node` until that opens.

    `inputs` is JSON text: the arguments that are results of other nodes.
    """

    workflow: UUID
    node: int
    place: int = 0
    inputs: str | None = None

    @property
    def door(self) -> str:
        """What the record waits for."""
        return door_of(self.node)

"""What a workflow needs from the backend that stores it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, cast
from uuid import UUID

from djtasks.compat import DEFAULT_TASK_BACKEND_ALIAS, task_backends
from djtasks.definitions.task import Task
from djtasks.errors import InvalidWorkflow
from djtasks.formats.encryption import Cipher
from djtasks.protocol.workflows import NodeState, WorkflowState
from djtasks.workflows.nodes import NodeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowDraft:
    """A workflow as it will be inserted. `key` None: any number of them may run at once."""

    id: UUID
    backend: str
    name: str
    key: str | None = None
    target: str | None = None
    tags: tuple[str, ...] = ()
    expires: datetime | timedelta | None = None
    nodes: Sequence[NodeSpec] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSnapshot:
    """A workflow as its row was read."""

    id: UUID
    backend: str
    name: str
    state: WorkflowState
    is_paused: bool
    enqueued_at: datetime
    finished_at: datetime | None
    database: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The execution that adds nodes to its own workflow."""

    workflow: UUID
    record: UUID
    fence: int
    worker: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailure:
    """A member that did not succeed, or a node that failed without one (`task` is None).

    `exception` is the path of the class of the last error, and `message` its text.
    """

    node: str
    task: UUID | None
    place: int | None
    exception: str
    message: str


class WorkflowHome(Protocol):
    """The workflows of one TASKS alias.

    `limit` is the largest size of arguments in bytes; `cipher` encrypts those that tasks name.
    """

    backend: str
    limit: int
    cipher: Cipher

    def prepare(self, task: Any, defaults: Mapping[str, Any]) -> Task[..., Any]:
        """Return a task as the alias runs it, with `defaults` where `using()` has set nothing."""
        ...

    def insert(self, draft: WorkflowDraft) -> tuple[WorkflowSnapshot, bool]:
        """Insert a workflow in the caller's transaction; return it, and whether it is new.

        While a workflow with its key runs, return that one.
        """
        ...

    def find(self, id_: UUID) -> WorkflowSnapshot | None:
        """Return the workflow as it is now; None if there is none."""
        ...

    def values(self, id_: UUID, node: str) -> Iterator[Any]:
        """Yield what the successful members of a node returned, by place, read in pages."""
        ...

    def failures(self, id_: UUID) -> Iterator[NodeFailure]:
        """Yield what failed, node by node, read in pages."""
        ...

    def nodes(self, id_: UUID, names: Sequence[str]) -> Mapping[str, tuple[int, NodeState]]:
        """Return the number and the state of the nodes with these names."""
        ...

    def grow(self, member: Member, spec: NodeSpec) -> NodeSpec:
        """Insert one more node; return it, or the one of this name that this member has added."""
        ...

    def cancel(self, id_: UUID) -> bool:
        """Cancel a workflow; return False if it is over or does not exist."""
        ...

    def retry(self, id_: UUID) -> int:
        """Send all members that did not succeed back; return how many."""
        ...

    def pause(self, id_: UUID, *, paused: bool) -> bool:
        """Pause or resume a workflow; return False if that changed nothing."""
        ...

    def discard(self, id_: UUID) -> bool:
        """Delete a workflow and its members; return False if it does not exist."""
        ...


def home_of(alias: str | None) -> WorkflowHome:
    """Return where the workflows of a TASKS alias live; raise InvalidWorkflow if nowhere."""
    name = alias or DEFAULT_TASK_BACKEND_ALIAS
    backend = task_backends[name]
    home = getattr(backend, "workflows", None)
    if home is None:
        raise InvalidWorkflow(
            f"The backend {name!r} ({type(backend).__name__}) cannot run workflows. Use "
            f"djtasks.backend.DjtasksBackend, and djtasks.testing.run_due() in tests."
        )
    return cast("WorkflowHome", home)

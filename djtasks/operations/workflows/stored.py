"""The workflows of one TASKS alias, as `djtasks.workflows` uses them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from djtasks.definitions.task import Task
from djtasks.engine import Engine
from djtasks.errors import InvalidWorkflow
from djtasks.operations.workflows import changing
from djtasks.operations.workflows.failures import failures_of
from djtasks.operations.workflows.growing import grow
from djtasks.operations.workflows.inserting import insert
from djtasks.operations.workflows.rows import snapshot_of, workflows
from djtasks.protocol.workflows import NodeState
from djtasks.store.workflow_results import nodes_of, values_of
from djtasks.workflows.home import Member, NodeFailure, WorkflowDraft, WorkflowSnapshot
from djtasks.workflows.nodes import NodeSpec
from djtasks.workflows.preparing import prepared


class StoredWorkflows:
    """Workflows as rows; implements `WorkflowHome`."""

    def __init__(self, engine: Engine, accept: Callable[[Any], Task[..., Any]]) -> None:
        self.backend = engine.alias
        self.limit = engine.options.max_arguments
        self.cipher = engine.cipher
        self._engine = engine
        self._accept = accept

    def prepare(self, task: Any, defaults: Mapping[str, Any]) -> Task[..., Any]:
        return prepared(task, defaults, self._accept)

    def insert(self, draft: WorkflowDraft) -> tuple[WorkflowSnapshot, bool]:
        row, is_new = insert(self._engine, self, draft)
        return snapshot_of(row, self._engine.database), is_new

    def find(self, id_: UUID) -> WorkflowSnapshot | None:
        row = workflows(self._engine).filter(pk=id_, is_pruned=False).first()
        return None if row is None else snapshot_of(row, self._engine.database)

    def values(self, id_: UUID, node: str) -> Iterator[Any]:
        database = self._engine.database
        found = nodes_of(database, id_, name=node)
        if not found:
            raise InvalidWorkflow(f"Workflow {id_} has no node {node!r}.")
        return values_of(database, found[0].id)

    def failures(self, id_: UUID) -> Iterator[NodeFailure]:
        return failures_of(self._engine.database, id_)

    def nodes(self, id_: UUID, names: Sequence[str]) -> Mapping[str, tuple[int, NodeState]]:
        found = nodes_of(self._engine.database, id_, name__in=names)
        return {row.name: (row.number, row.state) for row in found}

    def grow(self, member: Member, spec: NodeSpec) -> NodeSpec:
        return grow(self._engine, self, member, spec)

    def cancel(self, id_: UUID) -> bool:
        return changing.cancel(self._engine, id_)

    def retry(self, id_: UUID) -> int:
        return changing.retry(self._engine, id_)

    def pause(self, id_: UUID, *, paused: bool) -> bool:
        change = changing.pause if paused else changing.resume
        return change(self._engine, id_)

    def discard(self, id_: UUID) -> bool:
        return changing.discard(self._engine, id_)

"""The workflows of the backend that runs nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from djtasks.definitions.task import Task
from djtasks.errors import InvalidWorkflow
from djtasks.formats.encryption import Cipher, new_key
from djtasks.options import Options
from djtasks.protocol.records import NewRecord
from djtasks.protocol.workflows import NodeState, WorkflowState
from djtasks.results import TaskResult, from_new
from djtasks.store import queue_database
from djtasks.workflows.graph import check_graph
from djtasks.workflows.home import Member, NodeFailure, WorkflowDraft, WorkflowSnapshot
from djtasks.workflows.members import members_of
from djtasks.workflows.nodes import NodeSpec
from djtasks.workflows.preparing import prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWorkflow:
    """A workflow that was enqueued, and the records of its nodes by their names."""

    draft: WorkflowDraft
    snapshot: WorkflowSnapshot
    members: Mapping[str, Sequence[NewRecord]]

    def results(self) -> Iterator[TaskResult[Any]]:
        """Yield the result of each member, node by node."""
        for spec in self.draft.nodes:
            for record in self.members[spec.name]:
                yield from_new(
                    spec.task,
                    record,
                    enqueued_at=self.snapshot.enqueued_at,
                    database=self.snapshot.database,
                    was_stored=True,
                )


class KeptWorkflows:
    """Validates and keeps workflows, and runs nothing; implements `WorkflowHome`."""

    def __init__(self, backend: str, accept: Callable[[Any], Task[..., Any]]) -> None:
        self.backend = backend
        self.limit = Options().max_arguments
        self.cipher = Cipher((new_key(),))  # nothing is stored
        self.kept: list[KeptWorkflow] = []
        self._accept = accept

    def prepare(self, task: Any, defaults: Mapping[str, Any]) -> Task[..., Any]:
        return prepared(task, defaults, self._accept)

    def insert(self, draft: WorkflowDraft) -> tuple[WorkflowSnapshot, bool]:
        """Keep a workflow; raise what the real backend would raise for it."""
        for one in self.kept:
            if one.draft.key is not None and one.draft.key == draft.key:
                return one.snapshot, False
        check_graph(draft.name, draft.nodes)
        snapshot = WorkflowSnapshot(
            id=draft.id,
            backend=self.backend,
            name=draft.name,
            state=WorkflowState.RUNNING,
            is_paused=False,
            enqueued_at=datetime.now(UTC),
            finished_at=None,
            database=queue_database(),
        )
        members = {spec.name: list(members_of(self, spec)) for spec in draft.nodes}
        self.kept.append(KeptWorkflow(draft=draft, snapshot=snapshot, members=members))
        return snapshot, True

    def find(self, id_: UUID) -> WorkflowSnapshot | None:
        return next((one.snapshot for one in self.kept if one.draft.id == id_), None)

    def cancel(self, id_: UUID) -> bool:
        """Mark a kept workflow as cancelled; return False if it does not exist."""
        for place, one in enumerate(self.kept):
            if one.draft.id == id_ and one.snapshot.state is WorkflowState.RUNNING:
                cancelled = replace(one.snapshot, state=WorkflowState.CANCELLED)
                self.kept[place] = replace(one, snapshot=cancelled)
                return True
        return False

    def values(self, id_: UUID, node: str) -> Iterator[Any]:
        self._refuse()

    def failures(self, id_: UUID) -> Iterator[NodeFailure]:
        self._refuse()

    def nodes(self, id_: UUID, names: Sequence[str]) -> Mapping[str, tuple[int, NodeState]]:
        self._refuse()

    def grow(self, member: Member, spec: NodeSpec) -> NodeSpec:
        self._refuse()

    def retry(self, id_: UUID) -> int:
        self._refuse()

    def pause(self, id_: UUID, *, paused: bool) -> bool:
        self._refuse()

    def discard(self, id_: UUID) -> bool:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InvalidWorkflow(
            "DummyBackend keeps workflows and runs nothing. Use djtasks.backend.DjtasksBackend and "
            "djtasks.testing.run_due()."
        )

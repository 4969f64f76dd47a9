"""Workflows made of rows, for tests of the engine below the API."""

import json
from typing import Any
from uuid import UUID

from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.protocol.hints import Hint, score_of
from djtasks.protocol.records import NewRecord
from djtasks.protocol.states import FINAL, State
from djtasks.protocol.workflows import Membership, NodeState, WorkflowState, door_of
from djtasks.store import Store
from djtasks.store.promotion import Look, look

ADD = "tests.tasks.add"


class Flow:
    """A workflow in the database of a store. Nodes that come after nothing are OPEN."""

    def __init__(self, store: Store, **columns: Any) -> None:
        self.store = store
        row = WorkflowRecord(
            **{"id": new_id(), "backend": store.backend, "name": "test"} | columns,
            enqueued_at=store.now(),
        )
        row.save(using=store.database, force_insert=True)
        self.id: UUID = row.pk
        self.size = 0

    def add(
        self,
        *before: WorkflowNode,
        members: int = 1,
        path: str = ADD,
        args: tuple[Any, ...] = (1, 2),
        **columns: Any,
    ) -> WorkflowNode:
        """Insert a node after others, with its members; none for `over`."""
        over = columns.get("over")
        is_first = not before and not columns.get("after_all")
        node = WorkflowNode(
            workflow=self.id,
            number=self.size,
            task_path=path,
            **{"name": f"node-{self.size}", "state": int(NodeState.OPEN if is_first else 0)}
            | columns,
        )
        node.size = 0 if over is not None else members
        node.save(using=self.store.database, force_insert=True)
        self.size += 1
        for other in before:
            WorkflowEdge.objects.using(self.store.database).create(
                workflow=self.id, before=other.number, after=node.number
            )
        self.store.insert_many(
            [
                NewRecord(
                    id=new_id(),
                    backend=self.store.backend,
                    task_path=path,
                    queue="default",
                    priority=0,
                    args=json.dumps(args),
                    kwargs="{}",
                    member=Membership(workflow=self.id, node=node.pk, place=place),
                )
                for place in range(node.size)
            ]
        )
        return node

    @property
    def row(self) -> WorkflowRecord:
        return WorkflowRecord.objects.using(self.store.database).get(pk=self.id)

    @property
    def state(self) -> WorkflowState:
        return WorkflowState(self.row.state)

    def change(self, **columns: Any) -> None:
        rows = WorkflowRecord.objects.using(self.store.database)
        assert rows.filter(pk=self.id).update(**columns) == 1

    def node(self, node: WorkflowNode) -> WorkflowNode:
        return WorkflowNode.objects.using(self.store.database).get(pk=node.pk)

    def states(self) -> list[NodeState]:
        """Return the states of all nodes, in their order."""
        rows = WorkflowNode.objects.using(self.store.database).filter(workflow=self.id)
        return [NodeState(one) for one in rows.order_by("number").values_list("state", flat=True)]

    def members(self, node: WorkflowNode) -> Any:
        rows = TaskRecord.objects.using(self.store.database).filter(node=node.pk)
        return rows.order_by("place")

    def member_states(self, node: WorkflowNode) -> list[State]:
        return [State(one) for one in self.members(node).values_list("state", flat=True)]

    def nodes(self) -> list[WorkflowNode]:
        rows = WorkflowNode.objects.using(self.store.database).filter(workflow=self.id)
        return list(rows.order_by("number"))

    def rows(self) -> Any:
        """Return the records of all members, in their order."""
        rows = TaskRecord.objects.using(self.store.database).filter(workflow=self.id)
        return rows.order_by("node", "place")

    def hints(self, node: WorkflowNode) -> list[Hint]:
        """Return the one hint that a producer pushes for the workflow."""
        row = self.members(node)[0]
        return [Hint(row.pk, row.queue, score_of(row.priority, row.run_after))]

    def put(self, node: WorkflowNode, *states: State, **columns: Any) -> None:
        """Move the first members of a node to these states, as workers and people do."""
        for row, state in zip(self.members(node), states, strict=False):
            self.members(node).filter(pk=row.pk).update(
                state=state,
                waits_for=door_of(node.pk) if state is State.WAITING else None,
                finished_at=self.store.now() if state in FINAL else None,
                **columns,
            )


def looked(flow: Flow, **options: Any) -> Look:
    """Look at one workflow."""
    return look(flow.store, [flow.id], **options)

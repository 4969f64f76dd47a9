"""Rows of workflows for tests of pages and commands: nodes with members in given states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from djtasks.engine import Engine
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.protocol.states import FINAL, State
from djtasks.protocol.workflows import NODES_OVER, NodeState, WorkflowState, door_of

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LIKELY = {
    NodeState.PENDING: State.WAITING,
    NodeState.OPEN: State.RUNNING,
    NodeState.SUCCESSFUL: State.SUCCESSFUL,
    NodeState.FAILED: State.FAILED,
    NodeState.SKIPPED: State.CANCELLED,
}


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node to make. `members`: how many are in each state; None means one in the likely one.

    `began` and `ended`: how long ago; None: it depends on the state.
    """

    name: str
    state: NodeState = NodeState.PENDING
    after: Sequence[str] = ()
    members: Mapping[State, int] | None = None
    over: str | None = None
    began: timedelta | None = None
    ended: timedelta | None = None
    queue: str = "default"
    task: str = "tests.tasks.add"
    columns: Mapping[str, Any] = field(default_factory=dict)


def flow(
    engine: Engine,
    name: str,
    nodes: Sequence[Node],
    *,
    began: timedelta = MINUTE,
    error: str = "'price'",
    **columns: Any,
) -> WorkflowRecord:
    """Insert a workflow with its nodes, edges and members; `error` is what failed ones say."""
    now = engine.store.now()
    state = columns.get("state", WorkflowState.RUNNING)
    row = WorkflowRecord.objects.using(engine.database).create(
        backend=engine.alias,
        name=name,
        enqueued_at=now - began,
        finished_at=None if state == WorkflowState.RUNNING else now,
        **columns,
    )
    numbers = {node.name: number for number, node in enumerate(nodes)}
    for number, node in enumerate(nodes):
        _insert(engine, row, number, node, numbers)
    told = {"class": "builtins.KeyError", "message": error, "traceback": "", "at": ""}
    failed = TaskRecord.objects.using(engine.database).filter(workflow=row.pk, state=State.FAILED)
    failed.update(errors=[told])
    return row


def _insert(
    engine: Engine, row: WorkflowRecord, number: int, node: Node, numbers: dict[str, int]
) -> None:
    now = engine.store.now()
    members = {LIKELY[node.state]: 1} if node.members is None else node.members
    ended = node.ended if node.ended is not None else SECOND
    made = WorkflowNode.objects.using(engine.database).create(
        workflow=row.pk,
        number=number,
        name=node.name,
        task_path=node.task,
        options={"queue": node.queue},
        state=node.state,
        is_map=node.members is not None,
        over=numbers.get(node.over) if node.over else None,
        size=sum(members.values()),
        opened_at=None
        if node.state in (NodeState.PENDING, NodeState.SKIPPED)
        else now - (node.began or MINUTE),
        finished_at=now - ended if node.state in NODES_OVER else None,
        **node.columns,
    )
    edges = [*node.after, *([node.over] if node.over else [])]
    WorkflowEdge.objects.using(engine.database).bulk_create(
        WorkflowEdge(workflow=row.pk, before=numbers[one], after=number) for one in set(edges)
    )
    place = 0
    records = []
    for state, count in members.items():
        for _ in range(count):
            records.append(_member(engine, row, made, state, place))
            place += 1
    TaskRecord.objects.using(engine.database).bulk_create(records)


def _member(
    engine: Engine, row: WorkflowRecord, node: WorkflowNode, state: State, place: int
) -> TaskRecord:
    now = engine.store.now()
    return TaskRecord(
        backend=engine.alias,
        task_path=node.task_path,
        queue=node.options["queue"],
        args=[place, 1],
        state=state,
        workflow=row.pk,
        node=node.pk,
        place=place,
        waits_for=door_of(node.pk) if state is State.WAITING else None,
        attempt=int(state in FINAL),
        finished_at=now - SECOND if state in FINAL else None,
        fingerprint=f"{node.number:032x}" if state is State.FAILED else None,
        worker=row.pk if state is State.RUNNING else None,
    )

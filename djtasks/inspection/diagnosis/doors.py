"""What a WAITING record waits for."""

from collections.abc import Sequence
from dataclasses import dataclass

from djtasks.engine import Engine
from djtasks.models import TaskRecord, WorkerRecord, WorkflowRecord
from djtasks.protocol.workflows import (
    NODES_OVER,
    WORKFLOW_PROTOCOL,
    NodeState,
    node_of,
)
from djtasks.store.promotion.graph import Graph

_MOST_NAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorFacts:
    """The door of a member of a workflow.

    `workflow` and `node` are names, None if the row was deleted. `before`: the names of some nodes
    that must be over first; `count`: of how many. `has_older_workers`: some know no workflows.
    """

    workflow: str | None = None
    node: str | None = None
    is_open: bool = False
    is_paused: bool = False
    is_being_cancelled: bool = False
    has_older_workers: bool = False
    before: Sequence[str] = ()
    count: int = 0


def door_facts(engine: Engine, row: TaskRecord) -> DoorFacts | None:
    """Return the facts about the door that a record waits at; None for a door of another kind."""
    number = node_of(row.waits_for or "")
    if number is None:
        return None
    graph = Graph(engine.database, engine.alias)
    node = graph.nodes.filter(pk=number).first()
    flow = WorkflowRecord.objects.using(engine.database).filter(pk__in=[row.workflow]).first()
    if node is None or flow is None:
        return DoorFacts(workflow=flow.name if flow else None)
    is_open = node.state == NodeState.OPEN
    asked = [] if is_open else graph.predecessors([node])[node.pk]
    left = sorted(one.number for one in asked if one.state not in NODES_OVER)
    names = graph.nodes.filter(workflow=flow.pk, number__in=left[:_MOST_NAMES])
    workers = WorkerRecord.objects.using(engine.database).filter(backend=engine.alias)
    return DoorFacts(
        workflow=flow.name,
        node=node.name,
        is_open=is_open,
        is_paused=flow.is_paused,
        is_being_cancelled=flow.cancel_requested,
        has_older_workers=workers.filter(protocol__lt=WORKFLOW_PROTOCOL).exists(),
        before=list(names.order_by("number").values_list("name", flat=True)),
        count=len(left),
    )

"""Add nodes to a workflow from one of its own members."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Max

from djtasks.engine import Engine
from djtasks.errors import InvalidWorkflow, LeaseLost
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode
from djtasks.operations.workflows.changing import lock
from djtasks.operations.workflows.rows import insert_members, insert_nodes
from djtasks.protocol.workflows import NodeState
from djtasks.workflows.graph import (
    MOST_EDGES,
    MOST_NODES,
    comes_after_the_end,
    too_many_nodes,
)
from djtasks.workflows.home import Member, WorkflowHome
from djtasks.workflows.nodes import NodeSpec


def grow(engine: Engine, home: WorkflowHome, member: Member, spec: NodeSpec) -> NodeSpec:
    """Insert one more node under the workflow's lock, while the member owns its record.

    If this member has added a node of this name in an earlier attempt, that one is returned. Raises
    LeaseLost if another execution owns the record, InvalidWorkflow for the node.
    """
    with transaction.atomic(using=engine.database):
        row = lock(engine, member.workflow)
        _require_owned(engine, member)
        found = _nodes(engine, member).filter(name=spec.name).first()
        if found is not None:
            return _found_again(found, member, spec)
        numbered = replace(spec, number=_next_number(engine, member, row.name))
        _require_room(engine, member, numbered)
        ids = insert_nodes(engine, [numbered], engine.now(), added_by=member.record)
        hint = insert_members(engine, home, [numbered], ids)
    engine.outbox.publish([hint] if hint else [])
    return numbered


def _nodes(engine: Engine, member: Member) -> Any:
    return WorkflowNode.objects.using(engine.database).filter(workflow=member.workflow)


def _require_owned(engine: Engine, member: Member) -> None:
    """Raise LeaseLost unless this execution owns its record.

    It is not locked: a node that a lost execution adds meanwhile is found again by its name.
    """
    records = TaskRecord.objects.using(engine.database)
    if not records.filter(pk=member.record, fence=member.fence, worker=member.worker).exists():
        raise LeaseLost(f"Task {member.record} is owned by another execution now.")


def _found_again(found: WorkflowNode, member: Member, spec: NodeSpec) -> NodeSpec:
    if found.added_by == member.record and found.task_path == spec.task.module_path:
        return replace(spec, number=found.number)
    raise InvalidWorkflow(f"A node of this workflow is named {spec.name!r} already.")


def _next_number(engine: Engine, member: Member, name: str) -> int:
    last: int = _nodes(engine, member).aggregate(last=Max("number"))["last"]
    if last + 1 >= MOST_NODES:
        raise too_many_nodes(name, last + 2)
    return last + 1


def _require_room(engine: Engine, member: Member, spec: NodeSpec) -> None:
    edges = WorkflowEdge.objects.using(engine.database).filter(workflow=member.workflow)
    if spec.after and edges.count() + len(spec.after) > MOST_EDGES:
        raise InvalidWorkflow(f"This workflow would have more than {MOST_EDGES:,} edges.")
    last = _nodes(engine, member).filter(after_all=True)
    names = last.values_list("name", flat=True)
    begun = names.exclude(state=NodeState.PENDING).first()
    if begun is not None and not spec.after_all:
        raise InvalidWorkflow(
            f"Node {begun!r} comes after all other nodes and has begun already, so no node can be "
            f"added before it."
        )
    end = names.filter(number__in=spec.after).first()
    if end is not None:
        raise comes_after_the_end(end, spec.name)

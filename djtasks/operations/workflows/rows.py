"""Make the rows of a workflow from its draft, and read them back."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connections, transaction
from msgspec.structs import replace

from djtasks.engine import Engine
from djtasks.errors import InvalidWorkflow
from djtasks.formats.json_values import encode
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.protocol.hints import Hint, score_of
from djtasks.protocol.records import NewRecord
from djtasks.protocol.workflows import Membership, NodeState, WorkflowState
from djtasks.workflows.home import WorkflowDraft, WorkflowHome, WorkflowSnapshot
from djtasks.workflows.members import members_of
from djtasks.workflows.nodes import NodeSpec

ROWS_A_STATEMENT = 1_000


def workflows(engine: Engine) -> Any:
    """Return the workflows of every TASKS alias."""
    return WorkflowRecord.objects.using(engine.database)


def snapshot_of(row: WorkflowRecord, database: str) -> WorkflowSnapshot:
    """Return what a row says."""
    return WorkflowSnapshot(
        id=row.id,
        backend=row.backend,
        name=row.name,
        state=WorkflowState(row.state),
        is_paused=row.is_paused,
        enqueued_at=row.enqueued_at,
        finished_at=row.finished_at,
        database=database,
    )


def row_of(draft: WorkflowDraft, parent: Any, now: datetime) -> WorkflowRecord:
    """Return the unsaved row of a workflow that is inserted at `now`."""
    expires = draft.expires
    return WorkflowRecord(
        id=draft.id,
        backend=draft.backend,
        name=draft.name,
        state=WorkflowState.RUNNING,
        is_paused=False,
        cancel_requested=False,
        is_pruned=False,
        target=draft.target,
        tags=list(draft.tags) or None,
        key=draft.key,
        unique_key=draft.key,
        parent=parent,
        expires_at=now + expires if isinstance(expires, timedelta) else expires,
        enqueued_at=now,
    )


def insert_nodes(
    engine: Engine, specs: Iterable[NodeSpec], now: datetime, *, added_by: Any = None
) -> dict[int, int]:
    """Insert nodes and the edges to them; return their ids by number."""
    given = list(specs)
    rows = [_node_of(spec, now, added_by) for spec in given]
    nodes = WorkflowNode.objects.using(engine.database)
    nodes.bulk_create(rows, batch_size=ROWS_A_STATEMENT)
    WorkflowEdge.objects.using(engine.database).bulk_create(
        [
            WorkflowEdge(workflow=spec.workflow, before=before, after=spec.number)
            for spec in given
            for before in sorted(spec.after)
        ],
        batch_size=ROWS_A_STATEMENT,
    )
    if connections[engine.database].features.can_return_rows_from_bulk_insert:
        return {row.number: row.pk for row in rows}
    numbers = [spec.number for spec in given]
    ours = nodes.filter(workflow=given[0].workflow, number__in=numbers)
    return dict(ours.values_list("number", "id"))


def _node_of(spec: NodeSpec, now: datetime, added_by: Any) -> WorkflowNode:
    return WorkflowNode(
        workflow=spec.workflow,
        number=spec.number,
        name=spec.name,
        task_path=spec.task.module_path,
        options=_options_of(spec),
        when=str(spec.when),
        tolerate=spec.tolerate,
        may_fail=spec.may_fail,
        after_all=spec.after_all,
        is_map=spec.is_map,
        over=spec.over,
        kwargs=dict(spec.kwargs) if spec.over is not None else None,
        inputs=dict(spec.inputs) or None,
        state=NodeState.OPEN if spec.is_root else NodeState.PENDING,
        size=0 if spec.is_map else 1,
        cursor=0,
        added_by=added_by,
        opened_at=now if spec.is_root else None,
    )


def _options_of(spec: NodeSpec) -> dict[str, Any]:
    """Return what the promoter needs to make members without the code of the task."""
    task = spec.task
    return {
        "queue": task.queue_name,
        "priority": task.priority,
        "max_attempts": task.max_attempts,
        "max_crashes": task.max_crashes,
        "timeout": task.timeout.total_seconds() if task.timeout else None,
        "tags": list(task.tags),
        "target": task.target,
        "metadata": task.metadata,
    }


def insert_members(
    engine: Engine, home: WorkflowHome, specs: Iterable[NodeSpec], ids: Mapping[int, int]
) -> Hint | None:
    """Insert the members of nodes, in constant memory; return a hint of one that may run at once.

    Raises InvalidArguments for an item that is not valid, and InvalidWorkflow for a unique key that
    a live task holds.
    """
    given = list(specs)
    sizes = dict.fromkeys((spec.number for spec in given), 0)
    roots = {ids[spec.number] for spec in given if spec.is_root}
    hint: Hint | None = None
    stream = _records(home, given, ids)
    while chunk := list(islice(stream, ROWS_A_STATEMENT)):
        answers = engine.store.insert_many([record for _spec, record in chunk])
        if len(answers) < len(chunk):
            raise _key_taken(engine, chunk, {answer.id for answer in answers})
        for spec, _record in chunk:
            sizes[spec.number] += 1
        hint = hint or _first_hint(chunk, answers[0].enqueued_at, roots)
    for spec in given:
        if spec.is_map and sizes[spec.number]:
            rows = WorkflowNode.objects.using(engine.database).filter(pk=ids[spec.number])
            rows.update(size=sizes[spec.number])
    return hint


def _records(
    home: WorkflowHome, specs: Iterable[NodeSpec], ids: Mapping[int, int]
) -> Iterator[tuple[NodeSpec, NewRecord]]:
    for spec in specs:
        inputs = encode(spec.inputs, "inputs").decode() if spec.inputs else None
        for place, record in enumerate(members_of(home, spec)):
            member = Membership(
                workflow=spec.workflow, node=ids[spec.number], place=place, inputs=inputs
            )
            yield spec, replace(record, member=member)


def _first_hint(
    chunk: Iterable[tuple[NodeSpec, NewRecord]], now: datetime, roots: set[int]
) -> Hint | None:
    for _spec, record in chunk:
        if record.member is not None and record.member.node in roots:
            return Hint(record.id, record.queue, score_of(record.priority, now))
    return None


def _key_taken(
    engine: Engine, chunk: Iterable[tuple[NodeSpec, NewRecord]], new: set[Any]
) -> InvalidWorkflow:
    spec, record = next((spec, record) for spec, record in chunk if record.id not in new)
    with transaction.atomic(using=engine.database):
        held = TaskRecord.objects.using(engine.database).filter(unique_key=record.unique_key)
        holder = held.values_list("pk", flat=True).first()
    return InvalidWorkflow(
        f"A task of node {spec.name!r} is unique, and the live task {holder} holds its key. Every "
        f"task of a workflow is its own: use using(unique=None), or wait for that task. Nothing "
        f"was enqueued."
    )

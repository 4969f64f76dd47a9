"""Read one workflow: its nodes, how far they are, and when it ends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from djtasks.engine import Engine
from djtasks.formats.foreign import texts_in
from djtasks.inspection.visibility import Visibility
from djtasks.inspection.workflows.causes import causes_of
from djtasks.inspection.workflows.counts import counts_by_node, sum_of
from djtasks.inspection.workflows.facts import NodeFacts, WorkflowFacts
from djtasks.inspection.workflows.forecast import Forecast, Habits, forecast
from djtasks.inspection.workflows.graph import Graph, critical_path, graph_of
from djtasks.inspection.workflows.holding import holding_of
from djtasks.inspection.workflows.nodes import is_counted, node_facts
from djtasks.inspection.workflows.pace import paces_of
from djtasks.inspection.workflows.past import past_workflows, usual_spans
from djtasks.models import WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.protocol.workflows import WORKFLOWS_OVER, NodeState, WorkflowState
from djtasks.store import queue_database


def stored_workflow(pk: UUID) -> WorkflowRecord | None:
    """Return the row of a workflow, whatever its alias."""
    rows = WorkflowRecord.objects.using(queue_database()).filter(is_pruned=False)
    return rows.filter(pk=pk).first()


def workflow_facts(engine: Engine, id_: UUID) -> WorkflowFacts | None:
    """Return the facts of one workflow of this alias, or None if it does not exist (any more)."""
    rows = WorkflowRecord.objects.using(engine.database).filter(backend=engine.alias)
    row = rows.filter(pk=id_, is_pruned=False).first()
    return None if row is None else workflow_facts_of(engine, row)


def workflow_facts_of(engine: Engine, row: WorkflowRecord) -> WorkflowFacts:
    """Return the facts of a workflow whose row was read already.

    It takes about ten queries, however large the workflow is.
    """
    now = engine.store.now()
    rows = list(_nodes(engine, row).order_by("number"))
    graph = _graph(engine, row, rows)
    counted = counts_by_node(engine, [one.pk for one in rows if is_counted(one)])
    nodes = [node_facts(one, graph, counted, now) for one in rows]
    past = past_workflows(engine, row)
    habits = Habits()
    if row.state not in WORKFLOWS_OVER:
        habits = Habits(usual_spans(engine, past), paces_of(engine, _opened(nodes), now))
    ends = forecast(graph, nodes, now, habits)
    found = WorkflowFacts(
        now=now,
        state=WorkflowState(row.state),
        tags=texts_in(row.tags),
        took=max((row.finished_at or now) - row.enqueued_at, timedelta(0)),
        nodes=nodes,
        graph=graph,
        counts=None if counted is None else sum_of(node.counts for node in nodes),
        unsized=sum(node.size is None for node in nodes),
        per_minute=60 * sum(habits.paces.values()),
        spans=ends.spans,
        critical=critical_path(graph, ends.spans),
        before=past,
        **_end(row, ends),
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
    )
    return replace(found, why=causes_of(found, holding_of(engine, found)))


def facts_seen(facts: WorkflowFacts, visibility: Visibility) -> WorkflowFacts:
    """Return the facts as somebody sees them who perhaps may not see messages of errors."""
    nodes = [replace(node, message=visibility.message(node.message)) for node in facts.nodes]
    return replace(facts, nodes=nodes)


_AS_THEY_ARE = (
    "id", "backend", "name", "is_paused", "cancel_requested", "target", "parent", "schedule",
    "due_at", "enqueued_at", "expires_at", "finished_at",
)  # fmt: skip


def _nodes(engine: Engine, row: WorkflowRecord) -> Any:
    return WorkflowNode.objects.using(engine.database).filter(workflow=row.pk)


def _opened(nodes: Sequence[NodeFacts]) -> dict[int, datetime | None]:
    return {node.id: node.opened_at for node in nodes if node.state is NodeState.OPEN}


def _graph(engine: Engine, row: WorkflowRecord, nodes: Sequence[WorkflowNode]) -> Graph:
    edges = WorkflowEdge.objects.using(engine.database).filter(workflow=row.pk)
    return graph_of(
        [one.number for one in nodes],
        edges.values_list("before", "after"),
        [one.number for one in nodes if one.after_all],
    )


def _end(row: WorkflowRecord, ends: Forecast) -> dict[str, Any]:
    """Return when it will end; what is paused or cancelled has no end that could be known."""
    if row.state in WORKFLOWS_OVER or row.cancel_requested:
        return {"done_at": None, "unknown_because": ""}
    if row.is_paused:
        return {"done_at": None, "unknown_because": _("it is paused")}
    return {"done_at": ends.done_at, "unknown_because": ends.because}

"""Read what may hold the open nodes of a workflow: queues, workers, retries and failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Min

from djtasks.engine import Engine
from djtasks.formats.foreign import objects_in
from djtasks.inspection.diagnosis.facts import QueuePause, is_silent, serves, takes_tasks
from djtasks.inspection.status import pauses_of, workers_of
from djtasks.inspection.workflows.facts import NodeFacts, WorkflowFacts
from djtasks.models import TaskRecord
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState

MOST_EXAMINED = 5
# With more ready members, one of them is due in any case.
_FEW = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What may hold the open nodes of a workflow.

    `pauses` and `serving` are by queue: its pause, and how many live children take from it. `due`:
    when the next task of a node is due. `errors`: the exception that failed a node, "" if unknown.
    `has_worker`: some child is alive.
    """

    pauses: Mapping[str, QueuePause] = field(default_factory=dict)
    serving: Mapping[str, int] = field(default_factory=dict)
    due: Mapping[int, datetime] = field(default_factory=dict)
    errors: Mapping[int, str] = field(default_factory=dict)
    has_worker: bool = True


def holding_of(engine: Engine, facts: WorkflowFacts) -> Holding:
    """Return what may hold a workflow that is not over; at most four queries."""
    if facts.is_over:
        return Holding()
    failing = [node for node in facts.nodes if node.will_fail][:MOST_EXAMINED]
    workers, lease = workers_of(engine, facts.now), engine.options.lease
    queues = {node.queue for node in facts.nodes if node.state is NodeState.OPEN}
    takers = [worker for worker in workers if takes_tasks(worker, lease)]
    return Holding(
        pauses=pauses_of(engine, facts.now) if queues else {},
        serving={queue: sum(serves(one, queue) for one in takers) for queue in queues},
        due=_due(engine, facts),
        errors=_errors(engine, failing),
        has_worker=any(not is_silent(worker, lease) for worker in workers),
    )


def _due(engine: Engine, facts: WorkflowFacts) -> dict[int, datetime]:
    """Return when the next task is due, of nodes of which nothing runs and little is ready."""
    asked = [
        node.id
        for node in facts.nodes
        if node.state is NodeState.OPEN
        and not node.counts.running
        and 0 < node.counts.ready <= _FEW
    ][:MOST_EXAMINED]
    if not asked:
        return {}
    ready = _members(engine).filter(node__in=asked, state=State.READY)
    rows = ready.order_by().values_list("node").annotate(first=Min("run_after"))
    return dict(rows)


def _errors(engine: Engine, nodes: Sequence[NodeFacts]) -> dict[int, str]:
    """Return the class of the exception of one failed task of each node."""
    if not nodes:
        return {}
    failed = _members(engine).filter(node__in=[node.id for node in nodes], state=State.FAILED)
    rows = failed.order_by("node", "place").values_list("node", "errors")[: 4 * MOST_EXAMINED]
    found: dict[int, str] = {}
    for node, errors in rows:
        last = (objects_in(errors) or [{}])[-1]
        found.setdefault(node, str(last.get("class", "")).rpartition(".")[2])
    return found


def _members(engine: Engine) -> Any:
    return TaskRecord.objects.using(engine.database)

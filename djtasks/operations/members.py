"""Retry members of workflows: they go back to the doors of their nodes, under the workflow's lock.

Without the lock, a promoter with older facts could write "failed" over a workflow that was retried.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from djtasks.engine import Engine
from djtasks.models import TaskRecord, WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.operations.actions import KEY_TAKEN, Refusal
from djtasks.protocol.states import REVIVABLE, State
from djtasks.protocol.workflows import NodeState, WorkflowState, door_of

NODE_SUCCEEDED = gettext_noop("Its node %(node)s succeeded without it.")
BEING_CANCELLED = gettext_noop("Its workflow is being cancelled.")
BEING_PRUNED = gettext_noop("Its workflow is being deleted.")


def revive_among(
    engine: Engine, ids: Collection[UUID], columns: dict[str, Any]
) -> tuple[set[UUID], dict[UUID, Refusal]]:
    """Put the members of workflows among these records back to their doors.

    Return those that wait there, and why others were refused; the rest are members of none.
    """
    revived: set[UUID] = set()
    refused: dict[UUID, Refusal] = {}
    for workflow, members in _by_workflow(engine, ids).items():
        refused |= _revive_members(engine, workflow, members, columns)
        revived |= {pk for pk in members if pk not in refused}
    return revived, refused


def _by_workflow(engine: Engine, ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return the members among these records, by workflow; those of a deleted one are none."""
    rows = TaskRecord.objects.using(engine.database)
    there = WorkflowRecord.objects.using(engine.database)
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for pk, workflow in rows.filter(
        pk__in=ids, state__in=REVIVABLE, workflow__in=there.values("pk")
    ).values_list("pk", "workflow"):
        if workflow is not None:
            found[workflow].append(pk)
    return found


def _revive_members(
    engine: Engine, workflow: UUID, ids: Sequence[UUID], columns: dict[str, Any]
) -> dict[UUID, Refusal]:
    """Put members of a workflow back to their doors; return why some were refused.

    Their nodes, and those that were skipped after them, are PENDING again, the workflow RUNNING. If
    a unique key is taken, none of them moves.
    """
    try:
        with transaction.atomic(using=engine.database):
            return _Revival(engine, workflow, columns).of_members(ids)
    except IntegrityError:
        return {pk: Refusal(KEY_TAKEN) for pk in ids}


def revive_workflow(engine: Engine, workflow: UUID, columns: dict[str, Any]) -> int:
    """Put back all that has failed or was skipped in a workflow; return how many members.

    What succeeded or runs stays. A cancel is forgotten. Raises IntegrityError if a unique key is
    taken; then nothing has moved.
    """
    with transaction.atomic(using=engine.database):
        return _Revival(engine, workflow, columns).of_everything()


class _Revival:
    """Retries within one workflow, whose row is locked by the first method that is called."""

    def __init__(self, engine: Engine, workflow: UUID, columns: dict[str, Any]) -> None:
        self._engine = engine
        self._workflow = workflow
        self._columns = {**columns, "state": State.WAITING}
        self._records: Any = TaskRecord.objects.using(engine.database)
        self._nodes: Any = WorkflowNode.objects.using(engine.database).filter(workflow=workflow)
        self._rows: Any = WorkflowRecord.objects.using(engine.database).filter(pk=workflow)

    def of_members(self, ids: Sequence[UUID]) -> dict[UUID, Refusal]:
        row = self._rows.select_for_update().first()
        if row is None or row.is_pruned:
            return {pk: Refusal(BEING_PRUNED) for pk in ids}
        if row.cancel_requested and row.state == WorkflowState.RUNNING:
            return {pk: Refusal(BEING_CANCELLED) for pk in ids}
        members = dict(self._records.filter(pk__in=ids).values_list("pk", "node"))
        nodes = {node.pk: node for node in self._nodes.filter(pk__in=set(members.values()))}
        refused = {
            pk: Refusal(NODE_SUCCEEDED, node=nodes[node].name)
            for pk, node in members.items()
            if node in nodes and nodes[node].state == NodeState.SUCCESSFUL
        }
        asked = [node for node in nodes.values() if node.state != NodeState.SUCCESSFUL]
        if not asked:
            return refused
        for node in asked:
            self._put_back(node, self._records.filter(pk__in=ids))
        self._reopen([n for n in asked if n.state == NodeState.FAILED] + self._skipped_after(asked))
        self._run_again()
        return refused

    def of_everything(self) -> int:
        row = self._rows.select_for_update().first()
        if row is None or row.is_pruned:
            return 0
        nodes = list(self._nodes.exclude(state__in=(NodeState.SUCCESSFUL, NodeState.PENDING)))
        count = sum(self._put_back(node, self._records) for node in nodes)
        self._reopen([node for node in nodes if node.state != NodeState.OPEN])
        self._run_again()
        return count

    def _put_back(self, node: WorkflowNode, asked: Any) -> int:
        """Move members of a node to its door, and its cursor back to the first of them."""
        members = asked.filter(node=node.pk, state__in=REVIVABLE)
        first = members.order_by("place").values_list("place", flat=True).first()
        if first is None:
            return 0
        count: int = members.update(**self._columns, waits_for=door_of(node.pk))
        self._nodes.filter(pk=node.pk, cursor__gt=first).update(cursor=first)
        return count

    def _skipped_after(self, nodes: Iterable[WorkflowNode]) -> list[WorkflowNode]:
        """Return the SKIPPED nodes that come after these, directly or not."""
        after: dict[int, list[int]] = defaultdict(list)
        edges = WorkflowEdge.objects.using(self._engine.database).filter(workflow=self._workflow)
        for before, follower in edges.values_list("before", "after"):
            after[before].append(follower)
        reached: set[int] = set()
        ahead = [node.number for node in nodes]
        while ahead:
            found = set(after[ahead.pop()]) - reached
            reached |= found
            ahead += found
        skipped = self._nodes.filter(state=NodeState.SKIPPED)
        return [node for node in skipped if node.number in reached or node.after_all]

    def _reopen(self, nodes: Sequence[WorkflowNode]) -> None:
        """Make FAILED and SKIPPED nodes PENDING; what was skipped waits at its door again."""
        for node in nodes:
            if node.state == NodeState.SKIPPED:
                self._put_back(node, self._records.filter(state=State.CANCELLED))
        self._nodes.filter(pk__in=[node.pk for node in nodes]).update(
            state=NodeState.PENDING,
            because_of=None,
            opened_at=None,
            finished_at=None,
            error=None,
        )

    def _run_again(self) -> None:
        self._rows.update(
            state=WorkflowState.RUNNING,
            cancel_requested=False,
            finished_at=None,
            expires_at=None,
            unique_key=F("key"),
        )

"""The rounds of a look: what is OPEN, then what comes after those that end, to a fixed point."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from djtasks.errors import CannotMap, NodeSkipped
from djtasks.formats.tracebacks import describe
from djtasks.models import TaskRecord, WorkerRecord, WorkflowNode
from djtasks.protocol.hints import Hint
from djtasks.protocol.promotion import (
    MemberFacts,
    NodeFacts,
    NodeMove,
    WorkflowFacts,
    conclude,
    evaluate,
)
from djtasks.protocol.states import State
from djtasks.protocol.workflows import WORKFLOW_PROTOCOL, NodeState, When, WorkflowState
from djtasks.store.base import Store
from djtasks.store.promotion.graph import Graph
from djtasks.store.promotion.mapping import insert_members
from djtasks.store.promotion.members import Door, Live, Members

PAGE = 5_000
_CURSOR_STEP = 500
_STARTS_KEPT = 10_000


class Pages:
    """Where a promoter goes on in large nodes. It is a memory, and may be lost.

    Behind the members that it has promoted, dead index entries pile up.
    """

    def __init__(self) -> None:
        self.starts: dict[int, int] = {}

    def start_of(self, node: WorkflowNode) -> int:
        return max(self.starts.get(node.pk, 0), node.cursor)

    def go_behind(self, node: int, place: int) -> None:
        """Begin behind this place next time."""
        if len(self.starts) >= _STARTS_KEPT:
            self.starts.clear()  # most are of nodes that other processes have ended
        self.starts[node] = place + 1


@dataclass(slots=True)
class Look:
    """The result of a look.

    `hints`: of the members that are due now; push them once the transaction has committed.
    `changed`: the workflows in which something moved. `again`: those where more is to do at
    once. `leftover`: those to look at again with `every`. `busy`: those that another
    transaction has locked; look at them in a few milliseconds.
    `ended`: (workflow, state) of those that are over.
    """

    hints: list[Hint] = field(default_factory=list)
    changed: set[UUID] = field(default_factory=set)
    again: set[UUID] = field(default_factory=set)
    leftover: set[UUID] = field(default_factory=set)
    busy: set[UUID] = field(default_factory=set)
    ended: list[tuple[UUID, WorkflowState]] = field(default_factory=list)


class Rounds:
    """The rounds of one look, within its transaction."""

    def __init__(
        self, store: Store, graph: Graph, *, members: Members, result: Look, pages: Pages
    ) -> None:
        self._store = store
        self._graph = graph
        self._members = members
        self._result = result
        self._pages = pages
        self._workflows: dict[UUID, WorkflowFacts] = {}
        self._now = store.now()
        self._room = PAGE

    def run(self, workflows: Sequence[WorkflowFacts], *, every: bool) -> None:
        """Move nodes of locked workflows until nothing changes, then end workflows."""
        self._workflows = {one.id: one for one in workflows}
        ids = list(self._workflows)
        asked = [one.id for one in self._workflows.values() if every or one.cancel_requested]
        self._cancel_skipped(self._graph.nodes_of(asked, NodeState.SKIPPED))
        pending = self._graph.nodes_of(asked, NodeState.PENDING)
        opened = self._graph.nodes_of(ids, NodeState.OPEN)
        may_be_over = set(asked)
        while opened or pending:
            ended = self._end(opened)
            opened, over = self._open(_each_once(pending + self._graph.followers(ended)))
            may_be_over |= {node.workflow for node in ended + over}
            pending = self._graph.followers(over)
        self._conclude(self._graph.all_over(may_be_over))

    def _end(self, nodes: Sequence[WorkflowNode]) -> list[WorkflowNode]:
        """Promote or cancel members of OPEN nodes; return the nodes that are over."""
        if not nodes:
            return []
        at_work = [n for n in nodes if not self._workflows[n.workflow].cancel_requested]
        self._cancel([n for n in nodes if n not in at_work])
        self._promote([n for n in at_work if not self._workflows[n.workflow].is_paused])
        doors = [Door(node.pk, node.cursor, node.size) for node in nodes]
        live = self._members.live(doors)
        failed = self._members.failed([pk for pk, found in live.items() if found.place is None])
        for node in nodes:
            self._go_on(node, live[node.pk])
        facts = {
            node.pk: NodeFacts(
                id=node.pk,
                state=NodeState.OPEN,
                tolerate=node.tolerate,
                size=node.size,
                members=MemberFacts(
                    is_live=live[node.pk].place is not None, failed=failed.get(node.pk, 0)
                ),
            )
            for node in nodes
        }
        return self._move(nodes, facts)

    def _promote(self, nodes: Sequence[WorkflowNode]) -> None:
        if not nodes or self._room <= 0 or not self._may_promote:
            return
        doors = [Door(n.pk, self._pages.start_of(n), n.size) for n in nodes]
        promoted = self._members.promote(doors, limit=self._room, now=self._now)
        self._room -= len(promoted)
        workflows = {node.pk: node.workflow for node in nodes}
        found = {one.node for one in promoted}
        for node in nodes:
            if node.pk not in found:
                # What is left was locked: from the front next time.
                self._pages.starts.pop(node.pk, None)
        for one in promoted:
            self._pages.go_behind(one.node, one.place)
            self._result.changed.add(workflows[one.node])
            if one.hint is not None:
                self._result.hints.append(one.hint)

    @cached_property
    def _may_promote(self) -> bool:
        """Whether all workers know members of workflows."""
        workers = WorkerRecord.objects.using(self._store.database)
        older = workers.filter(backend=self._store.backend, protocol__lt=WORKFLOW_PROTOCOL)
        return not older.exists()

    def _go_on(self, node: WorkflowNode, live: Live) -> None:
        """Note whether a node needs another look, and where its live members begin."""
        workflow = self._workflows[node.workflow]
        if live.is_waiting and (
            workflow.cancel_requested or (not workflow.is_paused and self._may_promote)
        ):
            self._result.again.add(node.workflow)
        if live.place is None:
            self._pages.starts.pop(node.pk, None)
        elif live.place - node.cursor >= _CURSOR_STEP:
            self._graph.nodes.filter(pk=node.pk).update(cursor=live.place)

    def _open(self, nodes: Sequence[WorkflowNode]) -> tuple[list[WorkflowNode], list[WorkflowNode]]:
        """Open or skip PENDING nodes; return those that are OPEN now, and those that are over."""
        if not nodes:
            return [], []
        before = self._graph.predecessors(nodes)
        facts = {
            node.pk: NodeFacts(
                id=node.pk,
                state=NodeState.PENDING,
                when=When(node.when),
                before=before[node.pk],
            )
            for node in nodes
        }
        moved = self._move(nodes, facts)
        opened = [node for node in moved if node.state == NodeState.OPEN]
        broken = [node for node in opened if node.over is not None and not self._map(node)]
        skipped = [node for node in moved if node.state == NodeState.SKIPPED]
        self._cancel_skipped(skipped)
        return [n for n in opened if n not in broken], skipped + broken

    def _map(self, node: WorkflowNode) -> bool:
        """Insert the members of a `map(over=...)`; make the node FAILED if that is impossible."""
        if node.size:
            return True  # they were inserted before a retry
        try:
            node.size = insert_members(self._store, self._graph, node)
        except CannotMap as error:
            node.state = NodeState.FAILED
            self._graph.nodes.filter(pk=node.pk, state=NodeState.OPEN).update(
                state=NodeState.FAILED, finished_at=self._now, error=describe(error)
            )
            return False
        self._graph.nodes.filter(pk=node.pk).update(size=node.size)
        return True

    def _move(
        self, nodes: Sequence[WorkflowNode], facts: dict[int, NodeFacts]
    ) -> list[WorkflowNode]:
        """Decide on nodes and write it; return those that moved, in their new states."""
        moves: dict[int, NodeMove] = {}
        groups: dict[UUID, list[NodeFacts]] = defaultdict(list)
        for node in nodes:
            groups[node.workflow].append(facts[node.pk])
        for workflow, group in groups.items():
            decided = evaluate(self._workflows[workflow], group)
            moves |= {move.node: move for move in decided}
        kinds = {(move.before, move.after, move.because_of) for move in moves.values()}
        for before, after, because_of in kinds:
            alike = [
                pk for pk, m in moves.items() if (m.after, m.because_of) == (after, because_of)
            ]
            at = "opened_at" if after is NodeState.OPEN else "finished_at"
            self._graph.nodes.filter(pk__in=alike, state=before).update(
                state=after, because_of=because_of, **{at: self._now}
            )
        moved = [node for node in nodes if node.pk in moves]
        for node in moved:
            node.state = moves[node.pk].after
            node.because_of = moves[node.pk].because_of
            self._result.changed.add(node.workflow)
        return moved

    def _cancel(self, nodes: Sequence[WorkflowNode]) -> None:
        """Cancel members of OPEN nodes whose workflow is cancelled, and tell running ones."""
        for node in nodes:
            cancelled = self._members.cancel([node.pk], limit=self._room, now=self._now)
            told = self._members.request_cancel([node.pk], limit=PAGE)
            self._room -= cancelled
            if cancelled or told:
                self._result.changed.add(node.workflow)

    def _cancel_skipped(self, nodes: Sequence[WorkflowNode]) -> None:
        """Cancel the members of SKIPPED nodes, which wait at their doors."""
        for node in nodes:
            if not node.size:
                continue
            if self._room <= 0:
                self._result.leftover.add(node.workflow)
                return
            count = self._members.cancel(
                [node.pk], limit=self._room, now=self._now, entry=self._entry(node)
            )
            self._room -= count
            if count:
                self._result.changed.add(node.workflow)

    def _entry(self, node: WorkflowNode) -> str | None:
        if self._workflows[node.workflow].cancel_requested:
            return None
        error = NodeSkipped(_sentence(node, self._name_of(node.workflow, node.because_of)))
        return json.dumps(describe(error))

    def _name_of(self, workflow: UUID, number: int | None) -> str | None:
        if number is None:
            return None
        found: str | None = (
            self._graph.nodes.filter(workflow=workflow, number=number)
            .values_list("name", flat=True)
            .first()
        )
        return found

    def _conclude(self, workflows: Iterable[UUID]) -> None:
        """Write the state of workflows whose nodes are all over."""
        for workflow in workflows:
            if self._has_members_at_doors(workflow):
                self._result.leftover.add(workflow)
                continue
            state = conclude(self._workflows[workflow], self._graph.ended(workflow))
            self._graph.workflows.filter(pk=workflow).update(
                state=state, finished_at=self._now, unique_key=None
            )
            self._result.changed.add(workflow)
            self._result.ended.append((workflow, state))

    def _has_members_at_doors(self, workflow: UUID) -> bool:
        skipped = self._graph.nodes.filter(workflow=workflow, state=NodeState.SKIPPED)
        records: Any = TaskRecord.objects.using(self._store.database)
        found: bool = records.filter(node__in=skipped.values("pk"), state=State.WAITING).exists()
        return found


def _each_once(nodes: Iterable[WorkflowNode]) -> list[WorkflowNode]:
    return list({node.pk: node for node in nodes}.values())


def _sentence(node: WorkflowNode, failed: str | None) -> str:
    """Return why the members of a skipped node never run."""
    if failed is not None:
        return f"The node {node.name!r} was skipped, since the node {failed!r} failed."
    if node.when == When.FAILURE:
        return f"The node {node.name!r} was skipped, since nothing before it failed."
    return f"The node {node.name!r} was skipped, since a node before it was skipped."

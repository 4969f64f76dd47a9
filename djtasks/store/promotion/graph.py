"""Read the nodes of workflows, and what they come after."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connections

from djtasks.models import WorkflowEdge, WorkflowNode, WorkflowRecord
from djtasks.protocol.promotion import Ended, Predecessor, WorkflowFacts
from djtasks.protocol.workflows import NodeState, WorkflowState

NOT_OVER = (NodeState.PENDING, NodeState.OPEN)
# A node by its workflow and its number there.
Place = tuple[UUID, int]


class Graph:
    """The graphs of one TASKS alias in one database."""

    def __init__(self, database: str, backend: str) -> None:
        self._database = database
        self._backend = backend

    @property
    def nodes(self) -> Any:
        return WorkflowNode._base_manager.using(self._database)  # noqa: SLF001 - Django's Meta API

    @property
    def workflows(self) -> Any:
        """The workflows that run."""
        rows = WorkflowRecord._base_manager.using(self._database)  # noqa: SLF001
        return rows.filter(backend=self._backend, state=WorkflowState.RUNNING)

    @property
    def _edges(self) -> Any:
        return WorkflowEdge._base_manager.using(self._database)  # noqa: SLF001

    def lock(self, ids: Collection[UUID]) -> list[WorkflowFacts]:
        """Lock those of these workflows that run and that no one else has locked."""
        features = connections[self._database].features
        rows = self.workflows.filter(pk__in=ids).select_for_update(
            skip_locked=features.has_select_for_update_skip_locked,
            no_key=features.has_select_for_no_key_update,
        )
        found = rows.order_by("pk").values_list("pk", "is_paused", "cancel_requested")
        return [
            WorkflowFacts(id=pk, is_paused=is_paused, cancel_requested=cancel_requested)
            for pk, is_paused, cancel_requested in found
        ]

    def nodes_of(self, workflows: Collection[UUID], *states: NodeState) -> list[WorkflowNode]:
        """Return the nodes of these workflows that are in one of these states, in their order."""
        found = self.nodes.filter(workflow__in=workflows, state__in=states)
        return list(found.order_by("workflow", "number")) if workflows else []

    def followers(self, ended: Iterable[WorkflowNode]) -> list[WorkflowNode]:
        """Return the PENDING nodes that come after one of these, and those that come after all."""
        places = {(node.workflow, node.number) for node in ended}
        if not places:
            return []
        workflows = {workflow for workflow, _number in places}
        after: set[Place] = set()
        for workflow, before, follower in self._edges.filter(
            workflow__in=workflows, before__in={number for _workflow, number in places}
        ).values_list("workflow", "before", "after"):
            if (workflow, before) in places:
                after.add((workflow, follower))
        numbers = {number for _workflow, number in after}
        pending = self.nodes.filter(workflow__in=workflows, state=NodeState.PENDING)
        found = {node.pk: node for node in pending.filter(number__in=numbers)} if numbers else {}
        asked = [n for n in found.values() if (n.workflow, n.number) in after]
        return asked + [n for n in pending.filter(after_all=True) if n not in asked]

    def predecessors(self, nodes: Sequence[WorkflowNode]) -> dict[int, list[Predecessor]]:
        """Return what each of these nodes comes after."""
        plain = [node for node in nodes if not node.after_all]
        found = self._by_edges(plain) if plain else {}
        after_all = [node for node in nodes if node.after_all]
        everything = {
            workflow: self._all_others(workflow) for workflow in {n.workflow for n in after_all}
        }
        return found | {node.pk: everything[node.workflow] for node in after_all}

    def _by_edges(self, nodes: Sequence[WorkflowNode]) -> dict[int, list[Predecessor]]:
        places = {(node.workflow, node.number): node.pk for node in nodes}
        workflows = {workflow for workflow, _number in places}
        edges = [
            (workflow, before, places[workflow, after])
            for workflow, before, after in self._edges.filter(
                workflow__in=workflows, after__in={number for _workflow, number in places}
            ).values_list("workflow", "before", "after")
            if (workflow, after) in places
        ]
        rows = self.nodes.filter(
            workflow__in=workflows, number__in={before for _workflow, before, _node in edges}
        ).values_list("workflow", "number", "state", "because_of")
        states = {(workflow, number): (state, why) for workflow, number, state, why in rows}
        found: dict[int, list[Predecessor]] = defaultdict(list)
        for workflow, before, node in edges:
            if (workflow, before) in states:
                state, why = states[workflow, before]
                found[node].append(
                    Predecessor(number=before, state=NodeState(state), because_of=why)
                )
        return {pk: found[pk] for pk in places.values()}

    def _all_others(self, workflow: UUID) -> list[Predecessor]:
        """Return all nodes of a workflow that do not come after all; one of those not over, if any.

        While one is not over, the others do not matter.
        """
        others = self.nodes.filter(workflow=workflow, after_all=False)
        is_blocked = others.filter(state__in=NOT_OVER)
        rows = list(is_blocked.values_list("number", "state", "because_of")[:1])
        rows = rows or list(others.values_list("number", "state", "because_of"))
        return [
            Predecessor(number=number, state=NodeState(state), because_of=why)
            for number, state, why in rows
        ]

    def all_over(self, workflows: Collection[UUID]) -> list[UUID]:
        """Return those of these workflows all of whose nodes are over."""
        live = self.nodes.filter(workflow__in=workflows, state__in=NOT_OVER)
        running = set(live.order_by().values_list("workflow", flat=True).distinct())
        return [workflow for workflow in workflows if workflow not in running]

    def ended(self, workflow: UUID) -> list[Ended]:
        """Return how the nodes of a workflow ended, each kind of end once."""
        kinds = self.nodes.filter(workflow=workflow).order_by().values_list("state", "may_fail")
        return [Ended(NodeState(state), may_fail) for state, may_fail in kinds.distinct()]

    def missing(self, nodes: Collection[int]) -> list[int]:
        """Return those of these nodes that were deleted, or whose workflow was."""
        rows = WorkflowRecord._base_manager.using(self._database)  # noqa: SLF001
        there = self.nodes.filter(pk__in=nodes, workflow__in=rows.values("pk"))
        known = set(there.values_list("pk", flat=True))
        return [node for node in nodes if node not in known]

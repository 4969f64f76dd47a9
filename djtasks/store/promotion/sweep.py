"""Find the workflows where something could move, without locks, a page at a time.

It finds what a dead process dropped: a first hint, the look after a settle, the rest of a large
node, a cancel, a retry. It may name a workflow in which nothing moves, and costs a look then.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Max

from djtasks.models import TaskRecord, WorkflowNode
from djtasks.protocol.promotion import NodeFacts, WorkflowFacts, evaluate
from djtasks.protocol.states import State
from djtasks.protocol.workflows import NodeState, When, node_of
from djtasks.store.base import Store
from djtasks.store.promotion.graph import Graph
from djtasks.store.promotion.look import members_of
from djtasks.store.promotion.members import Door

PAGE = 2_000
_DOORS_A_PAGE = 100
_GONE_A_PAGE = 1_000


class Sweep:
    """Goes round the nodes and workflows of one TASKS alias; each call reads the next page.

    `every` page is read by `everything()`, for tests and to decide whether nothing is left to do.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._graph = Graph(store.database, store.backend)
        self._members = members_of(store.database)
        self._open = _Round(self._page_of_open)
        self._pending = _Round(self._page_of_pending)
        self._running = _Round(self._page_of_running)
        self._door = ""

    def page(self) -> set[UUID]:
        """Return the workflows of the next page of each kind where something could move.

        Where no workflow runs, that takes one query.
        """
        if not self._graph.workflows.exists():
            return set()
        return self._open.next() | self._pending.next() | self._running.next()

    def opened(self) -> set[UUID]:
        """Return the workflows of the first page of open nodes where something could move."""
        return _Round(self._page_of_open).next()

    def everything(self) -> set[UUID]:
        """Return all workflows where something could move."""
        pages = (self._page_of_open, self._page_of_pending, self._page_of_running)
        return {found for page in pages for found in _Round(page).all()}

    def mark(self) -> tuple[Any, ...]:
        """Return what is different as soon as a node opens or ends."""
        opened = self._graph.nodes.filter(state=NodeState.OPEN)
        found = opened.aggregate(Count("pk"), Max("opened_at"))
        return (*found.values(), self._graph.workflows.count())

    def _page_of_open(self, after: Any) -> tuple[set[UUID], Any]:
        """Find OPEN nodes without a live member, or with members at their door."""
        nodes, last = self._page_of_nodes(NodeState.OPEN, after)
        workflows = self._running_ones(nodes)
        asked = [node for node in nodes if node.workflow in workflows]
        doors = [Door(node.pk, node.cursor, node.size) for node in asked]
        live = self._members.live(doors) if doors else {}
        found = {
            node.workflow
            for node in asked
            if live[node.pk].place is None
            or (live[node.pk].is_waiting and not workflows[node.workflow].is_paused)
        }
        return found, last

    def _page_of_pending(self, after: Any) -> tuple[set[UUID], Any]:
        """Find PENDING nodes whose predecessors are over."""
        nodes, last = self._page_of_nodes(NodeState.PENDING, after)
        workflows = self._running_ones(nodes)
        asked = [node for node in nodes if node.workflow in workflows]
        before = self._graph.predecessors(asked) if asked else {}
        found = {
            node.workflow
            for node in asked
            if evaluate(
                workflows[node.workflow],
                [
                    NodeFacts(
                        id=node.pk,
                        state=NodeState.PENDING,
                        when=When(node.when),
                        before=before[node.pk],
                    )
                ],
            )
        }
        return found, last

    def _page_of_running(self, after: Any) -> tuple[set[UUID], Any]:
        """Find workflows that are to be cancelled, and those whose nodes are over."""
        rows = self._graph.workflows.order_by("pk")
        if after is not None:
            rows = rows.filter(pk__gt=after)
        page = list(rows.values_list("pk", "cancel_requested")[:PAGE])
        found = {pk for pk, cancel_requested in page if cancel_requested}
        found |= set(self._graph.all_over([pk for pk, _cancel_requested in page]))
        return found, page[-1][0] if len(page) == PAGE else None

    def _page_of_nodes(
        self, state: NodeState, after: Any
    ) -> tuple[Sequence[WorkflowNode], int | None]:
        nodes = self._graph.nodes.filter(state=state, pk__gt=after or 0).order_by("pk")
        page = list(nodes.defer("options", "kwargs", "inputs", "error")[:PAGE])
        return page, page[-1].pk if len(page) == PAGE else None

    def _running_ones(self, nodes: Iterable[WorkflowNode]) -> dict[UUID, WorkflowFacts]:
        """Return those of the nodes' workflows that run."""
        ids = {node.workflow for node in nodes}
        rows = self._graph.workflows.filter(pk__in=ids) if ids else self._graph.workflows.none()
        return {
            pk: WorkflowFacts(id=pk, is_paused=is_paused, cancel_requested=cancel_requested)
            for pk, is_paused, cancel_requested in rows.values_list(
                "pk", "is_paused", "cancel_requested"
            )
        }

    def cancel_orphans(self) -> int:
        """Cancel records at doors whose node or workflow was deleted; return how many."""
        nodes = [node for door in self._next_doors() if (node := node_of(door)) is not None]
        gone = self._graph.missing(nodes)
        if not gone:
            return 0
        return self._members.cancel(gone, limit=_GONE_A_PAGE, now=self._store.now())

    def _next_doors(self) -> Collection[str]:
        """Return the next doors that records wait at, found by steps through their index."""
        found: list[str] = []
        at_doors = TaskRecord.objects.using(self._store.database).filter(state=State.WAITING)
        while len(found) < _DOORS_A_PAGE:
            later = at_doors.filter(waits_for__gt=self._door).order_by("waits_for")
            door = later.values_list("waits_for", flat=True).first()
            self._door = door or ""
            if door is None:
                break
            found.append(door)
        return found


class _Round:
    """Reads page after page, then begins again. A page says where the next begins, None: at 0."""

    def __init__(self, page: Callable[[Any], tuple[set[UUID], Any]]) -> None:
        self._page = page
        self._after: Any = None

    def next(self) -> set[UUID]:
        found, self._after = self._page(self._after)
        return found

    def all(self) -> set[UUID]:
        found = self.next()
        while self._after is not None:
            found |= self.next()
        return found

"""The workflow of a running task, as `context.workflow`: add nodes, and read what was before."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, overload
from uuid import UUID

from asgiref.sync import sync_to_async

from djtasks.definitions.binding import BoundTask
from djtasks.definitions.task import Items, Task
from djtasks.errors import InvalidWorkflow
from djtasks.workflows.following import name_of
from djtasks.workflows.home import Member, NodeFailure, WorkflowHome
from djtasks.workflows.making import NodeMaker, NodeOptions, bound, options_given
from djtasks.workflows.nodes import NODES, MapNode, Node, NodeSpec
from djtasks.workflows.options import NodeNames

T = TypeVar("T")

_UNNUMBERED = -1


class GrowingWorkflow:
    """The workflow that the running task belongs to.

    A node that an earlier attempt of this task has added is found again by its name, and is not
    added twice. So a name must be the same in each attempt; those that nobody gives are.
    """

    def __init__(self, home: WorkflowHome, member: Member) -> None:
        self._home = home
        self._member = member
        self._maker = NodeMaker(
            workflow=member.workflow,
            home=home,
            number_of=self._number_of,
            take_name=self._take_name,
        )
        self._names = NodeNames()

    @property
    def id(self) -> UUID:
        """The id of the workflow."""
        return self._member.workflow

    @overload
    def add(
        self,
        call: BoundTask[T],
        /,
        *,
        after: Any = ...,
        when: str = ...,
        name: str | None = ...,
        may_fail: bool = ...,
    ) -> Node[T]: ...
    @overload
    def add(
        self,
        call: Task[..., T],
        /,
        *args: Any,
        after: Any = ...,
        when: str = ...,
        name: str | None = ...,
        may_fail: bool = ...,
        **kwargs: Any,
    ) -> Node[T]: ...

    def add(
        self,
        call: Any,
        /,
        *args: Any,
        after: Any = (),
        when: str = "success",
        name: str | None = None,
        may_fail: bool = False,
        **kwargs: Any,
    ) -> Node[Any]:
        """Add one task to the running workflow, at once; see Workflow.add().

        `after` may name nodes, too. Raises LeaseLost if another execution owns this task by now,
        and InvalidWorkflow if a node that would come after the new one has begun.
        """
        options = NodeOptions(after=after, when=when, name=name, may_fail=may_fail)
        one = bound(call, args, kwargs, options_given(options))
        return Node(self._grow(self._maker.single(one, _UNNUMBERED, options)))

    async def aadd(self, call: Any, /, *args: Any, **kwargs: Any) -> Node[Any]:
        """See add()."""
        return await sync_to_async(self.add)(call, *args, **kwargs)

    def map(  # noqa: PLR0913 - the options of a node
        self,
        task: Task[..., T],
        items: Items | None = None,
        /,
        *,
        over: Node[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        after: Any = (),
        when: str = "success",
        name: str | None = None,
        tolerate: int | str = 0,
        may_fail: bool = False,
    ) -> MapNode[T]:
        """Add one node with a member for each item to the running workflow; see Workflow.map()."""
        options = NodeOptions(
            after=after, when=when, name=name, tolerate=tolerate, may_fail=may_fail
        )
        spec = self._maker.many(
            task, _UNNUMBERED, options, items=items, over=over, kwargs=kwargs or {}
        )
        return MapNode(self._grow(spec))

    async def amap(self, task: Any, items: Any = None, /, **options: Any) -> MapNode[Any]:
        """See map()."""
        return await sync_to_async(self.map)(task, items, **options)

    def results(self, node: Node[Any] | MapNode[Any] | str) -> Iterator[Any]:
        """Yield what the successful members of a node returned, in order, read in pages.

        Raises InvalidWorkflow if there is no such node.
        """
        return self._home.values(self.id, name_of(node))

    async def aresults(self, node: Node[Any] | MapNode[Any] | str) -> list[Any]:
        """See results(); returns all of them."""
        return await sync_to_async(lambda: list(self.results(node)))()

    def failures(self) -> Iterator[NodeFailure]:
        """Yield what failed so far: the node, the member, the exception and its message."""
        return self._home.failures(self.id)

    async def afailures(self) -> list[NodeFailure]:
        """See failures(); returns all of them."""
        return await sync_to_async(lambda: list(self.failures()))()

    def _grow(self, spec: NodeSpec) -> NodeSpec:
        return self._home.grow(self._member, spec)

    def _take_name(self, name: str | None, default: str) -> str:
        # The same in each attempt of this task, and no other task's.
        return self._names.take(name, f"{default}-{self._member.record.hex[-12:]}")

    def _number_of(self, named: Any) -> int | None:
        if named is self:
            return None
        if isinstance(named, NODES):
            if named.spec.workflow != self.id:
                raise InvalidWorkflow(f"{named!r} is a node of another workflow.")
            return named.spec.number
        if isinstance(named, str):
            found = self._home.nodes(self.id, [named])
            if named in found:
                return found[named][0]
            raise InvalidWorkflow(f"This workflow has no node {named!r}.")
        raise InvalidWorkflow(
            f"'after' must be a node of this workflow, its name, several in a list, or "
            f"context.workflow itself, got {named!r}."
        )

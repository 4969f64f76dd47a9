"""`Workflow`: build a graph of tasks, enqueue it as one thing, and follow it."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload
from uuid import UUID

from asgiref.sync import sync_to_async

from djtasks.definitions.binding import BoundTask
from djtasks.definitions.task import Items, Task
from djtasks.errors import InvalidWorkflow
from djtasks.workflows.building import WorkflowBuilder, shape_draft
from djtasks.workflows.following import EnqueuedWorkflow, as_id, unknown
from djtasks.workflows.home import home_of
from djtasks.workflows.making import NodeOptions
from djtasks.workflows.nodes import MapNode, Node

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")


class Workflow(EnqueuedWorkflow):
    """A graph of tasks that is enqueued as one thing, in your transaction.

    Add its nodes in a `with` block. At the end of the block, all rows go in; if the block raises,
    none do. `target`, `tags` and `expires` are those of `Task.using()`; `expires` counts for all
    members. `queue_name` and `priority` are defaults for tasks on which `using()` has not set them.
    `unique` is a text: while a workflow with this name and text runs, another one is not enqueued,
    and `id` becomes that of the running one. `backend` is the TASKS alias of all nodes.
    Raises InvalidWorkflow for an option that is not valid.
    """

    def __init__(
        self,
        name: str,
        *,
        target: Any = None,
        tags: Collection[str] = (),
        unique: str | None = None,
        expires: datetime | timedelta | float | None = None,
        queue_name: str | None = None,
        priority: int | None = None,
        backend: str | None = None,
    ) -> None:
        home = home_of(backend)
        draft = shape_draft(
            name, backend=home.backend, target=target, tags=tags, unique=unique, expires=expires
        )
        super().__init__(home, draft.id, None)
        defaults = {"queue_name": queue_name, "priority": priority}
        self._builder: WorkflowBuilder | None = WorkflowBuilder(draft, home, defaults)
        self._created = False

    @classmethod
    def get(cls, id_: UUID | str, *, backend: str | None = None) -> "Self":
        """Return the workflow with this id; raise WorkflowDoesNotExist if there is none.

        Its nodes are known by their names: `results("parse")`.
        """
        home = home_of(backend)
        snapshot = home.find(as_id(id_))
        if snapshot is None:
            raise unknown(id_)
        found = cls.__new__(cls)
        EnqueuedWorkflow.__init__(found, home, snapshot.id, snapshot)
        vars(found).update(_builder=None, _created=False)
        return found

    @classmethod
    async def aget(cls, id_: UUID | str, *, backend: str | None = None) -> "Self":
        """See get()."""
        return await sync_to_async(cls.get)(id_, backend=backend)

    def __repr__(self) -> str:
        return f"<Workflow {self.name!r} {self._id}>"

    @property
    def name(self) -> str:
        """The name."""
        return self._building().draft.name if self._snapshot is None else self._snapshot.name

    @property
    def created(self) -> bool:
        """Whether this block has enqueued it; False if one with its `unique` was running."""
        return self._created

    def __enter__(self) -> "Self":
        self._building().open(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        draft = self._building().close()
        if kind is None:
            self._snapshot, self._created = self._home.insert(draft)
            self._id = self._snapshot.id

    async def __aenter__(self) -> "Self":
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await sync_to_async(self.__exit__)(kind, error, traceback)

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
        """Add one task, as `add(task, *args, **kwargs)` or `add(task.bind(*args, **kwargs))`.

        A node as an argument: it runs after that node and receives what it returned. `after`: a
        node or several that it also comes after; the workflow itself stands for all other nodes.
        `when`: "success" (all before it succeeded), "failure" (one of them failed) or "done".
        `name`: the default is the function's name. `may_fail`: the workflow does not fail with it.
        Raises InvalidArguments if the call does not fit, InvalidWorkflow for the node.
        """
        options = NodeOptions(after=after, when=when, name=name, may_fail=may_fail)
        return Node(self._building().add(call, args, kwargs, options))

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
        """Add one node with a member for each item, up to a million.

        An item is a tuple of positional or a dict of keyword arguments; a generator is read at the
        end of the block, in constant memory. `over`: a node whose result is a list; each element is
        the first argument of a member. `kwargs` are passed to all members and may hold nodes.
        `tolerate`: how many may fail, 5 or "1%". For the others, see add().
        """
        options = NodeOptions(
            after=after, when=when, name=name, tolerate=tolerate, may_fail=may_fail
        )
        return MapNode(self._building().map(task, options, items=items, over=over, kwargs=kwargs))

    def _building(self) -> WorkflowBuilder:
        if self._builder is None:
            raise InvalidWorkflow(
                f"{self._what} is enqueued already. Its tasks can add nodes to it with "
                f"context.workflow.add(...)."
            )
        return self._builder

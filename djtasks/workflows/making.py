"""Make the nodes of a workflow from calls: what `add` and `map` share, in a block and in a task."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from djtasks.compat import is_task
from djtasks.definitions.binding import BoundTask
from djtasks.definitions.signatures import shown_signature
from djtasks.definitions.task import Task
from djtasks.errors import InvalidWorkflow
from djtasks.formats.json_values import decode
from djtasks.protocol.workflows import When
from djtasks.workflows.home import WorkflowHome
from djtasks.workflows.members import build_member, refuse_bare
from djtasks.workflows.nodes import AnyNode, Inputs, MapNode, Node, NodeSpec, numbers_in
from djtasks.workflows.options import shape_may_fail, shape_tolerate, shape_when
from djtasks.workflows.references import Call, ResultList, refuse_nested, split


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """Where a node stands, and when it runs; see `Workflow.add`."""

    after: Any = ()
    when: str = "success"
    name: str | None = None
    may_fail: bool = False
    tolerate: int | str = 0


def options_given(options: NodeOptions) -> set[str]:
    """Return the names of the options that differ from their defaults."""
    return {
        one.name
        for one in fields(options)
        if getattr(options, one.name) is not one.default and getattr(options, one.name) != ()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMaker:
    """Makes the nodes of one workflow.

    `number_of` returns the number of what `after` or an argument names, or None where it stands for
    all other nodes; it raises InvalidWorkflow for what is no node of this workflow.
    """

    workflow: UUID
    home: WorkflowHome
    number_of: Callable[[Any], int | None]
    take_name: Callable[[str | None, str], str]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    expires: datetime | timedelta | None = None
    # A task that was prepared, by its identity: most nodes share theirs with others.
    _ready: dict[int, tuple[Any, Task[..., Any]]] = field(default_factory=dict)

    def single(self, call: BoundTask[Any], number: int, options: NodeOptions) -> NodeSpec:
        """Return a node of one member; raise InvalidArguments or InvalidWorkflow."""
        task = self._prepared(call.task)
        (args, kwargs), inputs = self._inputs(call.args, call.kwargs)
        record = build_member(self.home, task, args, kwargs, has_inputs=bool(inputs))
        return self._spec(task, number, options, inputs=inputs, record=record)

    def many(
        self,
        task: Any,
        number: int,
        options: NodeOptions,
        *,
        items: Iterable[Any] | None,
        over: AnyNode | None,
        kwargs: Mapping[str, Any],
    ) -> NodeSpec:
        """Return a node of many members, given by `items` or by the result of `over`."""
        ours = self._prepared(task)
        if not isinstance(kwargs, Mapping):
            raise InvalidWorkflow(f"'kwargs' of a map must be a dict, got {kwargs!r}.")
        (_, shared), inputs = self._inputs((), kwargs)
        refuse_nested(list(shared.values()))
        _require_items(ours, items, over)
        source = None if over is None else self._of(over)
        if items is None:
            shared = self._try_element(ours, shared)
        return self._spec(
            ours, number, options, inputs=inputs, items=items, kwargs=shared, over=source
        )

    def _prepared(self, task: Any) -> Task[..., Any]:
        """Return a task with the options of the workflow, once it is checked."""
        if id(task) not in self._ready:
            self._ready[id(task)] = (task, self._prepare(task))
        return self._ready[id(task)][1]

    def _prepare(self, task: Any) -> Task[..., Any]:
        if not is_task(task):
            raise InvalidWorkflow(f"{task!r} is not a task. Put @task above the function.")
        if task.backend != self.home.backend:
            raise InvalidWorkflow(
                f"Task {task.module_path!r} is of the backend {task.backend!r}, and this workflow "
                f"of {self.home.backend!r}. All nodes of a workflow are on one: pass "
                f"Workflow(backend=...), or task.using(backend=...)."
            )
        ours = self.home.prepare(task, self.defaults)
        if ours.run_after is not None or ours.run_after_delay is not None:
            raise InvalidWorkflow(
                f"Task {ours.module_path!r} has run_after, but a node runs as soon as what it "
                f"comes after is over. Enqueue the workflow later instead."
            )
        return ours if self.expires is None or ours.expires else ours.using(expires=self.expires)

    def _inputs(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Call, Inputs]:
        call, found = split(args, kwargs)
        return call, {
            name: [self._of(node) for node in value.nodes]
            if isinstance(value, ResultList)
            else self._of(value)
            for name, value in found.items()
        }

    def _of(self, node: AnyNode) -> int:
        number = self.number_of(node)
        assert number is not None, "only the workflow itself stands for all nodes"
        return number

    def _try_element(self, task: Task[..., Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of each member of a map over a result, as JSON values.

        Raises now what every member would fail with.
        """
        if task.unique:
            raise InvalidWorkflow(
                f"Task {task.module_path!r} is unique, but the arguments of a map over a result "
                f"are not known yet. Use using(unique=None)."
            )
        if task.encrypted:
            raise InvalidWorkflow(
                f"Task {task.module_path!r} has encrypted arguments, but a map over a result "
                f"stores what the other node returned as it is. Return keys, and let each task "
                f"load the rest."
            )
        record = build_member(self.home, task, [None], kwargs, has_inputs=True)
        plain: dict[str, Any] = decode(record.kwargs)
        return plain

    def _spec(
        self,
        task: Task[..., Any],
        number: int,
        options: NodeOptions,
        *,
        inputs: Inputs,
        **members: Any,
    ) -> NodeSpec:
        numbers = {self.number_of(one) for one in _several(options.after)}
        sources = {*numbers, *numbers_in(inputs), members.get("over")}
        before = frozenset(one for one in sources if one is not None)
        when = shape_when(options.when)
        _require_something_before(when, before, after_all=None in numbers)
        return NodeSpec(
            workflow=self.workflow,
            number=number,
            name=self.take_name(options.name, task.func.__name__),
            task=task,
            inputs=inputs,
            after=before,
            after_all=None in numbers,
            when=when,
            tolerate=shape_tolerate(options.tolerate),
            may_fail=shape_may_fail(value=options.may_fail),
            **members,
        )


def bound(call: Any, args: Sequence[Any], kwargs: Mapping[str, Any], given: set[str]) -> Any:
    """Return the call of `add`, from its short form too.

    `given` are the options of the node that the caller has passed. Raises InvalidWorkflow if one of
    them is also a parameter of the task: then it is not known which is meant.
    """
    if isinstance(call, BoundTask):
        if args or kwargs:
            raise InvalidWorkflow("Pass the arguments to task.bind(...), not to add(...), too.")
        return call
    function, takes_context = getattr(call, "func", None), getattr(call, "takes_context", False)
    if function is not None and given:
        names = shown_signature(function, takes_context=takes_context).parameters.keys()
        _refuse_shared(function.__name__, sorted(given & names))
    return BoundTask(call, tuple(args), kwargs)


def _refuse_shared(name: str, shared: Sequence[str]) -> None:
    """Raise InvalidWorkflow for an option of the node that is a parameter of the task, too."""
    if shared:
        raise InvalidWorkflow(
            f"Task {name!r} has a parameter {shared[0]!r}, and so has a node. Write "
            f"flow.add({name}.bind(...), {shared[0]}=...): bind() takes what is the task's."
        )


def _require_items(task: Task[..., Any], items: Iterable[Any] | None, over: AnyNode | None) -> None:
    if (items is None) == (over is None):
        raise InvalidWorkflow(
            f"map({task.func.__name__}) takes either a list of calls or over=, the node whose "
            f"result it maps, and not both."
        )
    if over is not None and not isinstance(over, Node):
        way = ", a map: add a task that returns one list" if isinstance(over, MapNode) else ""
        raise InvalidWorkflow(f"'over' must be a node that returns a list, got {over!r}{way}.")
    is_iterable = isinstance(items, Iterable) and not isinstance(items, str | bytes | Mapping)
    if items is not None and not is_iterable:
        raise InvalidWorkflow(
            f"map({task.func.__name__}) takes an iterable of calls, got {type(items).__name__}."
        )
    if isinstance(items, Sequence) and items:
        refuse_bare(items[0])


def _require_something_before(when: When, before: frozenset[int], *, after_all: bool) -> None:
    if when is When.FAILURE and not before and not after_all:
        raise InvalidWorkflow(
            "A node with when='failure' comes after the nodes that may fail: name them in "
            "after=, or pass the workflow itself."
        )


def _several(after: Any) -> Iterable[Any]:
    return after if isinstance(after, list | tuple | set | frozenset) else (after,)

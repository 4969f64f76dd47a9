"""`chain`, `group` and `chord`, for those who come from Celery: short forms of `Workflow`."""

from collections.abc import Iterable, Sequence
from typing import Any

from djtasks.definitions.binding import BoundTask
from djtasks.definitions.task import Task
from djtasks.workflows.nodes import AnyNode
from djtasks.workflows.references import ResultList
from djtasks.workflows.workflow import Workflow

Call = BoundTask[Any] | Task[..., Any]


def chain(*calls: Call, pass_results: bool = True, name: str = "chain") -> Workflow:
    """Enqueue calls that run one after the other; return the workflow.

    Each one receives the result of the call before it as its first argument. A call is
    `task.bind(...)` or, without arguments of its own, the task. `pass_results=False` only orders.
    """
    with Workflow(name, backend=_alias_of(calls)) as flow:
        before: list[AnyNode] = []
        for call in map(_as_call, calls):
            passed = before if pass_results else []
            joined = BoundTask(call.task, (*passed, *call.args), call.kwargs)
            before = [flow.add(joined, after=before)]
    return flow


def group(*calls: Call | Iterable[Call], name: str = "group") -> Workflow:
    """Enqueue calls that run side by side; return the workflow. Takes one iterable, too."""
    given = _flat(calls)
    with Workflow(name, backend=_alias_of(given)) as flow:
        for call in map(_as_call, given):
            flow.add(call)
    return flow


def chord(calls: Iterable[Call], callback: Call, *, name: str = "chord") -> Workflow:
    """Enqueue calls that run side by side, and `callback` once all of them have succeeded.

    The callback receives the list of the results, in the order of the calls, as its first argument.
    For many calls of one task, `Workflow.map()` needs one node instead of one for each.
    """
    given = list(calls)
    with Workflow(name, backend=_alias_of([*given, callback])) as flow:
        nodes = [flow.add(call) for call in map(_as_call, given)]
        last = _as_call(callback)
        flow.add(BoundTask(last.task, (ResultList(nodes), *last.args), last.kwargs))
    return flow


def _as_call(call: Call) -> BoundTask[Any]:
    return call if isinstance(call, BoundTask) else BoundTask(call)


def _flat(calls: Sequence[Call | Iterable[Call]]) -> list[Call]:
    only = calls[0] if len(calls) == 1 else None
    if isinstance(only, Iterable):
        return list(only)
    return list(calls)  # type: ignore[arg-type] # several iterables are refused as calls


def _alias_of(calls: Sequence[Call]) -> str | None:
    """Return the TASKS alias of the first call; None for the default, also without any call."""
    return getattr(_as_call(calls[0]).task, "backend", None) if calls else None

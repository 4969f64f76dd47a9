"""Compare an enqueued task with what a test expects. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from inspect import Parameter
from reprlib import Repr
from typing import Any

from djtasks.compat import DjangoTask
from djtasks.definitions.codecs import plain_call
from djtasks.definitions.signatures import shown_signature
from djtasks.definitions.task import Task
from djtasks.errors import InvalidArguments
from djtasks.results import TaskResult

_INSTANT = timedelta(seconds=1)
_MISSING = object()

_repr = Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 80
_repr.maxlevel = 4
show = _repr.repr


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueued:
    """A task that was enqueued.

    It becomes due in `due_in[0]`, counted from now, and in `due_in[1]`, counted from when it was
    enqueued.
    """

    result: TaskResult[Any]
    due_in: tuple[timedelta, timedelta]

    @property
    def path(self) -> str:
        return self.result.task.module_path

    def __str__(self) -> str:
        result = self.result
        named = _named(result.task, result.args, result.kwargs)
        return f"{self.path}({_listed(named)}), {result.state.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a test expects of an enqueued task; None expects nothing.

    `args` and `kwargs` are the arguments that matter, however they were passed.
    """

    task: Task[..., Any] | None = None
    args: Sequence[Any] | None = None
    kwargs: Mapping[str, Any] | None = None
    queue: str | None = None
    due_in: timedelta | None = None

    def __post_init__(self) -> None:
        """Refuse arguments that the task does not have: nothing would ever match them."""
        if self.task is not None:
            _named(self.task, *self._plain_call(self.task))

    def _plain_call(self, task: Any) -> tuple[Sequence[Any], Mapping[str, Any]]:
        return plain_call(task, self.args or (), self.kwargs or {})

    def __str__(self) -> str:
        arguments = [
            *map(show, self.args or ()),
            *(f"{name}={show(value)}" for name, value in (self.kwargs or {}).items()),
        ]
        parts = [self.task.module_path if self.task is not None else "A task"]
        if arguments:
            parts.append(f"with {', '.join(arguments)}")
        if self.queue is not None:
            parts.append(f"in queue {self.queue!r}")
        if self.due_in is not None:
            parts.append(f"due in {self.due_in}")
        return " ".join(parts)

    def differences(self, found: Enqueued) -> list[str]:
        """Return what is not as expected, in words; nothing if all is."""
        if self.task is not None and self.task.module_path != found.path:
            return ["another task"]
        return [*self._other_arguments(found.result), *self._other_options(found)]

    def _other_arguments(self, found: TaskResult[Any]) -> Iterator[str]:
        task = found.task
        actual = _defaults(task) | _named(task, found.args, found.kwargs)
        try:
            expected = _named(task, *self._plain_call(task))
        except InvalidArguments:
            yield "its task has other arguments"
            return
        for name, value in expected.items():
            got = actual.get(name, _MISSING)
            if got is _MISSING:
                yield f"{name} is not passed"
            elif _plain(value) != _plain(got):
                yield f"{name} is {show(got)}, not {show(value)}"

    def _other_options(self, found: Enqueued) -> Iterator[str]:
        queue = found.result.task.queue_name
        if self.queue is not None and queue != self.queue:
            yield f"its queue is {queue!r}, not {self.queue!r}"
        if self.due_in is not None:
            # Code may have computed the moment a little before it enqueued the task.
            room = max(_INSTANT, self.due_in / 100)
            from_now, from_enqueued = found.due_in
            if not from_now - room <= self.due_in <= from_enqueued + room:
                yield f"it is due in {_whole_seconds(from_now)}, not in {self.due_in}"


def _named(
    task: "DjangoTask[..., Any]", args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return some arguments by name, the same however they are passed.

    Raises InvalidArguments if the task does not have them. Under a decorator that is called in
    another way than its function, places stand for names.
    """
    whole = shown_signature(task.func, takes_context=task.takes_context)
    try:
        bound = whole.bind_partial(*args, **kwargs).arguments
    except TypeError as error:
        if hasattr(task.func, "__wrapped__"):
            return _numbered("args", args) | dict(kwargs)
        raise InvalidArguments(
            f"Task {task.module_path!r} does not have these arguments: {error}. "
            f"Its signature is {whole}."
        ) from None
    named: dict[str, Any] = {}
    for name, value in bound.items():
        match whole.parameters[name].kind:
            case Parameter.VAR_POSITIONAL:
                named |= _numbered(name, value)
            case Parameter.VAR_KEYWORD:
                named |= value
            case _:
                named[name] = value
    return named


def _numbered(name: str, values: Sequence[Any]) -> dict[str, Any]:
    return {f"{name}[{place}]": value for place, value in enumerate(values)}


def _defaults(task: "DjangoTask[..., Any]") -> dict[str, Any]:
    parameters = shown_signature(task.func, takes_context=task.takes_context).parameters
    given = {
        name: one.default for name, one in parameters.items() if one.default is not Parameter.empty
    }
    return dict(plain_call(task, (), given)[1])  # type: ignore[arg-type] # it may be foreign


def _listed(named: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={show(value)}" for name, value in named.items())


def _whole_seconds(left: timedelta) -> timedelta:
    return timedelta(seconds=max(round(left.total_seconds()), 0))


def _plain(value: Any) -> Any:
    """Return a value as it comes back from JSON, where that changes its type."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value

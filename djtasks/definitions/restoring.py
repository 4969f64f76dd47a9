"""Tasks with the options of stored records, made without validation."""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any, ParamSpec, TypeVar

from djtasks.definitions.task import Task
from djtasks.errors import UnknownTask

P = ParamSpec("P")
T = TypeVar("T")


def restore(task: Task[P, T], **changes: Any) -> Task[P, T]:
    """Return a copy for a stored record, without validation.

    Settings may have changed since it was enqueued; the record must stay readable.
    """
    copy = object.__new__(type(task))
    # A foreign task may have attributes that are no fields.
    for name, value in getattr(task, "__dict__", {}).items():
        object.__setattr__(copy, name, value)
    for name in _names_of_options(type(task)):  # type: ignore[arg-type] # a class has a hash
        value = changes[name] if name in changes else getattr(task, name)
        object.__setattr__(copy, name, value)
    return copy


def with_options(task: Task[P, T], **options: Any) -> Task[P, T]:
    """Return the task if these are its options, as they mostly are; else see restore()."""
    for name, value in options.items():
        if getattr(task, name) != value:
            return restore(task, **options)
    return task


def enqueued(task: Any, ours: Task[..., Any], accepted: Task[..., Any]) -> Any:
    """Return the task of a result: the caller's own, which may be foreign.

    If a policy has made `ours` from what was `accepted`, it is a copy with the same options.
    """
    if ours is accepted:
        return task
    options = {one.name: getattr(ours, one.name) for one in fields(ours) if one.name != "func"}
    return restore(task, **options)


@cache
def _names_of_options(kind: type[Any]) -> tuple[str, ...]:
    return tuple(option.name for option in fields(kind))


def blank(function: Callable[P, T]) -> Task[P, T]:
    """Return a task with the default of every option, without validation."""
    made: Task[P, T] = object.__new__(Task)
    for option in fields(Task):
        object.__setattr__(made, option.name, option.default)
    object.__setattr__(made, "func", function)
    return made


def missing(path: str) -> Task[Any, Any]:
    """Return a placeholder task, so that results of a task that no longer exists are readable."""

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise UnknownTask(f"No task is registered as {path!r} in this process.")

    refuse.__module__, _, refuse.__qualname__ = path.rpartition(".")
    refuse.__name__ = refuse.__qualname__
    return blank(refuse)

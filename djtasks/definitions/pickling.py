"""Pickle tasks by where they are defined, as Django 6.1 does, on every Django."""

from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from operator import attrgetter
from typing import Any

from djtasks.errors import UnknownTask


def reduced(task: Any) -> Any:
    """Return what pickle stores of a Task: its place, and the options that differ from it there.

    A task that is not where its function is defined is stored with all its options.
    """
    options = {option.name: getattr(task, option.name) for option in fields(task)}
    func = options.pop("func")
    defined = _defined_at(func.__module__, func.__qualname__)
    if not isinstance(defined, type(task)) or defined.func is not func:
        return _rebuilt, (type(task), func, options)
    changes = {name: value for name, value in options.items() if value != getattr(defined, name)}
    return _unpickled, (func.__module__, func.__qualname__, changes)


def _defined_at(module: str, qualname: str) -> Any:
    """Return what a module calls by this name; None if there is no such module or name."""
    try:
        return attrgetter(qualname)(import_module(module))
    except (ImportError, AttributeError):
        return None


def _unpickled(module: str, qualname: str, changes: dict[str, Any]) -> Any:
    # They import this module.
    from djtasks.definitions.restoring import restore  # noqa: PLC0415
    from djtasks.definitions.task import Task  # noqa: PLC0415

    defined = _defined_at(module, qualname)
    if not isinstance(defined, Task):
        raise UnknownTask(
            f"There is no task {module}.{qualname} in this process, so what was pickled cannot be "
            f"read. Was the function moved or renamed?"
        )
    return restore(defined, **changes)


def _rebuilt(kind: type[Any], func: Callable[..., Any], options: dict[str, Any]) -> Any:
    task = object.__new__(kind)
    for name, value in {"func": func, **options}.items():
        object.__setattr__(task, name, value)  # without validation, as `restore` does
    return task

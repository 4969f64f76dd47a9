"""Which arguments of a call are encrypted: those that `@task(encrypted=...)` names."""

from collections.abc import Iterable, Sequence
from inspect import Parameter
from typing import Any

from djtasks.compat import InvalidTask
from djtasks.definitions.signatures import possible_names, shown_signature
from djtasks.formats.sealing import Place
from djtasks.formats.suggestions import did_you_mean


def encrypted_places(task: Any, args: Sequence[Any], kwargs: Iterable[str]) -> list[Place]:
    """Return the places of a call whose arguments are encrypted: positions, then names.

    The name of `*args` or `**kwargs` stands for all arguments that the parameter collects. Under
    a decorator that takes `*args`, one name encrypts all positional arguments.
    """
    named = frozenset(task.encrypted)
    if not named:
        return []
    names_at = possible_names(task.func, takes_context=task.takes_context)
    plain = frozenset(_parameters(task)) if _more(task) & named else None
    return [
        *(place for place in range(len(args)) if not named.isdisjoint(names_at(place))),
        *(name for name in kwargs if name in named or (plain is not None and name not in plain)),
    ]


def require_parameters(task: Any) -> None:
    """Raise InvalidTask unless each name of `encrypted` is a parameter of the task's function."""
    for name in unknown_names(task):
        known = _parameters(task)
        meant = did_you_mean(name, known) or f"Its parameters: {', '.join(known) or 'none'}."
        raise InvalidTask(
            f"'encrypted' of task {task.module_path!r} names {name!r}, which is no parameter of "
            f"its function. {meant}"
        )


def unknown_names(task: Any) -> list[str]:
    """Return the names of `encrypted` that no argument of the task can have."""
    if not task.encrypted or _more(task):
        return []
    known = _parameters(task)
    return [name for name in task.encrypted if name not in known]


def _parameters(task: Any) -> list[str]:
    return list(shown_signature(task.func, takes_context=task.takes_context).parameters)


def _more(task: Any) -> frozenset[str]:
    """Return the name of the parameter that collects keyword arguments of any name, if any."""
    parameters = shown_signature(task.func, takes_context=task.takes_context).parameters.values()
    return frozenset(p.name for p in parameters if p.kind is Parameter.VAR_KEYWORD)

"""Search by an argument: by its name, however it was passed, and never by a hidden one."""

import re
from collections.abc import Sequence
from typing import Any

from django.db.models.fields.json import KeyTransform
from django.utils.translation import gettext as _

from djtasks.definitions.signatures import parameter_names, possible_names
from djtasks.definitions.task import Task
from djtasks.inspection.search.context import SearchContext
from djtasks.inspection.search.values import NotUnderstood, NotVisible, readings, short

_NAME = re.compile(r"(?!.*__)[\w-]{1,100}")
_MOST_DIGITS = 9
_MOST_NAMES = 8


def argument(path: str, value: str, context: SearchContext) -> dict[str, Any]:
    """Return what `args.PATH:value` selects: an argument by name or place, or a value inside it.

    A name matches an argument passed by name. For tasks that are registered here it also matches
    one passed by position. Raises NotUnderstood for what is hidden from everybody or this user.
    """
    names = path.split(".")
    _check(names, context)
    first, *inner = names
    options: list[dict[str, Any]] = []
    # In a record with encrypted arguments, the others are the first of two values.
    encrypting = [task.module_path for task in context.tasks if task.encrypted]
    for reading in readings(value):
        if first.isdecimal():
            options.append(_at_place(int(first), inner, reading, context))
            continue
        options.append({_column("kwargs", [first, *inner]): reading})
        if encrypting and first not in KeyTransform.get_class_lookups():
            beside = {_column("kwargs", ["0", first, *inner]): reading}
            options.append({"task_path": encrypting} | beside)
        options += [
            {"task_path": paths, _column("args", [str(place), *inner]): reading}
            for place, paths in _places(first, context).items()
        ]
    return {"any": options}


def metadata(path: str, value: str, context: SearchContext) -> dict[str, Any]:
    """Return what `metadata.PATH:value` selects; raise as argument() does."""
    names = path.split(".")
    _check(names, context)
    return {"any": [{_column("metadata", names): reading} for reading in readings(value)]}


def _check(names: list[str], context: SearchContext) -> None:
    if not context.visibility.arguments:
        raise NotVisible(_("You may not see arguments, so you cannot search by them."))
    path = ".".join(names)
    # Inside an argument, Django reads the name of a lookup, such as `in`, as that lookup.
    lookups = KeyTransform.get_class_lookups() if len(names) > 1 else {}
    is_sane = all(_is_name(name) and name not in lookups for name in names)
    if len(names) > _MOST_NAMES or not is_sane:
        raise NotUnderstood(
            _(
                "“%(path)s” does not name an argument. Enter a name or a position, and names "
                "inside it, such as args.order_id, args.0 or args.order.customer."
            )
            % {"path": short(path)}
        )
    hidden = [name for name in names if context.hides(name)]
    if hidden:
        raise NotVisible(
            _("“%(name)s” is hidden from everybody, so nobody can search by it.")
            % {"name": short(hidden[0])}
        )


def _is_name(name: str) -> bool:
    """Return whether this names an argument, or is a position that every database takes."""
    if not _NAME.fullmatch(name):
        return False
    try:
        int(name)  # Django takes whatever int() takes for a position
    except ValueError:
        return True
    return name.isascii() and name.isdecimal() and len(name) <= _MOST_DIGITS


def _column(column: str, names: list[str]) -> str:
    # `__exact` at the end keeps a name such as `in` from being taken for a comparison.
    return "__".join([column, *names, "exact"])


def _at_place(place: int, inner: list[str], reading: Any, context: SearchContext) -> dict[str, Any]:
    hiding = [
        task.module_path
        for task in context.tasks
        if any(context.hides(name) for name in _names_at(place, task))
    ]
    found: dict[str, Any] = {_column("args", [str(place), *inner]): reading}
    return found | {"not": {"task_path": hiding}} if hiding else found


def _places(name: str, context: SearchContext) -> dict[int, list[str]]:
    """Return the registered tasks that have a parameter of this name, by its position."""
    places: dict[int, list[str]] = {}
    for task in context.tasks:
        names = _names(task)
        if name in names:
            places.setdefault(names.index(name), []).append(task.module_path)
    return places


def _names(task: Task[..., Any]) -> list[str]:
    return list(parameter_names(task.func, takes_context=task.takes_context))


def _names_at(place: int, task: Task[..., Any]) -> Sequence[str]:
    return possible_names(task.func, takes_context=task.takes_context)(place)


# What stands before the first dot of a key, and what the rest of it names.
BY_PATH = {"args": argument, "kwargs": argument, "metadata": metadata}

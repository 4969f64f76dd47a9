"""System checks for what a project adds to TaskRecordAdmin (see docs/reference/checks.md)."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from django.contrib.admin.checks import ModelAdminChecks
from django.core import checks

from djtasks.admin.built_in_actions import BUILT_IN
from djtasks.admin.task_actions import TaskAction
from djtasks.admin.task_pages import TaskPages
from djtasks.admin.tasks.access import VERBS
from djtasks.admin.tasks.built_in_columns import COLUMNS
from djtasks.admin.tasks.columns import Column
from djtasks.admin.tasks.export import EXPORTED
from djtasks.formats.suggestions import did_you_mean
from djtasks.inspection.fields import FIELDS
from djtasks.inspection.search.keys import SEARCH_KEYS, SearchKey
from djtasks.protocol.states import State

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PERMISSION = re.compile(r"\w+\.\w+")
# Words that a search reads with a sign behind them, and pages of a task that are no actions.
_COMPARED = frozenset({"wait", "run", "attempts"})
_PAGES = frozenset({"change", "download", "history", "add", "changelist"})


class TaskPagesChecks(ModelAdminChecks):
    """Django's checks for a ModelAdmin, plus those for the tables of TaskRecordAdmin."""

    def check(self, admin_obj: Any, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(admin_obj, **kwargs), *_check_tables(admin_obj)]


def _check_tables(admin: TaskPages) -> Iterator[checks.CheckMessage]:
    tables: tuple[tuple[str, type, str, Callable[[Any], Iterable[str]]], ...] = (
        ("columns", Column, "djtasks.E010", _column),
        ("search_keys", SearchKey, "djtasks.E011", _search_key),
        ("task_actions", TaskAction, "djtasks.E012", _action),
    )
    for attribute, kind, id_, complaints in tables:
        for text in _table(getattr(admin, attribute), kind, complaints):
            place = f"{type(admin).__name__}.{attribute}"
            yield checks.Error(f"{place}: {text}", obj=type(admin), id=id_)


def _table(given: Any, kind: type, complaints: Callable[[Any], Iterable[str]]) -> Iterator[str]:
    if not isinstance(given, list | tuple):
        yield f"It must be a list or tuple of {kind.__name__}, got {given!r}."
        return
    names: set[str] = set()
    for one in given:
        if not isinstance(one, kind):
            yield f"{one!r} is not a {kind.__name__}."
            continue
        name: Any = getattr(one, "name", None)
        if name in names:
            yield f"The name {name!r} is used twice."
        names.add(name)
        if one not in (*COLUMNS, *SEARCH_KEYS, *BUILT_IN):
            yield from _common(one)
            yield from complaints(one)


def _common(one: Any) -> Iterator[str]:
    if not isinstance(one.name, str) or not _NAME.fullmatch(one.name):
        yield (
            f"The name {one.name!r} must start with a lowercase letter, and have at most 40 "
            f"lowercase letters, digits and underscores."
        )
    if one.permission and not _PERMISSION.fullmatch(str(one.permission)):
        yield (
            f"{one.name!r}: the permission must include its app label, such as "
            f"'shop.view_customer', got {one.permission!r}."
        )


def _column(column: Any) -> Iterator[str]:
    if not callable(column.value):
        yield f"{column.name!r}: `value` must be a function, got {column.value!r}."
    if column.prepare is not None and not callable(column.prepare):
        yield f"{column.name!r}: `prepare` must be a function, got {column.prepare!r}."
    if isinstance(column.needs, str) or not isinstance(column.needs, Collection):
        yield f"{column.name!r}: `needs` must be a list of names, got {column.needs!r}."
        return
    for name in column.needs:
        if not isinstance(name, str) or name not in FIELDS:
            text = f"{column.name!r} needs {name!r}, which is not a column of TaskRecord."
            yield f"{text} {did_you_mean(name, FIELDS)}".rstrip()
    if column.exported and column.name in EXPORTED:
        yield f"{column.name!r} is already in every export: use another name."


def _search_key(key: Any) -> Iterator[str]:
    if not callable(key.select):
        yield f"{key.name!r}: `select` must be a function, got {key.select!r}."
    if key.name in {*(ours.name for ours in SEARCH_KEYS), *_COMPARED}:
        yield f"{key.name!r} is a search key of djtasks: use another name."


def _action(action: Any) -> Iterator[str]:
    if not callable(action.run):
        yield f"{action.name!r}: `run` must be a function, got {action.run!r}."
    if not action.permission:
        yield f"{action.name!r} needs a `permission`."
    if not _are_states(action.states):
        known = ", ".join(state.name for state in State)
        yield f"{action.name!r}: `states` must list some of {known}, got {action.states!r}."
    if action.one is None and action.many is None:
        yield f"{action.name!r} needs `one` or `many`."
    if action.name in {*(ours.name for ours in BUILT_IN), *_PAGES, *VERBS}:
        yield f"{action.name!r} is reserved by djtasks: use another name."


def _are_states(states: Any) -> bool:
    """Return whether these are states; those of `djtasks.models.TaskState` are equal to ours."""
    if isinstance(states, str) or not isinstance(states, Collection):
        return False
    return bool(states) and all(isinstance(one, int) and one in set(State) for one in states)

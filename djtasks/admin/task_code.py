"""The tasks that this web process knows; it imports their modules on first use."""

import logging
from inspect import getdoc
from typing import Any

from djtasks.definitions import registry
from djtasks.definitions.task import Task
from djtasks.engine import Engine

logger = logging.getLogger("djtasks.admin")
# What went wrong when the modules of an alias were imported, empty if nothing did.
_problems: dict[tuple[str, ...], str] = {}


def import_known(engine: Engine) -> str:
    """Import every tasks module, once a process; return what went wrong, empty if nothing did.

    A web process need not have imported them. Without the code of a task nobody knows which of
    its arguments are sensitive.
    """
    imports = engine.options.imports
    if imports not in _problems:
        _problems[imports] = _imported(imports)
    return _problems[imports]


def _imported(imports: tuple[str, ...]) -> str:
    try:
        registry.import_tasks(imports)
    except Exception as error:  # anything may be wrong in a project's module
        logger.exception("A tasks module cannot be imported")
        return f"{type(error).__name__}: {error}"
    return ""


def known_tasks(engine: Engine, *, search: str = "") -> list[Task[..., Any]]:
    """Return the tasks of an alias whose path or first line of help has every word of a search.

    Those of djtasks itself are left out: nobody calls them by hand.
    """
    words = search.lower().split()
    return [
        task
        for task in map(engine.with_policy, registry.all_tasks())
        if task.backend == engine.alias
        and not registry.is_internal(task)
        and all(word in _said_of(task) for word in words)
    ]


def _said_of(task: Task[..., Any]) -> str:
    return f"{task.module_path} {task.queue_name} {summary_of(task)}".lower()


def help_of(task: Task[..., Any]) -> str:
    """Return the docstring of a task without its indentation, or ""."""
    return (getdoc(task.func) or "").strip()


def summary_of(task: Task[..., Any]) -> str:
    """Return the first paragraph of a task's docstring, on one line."""
    return " ".join(help_of(task).partition("\n\n")[0].split())

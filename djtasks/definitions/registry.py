"""The tasks that this process knows. Workers look a path up here; they never import it."""

import importlib
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from djtasks.compat import InvalidTask
from djtasks.definitions.task import Task
from djtasks.errors import UnknownTask

_tasks: dict[str, Task[..., Any]] = {}
# By a path that a task had before.
_renamed: dict[str, Task[..., Any]] = {}


def register(task: Task[..., Any]) -> None:
    """Register a task under its module path when it is defined.

    A copy made by `using()` shares its function with the definition and changes nothing.
    Raises InvalidTask if another task has one of its aliases.
    """
    known = _tasks.get(task.module_path)
    if known is not None and known.func is task.func:
        return
    for path in task.aliases:
        other = _renamed.get(path)
        if other is not None and other.module_path != task.module_path:
            raise InvalidTask(
                f"{task.module_path!r} and {other.module_path!r} both have {path!r} among their "
                f"aliases. A record with that path can only run as one of them."
            )
    _tasks[task.module_path] = task
    _renamed.update(dict.fromkeys(task.aliases, task))


def find(path: str) -> Task[..., Any] | None:
    """Return the task as it was defined, or None.

    Also finds a task by one of its aliases, unless another task has that path now.
    """
    return _tasks.get(path) or _renamed.get(path)


def get(path: str) -> Task[..., Any]:
    """Return the task as it was defined; raise UnknownTask, with a remedy, if there is none."""
    task = find(path)
    if task is None:
        raise unknown(path)
    return task


def unknown(path: str) -> UnknownTask:
    """Return the error for a path that no task has; it says what to do."""
    return UnknownTask(
        f"No task is registered as {path!r} in this process. Was the function moved or "
        f"renamed after the record was enqueued? Then add @task(aliases={path!r}). Is it "
        f"outside an app's `tasks` module? Then add its module to OPTIONS['imports']."
    )


def all_tasks() -> list[Task[..., Any]]:
    """Return every known task, sorted by path."""
    return [_tasks[path] for path in sorted(_tasks)]


def import_tasks(extra: Iterable[str] = ()) -> int:
    """Import each app's `tasks` module and the modules of `extra`; return how many are known.

    Does not catch errors inside such a module: the developer must see them.
    """
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "tasks"):
            importlib.import_module(f"{config.name}.tasks")
    for module in extra:
        importlib.import_module(module)
    return len(_tasks)


def is_discovered(task: Task[..., Any], extra: Iterable[str] = ()) -> bool:
    """Return whether `import_tasks` would find this task in another process."""
    module = task.func.__module__
    if module.startswith("djtasks."):
        return True  # workers register those themselves
    if any(module == path or module.startswith(f"{path}.") for path in extra):
        return True
    return any(
        module == f"{config.name}.tasks" or module.startswith(f"{config.name}.tasks.")
        for config in apps.get_app_configs()
    )

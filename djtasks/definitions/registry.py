"""Which tasks this process knows. Only these are ever run: a path is looked up, not imported."""

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
    """Remember a task under its module path when it is defined.

    Copies made by `using()` share their function with the definition and change nothing.
    Raises InvalidTask when another task says that it had one of its old paths.
    """
    known = _tasks.get(task.module_path)
    if known is not None and known.func is task.func:
        return
    for path in task.aliases:
        other = _renamed.get(path)
        if other is not None and other.module_path != task.module_path:
            raise InvalidTask(
                f"{task.module_path!r} and {other.module_path!r} both have {path!r} among their "
                f"aliases, but what was enqueued under that path can only run as one of them."
            )
    _tasks[task.module_path] = task
    _renamed.update(dict.fromkeys(task.aliases, task))


def find(path: str) -> Task[..., Any] | None:
    """Return the task as it was defined, or None.

    A path that a task had before finds it too, unless another task has that path now.
    """
    return _tasks.get(path) or _renamed.get(path)


def get(path: str) -> Task[..., Any]:
    """Return the task as it was defined, or raise UnknownTask saying what to do."""
    task = find(path)
    if task is None:
        raise unknown(path)
    return task


def unknown(path: str) -> UnknownTask:
    """Return the error that says what to do about a path that no task has."""
    return UnknownTask(
        f"No task is registered as {path!r} in this process. Was the function moved or "
        f"renamed after the record was enqueued? Then say @task(aliases={path!r}). Does it "
        f"live outside an app's `tasks` module? Then list its module in OPTIONS['imports']."
    )


def all_tasks() -> list[Task[..., Any]]:
    """Return every known task, by path."""
    return [_tasks[path] for path in sorted(_tasks)]


def import_tasks(extra: Iterable[str] = ()) -> int:
    """Import each app's `tasks` module and the modules of `extra`; return how many are known.

    An error inside such a module is the developer's to see: it is not caught.
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

"""The tasks that this process knows. Workers look a path up here; they never import it."""

from collections.abc import Iterable
from typing import Any

from djtasks.compat import InvalidTask, is_task
from djtasks.definitions import discovery
from djtasks.definitions.foreign import defined_at, taken_over
from djtasks.definitions.restoring import missing, restore
from djtasks.definitions.task import Task
from djtasks.errors import UnknownTask

_tasks: dict[str, Task[..., Any]] = {}
# By a path that a task had before.
_renamed: dict[str, Task[..., Any]] = {}
# By its path, what another backend or a library has defined; `_tasks` has it as a task of ours.
_foreign: dict[str, Any] = {}


def register(task: Task[..., Any]) -> None:
    """Register a task under its module path when it is defined.

    A copy made by `using()` shares its function with the definition and changes nothing.
    Raises InvalidTask if another task has one of its aliases.
    """
    discovery.note_loaded(task.func.__module__)
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


def adopt(task: Any) -> Task[..., Any]:
    """Register a task of any backend or library, and return it as a Task of djtasks.

    Raises InvalidTask if it is no task, or has an option that djtasks does not accept.
    """
    if isinstance(task, Task):
        register(task)
        return task
    if not is_task(task):
        raise InvalidTask(f"{task!r} is not a task. Put @task above the function.")
    known = _tasks.get(task.module_path)
    if known is None or known.func is not task.func:
        known = _adopt_definition(task)
    return taken_over(task, known)


def _adopt_definition(task: Any) -> Task[..., Any]:
    defined = defined_at(task.module_path)
    if defined is None or defined.func is not task.func:
        defined = task
    known = defined if isinstance(defined, Task) else taken_over(defined)
    register(known)
    if known is not defined:
        _foreign[task.module_path] = defined
    return known


def as_defined(task: Task[..., Any]) -> Any:
    """Return the definition behind a registered task, in the class that its maker gave it."""
    return _foreign.get(task.module_path, task) if _foreign else task


def find(path: str) -> Task[..., Any] | None:
    """Return the task as it was defined, or None.

    Also finds a task by one of its aliases, unless another task has that path now, and a task
    that was defined for another backend.
    """
    return _tasks.get(path) or _renamed.get(path) or _find_foreign(path)


def _find_foreign(path: str) -> Task[..., Any] | None:
    defined = defined_at(path)
    try:
        return adopt(defined) if defined is not None else None
    except InvalidTask:
        return None


def of_record(record: Any) -> Any:
    """Return the task of a row as it was defined, or a placeholder, with the row's options."""
    known = find(record.task_path) or missing(record.task_path)
    return restore(
        as_defined(known),
        priority=record.priority,
        queue_name=record.queue,
        backend=record.backend,
        run_after=record.run_after if record.run_after != record.enqueued_at else None,
        max_attempts=record.max_attempts,
        max_crashes=record.max_crashes,
        timeout=record.timeout,
    )


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


def is_internal(task: Task[..., Any]) -> bool:
    """Return whether a task is one of djtasks itself, which nobody calls by hand."""
    return task.func.__module__.startswith("djtasks.")


def import_tasks(extra: Iterable[str] = ()) -> int:
    """Import each app's `tasks` and the modules of `extra`; return how many tasks are known.

    Does not catch errors inside such a module: the developer must see them.
    """
    discovery.import_modules(extra)
    return len(_tasks)


def is_discovered(task: Task[..., Any], extra: Iterable[str] = ()) -> bool:
    """Return whether `import_tasks` would find this task in another process."""
    module = task.func.__module__
    if is_internal(task):
        return True  # workers register those themselves
    return discovery.is_found(module, extra)

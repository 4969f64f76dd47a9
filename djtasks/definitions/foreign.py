"""Tasks that another backend or a library has made, as tasks of djtasks.

Such a task has the class of its maker. It becomes foreign to us by `task.using(backend=...)`, by a
change of TASKS after it was defined, or by a library with a Task of its own.
"""

import sys
from typing import Any

from djtasks.compat import is_task
from djtasks.definitions.options import shape_options
from djtasks.definitions.restoring import blank, restore
from djtasks.definitions.task import Task

_SHARED = ("priority", "backend", "queue_name", "run_after", "takes_context")


def defined_at(path: str) -> Any:
    """Return the task that stands at this path in a loaded module, or None; import nothing."""
    module, _dot, name = path.rpartition(".")
    found: Any = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return found if is_task(found) and found.module_path == path else None


def taken_over(task: Any, known: Task[..., Any] | None = None) -> Task[..., Any]:
    """Return a Task with the function and the options of a foreign task.

    The other options are those of `known`, or their defaults. Raises InvalidTask for an option
    that djtasks does not accept.
    """
    ours = known or blank(task.func)
    options: dict[str, Any] = {name: getattr(task, name) for name in _SHARED}
    if known is not None:
        changed = (name for name, value in options.items() if value != getattr(known, name))
        options["overridden"] = frozenset(changed)
    ours = restore(ours, **options)
    shape_options(ours)
    return ours

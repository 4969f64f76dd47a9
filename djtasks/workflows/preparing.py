"""The options with which a task becomes the members of a node."""

from collections.abc import Callable, Mapping
from typing import Any

from djtasks.definitions.task import Task


def prepared(
    task: Any, defaults: Mapping[str, Any], accept: Callable[[Any], Task[..., Any]]
) -> Task[..., Any]:
    """Return a task as its alias runs it, with `defaults` where `using()` has set nothing.

    `accept` validates a task and applies its policy.
    """
    ours = accept(task)
    changes = {name: value for name, value in defaults.items() if name not in ours.overridden}
    return accept(ours.using(**changes)) if changes else ours

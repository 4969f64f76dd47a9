"""Whether a stored call fits the code of this process: workers refuse others, `preflight` tells."""

from collections.abc import Hashable
from typing import Any

from djtasks.definitions.signatures import check_call
from djtasks.definitions.task import Task
from djtasks.errors import InvalidArguments


def misfit(path: str, task: Task[..., Any], args: Any, kwargs: Any) -> InvalidArguments | None:
    """Return why a task does not accept a stored call; None if it does. Runs nothing of the task.

    `path` is that of the record, which may be an earlier one of the task.
    """
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        return InvalidArguments(
            f"The arguments of {path!r} must be a JSON list and a JSON object, got "
            f"{type(args).__name__} and {type(kwargs).__name__}."
        )
    try:
        check_call(path, task.func, args, kwargs, takes_context=bool(task.takes_context))
    except InvalidArguments as reason:
        return reason
    return None


def shape_of(args: Any, kwargs: Any) -> Hashable:
    """Return all that misfit() looks at: of one task, calls of one shape fit, or none of them."""
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        return type(args), type(kwargs)
    return len(args), tuple(kwargs)

"""Build the record of a call, and validate its arguments."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from djtasks.definitions.signatures import arguments_of, check_call
from djtasks.definitions.task import Task
from djtasks.errors import InvalidArguments
from djtasks.formats.ids import new_id
from djtasks.formats.json_values import encode, encode_arguments, encode_sorted
from djtasks.protocol.records import NewRecord

_LONGEST_KEY = 512


def build_record(
    task: Task[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    backend: str,
    limit: int,
) -> NewRecord:
    """Return the record of one call, with a new id.

    `limit` is the largest size of the arguments as JSON, in bytes. Raises InvalidArguments if the
    call does not fit the function, JSON cannot carry it, or the unique key is not valid.
    """
    path = task.module_path
    check_call(path, task.func, args, kwargs, takes_context=task.takes_context)
    args_text, kwargs_text = encode_arguments(path, args, kwargs, limit=limit)
    return NewRecord(
        id=new_id(),
        backend=backend,
        task_path=path,
        queue=task.queue_name,
        priority=task.priority,
        args=args_text,
        kwargs=kwargs_text,
        max_attempts=task.max_attempts,
        max_crashes=task.max_crashes,
        run_after=task.run_after,
        delay=task.delay,
        expires=task.expires,
        timeout=task.timeout,
        unique_key=_unique_key(task, args, kwargs),
        target=task.target,
    )


def build_item(
    task: Task[..., Any], index: int, item: Any, *, backend: str, limit: int
) -> NewRecord:
    """Return the record of one item of `enqueue_many`; an error names the item's index."""
    try:
        if isinstance(item, Mapping):
            return build_record(task, (), item, backend=backend, limit=limit)
        if isinstance(item, list | tuple):
            return build_record(task, item, {}, backend=backend, limit=limit)
        raise InvalidArguments(
            f"an item must be a tuple of positional or a dict of keyword arguments, got "
            f"{type(item).__name__}."
        )
    except InvalidArguments as error:
        raise type(error)(f"Item {index}: {error} Nothing was enqueued.") from error


def _unique_key(task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Return the key of a unique task, or None. Keys of different tasks never collide."""
    unique = task.unique
    if unique is None or unique is False:
        return None
    path = task.module_path
    if unique is True:
        call = arguments_of(task.func, args, kwargs, takes_context=task.takes_context)
        asked = hashlib.sha256(encode_sorted(call, "arguments")).hexdigest()
    elif isinstance(unique, str):
        asked = unique
    else:
        answer = unique(*args, **kwargs)
        if answer is None:
            return None
        asked = str(answer)
    encode(asked, f"The unique key of {path!r}")
    longest = _LONGEST_KEY - len(path) - 1
    if not 1 <= len(asked) <= longest:
        raise InvalidArguments(
            f"The unique key of {path!r} must have 1 to {longest} characters, got "
            f"{asked[:100]!r} ({len(asked)} characters)."
        )
    return f"{path}:{asked}"

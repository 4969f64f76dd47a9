"""Calls of a task, with its codec or without one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from djtasks.definitions.codecs.building import codec_of
from djtasks.definitions.codecs.codec import Codec
from djtasks.definitions.task import Task
from djtasks.formats.json_values import encode_arguments

_JSON = {str, int, float, bool, list, dict}


def encode_call(
    task: Task[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    limit: int,
    is_whole: bool = True,
    find: Callable[[Task[..., Any]], Codec | None] = codec_of,
) -> tuple[str, str]:
    """Return the arguments of a call as JSON texts. Raises InvalidArguments; see Codec.encode()."""
    codec = find(task)
    if codec is None:
        return encode_arguments(task.module_path, args, kwargs, limit=limit)
    return codec.encode(task.module_path, (args, kwargs), limit=limit, is_whole=is_whole)


def plain_call(
    task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return some arguments in their JSON form, not checked further. Raises InvalidArguments."""
    codec = codec_of(task)
    return (args, kwargs) if codec is None else codec.plain((args, kwargs))[0]


def typed_call(
    task: Task[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    texts: tuple[str, str],
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return a call as the function receives it, for other code of the project.

    What the caller passed stays; what came as JSON, from a schedule or a form, has its type. Model
    instances are then deferred: they know their keys, and load themselves when more is read.
    """
    codec = codec_of(task)
    if codec is None:
        return args, kwargs
    positional, named = codec.peek(*texts)
    return (
        [_better(given, made) for given, made in zip(args, positional, strict=True)],
        {name: _better(given, named[name]) for name, given in kwargs.items()},
    )


def _better(given: Any, made: Any) -> Any:
    return made if type(given) in _JSON else given

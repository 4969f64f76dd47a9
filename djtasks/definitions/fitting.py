"""Whether a stored call fits the code of this process: workers refuse others, `preflight` tells."""

from collections.abc import Hashable
from typing import Any

from djtasks.definitions.codecs import Codec, codec_of
from djtasks.definitions.signatures import check_call
from djtasks.definitions.task import Task
from djtasks.errors import InvalidArguments, UnreadableArguments
from djtasks.formats.json_values import encode
from djtasks.formats.sealing import is_sealed, masked


def misfit(
    path: str, task: Task[..., Any], args: Any, kwargs: Any, *, is_whole: bool = True
) -> InvalidArguments | None:
    """Return why a task does not accept a stored call; None if it does. Runs nothing of the task.

    `path` is that of the record, which may be an earlier one of the task. `is_whole` False: results
    of other nodes will take the place of some arguments, so none is read.
    """
    # What is encrypted has names, but no values that annotations could read.
    hides = is_sealed(kwargs)
    args, kwargs = masked(args, kwargs)
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        return InvalidArguments(
            f"The arguments of {path!r} must be a JSON list and a JSON object, got "
            f"{type(args).__name__} and {type(kwargs).__name__}."
        )
    try:
        check_call(path, task.func, args, kwargs, takes_context=bool(task.takes_context))
    except InvalidArguments as reason:
        return reason
    codec = codec_of(task) if is_whole and not hides else None
    return None if codec is None else _unreadable(path, codec, args, kwargs)


def _unreadable(path: str, codec: Codec, args: Any, kwargs: Any) -> InvalidArguments | None:
    try:
        codec.peek(*_texts(args, kwargs))
    except UnreadableArguments as error:
        return InvalidArguments(
            f"The arguments of {path!r} do not fit the annotations of this code, at "
            f"{error.place}: {error}."
        )
    return None


def shape_of(
    task: Task[..., Any] | None, args: Any, kwargs: Any, *, is_whole: bool = True
) -> Hashable:
    """Return all that misfit() looks at: of one task, calls of one shape fit, or none of them.

    `task` None: no such task is known.
    """
    if is_sealed(kwargs):
        args, kwargs = masked(args, kwargs)
        return len(args), tuple(kwargs)
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        return type(args), type(kwargs)
    if is_whole and task is not None and codec_of(task) is not None:
        return _texts(args, kwargs)
    return len(args), tuple(kwargs)


def _texts(args: Any, kwargs: Any) -> tuple[str, str]:
    return encode(args, "args").decode(), encode(kwargs, "kwargs").decode()

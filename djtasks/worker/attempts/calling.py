"""Call the function of a task with the arguments of a claim: here stored texts are read."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any

from djtasks.context import Context
from djtasks.definitions.codecs import Codec, codec_of
from djtasks.definitions.task import Task
from djtasks.protocol.records import Claim, decode_call

is_coroutine = lru_cache(maxsize=None)(iscoroutinefunction)


def call_function(task: Task[Any, Any], claim: Claim, context: Context) -> Any:
    """Call the function, which receives the context if the task takes it.

    Raises UnreadableArguments if the arguments do not fit its annotations.
    """
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    codec = codec_of(task)
    if codec is None:
        args, kwargs = decode_call(claim)
    elif codec.has_references and is_coroutine(task.func):
        return _call_with_references(codec, task, claim, context)
    else:
        args, kwargs = codec.decode(claim.args, claim.kwargs)
    if task.takes_context:
        return task.func(context, *args, **kwargs)
    return task.func(*args, **kwargs)


async def _call_with_references(
    codec: Codec, task: Task[Any, Any], claim: Claim, context: Context
) -> Any:
    """Call a coroutine function; its model instances are read in a thread, not on the loop."""
    args, kwargs = await codec.adecode(claim.args, claim.kwargs)
    first = (context,) if task.takes_context else ()
    return await task.func(*first, *args, **kwargs)

"""Hide sensitive and encrypted values from the admin, exports and logs, on the server."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from inspect import Parameter, Signature
from typing import Any

from djtasks.definitions.encrypting import encrypted_places
from djtasks.definitions.signatures import possible_names, shown_signature
from djtasks.definitions.task import Task
from djtasks.formats.placeholders import ENCRYPTED, HIDDEN
from djtasks.formats.sealing import masked

Arguments = tuple[list[Any], dict[str, Any]]

_PLAIN = frozenset({str, int, float, bool, type(None)})


def redacted(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    task: Task[..., Any] | None,
    *,
    pattern: str,
) -> Arguments:
    """Return the arguments with placeholders for encrypted and sensitive values.

    An argument is encrypted if its record says so, or the task names it in `encrypted`.
    An argument is sensitive if the task names it (`@task(sensitive=("token",))`), however it was
    passed. So is any argument or key, at any depth, whose name matches `pattern`. If this process
    does not know the task, its positional arguments have no names: only keys inside them count.
    Under a decorator that takes `*args`, one sensitive name hides all positional arguments.
    What is no list and no object, as somebody else may have stored it, is hidden as a whole.
    """
    args, kwargs = masked(args, kwargs)
    args = args if isinstance(args, list | tuple) else [HIDDEN]
    kwargs = kwargs if isinstance(kwargs, Mapping) else {str(HIDDEN): HIDDEN}
    if task is not None and task.encrypted:
        args, kwargs = _encrypted(args, kwargs, task)
    named = frozenset(getattr(task, "sensitive", ()))
    hides = _compiled(pattern)
    names_at = possible_names(task.func, takes_context=task.takes_context) if task else _nameless
    shown = [
        HIDDEN
        if value is not ENCRYPTED
        and any(_is_hidden(name, named, hides) for name in names_at(place))
        else _cleaned(value, hides)
        for place, value in enumerate(args)
    ]
    by_name = {
        name: HIDDEN
        if value is not ENCRYPTED and _is_hidden(name, named, hides)
        else _cleaned(value, hides)
        for name, value in kwargs.items()
    }
    return shown, by_name


def _encrypted(args: Sequence[Any], kwargs: Mapping[str, Any], task: Task[..., Any]) -> Any:
    """Return a call with placeholders for what would be encrypted if it were enqueued now."""
    places = frozenset(encrypted_places(task, args, kwargs))
    return (
        [ENCRYPTED if place in places else value for place, value in enumerate(args)],
        {name: ENCRYPTED if name in places else value for name, value in kwargs.items()},
    )


def redacted_signature(task: Task[..., Any], *, pattern: str) -> Signature:
    """Return the signature that people read, with `HIDDEN` in place of sensitive defaults."""
    whole = shown_signature(task.func, takes_context=task.takes_context)
    defaults = {name: one.default for name, one in whole.parameters.items()}
    _args, shown = redacted([], defaults, task, pattern=pattern)
    parameters = [
        one if one.default is Parameter.empty else one.replace(default=shown[name])
        for name, one in whole.parameters.items()
    ]
    return whole.replace(parameters=parameters)


def _nameless(_place: int) -> Sequence[str]:
    return ()


def redacted_value(value: Any, *, pattern: str) -> Any:
    """Return a result or progress with `HIDDEN` in place of values under a sensitive key."""
    return _cleaned(value, _compiled(pattern))


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    return re.compile(pattern, re.IGNORECASE) if pattern else None


def _is_hidden(name: str, named: frozenset[str], hides: re.Pattern[str] | None) -> bool:
    return name in named or (hides is not None and hides.search(name) is not None)


def _cleaned(value: Any, hides: re.Pattern[str] | None) -> Any:
    if hides is None:
        return value
    if isinstance(value, dict):
        return {
            key: HIDDEN if hides.search(str(key)) else _cleaned(inner, hides)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [inner if type(inner) in _PLAIN else _cleaned(inner, hides) for inner in value]
    return value

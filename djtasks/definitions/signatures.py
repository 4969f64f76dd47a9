"""Check calls against a task's function, in the caller, so that wrong arguments fail there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter, Signature, signature
from typing import Any

from djtasks.errors import InvalidArguments

_MOST_NAMED = 1_000


@dataclass(frozen=True, slots=True)
class _Shape:
    """A signature, and how many plain positional arguments always fit it."""

    signature: Signature
    least: int
    most: int


@lru_cache(maxsize=4096)
def _shape_of(function: Callable[..., Any], *, takes_context: bool) -> _Shape:
    whole = signature(function)
    parameters = list(whole.parameters.values())[1 if takes_context else 0 :]
    plain = [
        p
        for p in parameters
        if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    ]
    needs_keyword = any(
        p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty for p in parameters
    )
    least = sum(p.default is Parameter.empty for p in plain)
    return _Shape(
        signature=whole.replace(parameters=parameters),
        least=least,
        most=-1 if needs_keyword else len(plain),
    )


def check_call(
    path: str,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    takes_context: bool,
) -> None:
    """Raise InvalidArguments, naming the signature, unless the function accepts this call.

    With `takes_context`, the worker passes the first parameter.
    """
    shape = _shape_of(function, takes_context=takes_context)
    if not kwargs and shape.least <= len(args) <= shape.most:
        return
    try:
        shape.signature.bind(*args, **kwargs)
    except TypeError as error:
        raise InvalidArguments(
            f"Task {path!r} does not accept these arguments: {error}. "
            f"Its signature is {shape.signature}."
        ) from None


def parameter_names(function: Callable[..., Any], *, takes_context: bool) -> list[str]:
    """Return the names of positional arguments, in their order.

    All arguments that `*args` collects have the name of that parameter.
    """
    names: list[str] = []
    for name, parameter in _shape_of(
        function, takes_context=takes_context
    ).signature.parameters.items():
        if parameter.kind is Parameter.VAR_POSITIONAL:
            return [*names, *[name] * _MOST_NAMED]
        if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
            names.append(name)
    return names


def arguments_of(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    takes_context: bool,
) -> dict[str, Any]:
    """Return the arguments of a valid call by name, the same however they were passed.

    Arguments that were not passed are left out, whatever their default.
    """
    shape = _shape_of(function, takes_context=takes_context)
    return dict(shape.signature.bind(*args, **kwargs).arguments)

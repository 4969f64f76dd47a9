"""Check calls against a task's function, in the caller, so that wrong arguments fail there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter, Signature, signature
from typing import Any

from djtasks.errors import InvalidArguments
from djtasks.formats.json_values import encode_sorted

_MOST_NAMED = 1_000
# Ends the error of a worker whose code does not accept a call; `why` recognizes it.
OTHER_CODE = "Was it enqueued by other code?"


@dataclass(frozen=True, slots=True)
class _Shape:
    """The signature of what is called, and the one that people read.

    `least`, `most`: how many plain positional arguments always fit. A decorator that takes `*args`
    or `**kwargs` is opaque: people read the signature of the function in it.
    """

    signature: Signature
    shown: Signature
    least: int
    most: int

    @property
    def is_opaque(self) -> bool:
        return self.shown is not self.signature


@lru_cache(maxsize=4096)
def _shape_of(function: Callable[..., Any], *, takes_context: bool) -> _Shape:
    # Not through `__wrapped__`: a decorator may pass an argument or take one away.
    called = _for_callers(signature(function, follow_wrapped=False), takes_context=takes_context)
    parameters = called.parameters.values()
    plain = [
        p
        for p in parameters
        if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    ]
    needs_keyword = any(
        p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty for p in parameters
    )
    takes_any = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
    is_opaque = takes_any and hasattr(function, "__wrapped__")
    whole = signature(function)
    return _Shape(
        signature=called,
        shown=_for_callers(whole, takes_context=takes_context) if is_opaque else called,
        least=sum(p.default is Parameter.empty for p in plain),
        most=-1 if needs_keyword else len(plain),
    )


def _for_callers(whole: Signature, *, takes_context: bool) -> Signature:
    """Return the signature without the context, which the worker passes first."""
    parameters = list(whole.parameters.values())
    if takes_context and parameters and parameters[0].kind is not Parameter.VAR_POSITIONAL:
        del parameters[0]
    return whole.replace(parameters=parameters)


def called_signature(function: Callable[..., Any], *, takes_context: bool) -> Signature:
    """Return the signature by which the worker calls the function, without the context."""
    return _shape_of(function, takes_context=takes_context).signature


def shown_signature(function: Callable[..., Any], *, takes_context: bool) -> Signature:
    """Return the signature that people read, without the context.

    It is the signature of the function under a decorator that takes `*args` or `**kwargs`, which
    need not be how it is called.
    """
    return _shape_of(function, takes_context=takes_context).shown


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
            f"Its signature is {_without_defaults(shape.signature)}."
        ) from None


class _Dots:
    """A default that an error does not show, because it may be sensitive."""

    def __repr__(self) -> str:
        return "..."


def _without_defaults(whole: Signature) -> Signature:
    parameters = [
        one if one.default is Parameter.empty else one.replace(default=_Dots())
        for one in whole.parameters.values()
    ]
    return whole.replace(parameters=parameters)


def parameter_names(function: Callable[..., Any], *, takes_context: bool) -> list[str]:
    """Return the names of positional arguments, in their order, as people read them.

    All arguments that `*args` collects have the name of that parameter.
    """
    names: list[str] = []
    for name, parameter in shown_signature(
        function, takes_context=takes_context
    ).parameters.items():
        if parameter.kind is Parameter.VAR_POSITIONAL:
            return [*names, *[name] * _MOST_NAMED]
        if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
            names.append(name)
    return names


def possible_names(
    function: Callable[..., Any], *, takes_context: bool
) -> Callable[[int], Sequence[str]]:
    """Return a function that returns the names which the argument at a place may have.

    It is one name, or none. A decorator that takes `*args` may pass arguments at other places: then
    it is every name, so that what must stay hidden stays hidden.
    """
    names = parameter_names(function, takes_context=takes_context)
    shape = _shape_of(function, takes_context=takes_context)
    if shape.is_opaque:
        every = tuple(shape.shown.parameters)
        return lambda _place: every
    return lambda place: names[place : place + 1]


def _as_it_is(_name: str, default: Any) -> Any:
    return default


def arguments_of(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    takes_context: bool,
    as_json: Callable[[str, Any], Any] = _as_it_is,
) -> dict[str, Any]:
    """Return the arguments of a valid call by name, the same however they were passed.

    Arguments that were not passed are left out, and so are those with the value of their default;
    `as_json(name, default)` returns how a default would be among them.
    They have the names that people read, unless a decorator is called otherwise.
    """
    shape = _shape_of(function, takes_context=takes_context)
    whole = shape.shown
    try:
        given = whole.bind(*args, **kwargs).arguments
    except TypeError:
        whole = shape.signature
        given = whole.bind(*args, **kwargs).arguments
    return {
        name: value
        for name, value in given.items()
        if not _is_default(name, value, whole.parameters[name].default, as_json)
    }


def _is_default(name: str, value: Any, default: Any, as_json: Callable[[str, Any], Any]) -> bool:
    if default is Parameter.empty:
        return False
    try:
        # As JSON, since 1, 1.0 and True are equal in Python and other calls to a task.
        plain = as_json(name, default)
        return encode_sorted(value, "value") == encode_sorted(plain, "default")
    except InvalidArguments:
        return False

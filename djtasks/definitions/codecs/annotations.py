"""Read the annotations of a function. One that cannot be resolved concerns its own name only."""

import inspect
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, get_type_hints


class Unresolved:
    """An annotation with a name that does not exist at run time."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


def annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return what each annotation means, by the name of the parameter, or `return`."""
    inner = inspect.unwrap(function)
    names = getattr(inner, "__globals__", {})
    # Under `from __future__ import annotations`, type parameters are names of no namespace.
    more = {one.__name__: one for one in getattr(inner, "__type_params__", ())}
    return {name: _resolved(name, given, names, more) for name, given in _written(function).items()}


def _written(function: Callable[..., Any]) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        import annotationlib  # noqa: PLC0415

        return annotationlib.get_annotations(function, format=annotationlib.Format.FORWARDREF)
    return getattr(function, "__annotations__", None) or {}


def _resolved(name: str, given: Any, names: dict[str, Any], more: dict[str, Any]) -> Any:
    holder = SimpleNamespace(__annotations__={name: given})
    try:
        return get_type_hints(holder, names, more, include_extras=True)[name]
    except Exception as error:  # noqa: BLE001 - an annotation is code of the project
        return Unresolved(str(error) or type(error).__name__)

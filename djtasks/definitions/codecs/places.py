"""The place of a value in a call, such as `kwargs.lines[3].price`, for messages."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

from djtasks.formats.json_values import MAX_DEPTH, place_at


def place_of(culprit: object, value: Any, root: str) -> str:
    """Return the place of an object in a value that stands at `root`; `root` if it is not found."""
    return place_at(root, _steps(culprit, value, MAX_DEPTH) or [])


def _steps(culprit: object, value: Any, depth: int) -> list[str | int] | None:
    if value is culprit:
        return []
    for step, member in _members(value) if depth else ():
        further = _steps(culprit, member, depth - 1)
        if further is not None:
            return [step, *further]
    return None


def _members(value: Any) -> Iterator[tuple[str | int, Any]]:
    names: tuple[str, ...] = ()
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
    elif is_dataclass(value):
        names = tuple(one.name for one in fields(value))
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        names = value._fields
    elif isinstance(value, list | tuple | set | frozenset):
        yield from enumerate(value)
    yield from ((name, getattr(value, name, None)) for name in names)


def said_by(error: Exception, root: str) -> tuple[str, str]:
    """Return the place that an error of msgspec names, below `root`, and what it says."""
    what, _at, place = str(error).rpartition(" - at ")
    if not what:
        return root, str(error)
    place = place.replace("`", "").replace("$", root, 1)
    return place, what

"""What msgspec cannot encode or decode by itself: model instances, paths, pydantic models."""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import PurePath
from typing import Any

import msgspec
from django.db.models import Model

from djtasks.definitions.codecs.references import References, Unsaved, wire_of

_encode = msgspec.json.Encoder().encode
# Where the references of the call that is being decoded are collected.
collecting: ContextVar[References] = ContextVar("djtasks_references")


class Refused(Exception):
    """A value that cannot travel: `why` completes a sentence that begins with its place."""

    def __init__(self, value: object, why: str) -> None:
        super().__init__(why)
        self.value = value
        self.why = why


class Encoding:
    """One call that is being encoded; `instances` are the model instances met, in their order."""

    __slots__ = ("instances",)

    def __init__(self) -> None:
        self.instances: list[Model] = []

    def hook(self, value: Any) -> Any:
        """Return a value that msgspec does not know as one that it knows; raise Refused."""
        if isinstance(value, Model):
            self.instances.append(value)
            try:
                return wire_of(value)
            except Unsaved as error:
                raise Refused(value, str(error)) from None
        if isinstance(value, PurePath):
            return str(value)
        for base, plain in _PLAIN.items():
            if isinstance(value, base):
                return plain(value)
        if is_pydantic(type(value)):
            return value.model_dump(mode="json", by_alias=True, round_trip=True)
        raise Refused(value, f"is of type {type(value).__name__}, which JSON cannot carry")


# Subclasses such as SafeString, read without their own `__str__`.
_PLAIN: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    bytes: bytes.__bytes__,
}


def decoded(kind: Any, value: Any) -> Any:
    """Return a decoded value of a type that msgspec does not know; raise ValueError."""
    if not isinstance(kind, type):
        return value
    if issubclass(kind, Model):
        return collecting.get().shell(kind, value)
    if issubclass(kind, PurePath):
        if not isinstance(value, str):
            raise ValueError(f"Expected a path, got `{type(value).__name__}`")  # noqa: TRY004 - msgspec's
        return kind(value)
    if is_pydantic(kind):
        return _validated(kind, value)
    return value


def is_pydantic(kind: type) -> bool:
    """Return whether this is a model of pydantic, which need not be installed."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and issubclass(kind, pydantic.BaseModel)


def _validated(kind: Any, value: Any) -> Any:
    # From JSON, since a strict model takes a date as text there, but not from Python.
    try:
        return kind.model_validate_json(_encode(value))
    except ValueError as error:
        found: Any = getattr(error, "errors", list)()
        said = (f"{'.'.join(map(str, one['loc'])) or kind.__name__}: {one['msg']}" for one in found)
        raise ValueError("; ".join(said) or str(error)) from None

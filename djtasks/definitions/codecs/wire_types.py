"""The type by which msgspec converts the values of an annotation.

`Any` is the type of what JSON carries: it is neither checked nor converted.
"""

import enum
from collections import abc
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from types import GenericAlias, NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    ForwardRef,
    Literal,
    NewType,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)
from uuid import UUID

import msgspec
from django.db.models import Model

from djtasks.definitions.codecs.hooks import is_pydantic

_JSON = {str, int, float, bool, NoneType, None, Any, object, list, dict}
_AS_THEY_ARE = {date, time, timedelta, Decimal, UUID, bytes, set, frozenset, tuple}
_AWARE = Annotated[datetime, msgspec.Meta(tz=True)]
_WRAPPERS = {Annotated, Required, NotRequired, Final}
_LISTS = {list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable}
_DICTS = {dict, abc.Mapping, abc.MutableMapping}
_SETS = {set: set, abc.MutableSet: set, frozenset: frozenset, abc.Set: frozenset}
_NUMBERS: Any = int | float | bool


class Unfit(Exception):
    """An annotation by which nothing can be converted, so the value stays as JSON carries it.

    `is_loud`: somebody meant it to be converted, so the system check says why it is not.
    """

    def __init__(self, why: str, *, is_loud: bool = True, is_unresolved: bool = False) -> None:
        super().__init__(why)
        self.is_loud = is_loud
        self.is_unresolved = is_unresolved


class Reader:
    """Reads one annotation; `has_references` says whether a model stands in it."""

    def __init__(self) -> None:
        self.has_references = False
        self._open: set[Any] = set()

    def wire_type(self, annotation: Any) -> Any:
        """Return the type for msgspec, Any for what JSON carries. Raises Unfit."""
        annotation = _bare(annotation)
        origin = get_origin(annotation)
        if origin is not None:
            return self._generic(annotation, origin)
        if isinstance(annotation, TypeVar):
            return Any
        if not isinstance(annotation, type) and annotation not in (None, Any):
            raise Unfit(f"{annotation!r} is no type", is_loud=isinstance(annotation, ForwardRef))
        if annotation in _JSON:
            return Any
        if annotation in _AS_THEY_ARE:
            return annotation
        return _AWARE if annotation is datetime else self._class(annotation)

    def _class(self, kind: type) -> Any:
        if issubclass(kind, Model):
            if kind is Model or kind._meta.abstract:  # noqa: SLF001
                raise Unfit(f"{kind.__name__} is an abstract model, which has no rows")
            self.has_references = True
            return kind
        if issubclass(kind, enum.Enum | PurePath) or is_pydantic(kind):
            return kind
        if is_record(kind):
            self._check_fields(kind)
            return kind
        if issubclass(kind, str | int | float):
            return Any
        if kind in _LISTS or kind in _DICTS:
            return Any
        raise Unfit(f"djtasks does not know how {kind.__name__} travels", is_loud=False)

    def _check_fields(self, kind: type) -> None:
        """Read the fields of a class, which msgspec does not before it decodes them."""
        if kind in self._open:
            return
        self._open.add(kind)
        hints = get_type_hints(kind, include_extras=True)
        names = [one.name for one in fields(kind)] if is_dataclass(kind) else hints
        for name in names:
            if get_origin(hints[name]) is ClassVar or hints[name] is ClassVar:
                continue
            try:
                self.wire_type(hints[name])
            except Unfit as error:
                raise Unfit(f"in its field {name!r}, {error}") from None

    def _generic(self, annotation: Any, origin: Any) -> Any:
        read = _READ.get(origin)
        if read is not None:
            return read(self, origin, get_args(annotation))
        if isinstance(origin, type) and is_record(origin):
            for one in get_args(annotation):
                self.wire_type(one)
            self._check_fields(origin)
            return annotation
        raise Unfit(f"djtasks does not know how {annotation!r} travels", is_loud=False)

    def _literal(self, _origin: Any, given: tuple[Any, ...]) -> Any:
        if all(type(one) in _JSON for one in given):
            return Any
        raise Unfit("a Literal can only name texts, numbers, True, False and None")

    def _list(self, _origin: Any, given: tuple[Any, ...]) -> Any:
        member = self.wire_type(given[0])
        return Any if member is Any else GenericAlias(list, (member,))

    def _set(self, origin: Any, given: tuple[Any, ...]) -> Any:
        return GenericAlias(_SETS[origin], (self.wire_type(given[0]),))

    def _tuple(self, _origin: Any, given: tuple[Any, ...]) -> Any:
        return GenericAlias(
            tuple, tuple(one if one is ... else self.wire_type(one) for one in given)
        )

    def _dict(self, _origin: Any, given: tuple[Any, ...]) -> Any:
        key, member = _bare(given[0]), self.wire_type(given[1])
        keys = int if key is int else self.wire_type(key)
        if keys not in _KEYS and not (isinstance(keys, type) and issubclass(keys, enum.Enum)):
            raise Unfit(f"djtasks does not know how {key!r} travels as the key of a dict")
        if member is Any and keys is Any:
            return Any
        return GenericAlias(dict, (str if keys is Any else keys, member))

    def _union(self, _origin: Any, given: tuple[Any, ...]) -> Any:
        bare = [_bare(one) for one in given]
        members = [self.wire_type(one) for one in bare]
        if all(kind is Any for kind in members) or any(map(_is_open, bare)):
            return Any
        pairs = zip(bare, members, strict=True)
        return Union[tuple(_as_json(one) if kind is Any else kind for one, kind in pairs)]  # noqa: UP007


_READ: dict[Any, Callable[[Reader, Any, tuple[Any, ...]], Any]] = {
    Literal: Reader._literal,  # noqa: SLF001
    tuple: Reader._tuple,  # noqa: SLF001
    **dict.fromkeys((Union, UnionType), Reader._union),  # noqa: SLF001
    **dict.fromkeys(_LISTS, Reader._list),  # noqa: SLF001
    **dict.fromkeys(_SETS, Reader._set),  # noqa: SLF001
    **dict.fromkeys(_DICTS, Reader._dict),  # noqa: SLF001
}

# JSON has texts for keys. A naive datetime has no other form there.
_KEYS = {Any, int, date, _AWARE, time, timedelta, Decimal, UUID}


def is_record(kind: type) -> bool:
    """Return whether a class has fields that msgspec knows."""
    if issubclass(kind, tuple):
        return hasattr(kind, "_fields")
    return issubclass(kind, msgspec.Struct) or is_dataclass(kind) or is_typeddict(kind)


def _bare(annotation: Any) -> Any:
    """Return an annotation without what says nothing about its values."""
    while True:
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif get_origin(annotation) in _WRAPPERS:
            annotation = get_args(annotation)[0]
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif type(get_origin(annotation)).__name__ == "TypeAliasType":
            annotation = get_origin(annotation).__value__[get_args(annotation)]
        elif get_origin(annotation) is not None and _is_unfilled(annotation):
            return get_origin(annotation)
        else:
            return annotation


def _is_unfilled(annotation: Any) -> bool:
    """Return whether this is a generic without parameters, such as `typing.List`."""
    return not get_args(annotation) and get_origin(annotation) is not tuple


def _is_open(annotation: Any) -> bool:
    return annotation in (Any, object) or isinstance(annotation, TypeVar)


def _as_json(annotation: Any) -> Any:
    """Return a member that JSON carries as msgspec tells it from those that JSON does not."""
    if annotation in (int, float):
        return _NUMBERS
    origin = get_origin(annotation) or annotation
    if origin in _LISTS:
        return list
    return dict if origin in _DICTS else annotation

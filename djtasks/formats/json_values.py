"""Encode arguments and results as JSON; limit their size; name the place of a bad value."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from djtasks.errors import ArgumentsTooLarge, InvalidArguments
from djtasks.formats.placeholders import Hidden

MAX_DEPTH = 31  # MariaDB refuses JSON of 32 levels
MAX_NODES = 100_000
MAX_INTEGER_BITS = 4096

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
decode = msgspec.json.Decoder().decode

_LONGEST_PLACE = 200
_LONGEST_KEY = 80


def encode_arguments(
    path: str, args: Iterable[Any], kwargs: Mapping[str, Any], *, limit: int
) -> tuple[str, str]:
    """Return positional and keyword arguments of task `path` as JSON texts.

    Sequences become lists, UTF-8 bytes become strings, as in Django's own backends. Raises
    InvalidArguments naming the place of the first value JSON cannot carry (such as
    `kwargs.items[3].price`), or ArgumentsTooLarge above `limit` bytes.
    """
    texts = (encode(args, "args"), encode(kwargs, "kwargs"))
    size = len(texts[0]) + len(texts[1])
    if size > limit:
        raise ArgumentsTooLarge(
            f"The arguments of {path!r} take {size:,} bytes as JSON, but the limit is "
            f"{limit:,}. Store the data and pass its key instead, or increase "
            f"OPTIONS['max_arguments'] (at most 1,000,000)."
        )
    return texts[0].decode(), texts[1].decode()


def encode_metadata(path: str, metadata: Mapping[str, Any], *, limit: int | None) -> str:
    """Return the metadata of a call of task `path` as JSON text; raise as encode_arguments()."""
    text = encode(metadata, "metadata")
    if limit is not None and len(text) > limit:
        raise ArgumentsTooLarge(
            f"The metadata of {path!r} takes {len(text):,} bytes as JSON, but the limit is "
            f"{limit:,}. Store the data and keep its key instead, or increase "
            f"OPTIONS['max_arguments'] (at most 1,000,000)."
        )
    return text.decode()


def encode(value: Any, place: str) -> bytes:
    """Return `value` as JSON; `place` is how an error names it. Raises InvalidArguments."""
    return _encode(_Checker(place).clean(value))


def encode_sorted(value: Any, place: str) -> bytes:
    """Return `value` as JSON with sorted keys: the same text for the same value."""
    return _encode_sorted(_Checker(place).clean(value))


class _Checker:
    """Walk one value; raise InvalidArguments for what JSON or a JSON column cannot hold."""

    __slots__ = ("nodes", "place", "trail")

    def __init__(self, place: str) -> None:
        self.place = place
        self.trail: list[str | int] = []
        self.nodes = 0

    def clean(self, value: Any) -> Any:
        check = _CHECKS.get(type(value))
        return check(self, value) if check is not None else self._other(value)

    def _other(self, value: Any) -> Any:
        if isinstance(value, Hidden):
            raise self._refused(f"is the placeholder {value}, not the value that it stands for")
        for base, check in _CHECKS.items():
            if isinstance(value, base):
                return check(self, value)
        if isinstance(value, Mapping):
            return self.mapping(value)
        # A bytearray is a sequence of numbers to Python, and hardly meant as one.
        if isinstance(value, Sequence) and not isinstance(value, bytearray | memoryview):
            return self.sequence(value)
        raise self._refused(
            f"is of type {type(value).__name__}, which JSON cannot carry: pass a string or a "
            f"number (for a model instance, its primary key)"
        )

    def mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        self._go_deeper()
        cleaned = {}
        for key, member in value.items():
            self._count()
            if not isinstance(key, str):
                raise self._refused(f"has the key {_shown(key)}, but JSON keys are strings")
            self.trail.append(key)
            cleaned[self.text(key)] = self.clean(member)
            self.trail.pop()
        return cleaned

    def sequence(self, value: Sequence[Any]) -> list[Any]:
        self._go_deeper()
        cleaned = []
        for index, member in enumerate(value):
            self._count()
            self.trail.append(index)
            cleaned.append(self.clean(member))
            self.trail.pop()
        return cleaned

    def constant(self, value: Any) -> Any:
        return value

    def _go_deeper(self) -> None:
        if len(self.trail) >= MAX_DEPTH:
            raise self._refused(f"is nested deeper than {MAX_DEPTH} levels")

    def _count(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._refused(f"has more than {MAX_NODES:,} values")

    def utf8(self, value: bytes) -> str:
        try:
            return self.text(value.decode())
        except UnicodeDecodeError:
            raise self._refused("is bytes that are not UTF-8: encode them as text first") from None

    def text(self, value: str) -> str:
        plain = str.__str__(value)
        if "\x00" in plain:
            raise self._refused("contains a NUL character, which PostgreSQL cannot store")
        if not plain.isascii():
            try:
                plain.encode()
            except UnicodeEncodeError:
                why = "contains a lone surrogate, which is not Unicode text"
                raise self._refused(why) from None
        return plain

    def integer(self, value: int) -> int:
        plain = int.__int__(value)
        if plain.bit_length() > MAX_INTEGER_BITS:
            raise self._refused(f"is an integer of more than {MAX_INTEGER_BITS:,} bits")
        return plain

    def number(self, value: float) -> float:
        plain = float.__float__(value)
        if not math.isfinite(plain):
            raise self._refused(f"is {plain!r}, which JSON cannot carry")
        return plain

    def _refused(self, why: str) -> InvalidArguments:
        return InvalidArguments(f"{place_at(self.place, self.trail)} {why}.")


# Also for subclasses, such as Django's SafeString or an IntEnum: what the checks return is plain,
# and read without the subclass's own __str__ or __int__.
_CHECKS: dict[type, Callable[[_Checker, Any], Any]] = {
    str: _Checker.text,
    int: _Checker.integer,
    float: _Checker.number,
    bool: _Checker.constant,
    type(None): _Checker.constant,
    list: _Checker.sequence,
    tuple: _Checker.sequence,
    dict: _Checker.mapping,
    bytes: _Checker.utf8,
}


def place_at(root: str, trail: Iterable[object]) -> str:
    """Return how an error names the value to which keys and indexes lead from `root`."""
    place = root
    for step in trail:
        is_name = isinstance(step, str) and step.isidentifier()
        place += f".{step}" if is_name else f"[{_shown(step)}]"
    return place[:_LONGEST_PLACE]


def _shown(key: object) -> str:
    """Return a printable, short form of any key, for a message."""
    try:
        return repr(key)[:_LONGEST_KEY]
    except Exception:  # noqa: BLE001 - the user's __repr__, or an integer too long to print
        return f"of type {type(key).__name__}"

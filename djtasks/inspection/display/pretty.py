"""A JSON value in lines, in pieces that a page can colour, however large it is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from djtasks.formats.placeholders import Hidden
from djtasks.inspection.display.calls import Piece

MOST_LINES = 80
MOST_CHARACTERS = 6_000
_LONGEST_TEXT = 1_000
_LONGEST_INLINE = 72
_MOST_INLINE = 8
_STEP = "  "


@dataclass(frozen=True, slots=True)
class Pretty:
    """The beginning of a value. `is_cut`: the rest is not shown."""

    pieces: list[Piece]
    is_cut: bool


def pretty(value: Any) -> Pretty:
    """Return a value as indented JSON, at most 80 lines or 6,000 characters of it.

    Takes no longer for a value of a megabyte than for one that just fits.
    """
    pieces: list[Piece] = []
    lines = characters = 0
    is_cut = False
    for piece in _value(value, 0):
        lines += piece.text.count("\n")
        characters += len(piece.text)
        if lines >= MOST_LINES or characters > MOST_CHARACTERS:
            return Pretty([*pieces, Piece("more", "\n…")], is_cut=True)
        is_cut |= piece.kind == "more"
        pieces.append(piece)
    return Pretty(pieces, is_cut)


def _value(value: Any, depth: int) -> Iterator[Piece]:
    match value:
        case list() | dict() if not value:
            yield Piece("plain", "[]" if isinstance(value, list) else "{}")
        case list() | dict() if not _fits(value):
            yield from _lines(value, depth)
        case list() | dict():
            yield from _inline(value, depth)
        case _:
            yield from _plain(value)


def _plain(value: Any) -> Iterator[Piece]:
    match value:
        case Hidden():
            yield Piece("hidden", str(value))
        case str():
            yield Piece("text", _dumped(value[:_LONGEST_TEXT]))
            if len(value) > _LONGEST_TEXT:
                yield Piece("more", f"… {len(value) - _LONGEST_TEXT:,} characters more")
        case None | True | False:
            yield Piece("constant", _dumped(value))
        case _:
            yield Piece("number", _dumped(value)[:_LONGEST_TEXT])


def _fits(value: list[Any] | dict[str, Any]) -> bool:
    """Whether a collection of plain values is short enough for one line."""
    if len(value) > _MOST_INLINE:
        return False
    members = [*value, *value.values()] if isinstance(value, dict) else value
    if any(isinstance(member, list | dict) and member for member in members):
        return False
    return sum(len(str(member)) + 4 for member in members) <= _LONGEST_INLINE


def _inline(value: list[Any] | dict[str, Any], depth: int) -> Iterator[Piece]:
    yield Piece("plain", "[" if isinstance(value, list) else "{")
    for place, (key, member) in enumerate(_members(value)):
        if place:
            yield Piece("plain", ", ")
        yield from _member(key, member, depth)
    yield Piece("plain", "]" if isinstance(value, list) else "}")


def _lines(value: list[Any] | dict[str, Any], depth: int) -> Iterator[Piece]:
    indent = "\n" + _STEP * (depth + 1)
    yield Piece("plain", "[" if isinstance(value, list) else "{")
    for place, (key, member) in enumerate(_members(value)):
        yield Piece("plain", f",{indent}" if place else indent)
        yield from _member(key, member, depth + 1)
    yield Piece("plain", "\n" + _STEP * depth + ("]" if isinstance(value, list) else "}"))


def _members(value: list[Any] | dict[str, Any]) -> Iterator[tuple[str | None, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    else:
        yield from ((None, member) for member in value)


def _member(key: str | None, member: Any, depth: int) -> Iterator[Piece]:
    if key is not None:
        yield Piece("keyword", _dumped(str(key)[:_LONGEST_TEXT]))
        yield Piece("plain", ": ")
    yield from _value(member, depth)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)

"""A record as the call that made it, in pieces that a page can colour."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from djtasks.compat import DEFAULT_TASK_QUEUE_NAME
from djtasks.formats.placeholders import Hidden
from djtasks.models import TaskRecord

_LONGEST_TEXT = 200
_MOST_ITEMS = 8
_MOST_ARGUMENTS = 50
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """A bit of code. `kind`: name, plain, keyword, text, number, constant, hidden or more."""

    kind: str
    text: str


def call_of(row: TaskRecord, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Piece]:
    """Return the call of a record with these (redacted) arguments; long values are cut."""
    pieces = [Piece("name", row.task_path.rpartition(".")[2])]
    options = _options(row)
    if options:
        pieces += [Piece("plain", ".using("), *_joined(options), Piece("plain", ")")]
    pieces.append(Piece("plain", ".enqueue("))
    given = list(islice(_given(args, kwargs), _MOST_ARGUMENTS))
    left = len(args) + len(kwargs) - len(given)
    if left:
        given.append([Piece("more", f"… {left:,} more")])
    return [*pieces, *_joined(given), Piece("plain", ")")]


def pieces_of(args: Sequence[Any], kwargs: dict[str, Any], *, longest: int) -> list[Piece]:
    """Return only the (redacted) arguments, cut after `longest` characters."""
    pieces: list[Piece] = []
    length = 0
    for piece in _joined(_given(args, kwargs)):
        if length + len(piece.text) > longest:
            return [*pieces, Piece("more", "…")]
        pieces.append(piece)
        length += len(piece.text)
    return pieces


def _given(args: Sequence[Any], kwargs: dict[str, Any]) -> Iterator[list[Piece]]:
    for value in args:
        yield list(_value(value, 0))
    for name, value in kwargs.items():
        yield [Piece("keyword", f"{name}="), *_value(value, 0)]


def _options(row: TaskRecord) -> list[list[Piece]]:
    options: dict[str, Any] = {}
    if row.queue != DEFAULT_TASK_QUEUE_NAME:
        options["queue_name"] = row.queue
    if row.priority:
        options["priority"] = row.priority
    return [[Piece("keyword", f"{name}="), *_value(value, 0)] for name, value in options.items()]


def _joined(parts: Iterable[Sequence[Piece]]) -> Iterator[Piece]:
    for number, part in enumerate(parts):
        if number:
            yield Piece("plain", ", ")
        yield from part


def _value(value: Any, depth: int) -> Iterator[Piece]:
    match value:
        case Hidden():
            yield Piece("hidden", str(value))
        case str():
            yield from _text(value)
        case None | True | False:
            yield Piece("constant", repr(value))
        case int() | float():
            yield Piece("number", repr(value))
        case list():
            yield from _collection(
                "[]", [list(_value(one, depth + 1)) for one in _few(value, depth)], value
            )
        case dict():
            shown = _few(list(value.items()), depth)
            inner = [
                [*_text(str(key)), Piece("plain", ": "), *_value(one, depth + 1)]
                for key, one in shown
            ]
            yield from _collection("{}", inner, value)
        case _:
            yield Piece("plain", json.dumps(value, default=str)[:_LONGEST_TEXT])


def _few(items: list[Any], depth: int) -> list[Any]:
    return items[:_MOST_ITEMS] if depth < _DEEPEST else []


def _collection(brackets: str, inner: list[list[Piece]], whole: Any) -> Iterator[Piece]:
    yield Piece("plain", brackets[0])
    left = len(whole) - len(inner)
    if left:
        inner = [*inner, [Piece("more", f"… {left:,} more")]]
    yield from _joined(inner)
    yield Piece("plain", brackets[1])


def _text(value: str) -> Iterator[Piece]:
    yield Piece("text", repr(value[:_LONGEST_TEXT]))
    if len(value) > _LONGEST_TEXT:
        yield Piece("more", f"… {len(value) - _LONGEST_TEXT:,} characters more")

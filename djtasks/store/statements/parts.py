"""Split rows with long texts into parts that fit into a statement each."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

# MariaDB refuses statements of 16 MiB; a much longer one ends its session without an answer.
_CHARACTERS_A_STATEMENT = 1_000_000

R = TypeVar("R")


def in_parts(
    rows: Iterable[R], length: Callable[[R], int], *, most: float = math.inf
) -> Iterator[list[R]]:
    """Yield the rows in their order, at most `most` and about a million characters at a time.

    `length` returns the characters of a row. A longer one is a part of its own.
    """
    part: list[R] = []
    characters = 0
    for row in rows:
        if part and (len(part) >= most or characters + length(row) > _CHARACTERS_A_STATEMENT):
            yield part
            part, characters = [], 0
        part.append(row)
        characters += length(row)
    if part:
        yield part

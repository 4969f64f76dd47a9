"""Write texts that a database may not be able to store: an emoji in utf8 of MySQL, or in LATIN1.

A refused text must neither hold up what stands beside it nor be retried for ever. It is written
with the escapes of Python's `backslashreplace`, so nothing of it is lost.
"""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import DatabaseError

from djtasks.store.errors import DatabaseFailure, classify

logger = logging.getLogger("djtasks.store")

T = TypeVar("T")


def escaped(text: str) -> str:
    """Return text that every character set can store."""
    return text.encode("ascii", "backslashreplace").decode()


def escaped_json(text: str) -> str:
    """Return JSON text whose strings every character set can store.

    Not by the escapes of JSON: PostgreSQL's jsonb converts those to characters.
    """
    return json.dumps(_escaped_value(json.loads(text)))


def _escaped_value(value: Any) -> Any:
    match value:
        case str():
            return escaped(value)
        case list():
            return [_escaped_value(one) for one in value]
        case dict():
            return {escaped(key): _escaped_value(one) for key, one in value.items()}
    return value


def write_each(
    write: Callable[[Sequence[T]], object],
    items: Sequence[T],
    *,
    escape: Callable[[T], T],
) -> None:
    """Write items together; if the database refuses one of their texts, write each by itself.

    A refused item is written escaped. If the database refuses this too, it is logged and left
    out. Raises any other DatabaseError; then some items may be written.
    """
    if is_written(write, items):
        return
    for item in items:
        if not is_written(write, [item]) and not is_written(write, [escape(item)]):
            logger.error("Refused by the database and left out item=%s", type(item).__name__)


def is_written(write: Callable[[Sequence[T]], object], items: Sequence[T]) -> bool:
    """Write items; return False if the database refuses a value in them."""
    try:
        write(items)
    except DatabaseError as error:
        if classify(error) is not DatabaseFailure.REFUSED:
            raise
        return False
    return True
